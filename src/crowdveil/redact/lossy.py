"""Mosaic and blur, for those who ask for them by name: what they draw is made of the face.

Both scale with the face, so that a face near the camera is as coarse as one far away. What
leaks is told in `look.LOSSY_WARNING`.
"""

import math
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


def grid_block_px(face_px: float) -> int:
    """Side of a block for `pixelated_on_grid` in pixels: at least a fifth of a face.

    One of 4, 8, 12, 16, 24, 32, 48 and so on, so that it rarely changes while a face grows,
    and fits the samples of any plane.
    """
    least = max(face_px / _BLOCKS, 2.0) / 4
    octave = 1 << max(math.ceil(math.log2(least)), 0)
    between = octave * 3 // 4
    return 4 * (between if octave >= 4 and between >= least else octave)


def pixelated_on_grid(samples: Samples, *, block_wh: tuple[int, int]) -> Samples:
    """Means over blocks that begin at the window's first sample and may run past its last.

    On a grid that does not move with the face, a video gives an attacker fewer different
    means of it than if every frame had a grid of its own.

    Args:
        samples: (h, w, 1) uint8 or uint16, a window whose first sample lies on the grid.
        block_wh: width and height of a block in samples.
    """
    height, width = samples.shape[:2]
    blocks_wh = -(-width // block_wh[0]), -(-height // block_wh[1])
    whole_wh = blocks_wh[0] * block_wh[0], blocks_wh[1] * block_wh[1]
    more_wh = whole_wh[0] - width, whole_wh[1] - height
    whole = cv2.copyMakeBorder(samples, 0, more_wh[1], 0, more_wh[0], cv2.BORDER_REPLICATE)
    means = cv2.resize(whole, blocks_wh, interpolation=cv2.INTER_AREA)
    blocks: NDArray[Any] = cv2.resize(means, whole_wh, interpolation=cv2.INTER_NEAREST)
    return blocks[:height, :width, None]


def blurred(samples: Samples, *, face_px: float, step_xy: tuple[int, int] = (1, 1)) -> Samples:
    """A Gaussian blur a quarter of a face wide (standard deviation).

    Args:
        samples: (h, w, c) uint8 or uint16, the window to blur, with its surroundings.
        face_px: shorter side of the largest face in it.
        step_xy: pixels for each sample, across and down.
    """
    height, width = samples.shape[:2]
    longest_px = float(max(height * step_xy[1], width * step_xy[0]))
    sigma_px = min(max(face_px * _SIGMA, 1.0), longest_px)
    across, down = sigma_px / step_xy[0], sigma_px / step_xy[1]
    shrink_x, shrink_y = max(int(across / _ENOUGH_PX), 1), max(int(down / _ENOUGH_PX), 1)
    small = _resized(samples, (-(-width // shrink_x), -(-height // shrink_y)), cv2.INTER_AREA)
    smooth = _channelwise(
        small,
        lambda plane: cv2.GaussianBlur(
            plane, (0, 0), sigmaX=across / shrink_x, sigmaY=down / shrink_y
        ),
    )
    return _resized(smooth, (width, height), cv2.INTER_LINEAR)


def _resized(samples: Samples, size_wh: tuple[int, int], interpolation: int) -> Samples:
    return _channelwise(
        samples, lambda plane: cv2.resize(plane, size_wh, interpolation=interpolation)
    )


def _channelwise(samples: Samples, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Samples:
    # One by one, because OpenCV resizes no more than four channels at a time.
    planes = [change(np.ascontiguousarray(plane)) for plane in np.moveaxis(samples, 2, 0)]
    return np.stack(planes, axis=2)
