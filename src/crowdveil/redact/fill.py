"""What could be seen in a hole if nothing were there: the surroundings, ever further out of focus.

A window's samples and the weight of each come in; samples with weight 0 are never looked
at. Out comes a field that meets the surroundings at the hole's edge, blurred by a pixel or
two, and grows smoother with every pixel inwards, so that neither edges nor streaks reach
far into the hole. Grain, and writing into the picture, are left to others.

The method is the pull-push pyramid of Gortler et al. (1996), The Lumigraph, SIGGRAPH,
section 3.5, over normalised convolutions (Knutsson and Westin 1993, CVPR, 515-523).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import Samples

Field = NDArray[np.float32]
"""(h, w, c) float32 in units of the samples."""

_TRUST = 0.4
"""Share of known samples, 0-1, at which a level of the pyramid is believed outright. Lower
lets sharper surroundings reach further in, higher rounds the fill off sooner."""

_STRIP_PX = 1 << 20
"""Pixels of the full-size window that are held as floats at a time."""

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
        above = max(start // 2 - 1, 0)
        below = min(-(-stop // 2) + 1, len(self.half))
        bottom = min(2 * below, self.height)
        strip = _up(self.half[above:below], bottom - 2 * above, self.width)
        return strip[start - 2 * above : stop - 2 * above]


def fill(samples: Samples, weight: NDArray[np.float32]) -> Fill:
    """Fill what is unknown in a window from what is known.

    Args:
        samples: (h, w, c) uint8 or uint16.
        weight: (h, w) float32, 0-1; 0 where a sample is unknown. What such a sample holds
            has no influence at all on the result.

    Returns:
        A field within the range of the known samples; mid grey if there are none.
    """
    height, width, channels = samples.shape
    pyramid = [_first_level(samples, weight)]
    while pyramid[-1][..., -1].min() < _TRUST and max(pyramid[-1].shape[:2]) > 1:
        pyramid.append(_down(pyramid[-1]))
    top = pyramid.pop()
    middle = np.float32(np.iinfo(samples.dtype).max / 2)
    field = np.where(top[..., -1:] > _NOTHING, _means(top), middle)
    for level in reversed(pyramid):
        field = _refined(level, field)
    return Fill(field, height, width)


def strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut a window into runs of rows (start, stop) small enough to hold as floats.

    Every start is even.
    """
    rows = max(2, _STRIP_PX // max(width, 1) // 2 * 2)
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _first_level(samples: Samples, weight: NDArray[np.float32]) -> Field:
    """Half-size sums of weighted samples, with the sum of the weights as the last channel."""
    height, width, channels = samples.shape
    half = np.empty(_halved((height, width, channels + 1)), np.float32)
    for start, stop in strips(height, width):
        top, bottom = max(start - 2, 0), min(stop + 2, height)
        weighted = np.empty((bottom - top, width, channels + 1), np.float32)
        weighted[..., -1] = weight[top:bottom]
        np.multiply(
            samples[top:bottom], weighted[..., -1:], out=weighted[..., :-1], dtype=np.float32
        )
        rows = _down(weighted)
        half[start // 2 : -(-stop // 2)] = rows[(start - top) // 2 :][: -(-(stop - start) // 2)]
    return half


def _refined(level: Field, coarser: Field) -> Field:
    """The samples of a level where they are known, the coarser field where they are not."""
    field = _up(coarser, *level.shape[:2])
    trust = np.minimum(level[..., -1:] * np.float32(1 / _TRUST), 1)
    trust = trust * trust * (3 - 2 * trust)
    own = _means(level)
    own -= field
    own *= trust
    own += field
    return own


def _means(level: Field) -> Field:
    return level[..., :-1] / np.maximum(level[..., -1:], _NOTHING)


def _down(field: Field) -> Field:
    return cv2.pyrDown(field).reshape(_halved(field.shape))  # OpenCV drops a lone channel


def _up(field: Field, height: int, width: int) -> Field:
    return cv2.pyrUp(field, dstsize=(width, height)).reshape(height, width, field.shape[2])


def _halved(shape: tuple[int, ...]) -> tuple[int, ...]:
    return -(-shape[0] // 2), -(-shape[1] // 2), shape[2]
