"""Lists the pictures and tracks of a HEIF or AVIF file, as the file itself lists them.

Bytes come in; items with their kinds, properties and references go out, and the tracks beside
them. Sizes are not trusted: a box that claims to reach past its parent ends with it, and what
cannot be read is passed over, as decoding is left to others and says what is damaged.
Source: ISO/IEC 14496-12 (boxes, items, tracks); ISO/IEC 23008-12 (properties).
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from crowdveil.media.limits import check_size

ALPHA = frozenset({b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"})
"""How auxiliary pictures are marked that hold transparency."""

CODED = frozenset({b"hvc1", b"av01", b"avc1", b"vvc1", b"evc1", b"lhv1", b"jpeg", b"j2k1", b"unci"})
DERIVED = frozenset({b"grid", b"iovl", b"iden"})
"""Kinds of items that are pictures: coded ones, and those made of others."""

_ISPE_BYTES = 12
_NAME = re.compile(rb"[ -~\xa9]{4}")
_MAX_BOXES = 100_000
"""A file of many tiny boxes must not take minutes."""
_MAX_TRACKS = 64


@dataclass(frozen=True, slots=True)
class Box:
    """One box.

    Attributes:
        kind: its four letters.
        start, end: of its content, as positions in the file.
        whole: whether the file holds all of it.
    """

    kind: bytes
    start: int
    end: int
    whole: bool = True


@dataclass(slots=True)
class Item:
    """One item: a picture, or something about one.

    Attributes:
        kind: four letters that say what it is.
        properties: kind and content of each property, in order.
    """

    kind: bytes
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)

    def said(self, kind: bytes) -> bytes:
        """The content of its first property of a kind; empty without one."""
        return next((body for name, body in self.properties if name == kind), b"")

    @property
    def auxiliary(self) -> bytes:
        """What sort of auxiliary picture it is; empty if it is none."""
        return self.said(b"auxC")[4:].split(b"\0")[0]


@dataclass(frozen=True, slots=True)
class Track:
    """One track.

    Attributes:
        handler: four letters: `pict` or `vide` for pictures, `soun`, `auxv` and more.
        samples: how many pictures or pieces it says it has.
        auxiliary: as of an item.
    """

    handler: bytes
    samples: int
    auxiliary: bytes = b""


@dataclass(slots=True)
class IsoFile:
    """What a file lists.

    Attributes:
        boxes: those at the top, up to where another file begins.
        primary: the number of the picture to show, None without one.
        items: number to item.
        references: kind, from, and to which items each leads.
        ends: item to where its last byte in the file ends.
        tracks: in order.
    """

    boxes: list[Box] = field(default_factory=list)
    primary: int | None = None
    items: dict[int, Item] = field(default_factory=dict)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    tracks: list[Track] = field(default_factory=list)

    @property
    def cut(self) -> bool:
        """Whether the file ends before its last box does, or before it lists anything."""
        kinds = {box.kind for box in self.boxes}
        return not kinds & {b"meta", b"moov"} or not self.boxes[-1].whole

    @property
    def end(self) -> int:
        """Where the last box ends; what follows is no part of the file."""
        return self.boxes[-1].end if self.boxes else 0

    def require_room(self, where: str) -> None:
        """Refuse a picture that says it is too large, as `check_size` does."""
        for body in self.of_shown(b"ispe")[:1]:
            if len(body) >= _ISPE_BYTES:
                width, height = struct.unpack_from(">II", body, 4)
                check_size(width, height, 1, where)

    def require_whole(self, size: int) -> None:
        """Refuse a picture some of whose parts lie outside a file of `size` bytes.

        Raises:
            ValueError: they do; decoders would show what there is.
        """
        if self.primary is None:
            return
        shown = self.parts_of(self.primary)
        for alpha in self.alphas_of(self.primary):
            shown |= self.parts_of(alpha)
        if any(self.ends.get(number, 0) > size for number in shown):
            raise ValueError("its picture ends too early")

    def parts_of(self, number: int) -> set[int]:
        """A picture and all items that it is made of."""
        found, waiting = set[int](), [number]
        while waiting:
            item = waiting.pop()
            if item not in found:
                found.add(item)
                waiting += self.targets(b"dimg", item)
        return found

    def targets(self, kind: bytes, source: int) -> list[int]:
        """The items to which references of a kind lead from one."""
        return [
            target
            for name, start, targets in self.references
            if (name, start) == (kind, source)
            for target in targets
        ]

    def alphas_of(self, number: int) -> set[int]:
        """The items that hold the transparency of a picture."""
        return {
            source
            for kind, source, targets in self.references
            if kind == b"auxl"
            and number in targets
            and source in self.items
            and self.items[source].auxiliary in ALPHA
        }

    def of_shown(self, kind: bytes) -> list[bytes]:
        """The properties of a kind that the primary picture has, then those of its parts."""
        if self.primary is None:
            return []
        numbers = sorted(self.parts_of(self.primary), key=lambda n: (n != self.primary, n))
        items = [self.items[number] for number in numbers if number in self.items]
        return [body for item in items for name, body in item.properties if name == kind]


def parse(data: bytes, start: int = 0, end: int | None = None) -> IsoFile:
    """List what is in a file; of a damaged one, what can be read.

    Args:
        data: the file, or others around it.
        start, end: where it begins, and where it ends at the latest.
    """
    file = IsoFile()
    for box in boxes_in(data, start, len(data) if end is None else end):
        # A second beginning, or what is no box, is something else behind this file.
        if (box.kind == b"ftyp" and file.boxes) or not _NAME.fullmatch(box.kind):
            break
        file.boxes.append(box)
    for box in file.boxes:
        # Each part stands for itself: damage to one must not hide the others.
        with suppress(struct.error, IndexError):
            if box.kind == b"meta":
                _read_meta(data, box, file)
            elif box.kind == b"moov":
                file.tracks += list(_tracks(data, box))[:_MAX_TRACKS]
    return file


def boxes_in(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes of a part of a file; each ends with it at the latest."""
    at = start
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head:
            return
        yield Box(kind, at + head, min(at + size, end), whole=at + size <= end)
        at += size


def _read_meta(data: bytes, meta: Box, file: IsoFile) -> None:
    inner = {box.kind: box for box in boxes_in(data, meta.start + 4, meta.end)}
    if box := inner.get(b"pitm"):
        file.primary = _number(data, box.start + 4, 4 if data[box.start] else 2)
    if box := inner.get(b"iinf"):
        _read_infos(data, box, file)
    if box := inner.get(b"iloc"):
        with suppress(IndexError):
            _read_places(data, box, file)
    if box := inner.get(b"iprp"):
        with suppress(struct.error, IndexError):
            _read_properties(data, box, file)
    if box := inner.get(b"iref"):
        with suppress(struct.error, IndexError):
            _read_references(data, box, file)


def _read_infos(data: bytes, box: Box, file: IsoFile) -> None:
    for info in boxes_in(data, box.start + (8 if data[box.start] else 6), box.end):
        wide = data[info.start] >= 3
        at = info.start + (10 if wide else 8)
        number = _number(data, info.start + 4, 4 if wide else 2)
        file.items.setdefault(number, Item(data[at : at + 4]))


def _read_places(data: bytes, box: Box, file: IsoFile) -> None:
    """Where items end that lie in the file itself, in one piece or several."""
    version = data[box.start]
    offset, length = data[box.start + 4] >> 4, data[box.start + 4] & 15
    base, index = data[box.start + 5] >> 4, data[box.start + 5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    at = box.start + 6 + wide
    for _ in range(min(_number(data, at - wide, wide), _MAX_BOXES)):
        number = _number(data, at, wide)
        method = _number(data, at + wide, 2) & 15 if version else 0
        at += wide + (4 if version else 2)
        start = _number(data, at, base)
        pieces = _number(data, at + base, 2)
        at += base + 2
        for _ in range(pieces):
            at += index
            end = start + _number(data, at, offset) + _number(data, at + offset, length)
            at += offset + length
            if at > box.end:
                return
            if not method:
                file.ends[number] = max(file.ends.get(number, 0), end)


def _read_properties(data: bytes, box: Box, file: IsoFile) -> None:
    inner = list(boxes_in(data, box.start, box.end))
    listed = [
        (one.kind, data[one.start : one.end])
        for part in inner
        if part.kind == b"ipco"
        for one in boxes_in(data, part.start, part.end)
    ]
    for part in inner:
        if part.kind == b"ipma":
            for number, index in owned(data, part):
                if number in file.items and 0 < index <= len(listed):
                    file.items[number].properties.append(listed[index - 1])


def owned(data: bytes, box: Box) -> Iterator[tuple[int, int]]:
    """Items and the places, from 1, of the properties that a list gives them."""
    version, flags = data[box.start], data[box.start + 3]
    wide, step = (4 if version else 2), (2 if flags & 1 else 1)
    at = box.start + 8
    for _ in range(min(_number(data, box.start + 4, 4), _MAX_BOXES)):
        if at + wide >= box.end:
            return
        number, count = _number(data, at, wide), data[at + wide]
        at += wide + 1
        for _ in range(count):
            yield number, _number(data, at, step) & (0x7FFF if step == 2 else 0x7F)
            at += step


def _read_references(data: bytes, box: Box, file: IsoFile) -> None:
    wide = 4 if data[box.start] else 2
    for one in boxes_in(data, box.start + 4, box.end):
        source, count = _number(data, one.start, wide), _number(data, one.start + wide, 2)
        first = one.start + wide + 2
        count = min(count, max(0, one.end - first) // wide)
        targets = tuple(_number(data, first + k * wide, wide) for k in range(count))
        file.references.append((one.kind, source, targets))


def _tracks(data: bytes, movie: Box) -> Iterator[Track]:
    for track in boxes_in(data, movie.start, movie.end):
        if track.kind != b"trak":
            continue
        media = _inside(data, track, b"mdia")
        handler = media and _inside(data, media, b"hdlr")
        if not media or not handler:
            continue
        table = _inside(data, media, b"minf", b"stbl")
        sizes = table and (_inside(data, table, b"stsz") or _inside(data, table, b"stz2"))
        described = table and _inside(data, table, b"stsd")
        # The kind stands in the description, behind fields that differ from codec to codec.
        said = data[described.start : described.end] if described else b""
        kind = said.partition(b"auxi\0\0\0\0")[2].split(b"\0")[0]
        yield Track(
            data[handler.start + 8 : handler.start + 12],
            _number(data, sizes.start + 8, 4) if sizes else 0,
            kind,
        )


def _inside(data: bytes, box: Box, *path: bytes) -> Box | None:
    """The first box under others."""
    found: Box | None = box
    for kind in path:
        if found is None:
            return None
        inner = boxes_in(data, found.start, found.end)
        found = next((one for one in inner if one.kind == kind), None)
    return found


def _number(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise IndexError("outside the file")
    return int.from_bytes(data[at : at + width], "big")
