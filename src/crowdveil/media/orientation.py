"""Turns rasters upright as EXIF orientation says.

Source: CIPA DC-008 (Exif 2.32), tag 0x0112.
"""

import numpy as np
from PIL import Image

from crowdveil.media.picture import Samples

ORIENTATION_TAG = 0x0112
TRANSPOSING = frozenset({5, 6, 7, 8})
"""Orientations that swap width and height."""


def upright(samples: Samples, orientation: int) -> Samples:
    """Undo an orientation.

    Args:
        samples: (h, w, c) as stored.
        orientation: 1-8; anything else counts as 1.

    Returns:
        C-contiguous samples; (w, h, c) for orientations 5-8; the same array for 1.
    """
    match orientation:
        case 2:
            turned = samples[:, ::-1]
        case 3:
            turned = samples[::-1, ::-1]
        case 4:
            turned = samples[::-1]
        case 5:
            turned = samples.transpose(1, 0, 2)
        case 6:
            turned = samples.transpose(1, 0, 2)[:, ::-1]
        case 7:
            turned = samples.transpose(1, 0, 2)[::-1, ::-1]
        case 8:
            turned = samples.transpose(1, 0, 2)[::-1]
        case _:
            return samples
    return np.ascontiguousarray(turned)


def exif_orientation(exif: bytes | None) -> int:
    """The orientation that an EXIF block gives, 1-8; 1 when absent or damaged."""
    if not exif:
        return 1
    reader = Image.Exif()
    # Damaged EXIF is common and means "not turned", whatever the parser stumbles over.
    try:
        reader.load(exif)
        value = reader.get(ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
