"""BMP: what Windows tools and old cameras write.

Knows no metadata, so there is none to strip but a colour profile and stray bytes.
"""

import io

import cv2
import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat
from crowdveil.media.pillow import decoding, density_of, open_image, to_image, to_picture
from crowdveil.media.png import to_opencv


def decode(data: bytes, where: str) -> Photo:
    """Decode a BMP; raises `UnreadableMedia`, its message beginning with `where`."""
    image = open_image(data, ("BMP",), where)
    with decoding(where):
        image.load()
        return Photo(PhotoFormat.BMP, (to_picture(image),), density=density_of(image))


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode without compression; `xmp` has no place in a BMP and is left out.

    Raises:
        UnsupportedMedia: CMYK, more than 8 bits, or more than one frame.
    """
    picture = photo.frames[0]
    if picture.space is ColourSpace.CMYK or picture.samples.dtype == np.uint16:
        raise UnsupportedMedia("BMP holds 8-bit grey and RGB only; choose --format tiff")
    if len(photo.frames) > 1:
        raise UnsupportedMedia("BMP holds one picture only; choose another --format")
    if picture.alpha:
        done, grid = cv2.imencode(".bmp", to_opencv(picture))
        if not done:
            raise UnsupportedMedia("the picture could not be written as BMP; try --format png")
        return grid.tobytes()
    out = io.BytesIO()
    options = {"dpi": photo.density} if photo.density else {}
    to_image(picture).save(out, "BMP", **options)
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """BMP has no metadata blocks."""
    return Notes()
