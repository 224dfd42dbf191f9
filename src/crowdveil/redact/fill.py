"""What could be seen in a hole if nothing were there: the surroundings, ever further out of focus.

A window's samples come in, and which of them are unknown; those are never looked at. Out
comes a field that meets the surroundings at the hole's edge, blurred by a pixel or
two, and grows smoother with every pixel inwards, so that neither edges nor streaks reach
far into the hole. Grain, and writing into the picture, are left to others.

The method is the pull-push pyramid of Gortler et al. (1996), The Lumigraph, SIGGRAPH,
section 3.5, over normalised convolutions (Knutsson and Westin 1993, CVPR, 515-523).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import Samples
from crowdveil.redact.masks import Mask

Field: TypeAlias = NDArray[np.float32]
"""(h, w, c) float32 in units of the samples."""

_TRUST = 0.4
"""Share of known samples, 0-1, at which a level of the pyramid is believed outright. Lower
lets sharper surroundings reach further in, higher rounds the fill off sooner."""

_STRIP_PX = 1 << 16
"""Pixels of the full-size window that are held as floats at a time: fits in a core's cache."""

_TRANSPARENT = np.float32(1 / 4096)
"""Weight of the colour of a wholly transparent pixel: it counts only among its like."""

_NOTHING = 1e-6
"""Weight below which a sample of the pyramid is made of nothing but rounding errors."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A finished fill, kept at half size so that a window of 100 megapixels fits in memory.

    Attributes:
        half: (ceil(h / 2), ceil(w / 2), c) float32.
        height: rows of the window.
        width: columns of the window.
    """

    half: Field
    height: int
    width: int

    def rows(self, start: int, stop: int) -> Field:
        """The fill of rows `start` to `stop` of the window, (stop - start, w, c) float32."""
        return _up(self.half, start, stop, (self.height, self.width))


def fill(samples: Samples, unknown: Mask, opacity: Samples | None = None) -> Fill:
    """Fill what is unknown in a window from what is known.

    Args:
        samples: (h, w, c) uint8 or uint16.
        unknown: (h, w) bool; what such a pixel holds has no influence at all on the result.
        opacity: (h, w) of the dtype of `samples`, or None if all pixels are opaque. The
            more transparent a pixel, the less it counts.

    Returns:
        A field within the range of the known samples; mid grey if there are none.
    """
    height, width = unknown.shape
    pyramid = [_first_level(samples, unknown, opacity)]
    while pyramid[-1].weight.min() < _TRUST and max(pyramid[-1].weight.shape) > 1:
        pyramid.append(_Level(_down(pyramid[-1].sums), _down(pyramid[-1].weight)))
    top = pyramid.pop()
    middle = np.float32(np.iinfo(samples.dtype).max / 2)
    nothing = (top.weight <= _NOTHING)[..., None]
    field: Field = np.where(nothing, middle, _means(top.sums, top.weight))
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


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of the pyramid: weighted sums (h, w, c) and the sums of the weights (h, w)."""

    sums: Field
    weight: NDArray[np.float32]


def _first_level(samples: Samples, unknown: Mask, opacity: Samples | None) -> _Level:
    """The level of half the window's size."""
    height, width, channels = samples.shape
    half = _halved(height), _halved(width)
    level = _Level(np.empty((*half, channels), np.float32), np.empty(half, np.float32))
    for start, stop in strips(height, width):
        # Two rows more on either side than the strip, which the filter looks at.
        top, bottom = max(start - 2, 0), min(stop + 2, height)
        weight = (~unknown[top:bottom]).astype(np.float32)
        if opacity is not None:
            share = opacity[top:bottom] * np.float32(1 / np.iinfo(samples.dtype).max)
            weight *= _TRANSPARENT + (1 - _TRANSPARENT) * share
        planes = [
            cv2.multiply(
                np.ascontiguousarray(samples[top:bottom, :, channel]), weight, dtype=cv2.CV_32F
            )
            for channel in range(channels)
        ]
        sums = cv2.merge(planes).reshape(bottom - top, width, channels)
        target = slice(start // 2, _halved(stop))
        source = slice((start - top) // 2, (start - top) // 2 + _halved(stop) - start // 2)
        level.sums[target] = _down(np.asarray(sums, np.float32))[source]
        level.weight[target] = _down(weight)[source]
    return level


def _refined(level: _Level, coarser: Field) -> Field:
    """A level's means where they are known, the coarser field where not; overwrites the level."""
    height, width = level.weight.shape
    for start, stop in strips(height, width):
        weight = level.weight[start:stop]
        trust = np.minimum(weight * np.float32(1 / _TRUST), 1)
        trust *= trust * (3 - 2 * trust)
        field = _up(coarser, start, stop, (height, width))
        means = _means(level.sums[start:stop], weight)
        means -= field
        means *= _spread(trust, like=field)
        np.add(means, field, out=level.sums[start:stop])
    return level.sums


def _means(sums: Field, weight: NDArray[np.float32]) -> Field:
    return sums / _spread(np.maximum(weight, np.float32(_NOTHING)), like=sums)


def _spread(plane: NDArray[np.float32], *, like: Field) -> Field:
    """A plane (h, w) once for every channel: NumPy is slow at broadcasting a last axis."""
    return np.asarray(cv2.merge([plane] * like.shape[2]), np.float32).reshape(like.shape)


def _down(field: NDArray[np.float32]) -> NDArray[np.float32]:
    shape = _halved(field.shape[0]), _halved(field.shape[1]), *field.shape[2:]
    return np.asarray(cv2.pyrDown(field), np.float32).reshape(shape)  # a lone channel is dropped


def _up(half: Field, start: int, stop: int, full_hw: tuple[int, int]) -> Field:
    """Rows `start` to `stop` of a field of size `full_hw`, from the field of half its size."""
    height, width = full_hw
    above = max(start // 2 - 1, 0)
    below = min(_halved(stop) + 1, len(half))
    bottom = min(2 * below, height)
    strip = cv2.pyrUp(half[above:below], dstsize=(width, bottom - 2 * above))
    rows = np.asarray(strip, np.float32).reshape(-1, width, half.shape[2])
    return rows[start - 2 * above : stop - 2 * above]


def _halved(length: int) -> int:
    return -(-length // 2)
