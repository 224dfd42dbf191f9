"""Brings the levels of a copy to those of its original: brightness, contrast, gamma, colours.

Two pictures that lie alike come in, with the places that are known to show the same; the copy
comes out as it would look with the original's levels. What was swapped, inverted or lost its
colours is fitted too. Where pixels lie is left to `registration`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import RGB

_SAME = 4.0
"""Median difference of levels, out of 255, up to which nothing is done."""

_MOST = 40_000
"""Pixels from which the fit is made at most."""

_AT_ONCE = 1 << 18
"""Pixels that are levelled at once, which bounds the memory."""

_RIDGE = 1e-3
"""Keeps the fit steady where the places have few colours."""

_OFF = 12.0
"""Difference of levels at which a pixel counts half in the fit: veils and what was painted."""

_GREY = 2.0
"""Mean difference between the channels up to which a picture has no colours."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How the levels of a copy become those of its original.

    Attributes:
        factors: (t, 3) float64 that make the original's levels of the table of the copy's, None
            where they are the same already.
        grey: whether the copy has no colours while the original has.
    """

    factors: NDArray[np.float64] | None
    grey: bool = False

    def original(self, picture: RGB) -> RGB:
        """The original as it can be compared: without colours if the copy has none."""
        return _without_colours(picture) if self.grey else picture

    def copy(self, picture: RGB) -> RGB:
        """The copy with the original's levels."""
        if self.factors is None:
            return picture
        flat = picture.reshape(-1, 3)
        out = np.empty_like(flat)
        for start in range(0, len(flat), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            out[part] = np.clip(np.rint(_table(flat[part]) @ self.factors), 0, 255)
        return out.reshape(picture.shape)


def fit_levels(original: RGB, copy: RGB, places: NDArray[np.float64], reach_px: float) -> Levels:
    """Find how the levels of a copy become those of its original.

    Args:
        original: (h, w, 3) uint8.
        copy: the same size, lying alike.
        places: (k, 2) float64, centres of squares that show the same in both.
        reach_px: half a side of these squares.
    """
    a, b = _samples(original, copy, places, reach_px)
    if not len(a):
        return Levels(None)
    # Most of a photo may be nearly grey, and its faces not.
    grey = _is_grey(b) and not _is_grey(a)
    if not grey and float(np.median(np.abs(a - b))) <= _SAME:
        return Levels(None)
    if grey:
        a, b = _samples(_without_colours(original), copy, places, reach_px)
    return Levels(_fit(a, b), grey)


def _without_colours(picture: RGB) -> RGB:
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _samples(
    original: RGB, copy: RGB, places: NDArray[np.float64], reach_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels of both at the places, (n, 3) each."""
    # Smoothed, so that saving anew and half a pixel of shift matter little.
    smooth = [cv2.GaussianBlur(one, (0, 0), 1.5) for one in (original, copy)]
    height, width = original.shape[:2]
    rows: tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]] = ([], [])
    each = max(_MOST // max(len(places), 1), 16)
    for x, y in places.tolist():
        here = (
            slice(max(int(y - reach_px), 0), min(int(y + reach_px) + 1, height)),
            slice(max(int(x - reach_px), 0), min(int(x + reach_px) + 1, width)),
        )
        for part, picture in zip(rows, smooth, strict=True):
            square = np.asarray(picture[here], np.uint8).reshape(-1, 3)
            part.append(square[:: max(len(square) // each, 1)])
    if not rows[0]:
        return np.empty((0, 3), np.float32), np.empty((0, 3), np.float32)
    return np.concatenate(rows[0]).astype(np.float32), np.concatenate(rows[1]).astype(np.float32)


def _is_grey(samples: NDArray[np.float32]) -> bool:
    return float((samples.max(axis=1) - samples.min(axis=1)).mean()) <= _GREY


def _fit(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Factors that make `a` of the table of `b`, (t, 3); what is far off counts less."""
    table = _table(b)
    ridge = _RIDGE * len(table) * np.eye(table.shape[1])
    ridge[0, 0] = 0
    weight: NDArray[np.float64] = np.ones(len(table), np.float64)
    factors: NDArray[np.float64] = np.zeros((table.shape[1], 3), np.float64)
    for _ in range(4):
        weighted = table * weight[:, None]
        solved = np.linalg.solve(weighted.T @ table + ridge, weighted.T @ a)
        factors = np.asarray(solved, np.float64)
        off = np.abs(table @ factors - a).max(axis=1)
        weight = np.asarray(1 / (1 + (off / _OFF) ** 2), np.float64)
    return factors


def _table(samples: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of (n, 3) levels what is fitted with: themselves, their squares and cubes, and 1."""
    x = samples.astype(np.float64) / 127.5 - 1
    return np.concatenate([np.ones((len(x), 1)), x, x**2, x**3], axis=1)
