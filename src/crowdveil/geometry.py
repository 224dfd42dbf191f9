"""Boxes as arrays: overlap, growth, clipping and rounding.

Every box is `x0, y0, x1, y1` in pixels of the upright picture, half-open. Rounding happens
only here, and always outwards: a pixel too many costs nothing. Knows nothing of pixels'
values, files or faces.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Boxes: TypeAlias = NDArray[np.float32]
"""(n, 4) float32 `x0, y0, x1, y1`."""

Box: TypeAlias = tuple[float, float, float, float]
"""One box, `x0, y0, x1, y1`."""

PixelBoxes: TypeAlias = NDArray[np.int32]
"""(n, 4) int32 `x0, y0, x1, y1`, clipped to the picture."""

SizeWH: TypeAlias = tuple[int, int]
"""Width and height in pixels, both >= 1."""


def area_px(boxes: Boxes) -> NDArray[np.float32]:
    """Areas of (n, 4) boxes in square pixels, (n,) float32; an inverted box has area 0."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def pairwise_intersection(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """Areas shared by every box of `a` (n, 4) and of `b` (m, 4): (n, m) float32."""
    # One axis at a time: (n, m, 2) arrays would double the memory of a large crowd.
    shared = _shared_length(a[:, 0], a[:, 2], b[:, 0], b[:, 2])
    shared *= _shared_length(a[:, 1], a[:, 3], b[:, 1], b[:, 3])
    return shared


def _shared_length(
    near_a: NDArray[np.float32],
    far_a: NDArray[np.float32],
    near_b: NDArray[np.float32],
    far_b: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Lengths that n and m intervals of a line share, (n, m), 0 where they do not meet."""
    length = np.minimum(far_a[:, None], far_b[None])
    length -= np.maximum(near_a[:, None], near_b[None])
    return np.maximum(length, 0, out=length)


def pairwise_iou(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every box of `a` (n, 4) and of `b` (m, 4): (n, m), 0-1."""
    shared = pairwise_intersection(a, b)
    union = area_px(a)[:, None] + area_px(b)[None, :] - shared
    shared /= np.maximum(union, 1e-9, out=union)
    return shared


def cover(boxes: Boxes, size_wh: SizeWH, *, scale: float = 1.0) -> PixelBoxes:
    """Grow boxes about their centres and round them outwards to whole pixels.

    Args:
        boxes: (n, 4) float32 `x0, y0, x1, y1`, pixels of the upright picture, half-open,
            `x0 < x1`, `y0 < y1`; may reach outside the picture; n may be 0.
        size_wh: width and height of the picture in pixels, both >= 1.
        scale: new side over old side, >= 1; 1.3 makes a box 1.3 times as wide.

    Returns:
        (n, 4) int32 in the same order, clipped; a box wholly outside comes back empty.

    Raises:
        ValueError: wrong shape, an inverted or non-finite box, or `scale` below 1.

    >>> cover(np.array([[150, 60, 205, 110]], np.float32), (200, 100), scale=1.3).tolist()
    [[141, 52, 200, 100]]
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes must have shape (n, 4), not {boxes.shape}")
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
        raise ValueError("every box must be finite with x0 < x1 and y0 < y1")
    if scale < 1:
        raise ValueError(f"scale must be at least 1, not {scale}")
    centre = (boxes[:, 2:].astype(np.float64) + boxes[:, :2]) / 2
    half = (boxes[:, 2:].astype(np.float64) - boxes[:, :2]) / 2 * scale
    limit = np.array(size_wh, np.float64)
    near = np.clip(np.floor(centre - half), 0, limit)
    far = np.clip(np.ceil(centre + half), 0, limit)
    return np.concatenate([near, far], axis=1).astype(np.int32)
