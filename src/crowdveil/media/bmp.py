"""BMP: what Pillow reads of it, and uncompressed output without any profile.

A profile inside a BMP, or the path to one, is neither read nor written. Pillow writes no
transparency, so pictures with alpha are written here.
Source: Microsoft, BITMAPV4HEADER.
"""

import io
import struct
from contextlib import suppress

import numpy as np

from crowdveil.media import pillow
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

_FILE_HEADER_BYTES, _INFO_HEADER_BYTES, _V4_HEADER_BYTES = 14, 40, 108
_SHORTEST = _FILE_HEADER_BYTES + _INFO_HEADER_BYTES
_BIT_FIELDS = 3
_UNPACKED = frozenset({0, _BIT_FIELDS})
_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_SRGB = 0x73524742
_INCHES_PER_METRE = 39.3701


def decode(data: bytes, where: str) -> Photo:
    """Decode a BMP file.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: pixels of a kind that is not known.
    """
    cut = max(_SHORTEST, pixels_end(data)) > len(data)
    with pillow.decoding(where, cut=cut):
        image = pillow.open_image(_for_pillow(data), ("BMP",), where, cut=cut)
        density = pillow.density_of(image)
        picture = pillow.to_picture(image, where)
    return Photo(PhotoFormat.BMP, (picture,), density=density)


def _for_pillow(data: bytes) -> bytes:
    """The same file, with a third colour if it has two and more than 1 bit a pixel.

    Pillow reads any file of black and white as if it had 1 bit a pixel. The third colour is
    taken from the bytes behind the palette, and no pixel has it.
    """
    if len(data) < _SHORTEST:
        return data
    (header,), (bits,) = struct.unpack_from("<I", data, 14), struct.unpack_from("<H", data, 28)
    if header < _INFO_HEADER_BYTES or bits not in (4, 8) or data[46:50] != struct.pack("<I", 2):
        return data
    return data[:46] + struct.pack("<I", 3) + data[50:]


def pixels_end(data: bytes) -> int:
    """Where the pixels of a file end, as far as its header tells; 0 if it makes no sense."""
    with suppress(struct.error):
        said, start = struct.unpack_from("<I4xI", data, 2)
        width, height, bits, packing = struct.unpack_from("<ii2xHI", data, 18)
        if data[14] >= _INFO_HEADER_BYTES and packing in _UNPACKED:
            return int(start + (abs(width) * bits + 31) // 32 * 4 * abs(height))
        return int(said)
    return 0


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
    density = photo.density or (0, 0)
    if picture.alpha:
        return _with_alpha(picture, density)
    out = io.BytesIO()
    pillow.to_image(picture).save(out, "BMP", dpi=density)
    return out.getvalue()


def _with_alpha(picture: Picture, density: tuple[float, float]) -> bytes:
    """32 bits a pixel with a mask for alpha, which only the fourth version of the header has."""
    width, height = picture.size_wh
    order = [0, 0, 0, 1] if picture.space is ColourSpace.GREY else [2, 1, 0, 3]
    pixels = np.ascontiguousarray(picture.samples[::-1][..., order]).tobytes()
    start = _FILE_HEADER_BYTES + _V4_HEADER_BYTES
    x, y = (round(v * _INCHES_PER_METRE) for v in density)
    file = struct.pack("<2sIII", b"BM", start + len(pixels), 0, start)
    header = struct.pack("<IiiHHII", _V4_HEADER_BYTES, width, height, 1, 32, _BIT_FIELDS, 0)
    header += struct.pack("<iiII4II", x, y, 0, 0, *_MASKS, _SRGB)
    return file + header.ljust(_V4_HEADER_BYTES, b"\0") + pixels
