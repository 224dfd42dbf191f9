"""Decodes the samples of TIFF pages that store them as they are shown, of 8 or 16 bits.

A page's tags and the file come in, samples go out, exact or not at all. LZW and PackBits are
unpacked by libtiff through Pillow; only the arrangement of strips, tiles and planes is worked
out here. Palettes, JPEG, fax and the like are left to Pillow.
Source: TIFF revision 6.0 (1992), sections 8, 14 and 15.
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from PIL.TiffImagePlugin import TiffImageFile

from crowdveil.media.picture import CHANNELS, Picture, Samples
from crowdveil.media.tiff_file import directory, long, short
from crowdveil.media.tiff_pages import Page
from crowdveil.media.tiff_tags import Tag, Tags

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS = 1, 5, 8, 32946, 32773
_THROUGH_LIBTIFF = frozenset({_LZW, _PACKBITS})
_COMPRESSIONS = _THROUGH_LIBTIFF | {_NONE, _DEFLATE, _OLD_DEFLATE}
_SEPARATE_PLANES = 2
_ASSOCIATED, _STRAIGHT = 1, 2
_SMALL_PX = 1 << 24
"""Tiles may be larger than a small picture, but not without bound."""
_MOST_PARTS, _MOST_SLOW_PARTS = 500_000, 50_000
"""Strips or tiles of a page: one of a pixel each for all pixels would take an hour."""
_BLOCK_SAMPLES = 1 << 22
"""Samples that are added up at a time."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A strip or tile of one plane (of all channels, if they are not apart).

    Attributes:
        plane: which.
        x, y: of its first pixel.
        width, height: in pixels, as stored.
        offset, size: of its bytes in the file.
    """

    plane: int
    x: int
    y: int
    width: int
    height: int
    offset: int
    size: int


def can_decode(tags: Tags, page: Page) -> bool:
    """Whether a page is of those that are decoded here."""
    return (
        page.bits in (8, 16)
        and page.direct
        and tags.number(Tag.COMPRESSION, _NONE) in _COMPRESSIONS
        and tags.number(Tag.PREDICTOR, 1) in (1, 2)
        and tags.number(Tag.FILL_ORDER, 1) == 1
    )


def decode_samples(data: bytes, tags: Tags, page: Page) -> Picture:
    """Decode a page, as stored.

    Args:
        data: the whole file.
        tags: the page's directory.
        page: what it says; `can_decode` is true of it.

    Raises:
        ValueError: strips or tiles are missing or too short.
    """
    colours = CHANNELS[page.space]
    if page.channels < colours:
        raise ValueError("it has too few samples for its colours")
    with_alpha = page.channels > colours and page.extra[:1] in ((_ASSOCIATED,), (_STRAIGHT,))
    # Channels that nobody sees are left behind.
    samples: Any = _arranged(data, tags, page, colours + with_alpha)
    if page.inverted:
        top = np.iinfo(samples.dtype).max
        np.subtract(top, samples[..., :colours], out=samples[..., :colours])
    if with_alpha and page.extra[0] == _ASSOCIATED:
        samples[..., :colours] = _straight(samples[..., :colours], samples[..., colours:])
    return Picture(samples, page.space, with_alpha)


def require_whole(data: bytes, tags: Tags, page: Page) -> None:
    """See that all of a page is in the file, before a decoder shows what there is.

    Raises:
        ValueError: strips or tiles are missing, outside the file or too short.
    """
    for segment in _segments(data, tags, page):
        if tags.number(Tag.COMPRESSION, _NONE) == _NONE and page.channels == 1:
            row = -(-segment.width * page.bits // 8)
            if segment.size < row * segment.height:
                raise ValueError("parts of it end too early")


def _segments(data: bytes, tags: Tags, page: Page) -> Iterator[_Segment]:
    """All strips or tiles, each inside the file."""
    width, height = page.size_wh
    tiled = Tag.TILE_OFFSETS in tags
    if tiled:
        offsets, sizes = tags.numbers(Tag.TILE_OFFSETS), tags.numbers(Tag.TILE_BYTES)
        columns, rows = tags.number(Tag.TILE_WIDTH, 0), tags.number(Tag.TILE_HEIGHT, 0)
    else:
        offsets, sizes = tags.numbers(Tag.STRIP_OFFSETS), tags.numbers(Tag.STRIP_BYTES)
        columns, rows = width, min(tags.number(Tag.ROWS_PER_STRIP, height), height)
    if min(columns, rows) < 1 or columns * rows > max(_SMALL_PX, width * height):
        raise ValueError("its tiles have no sensible size")
    planes = _planes(tags, page)
    count = planes * -(-width // columns) * -(-height // rows)
    slow = tags.number(Tag.COMPRESSION, _NONE) in _THROUGH_LIBTIFF
    if count > (_MOST_SLOW_PARTS if slow else _MOST_PARTS):
        raise ValueError(f"Unsupported: it is cut into {count:,} parts")
    if len(offsets) < count or len(sizes) < count:
        raise ValueError("parts of it are missing")
    places = (
        (plane, x, y)
        for plane in range(planes)
        for y in range(0, height, rows)
        for x in range(0, width, columns)
    )
    for (plane, x, y), offset, size in zip(places, offsets, sizes, strict=False):
        if offset + size > len(data):
            raise ValueError("parts of it lie outside the file")
        # The last strip may be cut short, tiles are always whole.
        stored_rows = rows if tiled else min(rows, height - y)
        yield _Segment(plane, x, y, columns, stored_rows, offset, size)


def _planes(tags: Tags, page: Page) -> int:
    return page.channels if tags.number(Tag.PLANES, 1) == _SEPARATE_PLANES else 1


def _arranged(data: bytes, tags: Tags, page: Page, kept: int) -> Samples:
    """The first channels of a page."""
    width, height = page.size_wh
    depth = page.channels // _planes(tags, page)
    stored = np.dtype(f"{tags.layout.order}u{page.bits // 8}")
    differences = tags.number(Tag.PREDICTOR, 1) == 2
    compression = tags.number(Tag.COMPRESSION, _NONE)
    samples: Any = np.empty((height, width, kept), stored.newbyteorder("="))
    for segment in _segments(data, tags, page):
        if segment.plane >= kept:
            break
        shape = segment.height, segment.width, depth
        packed = memoryview(data)[segment.offset : segment.offset + segment.size]
        unpacked = _unpacked(packed, compression, stored.itemsize * int(np.prod(shape)))
        part = np.frombuffer(unpacked, stored).reshape(shape)
        rows, columns = (
            slice(segment.y, segment.y + shape[0]),
            slice(segment.x, segment.x + shape[1]),
        )
        planes = slice(segment.plane, segment.plane + depth)
        _place(part, samples[rows, columns, planes], differences=differences)
    return cast(Samples, samples)


def _place(part: Any, into: Any, *, differences: bool) -> None:
    """Copy what of a strip or tile is inside the picture, some rows at a time."""
    height, width, channels = into.shape
    block = max(1, _BLOCK_SAMPLES // part[0].size)
    for y in range(0, height, block):
        rows = part[y : min(y + block, height), :width, :channels]
        into[y : y + block] = np.cumsum(rows, axis=1, dtype=into.dtype) if differences else rows


def _unpacked(packed: memoryview, compression: int, whole: int) -> bytes | memoryview:
    """Exactly `whole` bytes of a strip or tile."""
    unpacked: bytes | memoryview
    if compression in _THROUGH_LIBTIFF:
        unpacked = _through_libtiff(packed, compression, whole)
    elif compression == _NONE:
        unpacked = packed[:whole]
    else:
        unpacked = zlib.decompressobj().decompress(packed, whole)
    if len(unpacked) < whole:
        raise ValueError("parts of it end too early")
    return unpacked


def _through_libtiff(packed: memoryview, compression: int, whole: int) -> bytes:
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
    padding = bytes(len(packed) % 2)
    at = 8 + len(packed) + len(padding)
    tables = directory(entries, at, last=True)
    row = b"".join([b"II*\0", at.to_bytes(4, "little"), packed, padding, tables])
    # Not through Image.open, whose limit of pixels is below the bytes of a large strip.
    with TiffImageFile(io.BytesIO(row)) as image:
        return image.tobytes()


def _straight(colours: Samples, alpha: Samples) -> Samples:
    """Colours that had been multiplied by alpha."""
    full = np.iinfo(colours.dtype).max
    straight = (colours.astype(np.uint32) * full + alpha // 2) // np.maximum(alpha, 1)
    return cast(Samples, np.minimum(straight, full).astype(colours.dtype))
