"""Decodes TIFF pages that Pillow has no image for: 16 bits, or CMYK with more channels.

A page's tags and the file come in, samples go out. LZW is unpacked by libtiff through Pillow;
only the arrangement of strips, tiles and planes is worked out here.
Source: TIFF revision 6.0 (1992), sections 8, 14 and 15.
"""

import io
import zlib
from typing import Any, cast

import numpy as np
from PIL import Image

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.picture import CHANNELS, Picture, Samples, contiguous
from crowdveil.media.tiff_file import directory, long, short
from crowdveil.media.tiff_pages import Page
from crowdveil.media.tiff_tags import Tag, Tags

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS = 1, 5, 8, 32946, 32773
_THROUGH_LIBTIFF = frozenset({_LZW, _PACKBITS})
_SEPARATE_PLANES = 2
_ASSOCIATED, _STRAIGHT = 1, 2
_MAX_SEGMENT_BYTES = 1 << 30


def decode_samples(data: bytes, tags: Tags, page: Page, where: str) -> Picture:
    """Decode a page of 8 or 16 bits a sample, as stored.

    Args:
        data: the whole file.
        tags: the page's directory.
        page: what it says.
        where: what to call the file in messages.

    Raises:
        ValueError: strips or tiles are missing or too short.
        UnsupportedMedia: a compression or arrangement that is not known.
    """
    compression = tags.number(Tag.COMPRESSION, _NONE)
    predictor = tags.number(Tag.PREDICTOR, 1)
    known = {_NONE, _DEFLATE, _OLD_DEFLATE, *_THROUGH_LIBTIFF}
    reordered = tags.number(Tag.FILL_ORDER, 1) != 1
    if compression not in known or predictor not in (1, 2) or reordered:
        raise UnsupportedMedia(
            f"{where}: is a TIFF packed in a way that is not read (compression "
            f"{compression}, predictor {predictor}); save it without compression first"
        )
    samples = _arranged(data, tags, page, compression, differences=predictor == 2)
    if page.inverted:
        samples = np.iinfo(samples.dtype).max - samples
    return _picture(samples, page)


def _arranged(
    data: bytes, tags: Tags, page: Page, compression: int, *, differences: bool
) -> Samples:
    width, height = page.size_wh
    separate = tags.number(Tag.PLANES, 1) == _SEPARATE_PLANES
    planes = page.channels if separate else 1
    depth = page.channels // planes
    if Tag.TILE_OFFSETS in tags:
        offsets, sizes = tags.numbers(Tag.TILE_OFFSETS), tags.numbers(Tag.TILE_BYTES)
        tile_wh = tags.number(Tag.TILE_WIDTH, 0), tags.number(Tag.TILE_HEIGHT, 0)
    else:
        offsets, sizes = tags.numbers(Tag.STRIP_OFFSETS), tags.numbers(Tag.STRIP_BYTES)
        tile_wh = width, min(tags.number(Tag.ROWS_PER_STRIP, height), height)
    tile_width, tile_height = tile_wh
    in_strips = Tag.TILE_OFFSETS not in tags
    if min(tile_wh) < 1 or page.bits // 8 * tile_width * tile_height * depth > _MAX_SEGMENT_BYTES:
        raise ValueError("its tiles have no sensible size")
    places = [
        (plane, x, y)
        for plane in range(planes)
        for y in range(0, height, tile_height)
        for x in range(0, width, tile_width)
    ]
    if len(offsets) < len(places) or len(sizes) < len(places):
        raise ValueError("parts of it are missing")
    order = "<" if data[:2] == b"II" else ">"
    stored = np.dtype(f"{order}u{page.bits // 8}")
    samples: Any = np.empty((height, width, page.channels), stored.newbyteorder("="))
    for (plane, x, y), offset, size in zip(places, offsets, sizes, strict=False):
        # The last strip may be cut short, tiles are always whole.
        rows = min(tile_height, height - y) if in_strips else tile_height
        whole = stored.itemsize * rows * tile_width * depth
        unpacked = _unpacked(data[offset : offset + size], compression, whole)
        part = np.frombuffer(unpacked, stored, rows * tile_width * depth).reshape(
            rows, tile_width, depth
        )
        part = np.cumsum(part, axis=1, dtype=samples.dtype) if differences else part
        into = samples[y : y + rows, x : x + tile_width, plane : plane + depth]
        into[...] = part[: into.shape[0], : into.shape[1]]
    return cast(Samples, samples)


def _unpacked(packed: bytes, compression: int, whole: int) -> bytes:
    """Exactly `whole` bytes of a strip or tile."""
    if compression in _THROUGH_LIBTIFF:
        return _through_libtiff(packed, compression, whole)
    if compression == _NONE:
        unpacked = packed[:whole]
    else:
        unpacked = zlib.decompressobj().decompress(packed, whole)
    if len(unpacked) < whole:
        raise ValueError("parts of it end too early")
    return unpacked


def _through_libtiff(packed: bytes, compression: int, whole: int) -> bytes:
    """Unpack bytes as if they were a grey picture of 8 bits and one row."""
    entries = [
        long(Tag.WIDTH, whole),
        long(Tag.HEIGHT, 1),
        short(Tag.BITS, 8),
        short(Tag.COMPRESSION, compression),
        short(Tag.PHOTOMETRIC, 1),
        long(Tag.STRIP_OFFSETS, 8),
        short(Tag.CHANNELS, 1),
        long(Tag.ROWS_PER_STRIP, 1),
        long(Tag.STRIP_BYTES, len(packed)),
    ]
    padded = packed + bytes(len(packed) % 2)
    at = 8 + len(padded)
    row = b"II*\0" + at.to_bytes(4, "little") + padded + directory(entries, at, last=True)
    with Image.open(io.BytesIO(row), formats=["TIFF"]) as image:
        return image.tobytes()


def _picture(samples: Samples, page: Page) -> Picture:
    """Keep the colours and straight or associated alpha, leave channels nobody sees."""
    colours = CHANNELS[page.space]
    if samples.shape[2] < colours:
        raise ValueError("it has too few samples for its colours")
    if samples.shape[2] == colours or page.extra[:1] not in ((_ASSOCIATED,), (_STRAIGHT,)):
        return Picture(contiguous(samples[..., :colours]), page.space)
    kept: Any = contiguous(samples[..., : colours + 1])
    if page.extra[0] == _ASSOCIATED:
        kept[..., :colours] = _straight(kept[..., :colours], kept[..., colours:])
    return Picture(kept, page.space, alpha=True)


def _straight(colours: Samples, alpha: Samples) -> Samples:
    """Colours that had been multiplied by alpha."""
    full = np.iinfo(colours.dtype).max
    straight = (colours.astype(np.uint32) * full + alpha // 2) // np.maximum(alpha, 1)
    return cast(Samples, np.minimum(straight, full).astype(colours.dtype))
