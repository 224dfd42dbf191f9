"""Walks a TIFF file: every directory, and the bytes that no directory speaks of.

Whether strips and tiles hold more than pixels is left to `strips`.
Source: TIFF revision 6.0 (1992), section 2; BigTIFF (2007).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import ExifTags, TiffTags

from crowdveil.evidence.leaks.exif import iptc_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, is_blank
from crowdveil.evidence.leaks.photoshop import photoshop_leaks
from crowdveil.evidence.leaks.profile import profile_leaks
from crowdveil.evidence.leaks.strips import Page, strip_leaks

_PICTURE = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283),
        *(284, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325),
        *(332, 334, 336, 338, 339, 340, 341, 342, 347, 529, 530, 531, 532),
    }
)
"""Tags that say how to read and show the pixels."""
_SINGLE = frozenset(
    {
        *(254, 255, 256, 257, 259, 262, 263, 266, 274, 277, 278, 282, 283, 284, 290, 292, 293),
        *(296, 317, 322, 323, 332, 334, 531),
    }
)
"""Those that hold one value."""
_COUNTS = {297: 2, 318: 2, 319: 6, 321: 2, 342: 6, 529: 3, 530: 2, 532: 6}
_DIRECTORIES = {
    330: "further pictures",
    34665: "EXIF metadata",
    34853: "position (GPS)",
    513: "a thumbnail",
    514: "a thumbnail",
}
_XMP, _IPTC, _PHOTOSHOP, _ICC, _JPEG_TABLES = 700, 33723, 34377, 34675, 347
_WIDTH, _HEIGHT, _BITS, _SAMPLES, _KIND = 256, 257, 258, 277, 254
_PER_SAMPLE = frozenset({258, 280, 281, 338, 339, 340, 341})
_CURVES, _COLOURS, _GREYS, _DOTS = 301, 320, 291, 336
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_SMALLER = 1
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BIG_SIZES = _SIZES | {16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_MOST = 1000
_STRAY_BYTES = 3
"""Fewer unexplained bytes are gaps that keep values at even places."""
_HEADS, _HEAD_GAP_BYTES = (b"II*\0\x08", b"MM\0*\0\0\0\x08"), 24
"""What Pillow leaves before each page that it adds: the head of the file that the page was."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How numbers are written: byte order, and the widths of counts and places."""

    order: str
    big: bool

    @property
    def place(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry_bytes(self) -> int:
        return 20 if self.big else 12


_Tags = dict[int, tuple[int, int, int]]
"""Type, count and place of the values of each tag."""


def tiff_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a TIFF file but its pages, their colour profiles and density."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        raise broken("it does not begin like a TIFF")
    (magic,) = struct.unpack_from(order + "H", data, 2)
    layout = _Layout(order, magic == 43)
    used = [(0, 16 if layout.big else 8)]
    (at,) = struct.unpack_from(layout.place, data, 8 if layout.big else 4)
    seen: set[int] = set()
    page = 0
    while at and at not in seen and len(seen) < _MOST:
        seen.add(at)
        tags, at = _directory(data, at, layout, used)
        yield from _page(data, tags, layout, page, used)
        page += 1
    if at and at not in seen:
        yield Leak(f"more than {_MOST:,} pages", "directories", 0)
    yield from _unused(data, used)


def coded_spans(data: Data) -> list[tuple[int, int]]:
    """First byte and end of what may begin as files do: strips, tiles, and the heads of pages."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return []
    (magic,) = struct.unpack_from(order + "H", data, 2)
    layout, seen = _Layout(order, magic == 43), set[int]()
    (at,) = struct.unpack_from(layout.place, data, 8 if layout.big else 4)
    found: list[tuple[int, int]] = []
    while at and at not in seen and len(seen) < _MOST:
        seen.add(at)
        found.append((at - _HEAD_GAP_BYTES, at))
        tags, at = _directory(data, at, layout, [])
        found += _parts(data, tags, layout)
    return found


def _directory(
    data: Data, at: int, layout: _Layout, used: list[tuple[int, int]]
) -> tuple[_Tags, int]:
    """Tags to type, count and place of their values; and where the next directory begins."""
    try:
        (count,) = struct.unpack_from(layout.count, data, at)
        first = at + struct.calcsize(layout.count)
        tags = {}
        for k in range(count):
            entry = first + k * layout.entry_bytes
            tag, kind = struct.unpack_from(layout.order + "HH", data, entry)
            (number,) = struct.unpack_from(layout.place, data, entry + 4)
            inline = entry + (12 if layout.big else 8)
            size = number * _BIG_SIZES.get(kind, 1)
            where = inline
            if size > layout.entry_bytes - (12 if layout.big else 8):
                (where,) = struct.unpack_from(layout.place, data, inline)
                used.append((where, where + size))
            tags[tag] = (kind, number, where)
        end = first + count * layout.entry_bytes
        (following,) = struct.unpack_from(layout.place, data, end)
    except struct.error as error:
        raise broken("a directory reaches past the end") from error
    used.append((at, end + struct.calcsize(layout.place)))
    return tags, following


def _parts(data: Data, tags: _Tags, layout: _Layout) -> list[tuple[int, int]]:
    """First byte and end of every strip and tile of a page."""
    parts = []
    for places, sizes in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        starts, lengths = _values(data, tags, places, layout), _values(data, tags, sizes, layout)
        parts += [(start, start + length) for start, length in zip(starts, lengths, strict=False)]
    return parts


def _page(
    data: Data, tags: _Tags, layout: _Layout, page: int, used: list[tuple[int, int]]
) -> Iterator[Leak]:
    parts = _parts(data, tags, layout)
    used += parts

    def first(tag: int, otherwise: int) -> int:
        return next(iter(_values(data, tags, tag, layout)), otherwise)

    if first(_KIND, 0) & _SMALLER:
        yield Leak("a smaller copy of the picture", f"page {page + 1}", 0)
    if tags.keys() >= {_STRIPS, _TILES}:
        yield Leak("another picture", f"page {page + 1}", 0)
    described = Page(
        size_wh=(first(_WIDTH, 0), first(_HEIGHT, 0)),
        tile_wh=(first(322, 0), first(323, 0)) if _TILES in tags else None,
        rows=first(278, first(_HEIGHT, 0)),
        bits=tuple(_values(data, tags, _BITS, layout)) or (1,),
        samples=first(_SAMPLES, 1),
        apart=first(284, 1) == 2,
        halved=(first(530, 2), next(iter(_values(data, tags, 530, layout)[1:]), 2)),
        compression=first(259, 1),
        photometric=first(262, 1),
    )
    for tag, (kind, number, where) in sorted(tags.items()):
        size = number * _BIG_SIZES.get(kind, 1)
        body = bytes(data[where : where + size])
        place = f"page {page + 1}, tag {tag}"
        if tag == _ICC:
            yield from profile_leaks(body, place)
        elif tag == _XMP:
            yield from xmp_leaks(body, place)
        elif tag == _IPTC:
            yield from iptc_leaks(body, place)
        elif tag == _PHOTOSHOP:
            yield from photoshop_leaks(body, place)
        elif tag in _DIRECTORIES:
            yield Leak(_DIRECTORIES[tag], place, size)
        elif tag not in _PICTURE:
            name = ExifTags.TAGS.get(tag) or TiffTags.lookup(tag).name
            yield Leak(f"a tag ({name})", place, size)
        elif number > _needed(tag, described, len(parts)) or kind not in _SIZES | _BIG_SIZES:
            yield Leak(f"{number:,} values in a tag that needs fewer", place, size)
        elif tag == _JPEG_TABLES and not _are_tables(body):
            yield Leak("something that is no table in its place", place, size)
    if any(end > len(data) for _, end in parts):
        raise broken("it ends too early")
    yield from strip_leaks(data, parts, described, f"page {page + 1}")


def _needed(tag: int, page: Page, parts: int) -> int:
    """How many values a tag may have."""
    if tag in _SINGLE:
        return 1
    if tag in _PER_SAMPLE:
        return max(page.samples, len(page.bits))
    levels = 1 << min(page.bits[0], 16)
    special = {
        _COLOURS: 3 * levels,
        _CURVES: 3 * levels,
        _GREYS: levels,
        _DOTS: max(2 * page.samples, 2 * levels),
        _JPEG_TABLES: 2048,
    }
    return special.get(tag, _COUNTS.get(tag, parts))


def _are_tables(body: bytes) -> bool:
    """Whether these are the tables of JPEG pictures, and nothing else."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF and body[at + 1] in (0xDB, 0xC4):
        at += 2 + int.from_bytes(body[at + 2 : at + 4], "big")
    return body[:2] == b"\xff\xd8" and body[at:] == b"\xff\xd9"


def _values(data: Data, tags: _Tags, tag: int, layout: _Layout) -> list[int]:
    kind, number, where = tags.get(tag, (0, 0, 0))
    letter = _WHOLE.get(kind)
    if letter is None:
        return []
    try:
        return list(struct.unpack_from(f"{layout.order}{number}{letter}", data, where))
    except struct.error as error:
        raise broken("a tag reaches past the end") from error


def _unused(data: Data, used: list[tuple[int, int]]) -> Iterator[Leak]:
    """Bytes that no directory speaks of."""
    at = 0
    for start, end in [*sorted(used), (len(data), len(data))]:
        head = start - at <= _HEAD_GAP_BYTES and bytes(data[at:start]).strip(b"\0") in _HEADS
        if start - at > _STRAY_BYTES and not head and not is_blank(data, at, start):
            what = f"{start - at:,} bytes that no directory speaks of"
            yield Leak(what, f"byte {at:,}", start - at)
        at = max(at, end)
