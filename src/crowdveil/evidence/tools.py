"""Detectors and recognisers of one check, made when they are first needed.

Options come in; finders, watches and embedders go out, the same for all files and safe to ask from
several threads, with the hashes of all weights that were used.
"""

from threading import Lock

from crowdveil.detect.finder import FaceFinder, load_detectors
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.moving import SENSITIVE
from crowdveil.evidence.options import CheckOptions
from crowdveil.recognise.embedder import Embedder, load_embedder
from crowdveil.watching import Watch


class Tools:
    """Detectors and recognisers, made when they are first needed; used by several threads."""

    def __init__(self, options: CheckOptions, witnesses: Witnesses) -> None:
        """Load the detectors; what is wrong with weights is said before any work begins."""
        self._options, self.witnesses, self._lock = options, witnesses, Lock()
        self._detectors = load_detectors()
        self._finder: FaceFinder | None = None
        self._landmarks: LandmarkFinder | None = None
        self._embedder: Embedder | None = None
        self.finder()

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

    def embedder(self) -> Embedder:
        """The recogniser."""
        if self._embedder is None:
            self._embedder = load_embedder()
        return self._embedder

    def weights(self) -> dict[str, str]:
        """Name and hash of everything that was used."""
        used = dict(self.finder().weights)
        if self._embedder is not None:
            used[self._embedder.recogniser.name] = self._embedder.recogniser.sha256
        return used
