"""Detectors that say each time that they have seen something.

A large photo keeps detectors busy for minutes; whoever waits must be able to tell that from a
network that never ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.detector import Detector
from crowdveil.detect.sightings import Sightings


def with_pulse(detectors: Mapping[str, Detector], beat: Callable[[], None]) -> dict[str, Detector]:
    """The same detectors, which call `beat`, on any thread, after each batch of pictures."""
    return {name: _WithPulse(detector, beat) for name, detector in detectors.items()}


@dataclass(frozen=True, slots=True)
class _WithPulse:
    """One such detector."""

    detector: Detector
    beat: Callable[[], None]

    @property
    def name(self) -> str:
        """As `Detector.name`."""
        return self.detector.name

    def see(self, batch: NDArray[np.uint8], *, min_score: float) -> list[Sightings]:
        """As `Detector.see`."""
        seen = self.detector.see(batch, min_score=min_score)
        self.beat()
        return seen

    def rest(self) -> None:
        """As `Detector.rest`."""
        self.detector.rest()
