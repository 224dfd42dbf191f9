"""Turns the planes of a stored frame into RGB at any size, as detectors want to see it.

Planes are resized before colours are converted, so that the work follows the size that is
asked for. The conversion is what the frame's own colour tags say.
Source of the coefficients: ITU-R BT.601, BT.709 and BT.2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Box, SizeWH
from crowdveil.media.picture import RGB
from crowdveil.media.video.clip import Plane

_LUMA = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Share of red and blue in brightness, by the number of the colour matrix (BT.709, BT.2020)."""

_LUMA_601 = (0.299, 0.114)

_HIGH_DEFINITION_PX = 720
"""Rows from which untagged video is taken for BT.709, as players do."""

_UNTOLD, _BT709 = 2, 1
"""Numbers of the colour matrix by ITU-T H.273."""


def matrix_of(told: int, rows: int) -> int:
    """The number of the colour matrix by ITU-T H.273, guessed by the height if it is not told."""
    return _BT709 if told == _UNTOLD and rows >= _HIGH_DEFINITION_PX else told


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stored picture.

    Attributes:
        planes: views of its samples.
        corner_xy: its upper left corner in the stored picture, in pixels.
        size_wh: in pixels of the stored picture.
    """

    planes: tuple[Plane, ...]
    corner_xy: tuple[int, int]
    size_wh: SizeWH


def part_of(planes: Sequence[Plane], box: Box) -> Part | None:
    """The least part in whole samples of every plane that holds a box, None if it lies outside."""
    across, down = (max(plane.step_xy[k] for plane in planes) for k in (0, 1))
    height, width = planes[0].samples.shape[:2]
    x0, y0 = (max(int(v // step) * step, 0) for v, step in zip(box, (across, down), strict=False))
    x1 = min(-int(-box[2] // across) * across, width)
    y1 = min(-int(-box[3] // down) * down, height)
    if x1 <= x0 or y1 <= y0:
        return None
    parts = []
    for plane in planes:
        wide, high = plane.step_xy
        rows, columns = slice(y0 // high, -(-y1 // high)), slice(x0 // wide, -(-x1 // wide))
        parts.append(replace(plane, samples=plane.samples[rows, columns]))
    return Part(tuple(parts), (x0, y0), (x1 - x0, y1 - y0))


def rgb_of(planes: Sequence[Plane], size_wh: SizeWH, colour_matrix: int) -> RGB:
    """The stored picture in colour.

    Args:
        planes: of brightness alone, or of brightness and two colour differences.
        size_wh: the size to resample to.
        colour_matrix: what `matrix_of` gave.

    Returns:
        (h, w, 3) uint8.
    """
    scaled = [_resized(plane, size_wh) for plane in planes]
    light = planes[0]
    if len(planes) == 1:
        scaled = scaled * 3
        table = np.hstack([np.eye(3) * _stretch(light), np.full((3, 1), _lift(light))])
    else:
        table = _table(_LUMA.get(colour_matrix, _LUMA_601), light.limited)
    return np.asarray(cv2.transform(cv2.merge(scaled), table), np.uint8)


def _resized(plane: Plane, size_wh: SizeWH) -> NDArray[np.uint8]:
    samples: Any = plane.samples[..., 0]
    # Halving is many times as fast as reducing by 2.5 at once, and looks no worse.
    while samples.shape[1] >= 2 * size_wh[0] and samples.shape[0] >= 2 * size_wh[1]:
        half = samples.shape[1] // 2, samples.shape[0] // 2
        samples = cv2.resize(samples, half, interpolation=cv2.INTER_AREA)
    if samples.shape[::-1] != size_wh:
        samples = cv2.resize(samples, size_wh, interpolation=cv2.INTER_LINEAR)
    if samples.dtype != np.uint8:
        samples = (samples >> (plane.full_scale.bit_length() - 8)).astype(np.uint8)
    return np.ascontiguousarray(samples)


def _stretch(light: Plane) -> float:
    return 255 / 219 if light.limited else 1.0


def _lift(light: Plane) -> float:
    return -16 * 255 / 219 if light.limited else 0.0


@lru_cache(maxsize=16)
def _table(shares: tuple[float, float], limited: bool) -> NDArray[np.float64]:
    """The (3, 4) matrix from 8-bit Y, Cb, Cr to R, G, B."""
    red, blue = shares
    green = 1 - red - blue
    light, colour = (255 / 219, 255 / 224) if limited else (1.0, 1.0)
    to_r, to_b = 2 * (1 - red) * colour, 2 * (1 - blue) * colour
    matrix = np.array([
        [light, 0, to_r],
        [light, -to_b * blue / green, -to_r * red / green],
        [light, to_b, 0],
    ])  # fmt: skip
    zero = np.array([16.0 if limited else 0.0, 128, 128])
    return np.hstack([matrix, -(matrix @ zero)[:, None]])
