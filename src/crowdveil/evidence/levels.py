"""Brings the levels of a copy to those of its original: brightness, contrast, gamma, colours.

Two pictures that lie alike come in, with the places that are known to show the same; the copy
comes out as it would look with the original's levels. What was swapped, inverted or lost its
colours is fitted too. Where pixels lie is left to `registration`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import RGB

_SAME = 4.0
"""Median difference of levels, out of 255, up to which nothing is done."""

_MOST = 40_000
"""Pixels from which the fit is made at most."""

_RIDGE = 1e-3
"""Keeps the fit steady where the places have few colours."""

_OFF = 12.0
"""Difference of levels at which a pixel counts half in the fit: veils and what was painted."""

_GREY = 2.0
"""Mean difference between the channels up to which a picture has no colours."""


def levelled(
    original: RGB, copy: RGB, places: NDArray[np.float64], reach_px: float
) -> tuple[RGB, RGB, bool]:
    """The original and the copy with the same levels.

    Args:
        original: (h, w, 3) uint8.
        copy: the same size, lying alike.
        places: (k, 2) float64, centres of squares that show the same in both.
        reach_px: half a side of these squares.

    Returns:
        The original, grey if the copy has no colours while it has; the copy; and whether
        anything had to be done.
    """
    a, b = _samples(original, copy, places, reach_px)
    if not len(a) or float(np.median(np.abs(a - b))) <= _SAME:
        return original, copy, False
    if _is_grey(b) and not _is_grey(a):
        grey = cv2.cvtColor(original, cv2.COLOR_RGB2GRAY)
        original = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
        a, b = _samples(original, copy, places, reach_px)
    factors = _fit(a, b)
    flat = copy.reshape(-1, 3)
    out = np.empty_like(flat)
    for start in range(0, len(flat), 1 << 18):  # in parts, as the table is large
        part = slice(start, start + (1 << 18))
        out[part] = np.clip(np.rint(_table(flat[part]) @ factors), 0, 255)
    return original, out.reshape(copy.shape), True


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
    weight = np.ones(len(table), np.float64)
    factors = np.zeros((table.shape[1], 3))
    for _ in range(4):
        weighted = table * weight[:, None]
        factors = np.linalg.solve(weighted.T @ table + ridge, weighted.T @ a)
        off = np.abs(table @ factors - a).max(axis=1)
        weight = np.asarray(1 / (1 + (off / _OFF) ** 2), np.float64)
    return np.asarray(factors, np.float64)


def _table(samples: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of (n, 3) levels what is fitted with: themselves, their squares and cubes, and 1."""
    x = samples.astype(np.float64) / 127.5 - 1
    return np.concatenate([np.ones((len(x), 1)), x, x**2, x**3], axis=1)
