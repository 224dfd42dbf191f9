"""Detectors of one check.

Options come in; finders and watches go out, the same for all files and safe to ask from several
threads, with the hashes of all weights that were used.
"""

from collections.abc import Callable, Mapping
from threading import Lock

from crowdveil.detect.detector import Detector
from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.detect.pulse import with_pulse
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.moving import SENSITIVE
from crowdveil.evidence.options import CheckOptions
from crowdveil.watching import Watch


class Tools:
    """Detectors; used by several threads.

    Attributes:
        witnesses: programs of others that look for leaks.
    """

    def __init__(
        self, options: CheckOptions, witnesses: Witnesses, beat: Callable[[], None]
    ) -> None:
        """Prepare; each is loaded when it is first needed.

        Args:
            options: of the check.
            witnesses: programs of others.
            beat: called, on any thread, each time that a detector has seen something.
        """
        self._options, self.witnesses, self._lock, self._beat = options, witnesses, Lock(), beat
        self._loaded: Mapping[str, Detector] | None = None
        self._finder: FaceFinder | None = None
        self._landmarks: LandmarkFinder | None = None

    @property
    def _detectors(self) -> Mapping[str, Detector]:
        if self._loaded is None:
            self._loaded = with_pulse(load_detectors(), self._beat)
            self._beat()
        return self._loaded

    def finder(self) -> FaceFinder:
        """What finds the faces of one picture."""
        with self._lock:
            if self._finder is None:
                self._finder = FaceFinder(
                    caution=self._options.caution,
                    detector=self._options.detector,
                    detectors=self._detectors,
                )
            return self._finder

    def watch(self) -> Watch:
        """What follows faces through frames; a new one each time, as it keeps what it saw."""
        return Watch(
            caution=self._options.caution,
            detector=self._options.detector,
            detectors=self._detectors,
            policy=SENSITIVE,
        )

    def landmarks(self) -> LandmarkFinder:
        """What finds eyes, nose and mouth."""
        if self._landmarks is None:
            self._landmarks = LandmarkFinder(self._detectors)
        return self._landmarks

    def weights(self) -> dict[str, str]:
        """Name and hash of the detectors."""
        return dict(self.finder().weights)
