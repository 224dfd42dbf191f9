"""Mosaic and blur, for those who ask for them by name: what they draw is made of the face.

Both scale with the face, so that a face near the camera is as coarse as one far away. What
leaks is told in `look.LOSSY_WARNING`.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import Samples

_BLOCKS = 5
"""Blocks of `mosaic` across the shorter side of a face."""

_SIGMA = 0.25
"""Standard deviation of `blur` over the shorter side of a face."""

_ENOUGH_PX = 4.0
"""A blur this wide loses nothing visible by being computed at a reduced size."""


def pixelated(samples: Samples, *, face_px: float) -> Samples:
    """Means over blocks a fifth of a face wide, or wider so that whole blocks fit.

    Args:
        samples: (h, w, c) uint8 or uint16, the window to pixelate.
        face_px: shorter side of the largest face in it.
    """
    height, width = samples.shape[:2]
    block_px = max(face_px / _BLOCKS, 2.0)
    blocks_wh = max(int(width / block_px), 1), max(int(height / block_px), 1)
    means = _resized(samples, blocks_wh, cv2.INTER_AREA)
    return _resized(means, (width, height), cv2.INTER_NEAREST)


def blurred(samples: Samples, *, face_px: float) -> Samples:
    """A Gaussian blur a quarter of a face wide (standard deviation).

    Args:
        samples: (h, w, c) uint8 or uint16, the window to blur, with its surroundings.
        face_px: shorter side of the largest face in it.
    """
    height, width = samples.shape[:2]
    sigma_px = min(max(face_px * _SIGMA, 1.0), float(max(height, width)))
    shrink = max(int(sigma_px / _ENOUGH_PX), 1)
    small_wh = -(-width // shrink), -(-height // shrink)
    small = _resized(samples, small_wh, cv2.INTER_AREA)
    smooth = _channelwise(small, lambda plane: cv2.GaussianBlur(plane, (0, 0), sigma_px / shrink))
    return _resized(smooth, (width, height), cv2.INTER_LINEAR)


def _resized(samples: Samples, size_wh: tuple[int, int], interpolation: int) -> Samples:
    return _channelwise(
        samples, lambda plane: cv2.resize(plane, size_wh, interpolation=interpolation)
    )


def _channelwise(samples: Samples, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Samples:
    # One by one, because OpenCV resizes no more than four channels at a time.
    planes = [change(np.ascontiguousarray(plane)) for plane in np.moveaxis(samples, 2, 0)]
    return np.stack(planes, axis=2)
