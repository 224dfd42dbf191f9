"""The eight orientations of EXIF, as NumPy says them and as a file does."""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

TURNS: dict[int, Callable[[Any], Any]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
    8: np.rot90,
}
"""For each orientation what makes a picture of (h, w, ...) upright."""


def exif(orientation: int, secret: str) -> bytes:
    """An EXIF block that says how to turn the picture, and something that must not survive."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = secret
    return block.tobytes()
