"""Turns the planes of a stored frame into RGB at any size, as detectors want to see it.

Planes are resized before colours are converted, so that the work follows the size that is
asked for. The conversion is what the frame's own colour tags say.
Source of the coefficients: ITU-R BT.601, BT.709 and BT.2020.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.media.picture import RGB
from crowdveil.media.video.clip import Plane

_LUMA = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Share of red and blue in brightness, by the number of the colour matrix (BT.709, BT.2020)."""

_LUMA_601 = (0.299, 0.114)

_HIGH_DEFINITION_PX = 720
"""Rows from which untagged video is taken for BT.709, as players do."""


def rgb_of(planes: Sequence[Plane], size_wh: SizeWH, colour_matrix: int) -> RGB:
    """The stored picture in colour.

    Args:
        planes: of brightness alone, or of brightness and two colour differences.
        size_wh: the size to resample to.
        colour_matrix: number of the matrix by ITU-T H.273, 2 if the file does not say.

    Returns:
        (h, w, 3) uint8.
    """
    scaled = [_resized(plane, size_wh) for plane in planes]
    light = planes[0]
    if len(planes) == 1:
        scaled = scaled * 3
        table = np.hstack([np.eye(3) * _stretch(light), np.full((3, 1), _lift(light))])
    else:
        shares = _LUMA.get(colour_matrix)
        if shares is None:
            rows = light.samples.shape[0]
            untagged = colour_matrix == 2 and rows >= _HIGH_DEFINITION_PX
            shares = _LUMA[1] if untagged else _LUMA_601
        table = _table(shares, light.limited)
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
