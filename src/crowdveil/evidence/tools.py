"""Detectors and recognisers of one check.

Options come in; finders, watches and embedders go out, the same for all files and safe to ask from
several threads, with the hashes of all weights that were used.
"""

from threading import Lock

from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.evidence.attackers import load_attackers
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.moving import SENSITIVE
from crowdveil.evidence.options import CheckOptions
from crowdveil.recognise.embedder import Embedder
from crowdveil.watching import Watch


class Tools:
    """Detectors and recognisers; used by several threads.

    Attributes:
        witnesses: programs of others that look for leaks.
        attackers: the recognisers, none if the attacks are left out.
    """

    def __init__(self, options: CheckOptions, witnesses: Witnesses) -> None:
        """Load them; what is wrong with weights is said before any work begins."""
        self._options, self.witnesses, self._lock = options, witnesses, Lock()
        self._detectors = load_detectors()
        self._finder: FaceFinder | None = None
        self._landmarks: LandmarkFinder | None = None
        self.attackers: tuple[Embedder, ...] = ()
        self.finder()
        if not options.quick:
            self.attackers = load_attackers(options.attackers)

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
        """Name and hash of everything that was used."""
        used = dict(self.finder().weights)
        used |= {one.recogniser.name: one.recogniser.sha256 for one in self.attackers}
        return used
