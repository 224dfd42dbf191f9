"""Reads the directories of a TIFF file, and lists pages anew for a decoder.

Bytes come in; for every page the tags that crowdveil knows go out, each checked to lie inside
the file. All else (GPS, EXIF, maker notes, private tags) is never looked at, and the decoder
is given directories that do not mention it. What the tags mean is left
to `tiff_pages`. Source: TIFF revision 6.0 (1992), section 2; BigTIFF (2007).
"""

import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from crowdveil.errors import UnreadableMedia

MAX_PAGES = 1000
"""Directories are linked lists; nobody has albums of this length."""


class Tag(IntEnum):
    """Tags of a directory."""

    KIND = 254
    OLD_KIND = 255
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    DESCRIPTION = 270
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    CHANNELS = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTES = 279
    X_DENSITY = 282
    Y_DENSITY = 283
    PLANES = 284
    FAX3_OPTIONS = 292
    FAX4_OPTIONS = 293
    DENSITY_UNIT = 296
    ARTIST = 315
    PREDICTOR = 317
    PALETTE = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    SUB_DIRECTORIES = 330
    INKS = 332
    EXTRA_CHANNELS = 338
    SAMPLE_FORMAT = 339
    JPEG_TABLES = 347
    YCBCR_WEIGHTS = 529
    YCBCR_SUBSAMPLING = 530
    YCBCR_PLACE = 531
    BLACK_AND_WHITE = 532
    XMP = 700
    COPYRIGHT = 33432
    IPTC = 33723
    ICC = 34675
    LAYERS = 37724
    RAW_VERSION = 50706


_KNOWN = frozenset(Tag)
_CREDIT = frozenset({Tag.DESCRIPTION, Tag.ARTIST, Tag.COPYRIGHT})
_OPTIONAL = _CREDIT | {
    Tag.X_DENSITY,
    Tag.Y_DENSITY,
    Tag.DENSITY_UNIT,
    Tag.XMP,
    Tag.IPTC,
    Tag.ICC,
    Tag.SUB_DIRECTORIES,
    Tag.LAYERS,
}
"""Without these the picture can still be shown, so that damage to them is no reason to refuse."""
_NOT_FOR_DECODERS = _OPTIONAL | {Tag.KIND, Tag.OLD_KIND, Tag.ORIENTATION, Tag.RAW_VERSION}
_SHORTEST = 16
_LAYERS_SEEN_BYTES = 1 << 16
"""Layers may be larger than the picture; only what they are is looked at."""
_MAX_SUB_DIRECTORIES = 32
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
"""Type to the letter that unpacks it."""
_LONG, _RATIONAL, _LONG8 = 4, 5, 16
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Type to the bytes of one value; signed numbers of BigTIFF mean nothing here."""
_HEAD_BYTES = 8
_MAX_OFFSET = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of a directory, as stored.

    Attributes:
        kind: TIFF's number of the type of its values.
        raw: the values.
    """

    kind: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """How numbers are stored.

    Attributes:
        order: `<` or `>`, as in `struct`.
        big: whether it is a BigTIFF.
    """

    order: str
    big: bool

    @property
    def word(self) -> str:
        """The letter of an offset."""
        return "Q" if self.big else "I"

    @property
    def count(self) -> str:
        """The letter of the number of entries."""
        return "Q" if self.big else "H"


@dataclass(frozen=True, slots=True)
class Tags:
    """What a directory says.

    Attributes:
        layout: how.
        fields: the tags that are known.
    """

    layout: Layout
    fields: dict[Tag, Field]

    def __contains__(self, tag: Tag) -> bool:
        """Whether the directory has a tag."""
        return tag in self.fields

    def raw(self, tag: Tag) -> bytes | None:
        """The bytes of a tag; None without it, or if it is empty."""
        field = self.fields.get(tag)
        return field.raw or None if field else None

    def numbers(self, tag: Tag, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """The whole numbers of a tag.

        Raises:
            ValueError: it holds something else.
        """
        field = self.fields.get(tag)
        if field is None or not field.raw:
            return default
        letter = _WHOLE.get(field.kind)
        if letter is None:
            raise ValueError(f"its tag {tag.value} holds no whole number")
        count = len(field.raw) // _SIZES[field.kind]
        return struct.unpack(f"{self.layout.order}{count}{letter}", field.raw)

    def number(self, tag: Tag, default: int) -> int:
        """The first whole number of a tag; raises as `numbers`."""
        return self.numbers(tag, (default,))[0]

    def fraction(self, tag: Tag) -> Fraction | None:
        """The first fraction of a tag; None if it has none that makes sense."""
        field = self.fields.get(tag)
        if field is None or field.kind != _RATIONAL or len(field.raw) < 8:
            return None
        above, below = struct.unpack_from(f"{self.layout.order}2I", field.raw)
        return Fraction(above, below) if below else None


def read_directories(data: bytes, where: str = "") -> list[Tags]:
    """The directories of all pages, in order.

    Args:
        data: the whole file.
        where: what to call the file in messages.

    Raises:
        UnreadableMedia: more pages than `MAX_PAGES`.
        ValueError: no directory, a directory or a known tag outside the file, a circle.
    """
    layout = _layout(data)
    at = _first(data, layout)
    found: list[Tags] = []
    seen: set[int] = set()
    while at:
        if at in seen:
            raise ValueError("its pages go in circles")
        if len(seen) == MAX_PAGES:
            raise UnreadableMedia(
                f"{where}: has more than {MAX_PAGES:,} pages, the limit; split it first"
            )
        seen.add(at)
        tags, at = _directory(data, at, layout)
        found.append(tags)
    if not found:
        raise ValueError("it has no page")
    return found


def read_sub_directories(data: bytes, tags: Tags) -> list[Tags]:
    """The directories under that of a page; those that cannot be read are left out."""
    found = []
    with suppress(ValueError):
        for at in tags.numbers(Tag.SUB_DIRECTORIES)[:_MAX_SUB_DIRECTORIES]:
            with suppress(ValueError):
                found.append(_directory(data, at, tags.layout)[0])
    return found


def _layout(data: bytes) -> Layout:
    orders = {b"II": "<", b"MM": ">"}
    order = orders.get(data[:2])
    if len(data) < _SHORTEST:
        raise ValueError("it ends too early")
    if order is None:
        raise ValueError("it does not begin as a TIFF file")
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version not in (42, 43):
        raise ValueError("it does not begin as a TIFF file")
    return Layout(order, big=version == 43)


def _first(data: bytes, layout: Layout) -> int:
    if layout.big and struct.unpack_from(layout.order + "HH", data, 4) != (8, 0):
        raise ValueError("it does not begin as a TIFF file")
    (at,) = struct.unpack_from(layout.order + layout.word, data, 8 if layout.big else 4)
    return int(at)


def _directory(data: bytes, at: int, layout: Layout) -> tuple[Tags, int]:
    """The directory at a place, and the place of the next one."""
    head = layout.order + layout.count
    if at + struct.calcsize(head) > len(data):
        raise ValueError("a page lies outside the file")
    (count,) = struct.unpack_from(head, data, at)
    at += struct.calcsize(head)
    entry = struct.Struct(f"{layout.order}HH{layout.word}")
    place = struct.calcsize(layout.order + layout.word)
    size = entry.size + place
    if at + count * size + place > len(data):
        raise ValueError("its directories end too early")
    fields: dict[Tag, Field] = {}
    for k in range(count):
        number, kind, values = entry.unpack_from(data, at + k * size)
        if number not in _KNOWN or kind not in _SIZES or Tag(number) in fields:
            continue
        start = at + k * size + entry.size
        length = values * _SIZES[kind]
        if length > place:
            (start,) = struct.unpack_from(layout.order + layout.word, data, start)
        if start + length > len(data):
            if number in _OPTIONAL:
                continue
            raise ValueError(f"its tag {number} lies outside the file")
        if number == Tag.LAYERS:
            kind, length = 1, min(length, _LAYERS_SEEN_BYTES)
        fields[Tag(number)] = Field(kind, data[start : start + length])
    (following,) = struct.unpack_from(layout.order + layout.word, data, at + count * size)
    return Tags(layout, fields), int(following)


def relisted(data: bytes, pages: Sequence[Tags]) -> bytes:
    """The same file with directories of only what a decoder needs for these pages.

    Strips and tiles stay where they are; the new directories follow behind the old end. They
    are those of a plain TIFF, since Pillow reads no BigTIFF of big-endian numbers.

    Raises:
        ValueError: the file is too long for a plain TIFF.
    """
    order = pages[0].layout.order
    padding = bytes(len(data) % 2)
    at = len(data) + len(padding)
    head = _head(order, at)
    parts: list[bytes | memoryview] = [head, memoryview(data)[len(head) :], padding]
    for number, tags in enumerate(pages):
        wanted = tags.fields.keys() - _NOT_FOR_DECODERS
        block = _listed(tags, wanted, at, last=number == len(pages) - 1)
        parts.append(block)
        at += len(block)
    return b"".join(parts)


def credit_block(tags: Tags) -> bytes | None:
    """A TIFF structure of only the tags that name an author or a caption; None without any."""
    wanted = tags.fields.keys() & _CREDIT
    if not wanted:
        return None
    head = _head(tags.layout.order, _HEAD_BYTES)
    return head + _listed(tags, wanted, _HEAD_BYTES, last=True)


def _head(order: str, at: int) -> bytes:
    if at > _MAX_OFFSET:
        raise ValueError("it is too long")
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, at)


def _listed(tags: Tags, wanted: Iterable[Tag], at: int, *, last: bool) -> bytes:
    """A directory for a place, with its long values behind it; the next one follows."""
    order = tags.layout.order
    fields = {tag: _plain(tags, tag) for tag in sorted(wanted)}
    behind = at + 2 + 12 * len(fields) + 4
    table, values = [struct.pack(order + "H", len(fields))], bytearray()
    for tag, field in fields.items():
        count = len(field.raw) // _SIZES[field.kind]
        table.append(struct.pack(order + "HHI", tag, field.kind, count))
        if len(field.raw) <= 4:
            table.append(field.raw.ljust(4, b"\0"))
        else:
            table.append(struct.pack(order + "I", behind + len(values)))
            values += field.raw + bytes(len(field.raw) % 2)
    following = 0 if last else behind + len(values)
    return b"".join([*table, struct.pack(order + "I", following), bytes(values)])


def _plain(tags: Tags, tag: Tag) -> Field:
    """A field with numbers that a plain TIFF can hold."""
    field = tags.fields[tag]
    if field.kind != _LONG8:
        return field
    numbers = tags.numbers(tag)
    if max(numbers, default=0) > _MAX_OFFSET:
        raise ValueError(f"its tag {tag.value} makes no sense")
    return Field(_LONG, struct.pack(f"{tags.layout.order}{len(numbers)}I", *numbers))
