"""The faces found in one picture, as parallel arrays.

The one type that detection hands on. Knows nothing of networks or of plans.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Boxes


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces of one picture in the order they were decided, n may be 0.

    Attributes:
        boxes: (n, 4) float32 `x0, y0, x1, y1`, pixels of the upright picture, half-open;
            may reach outside the picture.
        probability: (n,) float32, calibrated probability of showing a face, 0-1.
        uncertain: (n,) bool, veiled but worth a person's look.
        detectors: n tuples of the names of the detectors that saw the face.
    """

    boxes: Boxes
    probability: NDArray[np.float32]
    uncertain: NDArray[np.bool_]
    detectors: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths."""
        n = len(self.detectors)
        if self.boxes.shape != (n, 4):
            raise ValueError(f"boxes must have shape ({n}, 4), not {self.boxes.shape}")
        if self.probability.shape != (n,) or self.uncertain.shape != (n,):
            raise ValueError(f"probability and uncertain must have shape ({n},)")

    def __len__(self) -> int:
        """How many there are."""
        return len(self.detectors)

    @classmethod
    def none(cls) -> "Faces":
        """No face at all."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.bool_), ())

    def take(self, which: NDArray[np.bool_]) -> "Faces":
        """The faces that an (n,) boolean mask picks, in their order."""
        chosen = tuple(self.detectors[i] for i in np.flatnonzero(which))
        return Faces(self.boxes[which], self.probability[which], self.uncertain[which], chosen)
