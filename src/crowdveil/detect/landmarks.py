"""Finds the five landmarks of faces whose boxes are known: eyes, nose, corners of the mouth.

A picture and boxes come in, points for each box go out, with the score of what was seen there;
where nothing is seen, the points are where they lie in an average face's box. For alignment in
evidence and audits; finding the faces themselves is left to `finder`.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.detector import Detector
from crowdveil.detect.engine import cores
from crowdveil.detect.finder import load_detectors
from crowdveil.detect.sightings import Sightings
from crowdveil.detect.warp import warped
from crowdveil.geometry import Boxes, pairwise_iou
from crowdveil.media.picture import RGB

Points: TypeAlias = NDArray[np.float32]
"""(5, 2) float32 `x, y` in pixels of the upright picture: the eye on the left of the picture,
the other eye, the tip of the nose, the corner of the mouth on the left, the other corner."""

AVERAGE_FACE = np.array(
    [[0.27, 0.37], [0.72, 0.37], [0.49, 0.57], [0.31, 0.74], [0.69, 0.73]], np.float32
)
"""(5, 2) where the landmarks of a face lie in its box, 0-1 from its upper left corner; means over
the faces of LFW as `FaceFinder` boxes them (bench/reidentify.py --landmarks)."""

SURE = 0.5
"""The first detector is believed from this score on; below it the surer of the two."""

_DETECTORS = ("yunet", "centerface")
_CROP_PX = 160
_FACE_PX = 72.0
"""Geometric mean of a face's sides in the crop that is looked at."""
_MIN_SCORE = 0.1
_SAME_FACE_IOU = 0.25
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The landmarks of n faces, n may be 0.

    Attributes:
        points: (n, 5, 2) float32, each as `Points`.
        scores: (n,) float32, how sure the detector was, 0-1; 0 where nothing was seen and the
            points are those of an average face.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]


class LandmarkFinder:
    """The built-in detectors, used for their landmarks; one object serves many threads."""

    def __init__(self, detectors: Mapping[str, Detector] | None = None) -> None:
        """Take the detectors that `finder.load_detectors` gave, or load them if None."""
        self._detectors = load_detectors() if detectors is None else detectors
        self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="crowdveil-landmarks")

    def find(self, picture: RGB, boxes: Boxes) -> Landmarks:
        """The landmarks of the faces in (n, 4) boxes of one picture, as `find_each`."""
        return self.find_each([picture] * len(boxes), boxes)

    def find_each(self, pictures: Sequence[RGB], boxes: Boxes) -> Landmarks:
        """The landmarks of n faces, each in a picture of its own.

        Args:
            pictures: n pictures, (h, w, 3) uint8 RGB, upright; one may come several times.
            boxes: (n, 4) float32 `x0, y0, x1, y1`, each in pixels of its picture.
        """
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        found = Landmarks(average_points(boxes), np.zeros(len(boxes), np.float32))
        frames = [_frame(box) for box in boxes.astype(np.float64)]
        waiting = list(range(len(boxes)))
        for name in _DETECTORS:
            batches = [waiting[at : at + _BATCH] for at in range(0, len(waiting), _BATCH)]
            seen = self._pool.map(
                lambda batch, name=name: self._see(name, pictures, frames, batch), batches
            )
            for face, sightings in zip(
                waiting, (one for part in seen for one in part), strict=True
            ):
                _keep_better_in(found, face, sightings, boxes[face])
            waiting = [face for face in waiting if found.scores[face] < SURE]
        return found

    def _see(
        self,
        name: str,
        pictures: Sequence[RGB],
        frames: Sequence[NDArray[np.float64]],
        batch: Sequence[int],
    ) -> list[Sightings]:
        """What a detector sees around some of the faces, in pixels of their pictures."""
        # A network is prepared anew for every new batch size, so there are only these two.
        count = 1 if len(batch) == 1 else _BATCH
        crops = np.zeros((count, _CROP_PX, _CROP_PX, 3), np.uint8)
        for k, face in enumerate(batch):
            crops[k] = warped(pictures[face], frames[face], _CROP_PX)
        seen = self._detectors[name].see(crops, min_score=_MIN_SCORE)
        there = []
        for sightings, face in zip(seen, batch, strict=False):
            zoom = 1 / float(frames[face][0, 0])
            shift_x, shift_y = frames[face][:, 2]
            there.append(sightings.moved((zoom, zoom), (-shift_x * zoom, -shift_y * zoom)))
        return there


def _frame(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) matrix that brings a face's box to the middle of the crop, in its size."""
    width, height = np.maximum(box[2:] - box[:2], 1.0)
    scale = _FACE_PX / np.sqrt(width * height)
    x, y = (box[:2] + box[2:]) / 2
    return np.array(
        [[scale, 0, _CROP_PX / 2 - scale * x], [0, scale, _CROP_PX / 2 - scale * y]], np.float64
    )


def _keep_better_in(found: Landmarks, face: int, seen: Sightings, box: NDArray[np.float32]) -> None:
    """Put the sighting that best fits a box into `found`, unless what is there is surer."""
    if not len(seen):
        return
    overlap = pairwise_iou(seen.boxes, box[None])[:, 0]
    worth = np.where(overlap >= _SAME_FACE_IOU, seen.scores * overlap, 0)
    best = int(worth.argmax())
    if worth[best] > 0 and seen.scores[best] > found.scores[face]:
        found.scores[face] = seen.scores[best]
        found.points[face] = seen.landmarks[best]


def average_points(boxes: Boxes) -> NDArray[np.float32]:
    """Where the landmarks of average faces lie in (n, 4) boxes: (n, 5, 2) float32."""
    corner, size = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    return np.asarray(corner + AVERAGE_FACE * size, np.float32)
