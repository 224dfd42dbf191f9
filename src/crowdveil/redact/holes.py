"""Which masks are painted together: the holes that touching masks leave in a picture.

Outlines come in, holes come out, each with the window it lies in and the outlines that make
it up. Work and memory then follow the area hidden instead of the size of the photo. Knows
nothing of what the pixels show; the result depends on geometry alone, and not on the order
of the outlines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.redact.masks import Mask, Outlines, Window, mask_in

CELL_PX = 8
"""Side of the cells in which neighbourhood is judged: masks in touching cells share a hole."""

_RING = 0.35
"""Width of the surroundings looked at, over the shorter side of a hole's largest mask."""

_RING_PX = (8, 256)
"""Least and greatest such width."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Masks that touch or nearly touch.

    Attributes:
        window: the smallest window around them.
        around: the window grown by a ring of surroundings, clipped to the picture.
        outlines: the masks that make up the hole.
        neighbours: every mask of the picture that reaches into `around`, these included.
    """

    window: Window
    around: Window
    outlines: Outlines
    neighbours: Outlines

    @property
    def face_px(self) -> float:
        """Shorter side of the largest face in the hole, without the margin."""
        return float(self.outlines.face_px.max())

    def mask(self) -> Mask:
        """What the hole covers, of the size of `window`."""
        return mask_in(self.window, self.outlines)

    def unknown(self) -> Mask:
        """Every hidden pixel of `around`, other holes' too: what no fill may look at."""
        return mask_in(self.around, self.neighbours)


def occupied_cells(outlines: Outlines, size_wh: SizeWH) -> Mask:
    """The cells of `CELL_PX` pixels that a mask's bounding window reaches into.

    Returns:
        (ceil(h / CELL_PX), ceil(w / CELL_PX)) bool.
    """
    width, height = size_wh
    cells = np.zeros((-(-height // CELL_PX), -(-width // CELL_PX)), np.bool_)
    for x0, y0, x1, y1 in _cell_bounds(outlines.bounds(size_wh)).tolist():
        cells[y0:y1, x0:x1] = True
    return cells


def holes_of(outlines: Outlines, size_wh: SizeWH) -> Sequence[Hole]:
    """The holes that the outlines leave in a picture.

    Args:
        outlines: any number of masks; those wholly outside the picture make no hole.
        size_wh: width and height of the picture in pixels.

    Returns:
        Holes in reading order of their cells. Every masked pixel belongs to exactly one.
    """
    bounds = outlines.bounds(size_wh)
    inside = np.flatnonzero((bounds[:, :2] < bounds[:, 2:]).all(axis=1))
    outlines, bounds = outlines.select(inside), bounds[inside]
    if not len(outlines):
        return []
    cells = occupied_cells(outlines, size_wh).view(np.uint8)
    count, labels = cv2.connectedComponents(cells, connectivity=8)
    corners = _cell_bounds(bounds)
    member = labels[corners[:, 1], corners[:, 0]]
    groups = [np.flatnonzero(member == label) for label in range(1, count)]
    return [_hole(outlines, bounds, group, size_wh) for group in groups]


def _hole(
    outlines: Outlines, bounds: NDArray[np.int64], member: NDArray[np.intp], size_wh: SizeWH
) -> Hole:
    own, masks = bounds[member], outlines.select(member)
    near, far = own[:, :2].min(axis=0), own[:, 2:].max(axis=0)
    # An outline may be far larger than the picture; the ring follows what is visible of it.
    depth_px = (own[:, 2:] - own[:, :2]).min(axis=1).max()
    ring_px = int(np.clip(np.ceil(depth_px * _RING), *_RING_PX))
    outer_near = np.maximum(near - ring_px, 0)
    outer_far = np.minimum(far + ring_px, size_wh)
    reaching = (bounds[:, :2] < outer_far) & (bounds[:, 2:] > outer_near)
    return Hole(
        window=_window(near, far),
        around=_window(outer_near, outer_far),
        outlines=masks,
        neighbours=outlines.select(np.flatnonzero(reaching.all(axis=1))),
    )


def _cell_bounds(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([bounds[:, :2] // CELL_PX, -(-bounds[:, 2:] // CELL_PX)], axis=1)


def _window(near: NDArray[np.int64], far: NDArray[np.int64]) -> Window:
    return int(near[0]), int(near[1]), int(far[0]), int(far[1])
