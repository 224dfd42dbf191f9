"""Walks a TIFF file: every directory, and the bytes that no directory speaks of.

Source: TIFF revision 6.0 (1992), section 2; BigTIFF (2007).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import ExifTags, TiffTags

from crowdveil.evidence.leaks.exif import iptc_leaks, xmp_leaks
from crowdveil.evidence.leaks.jpeg import photoshop_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, is_blank
from crowdveil.evidence.leaks.profile import profile_leaks

_PICTURE = frozenset(
    {
        *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283),
        *(284, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325),
        *(332, 334, 336, 338, 339, 340, 341, 342, 347, 513, 514, 529, 530, 531, 532),
    }
)
"""Tags that say how to read and show the pixels."""
_DIRECTORIES = {330: "further pictures", 34665: "EXIF metadata", 34853: "position (GPS)"}
_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_KIND = 254
_SMALLER = 1
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BIG_SIZES = _SIZES | {16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_MOST = 1000
_STRAY_BYTES = 16
"""Fewer unexplained bytes are gaps that keep values at even places."""


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
    yield from _unused(data, used)


def _directory(
    data: Data, at: int, layout: _Layout, used: list[tuple[int, int]]
) -> tuple[dict[int, tuple[int, int, int]], int]:
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


def _page(
    data: Data,
    tags: dict[int, tuple[int, int, int]],
    layout: _Layout,
    page: int,
    used: list[tuple[int, int]],
) -> Iterator[Leak]:
    for places, sizes in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        starts, lengths = _values(data, tags, places, layout), _values(data, tags, sizes, layout)
        parts = [(start, start + length) for start, length in zip(starts, lengths, strict=False)]
        if any(end > len(data) for _, end in parts):
            raise broken("it ends too early")
        used += parts
    if _values(data, tags, _KIND, layout)[:1] and _values(data, tags, _KIND, layout)[0] & _SMALLER:
        yield Leak("a smaller copy of the picture", f"page {page + 1}", 0)
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


def _values(
    data: Data, tags: dict[int, tuple[int, int, int]], tag: int, layout: _Layout
) -> list[int]:
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
        if start - at > _STRAY_BYTES and not is_blank(data, at, start):
            what = f"{start - at:,} bytes that no directory speaks of"
            yield Leak(what, f"byte {at:,}", start - at)
        at = max(at, end)
