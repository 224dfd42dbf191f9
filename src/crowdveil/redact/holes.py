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


def holes_of(outlines: Outlines, size_wh: SizeWH, *, grid_px: int = 1) -> Sequence[Hole]:
    """The holes that the outlines leave in a picture.

    Args:
        outlines: any number of masks; those wholly outside the picture make no hole.
        size_wh: width and height of the picture in pixels.
        grid_px: the surroundings of a hole are grown until they begin and end at multiples
            of it, or at the border of the picture.

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
    # One hole after the other: each label begins where `firsts` says.
    order = np.argsort(member, kind="stable")
    firsts = np.searchsorted(member[order], np.arange(1, count))
    near = np.minimum.reduceat(bounds[order, :2], firsts)
    far = np.maximum.reduceat(bounds[order, 2:], firsts)
    # An outline may be far larger than the picture; the ring follows what is visible of it.
    depth_px = (bounds[:, 2:] - bounds[:, :2]).min(axis=1)
    ring_px = np.ceil(np.maximum.reduceat(depth_px[order], firsts) * _RING)
    ring_px = np.clip(ring_px, *_RING_PX).astype(np.int64)[:, None]
    outer_near = np.maximum(near - ring_px, 0) // grid_px * grid_px
    outer_far = np.minimum(-(-(far + ring_px) // grid_px) * grid_px, size_wh)
    reaching = (bounds[:, :2] < outer_far[:, None]) & (bounds[:, 2:] > outer_near[:, None])
    neighbours = np.asarray(reaching.all(axis=2))
    windows, arounds = _windows(near, far), _windows(outer_near, outer_far)
    return [
        Hole(
            window=windows[i],
            around=arounds[i],
            outlines=outlines.select(members),
            neighbours=outlines.select(np.flatnonzero(neighbours[i])),
        )
        for i, members in enumerate(np.split(order, firsts[1:]))
    ]


def grounds_of(holes: Sequence[Hole], *, start_px: int) -> list[tuple[Window, list[Hole]]]:
    """Which holes are filled in one go: windows over their surroundings, at little cost.

    Args:
        holes: the holes of one picture.
        start_px: what it costs to begin another window, in pixels of a larger one.

    Returns:
        Windows, each with its holes; every hole is in exactly one.
    """
    grounds: list[tuple[Window, list[Hole]]] = []
    for hole in holes:
        joined = [_joined(window, hole.around) for window, _ in grounds]
        more_px = [
            _area_px(wide) - _area_px(window)
            for wide, (window, _) in zip(joined, grounds, strict=True)
        ]
        best = min(range(len(grounds)), key=more_px.__getitem__, default=-1)
        if best < 0 or more_px[best] > start_px + _area_px(hole.around):
            grounds.append((hole.around, [hole]))
        else:
            grounds[best] = joined[best], [*grounds[best][1], hole]
    return grounds


def _joined(a: Window, b: Window) -> Window:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area_px(window: Window) -> int:
    return (window[2] - window[0]) * (window[3] - window[1])


def _cell_bounds(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([bounds[:, :2] // CELL_PX, -(-bounds[:, 2:] // CELL_PX)], axis=1)


def _windows(near: NDArray[np.int64], far: NDArray[np.int64]) -> list[Window]:
    return [
        (x0, y0, x1, y1) for (x0, y0), (x1, y1) in zip(near.tolist(), far.tolist(), strict=True)
    ]
