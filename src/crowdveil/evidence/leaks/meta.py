"""Reads the box that lists the items of a HEIF or AVIF file: kinds, places, references and
properties. What the items are for is left to `items`.

Source: ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, 9.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from crowdveil.evidence.leaks.boxes import Box, boxes, full, odd_box
from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover
from crowdveil.evidence.leaks.tracks import is_generic_name

_META = frozenset({"hdlr", "pitm", "iloc", "iinf", "iref", "iprp", "idat", "dinf", "grpl"})


@dataclass(slots=True)
class Items:
    """What a file's metadata box says of its items.

    Attributes:
        primary: number of the picture that is shown.
        kinds: of each item, four letters; the media type behind "mime".
        names: of each item.
        places: first byte and end of each part of each item.
        references: kind, from which item, to which ones.
        properties: boxes, in their order.
        owned: numbers of each item's properties, from 1.
        within: first byte and end of data inside the box itself.
    """

    primary: int = 0
    kinds: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    references: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    properties: list[Box] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)
    within: tuple[int, int] = (0, 0)

    def size_of(self, item: int) -> int:
        """Bytes of an item."""
        return sum(end - start for start, end in self.places.get(item, []))

    def body_of(self, data: Data, item: int) -> bytes:
        """The bytes of an item."""
        return b"".join(bytes(data[a:b]) for a, b in self.places.get(item, []))

    def properties_of(self, item: int) -> list[Box]:
        """The properties of an item."""
        numbers = self.owned.get(item, [])
        return [self.properties[k - 1] for k in numbers if 0 < k <= len(self.properties)]


def read_meta(data: Data, meta: Box, items: Items) -> Iterator[Leak]:
    """Fill in the items, and hand out what the lists of them hold beside them.

    Raises:
        UnreadableMedia: a list is cut off, or reaches past the end of the file.
    """
    end = meta.start + 4
    found = list(boxes(data, end, meta.end))
    for box in found:
        end = box.end
        if box.kind not in _META:
            yield from odd_box(data, box, "meta")
        elif box.kind == "hdlr":
            name = bytes(data[box.start + 24 : box.end])
            if not is_generic_name(name.split(b"\0")[0]) or name.strip(b"\0").count(b"\0"):
                yield Leak("a program's name", "meta/hdlr", len(name))
        elif box.kind == "pitm":
            version, _ = full(data, box)
            (items.primary,) = struct.unpack_from(">I" if version else ">H", data, box.start + 4)
        elif box.kind == "idat":
            items.within = box.start, box.end
        elif box.kind == "iprp":
            yield from _properties(data, box, items)
        elif box.kind == "grpl":
            yield from _groups(data, box)
        elif box.kind == "dinf":
            yield from _elsewhere(data, box)
    yield from leftover(data, end, meta.end, "behind the lists of items", "meta")
    for box in found:
        if box.kind == "iinf":
            yield from _infos(data, box, items)
        elif box.kind == "iloc":
            yield from _places(data, box, items)
        elif box.kind == "iref":
            yield from _references(data, box, items)


def _infos(data: Data, box: Box, items: Items) -> Iterator[Leak]:
    version, _ = full(data, box)
    end = box.start + (8 if version else 6)
    for info in boxes(data, end, box.end):
        end = info.end
        if info.kind != "infe":
            yield from odd_box(data, info, "meta/iinf")
            continue
        inner, _ = full(data, info)
        wide = inner >= 3
        (number,) = struct.unpack_from(">I" if wide else ">H", data, info.start + 4)
        at = info.start + (10 if wide else 8)
        if number in items.kinds:
            yield Leak("an item described twice", f"meta/iinf, item {number}", info.size)
        items.kinds[number] = bytes(data[at : at + 4]).decode("latin-1")
        rest = bytes(data[at + 4 : info.end]).split(b"\0")
        items.names[number] = rest[0].decode("utf-8", "replace")
        if items.kinds[number] == "mime" and len(rest) > 1:
            items.kinds[number] = f"mime {rest[1].decode('utf-8', 'replace')}"
        elif b"".join(rest[1:]):
            yield Leak("bytes behind an item's name", f"meta/iinf, item {number}", info.size)
    yield from leftover(data, end, box.end, "behind the list of items", "meta/iinf")


def _places(data: Data, box: Box, items: Items) -> Iterator[Leak]:
    version, _ = full(data, box)
    word, more = data[box.start + 4], data[box.start + 5]
    widths = word >> 4, word & 15, more >> 4, (more & 15) if version else 0
    at = box.start + 6

    def number(width: int) -> int:
        nonlocal at
        at += width
        if at > box.end:
            raise broken("the list of places reaches past its end")
        return int.from_bytes(data[at - width : at], "big")

    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        if number(2):
            yield Leak("the place of another file", f"meta/iloc, item {item}", 0)
        if method > 1:
            yield Leak("an item within another item", f"meta/iloc, item {item}", 0)
        base = number(widths[2])
        spans = []
        for _ in range(number(2)):
            number(widths[3])
            offset, length = number(widths[0]), number(widths[1])
            start = base + offset + (items.within[0] if method == 1 else 0)
            # No length means all that follows.
            end = start + length if length or widths[1] else _end_of(items, method, len(data))
            if end > len(data):
                raise broken("an item reaches past the end")
            spans.append((start, end))
        items.places[item] = spans
    yield from leftover(data, at, box.end, "behind the list of places", "meta/iloc")


def _end_of(items: Items, method: int, size: int) -> int:
    return items.within[1] if method == 1 else size


def _references(data: Data, box: Box, items: Items) -> Iterator[Leak]:
    version, _ = full(data, box)
    width = 4 if version else 2
    for one in boxes(data, box.start + 4, box.end):
        source = int.from_bytes(data[one.start : one.start + width], "big")
        count = int.from_bytes(data[one.start + width : one.start + width + 2], "big")
        first = one.start + width + 2
        if first + count * width > one.end:
            raise broken("a list of references reaches past its end")
        targets = tuple(
            int.from_bytes(data[first + k * width : first + (k + 1) * width], "big")
            for k in range(count)
        )
        items.references.append((one.kind, source, targets))
        end = first + count * width
        yield from leftover(data, end, one.end, "behind references", f"meta/iref/{one.kind}")


def _properties(data: Data, box: Box, items: Items) -> Iterator[Leak]:
    for part in boxes(data, box.start, box.end):
        if part.kind == "ipco":
            items.properties = list(boxes(data, part.start, part.end))
            end = items.properties[-1].end if items.properties else part.start
            yield from leftover(data, end, part.end, "behind the properties", "meta/iprp/ipco")
        elif part.kind == "ipma":
            yield from _owners(data, part, items)
        else:
            yield from odd_box(data, part, "meta/iprp")


def _owners(data: Data, part: Box, items: Items) -> Iterator[Leak]:
    """Which item has which properties."""
    version, flags = full(data, part)
    at = part.start + 4
    (entries,) = struct.unpack_from(">I", data, at)
    at += 4
    for _ in range(entries):
        wide = 4 if version else 2
        item = int.from_bytes(data[at : at + wide], "big")
        count, at = data[at + wide], at + wide + 1
        step = 2 if flags & 1 else 1
        mask = 0x7FFF if flags & 1 else 0x7F
        items.owned[item] = [
            int.from_bytes(data[at + k * step : at + (k + 1) * step], "big") & mask
            for k in range(count)
        ]
        at += count * step
        if at > part.end:
            raise broken("the list of properties reaches past its end")
    yield from leftover(data, at, part.end, "behind the list of properties", "meta/iprp/ipma")


def _groups(data: Data, box: Box) -> Iterator[Leak]:
    for group in boxes(data, box.start, box.end):
        (count,) = struct.unpack_from(">I", data, group.start + 8)
        end = group.start + 12 + 4 * count
        yield from leftover(data, end, group.end, "behind a group", f"meta/grpl/{group.kind}")


def _elsewhere(data: Data, box: Box) -> Iterator[Leak]:
    """Addresses of other files."""
    for part in boxes(data, box.start, box.end):
        for one in boxes(data, part.start + 8, part.end):
            _, flags = full(data, one)
            if not flags & 1 or one.size > 5:
                yield Leak("the place of another file", f"meta/dinf/{one.kind}", one.size)
