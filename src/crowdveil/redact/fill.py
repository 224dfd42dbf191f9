"""What could be seen in a hole if nothing were there: the surroundings, ever further out of focus.

A window's samples come in, and which of them are unknown; those are never looked at. Out
comes a field that meets the surroundings at the hole's edge, blurred by a pixel or
two, and grows smoother with every pixel inwards, so that neither edges nor streaks reach
far into the hole. Grain, and writing into the picture, are left to others.

The method is the pull-push pyramid of Gortler et al. (1996), The Lumigraph, SIGGRAPH,
section 3.5, over normalised convolutions (Knutsson and Westin 1993, CVPR, 515-523).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.redact.masks import Mask, Window

Field: TypeAlias = NDArray[np.float32]
"""(h, w, c) float32 in units of the samples."""

Channel: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
"""(h, w) samples of one channel, in any layout of memory."""

_Floats: TypeAlias = NDArray[np.float32]
"""(h, w) float32."""

_Merged: TypeAlias = NDArray[np.float32]
"""Channels as OpenCV merges them: (h, w, c) float32, but (h, w) if there is only one."""

_TRUST = 0.4
"""Share of known samples, 0-1, at which a level of the pyramid is believed outright. Lower
lets sharper surroundings reach further in, higher rounds the fill off sooner."""

_STRIP_PX = 1 << 16
"""Pixels of the full-size window that are held as floats at a time: fits in a core's cache."""

_TRANSPARENT = np.float32(1 / 4096)
"""Weight of the colour of a wholly transparent pixel: it counts only among its like."""

_NOTHING = np.float32(1e-6)
"""Weight below which a sample of the pyramid is made of nothing but rounding errors."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A finished fill, kept at half size so that a window of 100 megapixels fits in memory.

    Attributes:
        half: (ceil(h / 2), ceil(w / 2)) float32, with a third axis for several channels.
        height: rows of the window.
        width: columns of the window.
    """

    half: _Merged
    height: int
    width: int

    def rows(self, start: int, stop: int) -> Field:
        """The fill of rows `start` to `stop` of the window, (stop - start, w, c) float32."""
        return self.part((0, start, self.width, stop))

    def part(self, part: Window) -> Field:
        """The fill of a part of the window, counted from its corner, (h, w, c) float32."""
        field = _up(self.half, (self.width, self.height), part)
        return field.reshape(*field.shape[:2], -1)


def fill(
    channels: Sequence[Channel], unknown: Mask, opacity: Channel | None = None, *, blank: float
) -> Fill:
    """Fill what is unknown in a window from what is known.

    Args:
        channels: any number of (h, w) uint8 or uint16; each is filled by itself.
        unknown: (h, w) bool; what such a pixel holds has no influence at all on the result.
        opacity: (h, w) of the dtype of `channels` and its full range, or None if all pixels
            are opaque. The more transparent a pixel, the less it counts.
        blank: the result where nothing at all is known, in units of the samples.

    Returns:
        A field within the range of the known samples.
    """
    height, width = unknown.shape
    pyramid = [_first_level(channels, unknown, opacity)]
    while pyramid[-1].weight.min() < _TRUST and max(pyramid[-1].weight.shape) > 1:
        finest = pyramid[-1]
        pyramid.append(_Level(_down(finest.sums), _down(finest.weight)))
    top = pyramid.pop()
    nothing = _spread(top.weight, like=top.sums) <= _NOTHING
    field = np.where(nothing, np.float32(blank), _means(top.sums, top.weight))
    while pyramid:
        field = _refined(pyramid.pop(), field)
    return Fill(field, height, width)


def strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut a window into runs of rows (start, stop) small enough to hold as floats.

    Every start is even.
    """
    rows = max(2, _STRIP_PX // max(width, 1) // 2 * 2)
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


class _Level(NamedTuple):
    """One level of the pyramid: weighted sums of the channels and the sum of the weights."""

    sums: _Merged
    weight: _Floats


def _first_level(channels: Sequence[Channel], unknown: Mask, opacity: Channel | None) -> _Level:
    """The level of half the window's size."""
    height, width = unknown.shape
    half = _halved(height), _halved(width)
    merged = half if len(channels) == 1 else (*half, len(channels))
    level = _Level(np.empty(merged, np.float32), np.empty(half, np.float32))
    for start, stop in strips(height, width):
        # Two rows more on either side than the strip, which the filter looks at.
        top, bottom = max(start - 2, 0), min(stop + 2, height)
        weight = (~unknown[top:bottom]).astype(np.float32)
        if opacity is not None:
            share = opacity[top:bottom] * np.float32(1 / np.iinfo(opacity.dtype).max)
            weight *= _TRANSPARENT + (1 - _TRANSPARENT) * share
        planes = [
            cv2.multiply(channel[top:bottom], weight, dtype=cv2.CV_32F) for channel in channels
        ]
        sums = np.asarray(planes[0] if len(planes) == 1 else cv2.merge(planes), np.float32)
        target = slice(start // 2, _halved(stop))
        source = slice((start - top) // 2, (start - top) // 2 + _halved(stop) - start // 2)
        level.sums[target] = _down(sums)[source]
        level.weight[target] = _down(weight)[source]
    return level


def _refined(level: _Level, coarser: _Merged) -> _Merged:
    """A level's means where they are known, the coarser field where not; overwrites the level."""
    height, width = level.weight.shape
    for start, stop in strips(height, width):
        weight = level.weight[start:stop]
        trust = weight * np.float32(1 / _TRUST)
        np.minimum(trust, 1, out=trust)
        slope = trust * -2
        slope += 3
        slope *= trust
        trust *= slope  # t * t * (3 - 2 * t)
        np.maximum(weight, _NOTHING, out=weight)
        field = _up(coarser, (width, height), (0, start, width, stop))
        means = level.sums[start:stop]
        means /= _spread(weight, like=means)
        means -= field
        means *= _spread(trust, like=means)
        means += field
    return level.sums


def _means(sums: _Merged, weight: _Floats) -> _Merged:
    return sums / _spread(np.maximum(weight, _NOTHING), like=sums)


def _spread(plane: _Floats, *, like: _Merged) -> _Merged:
    """A plane (h, w) once for every channel: NumPy is slow at broadcasting a last axis."""
    if like.ndim == 2:
        return plane
    return np.asarray(cv2.merge([plane] * like.shape[2]), np.float32).reshape(like.shape)


def _down(field: _Merged) -> _Merged:
    return np.asarray(cv2.pyrDown(field), np.float32)


def _up(half: _Merged, full_wh: SizeWH, part: Window) -> _Merged:
    """A part of a field of size `full_wh`, from the field of half its size."""
    (width, height), (x0, y0, x1, y1) = full_wh, part
    # A sample more on either side, which the filter looks at.
    left, top = max(x0 // 2 - 1, 0), max(y0 // 2 - 1, 0)
    right, bottom = min(_halved(x1) + 1, half.shape[1]), min(_halved(y1) + 1, half.shape[0])
    dstsize = min(2 * right, width) - 2 * left, min(2 * bottom, height) - 2 * top
    grown = np.asarray(cv2.pyrUp(half[top:bottom, left:right], dstsize=dstsize), np.float32)
    return grown[y0 - 2 * top : y1 - 2 * top, x0 - 2 * left : x1 - 2 * left]


def _halved(length: int) -> int:
    return -(-length // 2)
