"""What one detector saw in one picture: boxes, scores and landmarks as parallel arrays.

The raw material of fusion; scores of different detectors and scales do not mean the same.
Knows nothing of networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Boxes


@dataclass(frozen=True, slots=True)
class Sightings:
    """Candidate faces of one detector in one picture, n may be 0.

    Attributes:
        boxes: (n, 4) float32 `x0, y0, x1, y1`, pixels of the upright picture, half-open.
        scores: (n,) float32, the detector's own confidence, 0-1.
        landmarks: (n, 5, 2) float32 `x, y`: eyes, nose, corners of the mouth.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def __len__(self) -> int:
        """How many sightings there are."""
        return len(self.scores)

    @classmethod
    def none(cls) -> "Sightings":
        """Nothing seen."""
        return cls(
            np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 5, 2), np.float32)
        )

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Sightings":
        """The sightings that a boolean mask or an index array picks, in its order."""
        return Sightings(self.boxes[which], self.scores[which], self.landmarks[which])

    def moved(self, scale_xy: tuple[float, float], offset_xy: tuple[float, float]) -> "Sightings":
        """Map into another frame of reference: multiply by `scale_xy`, then add `offset_xy`."""
        scale = np.array(scale_xy, np.float32)
        offset = np.array(offset_xy, np.float32)
        return Sightings(
            self.boxes * np.tile(scale, 2) + np.tile(offset, 2),
            self.scores,
            self.landmarks * scale + offset,
        )

    def mirrored(self, width: float) -> "Sightings":
        """Undo a horizontal flip of a picture `width` pixels wide."""
        boxes = self.boxes.copy()
        boxes[:, 0], boxes[:, 2] = width - self.boxes[:, 2], width - self.boxes[:, 0]
        landmarks = self.landmarks[:, [1, 0, 2, 4, 3]].copy()
        landmarks[..., 0] = width - landmarks[..., 0]
        return Sightings(boxes, self.scores, landmarks)

    def best(self, max_iou: float) -> NDArray[np.intp]:
        """Indices of the sightings that no better one overlaps by more than `max_iou`.

        Args:
            max_iou: overlap above which the lower score goes, 0-1.

        Returns:
            (k,) indices, best first.
        """
        return strongest(self.boxes, self.scores, max_iou)

    def suppressed(self, max_iou: float) -> "Sightings":
        """The sightings that `best` picks, best first."""
        return self.take(self.best(max_iou))


def strongest(boxes: Boxes, scores: NDArray[np.float32], max_iou: float) -> NDArray[np.intp]:
    """Indices of the boxes that none of a higher score overlaps by more than `max_iou`.

    Args:
        boxes: (n, 4) float32.
        scores: (n,) float32, > 0.
        max_iou: overlap above which the lower score goes, 0-1.

    Returns:
        (k,) indices, highest score first.
    """
    if len(boxes) == 0:
        return np.empty(0, np.intp)
    xywh = boxes.astype(np.float64)
    xywh[:, 2:] -= xywh[:, :2]
    kept = cv2.dnn.NMSBoxes(xywh.tolist(), scores.tolist(), 0.0, max_iou)
    return np.asarray(kept, np.intp).reshape(-1)


def gather(parts: Sequence[Sightings]) -> Sightings:
    """All sightings of `parts` one after the other."""
    if not parts:
        return Sightings.none()
    return Sightings(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
    )
