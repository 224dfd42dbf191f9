"""Turns rasters upright as EXIF orientation says, and reads what EXIF says about showing them.

Source: CIPA DC-008 (Exif 2.32), tags 0x0112, 0x011A, 0x011B, 0x0128.
"""

from contextlib import suppress
from typing import Any

import cv2
from PIL import Image

from crowdveil.media.picture import Samples, contiguous
from crowdveil.media.pillow import sound_density

ORIENTATION_TAG = 0x0112
X_DENSITY_TAG, Y_DENSITY_TAG, DENSITY_UNIT_TAG = 0x011A, 0x011B, 0x0128
TRANSPOSING = frozenset({5, 6, 7, 8})
"""Orientations that swap width and height."""
MIRRORED_X, MIRRORED_Y = frozenset({2, 3, 7, 8}), frozenset({3, 4, 6, 7})
"""Orientations under which the picture as stored is read from its right, or from below."""

_ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""What cameras write, done by OpenCV in a third of NumPy's time."""
_MOST_CHANNELS = 4
"""That OpenCV turns."""

INCH_PER_UNIT = {2: 1.0, 3: 2.54}
"""Dots per inch for one dot per density unit."""


def upright(samples: Samples, orientation: int) -> Samples:
    """Undo an orientation.

    Args:
        samples: (h, w, c) as stored.
        orientation: 1-8; anything else counts as 1.

    Returns:
        C-contiguous samples; (w, h, c) for orientations 5-8; the same array for 1.
    """
    if orientation in _ROTATIONS and samples.shape[2] <= _MOST_CHANNELS:
        rotated = cv2.rotate(samples, _ROTATIONS[orientation])
        # OpenCV drops a single channel's axis.
        return contiguous(rotated.reshape(*rotated.shape[:2], samples.shape[2]))
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
    return contiguous(turned)


def exif_orientation(exif: bytes | None) -> int:
    """The orientation that an EXIF block gives, 1-8; 1 when absent or damaged."""
    value = _tags(exif).get(ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_density(exif: bytes | None) -> tuple[float, float] | None:
    """Dots per inch of the picture as stored that an EXIF block gives, if they make sense."""
    return tag_density(_tags(exif))


def tag_density(tags: Any) -> tuple[float, float] | None:
    """The same from a directory of tags, number to value."""
    unit = tags.get(DENSITY_UNIT_TAG, 2)
    # Rationals may have a denominator of zero.
    with suppress(KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        inch = INCH_PER_UNIT[unit] if isinstance(unit, int) else 1.0
        x, y = tags[X_DENSITY_TAG], tags[Y_DENSITY_TAG]
        return sound_density(float(x) * inch, float(y) * inch)
    return None


def _tags(exif: bytes | None) -> dict[int, Any]:
    """The tags of the first directory; none if damaged."""
    wanted = (ORIENTATION_TAG, X_DENSITY_TAG, Y_DENSITY_TAG, DENSITY_UNIT_TAG)
    reader = Image.Exif()
    # Damaged EXIF is common and means "not turned", whatever the parser stumbles over.
    with suppress(Exception):
        reader.load(exif or b"")
        return {tag: reader[tag] for tag in wanted if tag in reader}
    return {}
