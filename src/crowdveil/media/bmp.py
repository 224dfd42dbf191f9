"""BMP: what Pillow reads of it, and uncompressed output without any profile.

A profile inside a BMP, or the path to one, is neither read nor written.
"""

import io

from crowdveil.media import pillow
from crowdveil.media.notes import Notes
from crowdveil.media.picture import Photo, PhotoFormat


def decode(data: bytes, where: str) -> Photo:
    """Decode a BMP file.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: pixels of a kind that is not known.
    """
    with pillow.decoding(where):
        image = pillow.open_image(data, ("BMP",), where)
        density = pillow.density_of(image)
        picture = pillow.to_picture(image, where)
    return Photo(PhotoFormat.BMP, (picture,), density=density)


def notes(data: bytes) -> Notes:
    """A BMP has no metadata blocks."""
    return Notes()


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a photo of one 8-bit frame, grey or RGB, with or without alpha; `xmp` must be None.

    Raises:
        ValueError: `xmp` is given; a BMP cannot hold it.
    """
    if xmp is not None:
        raise ValueError("a BMP cannot hold metadata")
    (picture,) = photo.frames
    out = io.BytesIO()
    pillow.to_image(picture).save(out, "BMP", dpi=photo.density or (0, 0))
    return out.getvalue()
