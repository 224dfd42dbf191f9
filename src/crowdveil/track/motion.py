"""How the picture moved from one frame to the next, and whether what a box held is still there.

Small grey views of neighbouring frames come in; boxes go from one frame to the other and
back. Boxes are pixels of the full upright picture throughout. Knows nothing of faces.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.picture import RGB

FLOW_PX = 320
"""Longest side at which motion is measured: half a millisecond a frame, and a pixel here is
four of 1280, which sightings and likeness put right."""

SAMPLES = 5
"""Motion of a box is the median of so many by so many points inside it."""

_REACH = np.linspace(-0.7, 0.7, SAMPLES, dtype=np.float32)
_POINTS = np.stack(np.meshgrid(_REACH, _REACH), axis=-1).reshape(-1, 2)
"""Where these lie, in halves of the box: the inner part, as at the rim the surroundings move."""

MOST_ZOOM = 1.15
"""Greatest change of size from one frame to the next that is believed."""

SEARCH_PX = 3
"""How far from the predicted place a box's content is looked for, in pixels of a view."""

LEAST_LIKENESS = 0.5
"""Likeness below which nothing is concluded about the place."""

LEAST_WINDOW_PX = 5
"""Narrower parts of a box say nothing, in pixels of a view."""

LEAST_PATCH_PX = 12
"""Smaller boxes are compared with some of their surroundings, in pixels of a view."""

MOST_PATCH_PX = 48
"""Larger boxes are compared at a reduced size, in pixels of a view."""

VISIBLE = 0.35
"""Share of a box inside the picture below which its content has left."""

CUT_LIKENESS = 0.45
"""Likeness of two whole pictures, motion undone, below which the shot has changed."""


@dataclass(frozen=True, slots=True)
class View:
    """One frame, small and grey.

    Attributes:
        grey: (h, w) uint8, for comparing.
        coarse: (h', w') uint8, longest side `FLOW_PX`, for motion.
        size_wh: size of the full upright picture in pixels.
    """

    grey: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    size_wh: SizeWH

    @classmethod
    def of(cls, small: RGB, size_wh: SizeWH) -> "View":
        """The view of a frame whose picture at a reduced size is `small`."""
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        scale = min(FLOW_PX / max(grey.shape), 1)
        size = max(round(grey.shape[1] * scale), 16), max(round(grey.shape[0] * scale), 16)
        coarse = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        return cls(grey, coarse, size_wh)


class Step:
    """The way from one frame to the next."""

    def __init__(self, before: View, after: View) -> None:
        """Measure the motion between two views of one size."""
        self._views = before, after
        self._flow = _flow(before.coarse, after.coarse)
        self._camera = _camera(self._flow)

    @property
    def cut(self) -> bool:
        """Whether another shot begins with the second frame."""
        before, after = (view.coarse for view in self._views)
        # Every other pixel of every other row tells as much.
        flow, after = self._flow[::2, ::2], np.ascontiguousarray(after[::2, ::2])
        y, x = np.indices(after.shape, np.float32) * 2
        source = x - flow[..., 0], y - flow[..., 1]
        moved = cv2.remap(before, *source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return _likeness(np.asarray(moved, np.uint8), after) < CUT_LIKENESS

    def carry(self, boxes: Boxes, *, back: bool = False, camera: bool = False) -> Boxes:
        """Where n boxes of the first frame are in the second.

        Args:
            boxes: (n, 4).
            back: from the second frame to the first instead.
            camera: follow the camera alone, not what moves inside the boxes.

        Returns:
            (n, 4) float32.
        """
        if len(boxes) == 0:
            return boxes
        height, width = self._flow.shape[:2]
        scale = np.array([width, height], np.float32) / np.array(self._views[0].size_wh, np.float32)
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2 * scale
        half = (boxes[:, 2:] - boxes[:, :2]) / 2
        matrix = cv2.invertAffineTransform(self._camera) if back else self._camera
        zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        zoom = min(max(zoom, 1 / MOST_ZOOM), MOST_ZOOM)
        if camera:
            moved = centre @ matrix[:, :2].T + matrix[:, 2]
        else:
            reach = np.asarray(half * scale, np.float32)
            moved = centre + self._motion(np.asarray(centre, np.float32), reach, back=back)
        moved = moved / scale
        return np.concatenate([moved - half * zoom, moved + half * zoom], axis=1).astype(np.float32)

    def _motion(
        self, centre: NDArray[np.float32], half: NDArray[np.float32], *, back: bool
    ) -> NDArray[np.float32]:
        """Median motion within each box, (n, 2), all in pixels of the flow."""
        height, width = self._flow.shape[:2]
        points = centre[:, None] + half[:, None] * _POINTS

        def at(points: NDArray[np.float32]) -> NDArray[np.float32]:
            last = np.array([width - 1, height - 1], np.float32)
            x, y = np.moveaxis(np.rint(np.minimum(np.maximum(points, 0), last)), -1, 0)
            middle = SAMPLES**2 // 2
            flow = self._flow[y.astype(np.intp), x.astype(np.intp)]
            return np.partition(flow, middle, axis=1)[:, middle]

        if not back:
            return at(points)
        # The flow is known where things came from: go back by it, and look again there.
        first = at(points)
        return -at(points - first[:, None])

    def match(
        self, old: Boxes, new: Boxes, *, back: bool = False
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Look for the content of n boxes of one frame near their places in the other.

        Args:
            old: (n, 4), where they are in the first frame (in the second if `back`).
            new: (n, 4), where they should be in the other.
            back: as for `carry`.

        Returns:
            (n, 4) float32, `new` put right where the content was found, and (n,) float32, how
            alike the content is, up to 1; 0 where the box has left the picture.
        """
        here, there = self._views[::-1] if back else self._views
        scale = here.grey.shape[1] / here.size_wh[0]
        windows = _windows(old * scale, new * scale, here.grey.shape)
        found, alike = new.copy(), np.zeros(len(new), np.float32)
        shift = np.zeros((len(new), 2), np.float32)
        for k in np.flatnonzero(windows.visible).tolist():
            shift[k], alike[k] = _match(here.grey, there.grey, windows, k)
        sure = alike >= LEAST_LIKENESS
        found[sure] += np.tile(shift[sure] / np.float32(scale), 2)
        return found, alike


def _flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    empty = np.zeros((*before.shape, 2), np.float32)
    return np.asarray(method.calc(before, after, empty), np.float32)


def _camera(flow: NDArray[np.float32]) -> NDArray[np.float64]:
    """The similarity that most of the picture follows, (2, 3), in pixels of the flow."""
    some = flow[4::8, 4::8].reshape(-1, 2)
    height, width = flow.shape[:2]
    y, x = np.mgrid[4:height:8, 4:width:8]
    points = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
    matrix, _ = cv2.estimateAffinePartial2D(
        points, points + some, method=cv2.RANSAC, ransacReprojThreshold=1.0, maxIters=200
    )
    if matrix is None or not np.isfinite(matrix).all():
        shift = np.median(some, axis=0)
        return np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    return np.asarray(matrix, np.float64)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Which parts of two views n boxes are compared in; pixels of the views.

    Attributes:
        visible: (n,) bool, whether enough is inside the picture to be compared at all.
        here, there: (n, 2) upper left corners in the first and the second view.
        size: (n, 2) width and height in both.
        off: (n, 2) float64, how far `there` lies from where it was asked for.
    """

    visible: NDArray[np.bool_]
    here: NDArray[np.intp]
    there: NDArray[np.intp]
    size: NDArray[np.intp]
    off: NDArray[np.float64]


def _windows(old: Boxes, new: Boxes, shape: tuple[int, ...]) -> _Windows:
    """The same part of both boxes: what neither picture border cuts off."""
    limit = np.array([shape[1], shape[0]], np.float64)
    side = np.maximum(old[:, 2:] - old[:, :2], 1e-3)
    inside = np.minimum(new[:, 2:], limit) - np.maximum(new[:, :2], 0)
    whole = np.maximum(new[:, 2:] - new[:, :2], 1e-3)
    visible = np.maximum(inside, 0).prod(axis=1) >= VISIBLE * whole.prod(axis=1)
    half = np.maximum(side, LEAST_PATCH_PX) / 2
    centre, target = (old[:, :2] + old[:, 2:]) / 2, (new[:, :2] + new[:, 2:]) / 2
    low = np.maximum(np.maximum(-half, -centre), SEARCH_PX - target)
    high = np.minimum(np.minimum(half, limit - centre), limit - target - SEARCH_PX)
    size = np.maximum(np.floor(high - low), 0).astype(np.intp)
    here = np.floor(centre + low).astype(np.intp)
    there = np.rint(here + target - centre).astype(np.intp)
    there = np.maximum(np.minimum(there, limit.astype(np.intp) - size - SEARCH_PX), SEARCH_PX)
    visible &= size.min(axis=1, initial=LEAST_WINDOW_PX) >= LEAST_WINDOW_PX
    return _Windows(visible, here, there, size, there - here - (target - centre))


def _match(
    here: NDArray[np.uint8], there: NDArray[np.uint8], windows: _Windows, k: int
) -> tuple[NDArray[np.float64], float]:
    """How far from its place the content of window k lies, (2,) pixels, and how alike it is."""
    (x0, y0), (x1, y1), (width, height) = (
        part[k].tolist() for part in (windows.here, windows.there, windows.size)
    )
    patch = here[y0 : y0 + height, x0 : x0 + width]
    field = there[y1 - SEARCH_PX : y1 + height + SEARCH_PX, x1 - SEARCH_PX : x1 + width + SEARCH_PX]
    step = max(max(width, height) // MOST_PATCH_PX, 1)
    if step > 1:
        same = field[SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX]
        alike = _likeness(*(np.ascontiguousarray(part[::step, ::step]) for part in (patch, same)))
        if alike > 0.9:
            return np.zeros(2), alike
        patch, field = (
            np.asarray(
                cv2.resize(part, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA),
                np.uint8,
            )
            for part in (patch, field)
        )
    scores = cv2.matchTemplate(field, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(scores)
    if not np.isfinite(best):
        return np.zeros(2), 0.0
    rows, columns = scores.shape
    moved = np.array([x - (columns - 1) / 2, y - (rows - 1) / 2])
    return moved * step + windows.off[k], float(best)


def _likeness(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Correlation of two pictures of one size, -1 to 1; flat pictures are alike."""
    if a.shape != b.shape or a.size == 0:
        return 0.0
    score = float(cv2.matchTemplate(a, b, cv2.TM_CCOEFF_NORMED)[0, 0])
    return score if np.isfinite(score) else 1.0
