"""Cuts a turned, scaled square out of a picture: what alignment and a closer look have in common.

Which square is for the caller to say. Knows nothing of faces.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import RGB


def warped(picture: RGB, matrix: NDArray[np.float64], side_px: int) -> RGB:
    """A square of a picture under a similarity, (side, side, 3) uint8, black where it ends.

    Args:
        picture: (h, w, 3) uint8 RGB.
        matrix: (2, 3) from pixels of the picture to pixels of the square.
        side_px: side of the square.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        # Bilinear sampling looks at four pixels only: a large face would turn into grit.
        shrink = int(1 / scale)
        height, width = picture.shape[:2]
        small_wh = max(width // shrink, 1), max(height // shrink, 1)
        picture = np.asarray(cv2.resize(picture, small_wh, interpolation=cv2.INTER_AREA), np.uint8)
        back = np.diag([width / small_wh[0], height / small_wh[1], 1.0])
        back[0, 2], back[1, 2] = back[0, 0] / 2 - 0.5, back[1, 1] / 2 - 0.5
        matrix = matrix @ back
    return np.asarray(
        cv2.warpAffine(picture, matrix, (side_px, side_px), flags=cv2.INTER_LINEAR), np.uint8
    )
