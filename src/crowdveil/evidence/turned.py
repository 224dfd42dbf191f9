"""Looks for faces in a picture that stand on their side or on their head.

A picture and a finder come in; faces in the picture's own pixels go out. Detectors see upright
faces, so the picture is turned before them; what a turned picture shows by chance is
told by a second look at its mirror image. Upright faces are left to `residual`.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import FaceFinder
from crowdveil.geometry import Boxes, pairwise_iou
from crowdveil.media.picture import RGB

GLANCED_PX = 640
"""Longer side at which a picture is turned in a quick check: a tenth of the time."""

LEAST_PX = 24.0
"""Longer side of the smallest face that is taken for one: smaller shapes look like anything."""

LIKELY_FROM, SURE_FROM = 0.65, 0.8
"""Probability in both looks from which a face that is not upright is worth a look, and from
which it is certain: turned, knees and folds look more like faces than faces do."""

_AT_MOST = 0.64
"""Probability that is given to what is likely and not certain."""

_LOOKED_FROM = 0.15
_QUARTERS = (1, 2, 3)
_SAME_IOU = 0.3


def faces_at_angles(
    picture: RGB,
    finder: FaceFinder,
    worth: Callable[[Boxes], NDArray[np.bool_]],
    *,
    quick: bool,
) -> tuple[Boxes, NDArray[np.float32]]:
    """Faces that lie or are upside down.

    Args:
        picture: (h, w, 3) uint8.
        finder: looks at each turned picture.
        worth: of (n, 4) boxes in pixels of the picture, which could be findings at all.
        quick: whether to look at a reduced picture.

    Returns:
        (n, 4) float32 boxes and (n,) float32 probabilities, the lesser of both looks,
        below what counts as exposed where they are not certain.
    """
    height, width = picture.shape[:2]
    scale = min(GLANCED_PX / max(height, width), 1.0) if quick else 1.0
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    boxes, probability = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
    for quarters in _QUARTERS:
        turned = np.ascontiguousarray(np.rot90(picture, quarters))
        back = _Back(quarters, (turned.shape[1], turned.shape[0]), 1 / scale)
        faces = _look(turned, finder, lambda found, back=back: worth(back.boxes(found)))  # type: ignore[misc]
        likely = faces.probability >= LIKELY_FROM
        likely &= (back.boxes(faces.boxes)[:, 2:] - back.boxes(faces.boxes)[:, :2]).max(
            axis=1, initial=0
        ) >= LEAST_PX
        faces = faces.take(np.asarray(likely))
        if not len(faces):
            continue
        mirror = np.ascontiguousarray(turned[:, ::-1])
        again = _look(mirror, finder, lambda found: np.ones(len(found), np.bool_))
        there = again.boxes.copy()
        there[:, [0, 2]] = turned.shape[1] - again.boxes[:, [2, 0]]
        second = np.where(
            pairwise_iou(faces.boxes, there) >= _SAME_IOU, again.probability[None], 0
        ).max(axis=1, initial=0)
        boxes.append(back.boxes(faces.boxes))
        both = np.minimum(faces.probability, second)
        both = np.where(both >= SURE_FROM, both, np.minimum(both, _AT_MOST))
        probability.append(both.astype(np.float32))
    return np.concatenate(boxes), np.concatenate(probability)


def _look(picture: RGB, finder: FaceFinder, worth: Callable[[Boxes], NDArray[np.bool_]]) -> Faces:
    guesses = finder.guess(picture)
    doubt = finder.in_doubt(guesses) & (guesses.probability >= _LOOKED_FROM)
    doubt[doubt] = worth(guesses.candidates.boxes[doubt])
    return finder.add_custom(picture, finder.judge(picture, guesses, doubt))


class _Back:
    """Takes boxes of a turned picture to the picture itself."""

    def __init__(self, quarters: int, turned_wh: tuple[int, int], scale: float) -> None:
        self._quarters, self._turned_wh, self._scale = quarters, turned_wh, scale

    def boxes(self, found: Boxes) -> Boxes:
        """(n, 4) as they lie in the picture; it was turned anticlockwise."""
        x0, y0, x1, y1 = found.reshape(-1, 4).T
        width, height = self._turned_wh
        if self._quarters == 1:
            x0, y0, x1, y1 = height - y1, x0, height - y0, x1
        elif self._quarters == 2:
            x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
        else:
            x0, y0, x1, y1 = y0, width - x1, y1, width - x0
        return np.stack([x0, y0, x1, y1], axis=1).astype(np.float32) * np.float32(self._scale)
