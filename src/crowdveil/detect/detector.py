"""What the rest of detection needs of a detector, whichever network is behind it."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.sightings import Sightings


class Detector(Protocol):
    """Finds candidate faces in pictures whose sides are multiples of 32 pixels."""

    @property
    def name(self) -> str:
        """What plans and reports call it."""
        ...

    def see(self, batch: NDArray[np.uint8], *, min_score: float) -> list[Sightings]:
        """Find candidates in every picture of a batch; safe to call from several threads.

        Args:
            batch: (n, h, w, 3) uint8 RGB, n >= 1; h and w multiples of 32.
            min_score: lowest score to return, 0-1.

        Returns:
            n sightings in pixels of their picture, best first, free of near-duplicates.
        """
        ...

    def rest(self) -> None:
        """Give back the memory that only seeing needs; nothing while another thread sees."""
        ...
