"""Looks at each candidate again: cropped so that it has the size detectors like best.

Candidates' boxes and the picture come in; for every view (zoom, detector, mirror image) the
score and box of what the detector sees where the candidate is go out. Deciding is left to
`fusion`.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.detector import Detector
from crowdveil.detect.sightings import Sightings
from crowdveil.geometry import Boxes, pairwise_iou
from crowdveil.media.picture import RGB

BATCHES = (1, 2, 4, 8)
"""How many crops are inferred at once; more gains nothing. A network is prepared anew for
every new batch size, so there are only these few."""
MIN_SCORE = 0.02
"""Lowest score a second look reports; below it every crop is full of noise."""
SAME_FACE_IOU = 0.25
"""A sighting in the crop belongs to the candidate from this overlap on."""


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a candidate.

    Attributes:
        detector: its name.
        crop_px: side of the square crop, a multiple of the detector's stride.
        face_px: geometric mean of the candidate's sides within the crop.
        mirrored: whether the crop is flipped left to right.
    """

    detector: str
    crop_px: int
    face_px: float
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """What v views saw of n candidates.

    Attributes:
        scores: (n, v) float32, best score near the candidate, 0 where nothing was seen.
        boxes: (n, v, 4) float32 in pixels of the picture; the candidate's own where nothing.
        landmarks: (n, v, 5, 2) float32 in pixels of the picture; 0 where nothing.
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def moved(self, scale: NDArray[np.float64]) -> "Looks":
        """The same in a picture that is `scale` (x, y) times as large."""
        factor = scale.astype(np.float32)
        return Looks(self.scores, self.boxes * np.tile(factor, 2), self.landmarks * factor)


def look(
    picture: RGB,
    boxes: Boxes,
    views: Sequence[View],
    detectors: Mapping[str, Detector],
    *,
    pool: Executor,
) -> Looks:
    """Look at every candidate in every view.

    Args:
        picture: (h, w, 3) uint8 RGB.
        boxes: (n, 4) float32 candidates; n may be 0.
        views: the views, in the order of the result's second axis.
        detectors: by the names that the views use.
        pool: runs the batches side by side.
    """
    most = BATCHES[-1]
    batches = [boxes[start : start + most] for start in range(0, len(boxes), most)]
    parts = list(pool.map(lambda batch: _look(picture, batch, views, detectors), batches))
    parts.append(_nothing(boxes[:0], len(views)))
    return Looks(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
    )


def windows(boxes: Boxes, views: Sequence[View]) -> Boxes:
    """The parts of the picture that a look at n boxes takes in, (n, 4) float32."""
    zoom = max(view.crop_px / view.face_px for view in views)
    centre, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    reach = np.sqrt(np.maximum(sides, 0).prod(axis=1, keepdims=True)) * zoom / 2 + 2
    return np.concatenate([centre - reach, centre + reach], axis=1).astype(np.float32)


def _nothing(boxes: Boxes, views: int) -> Looks:
    """Looks of `views` views that saw none of the boxes."""
    n = len(boxes)
    return Looks(
        np.zeros((n, views), np.float32),
        np.repeat(boxes[:, None], views, axis=1).astype(np.float32),
        np.zeros((n, views, 5, 2), np.float32),
    )


def _look(
    picture: RGB, boxes: Boxes, views: Sequence[View], detectors: Mapping[str, Detector]
) -> Looks:
    """Look at one batch of candidates."""
    looks = _nothing(boxes, len(views))
    cut: dict[tuple[int, float], tuple[NDArray[np.uint8], NDArray[np.float64]]] = {}
    for v, view in enumerate(views):
        key = (view.crop_px, view.face_px)
        if key not in cut:
            cut[key] = _crops(picture, boxes, view.crop_px, view.face_px)
        crops, frames = cut[key]
        batch = np.ascontiguousarray(crops[:, :, ::-1]) if view.mirrored else crops
        seen = detectors[view.detector].see(batch, min_score=MIN_SCORE)[: len(boxes)]
        for k, sightings in enumerate(seen):
            there = sightings.mirrored(view.crop_px) if view.mirrored else sightings
            zoom, x0, y0 = frames[k]
            here = there.moved((zoom, zoom), (x0, y0))
            best = _nearest(here, boxes[k])
            if best is not None:
                looks.scores[k, v] = here.scores[best]
                looks.boxes[k, v] = here.boxes[best]
                looks.landmarks[k, v] = here.landmarks[best]
    return looks


def _nearest(seen: Sightings, box: NDArray[np.float32]) -> int | None:
    """Index of the sighting that best matches the candidate, if any overlaps it enough."""
    if len(seen) == 0:
        return None
    overlap = pairwise_iou(seen.boxes, box[None])[:, 0]
    worth = np.where(overlap >= SAME_FACE_IOU, seen.scores * overlap, 0)
    best = int(worth.argmax())
    return best if worth[best] > 0 else None


def _crops(
    picture: RGB, boxes: Boxes, crop_px: int, face_px: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Square crops about boxes, and for each its (picture pixels per crop pixel, x0, y0).

    There are as many crops as the next of `BATCHES`; those past the last box are black, as is
    what lies outside the picture.
    """
    count = next(batch for batch in BATCHES if batch >= len(boxes))
    crops = np.zeros((count, crop_px, crop_px, 3), np.uint8)
    frames = np.zeros((len(boxes), 3), np.float64)
    for k, (x0, y0, x1, y1) in enumerate(boxes.astype(np.float64)):
        side = crop_px * max(np.sqrt((x1 - x0) * (y1 - y0)), 1.0) / face_px
        # Whole pixels, so that the crop is a plain resize of a window.
        whole = max(int(np.ceil(side)), 2)
        left, top = int(np.floor((x0 + x1 - side) / 2)), int(np.floor((y0 + y1 - side) / 2))
        frames[k] = whole / crop_px, left, top
        _paste_into(crops[k], picture, left, top, whole)
    return crops, frames


def _paste_into(crop: NDArray[np.uint8], picture: RGB, left: int, top: int, whole: int) -> None:
    """Resize the square window of `whole` pixels at `left, top` into a square crop."""
    height, width = picture.shape[:2]
    ratio = len(crop) / whole
    x0, x1 = max(left, 0), min(left + whole, width)
    y0, y1 = max(top, 0), min(top + whole, height)
    if x1 <= x0 or y1 <= y0:
        return
    to_x0, to_x1 = round((x0 - left) * ratio), round((x1 - left) * ratio)
    to_y0, to_y1 = round((y0 - top) * ratio), round((y1 - top) * ratio)
    if to_x1 <= to_x0 or to_y1 <= to_y0:
        return
    crop[to_y0:to_y1, to_x0:to_x1] = cv2.resize(
        picture[y0:y1, x0:x1],
        (to_x1 - to_x0, to_y1 - to_y0),
        interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR,
    )
