"""Walks a HEIF or AVIF file: its items, what they are for, and the bytes that belong to none.

Allowed are the primary picture, the tiles it is made of, its transparency and the properties to
show them; a file that plays is also walked by `tracks`. Source: ISO/IEC 23008-12.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from crowdveil.evidence.leaks.boxes import Box, boxes, full, odd_box, top_boxes, uncovered
from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, words
from crowdveil.evidence.leaks.profile import profile_leaks
from crowdveil.evidence.leaks.tracks import is_generic_name, movie_leaks

_TOP = frozenset({"ftyp", "meta", "mdat", "moov"})
_META = frozenset({"hdlr", "pitm", "iloc", "iinf", "iref", "iprp", "idat", "dinf", "grpl"})
_PROPERTIES = words(
    "ispe pixi colr irot imir clap pasp hvcC av1C avcC a1op a1lx lsel clli mdcv cclv amve "
    "ndwt auxC rloc rrtp tmap vvcC jpgC"
)
_PICTURES = frozenset({"hvc1", "av01", "avc1", "grid", "iovl", "iden", "vvc1", "jpeg", "tmap"})
_ALPHA = ("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1")
_AUXILIARY = {
    "urn:mpeg:mpegB:cicp:systems:auxiliary:depth": "a depth map",
    "urn:mpeg:hevc:2015:auxid:2": "a depth map",
    "urn:com:apple:photo:2020:aux:hdrgainmap": "a map of light (HDR)",
}


@dataclass(slots=True)
class _Items:
    """What a file's metadata box says of its items."""

    primary: int = 0
    kinds: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    references: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    properties: list[Box] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)
    within: tuple[int, int] = (0, 0)


def heif_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a HEIF or AVIF file but its picture, colours and transparency."""
    items, spaces = _Items(), []
    movie: Box | None = None
    if data[4:8] != b"ftyp":
        raise broken("it does not begin like HEIF or AVIF")
    for box in top_boxes(data, "picture"):
        if isinstance(box, Leak):
            yield box
        elif box.kind == "meta":
            yield from _meta(data, box, items)
        elif box.kind == "moov":
            movie = box
        elif box.kind == "mdat":
            spaces.append((box.start, box.end))
        elif box.kind not in _TOP:
            yield from odd_box(data, box, "")
    used = [span for spans in items.places.values() for span in spans]
    yield from _items(data, items)
    if movie is not None:
        # Its samples may be the items: the bytes of both count as used.
        yield from movie_leaks(data, movie, spaces, used)
    else:
        inner = [] if items.within == (0, 0) else [items.within]
        yield from uncovered(data, [*spaces, *inner], used, "item")


def _meta(data: Data, meta: Box, items: _Items) -> Iterator[Leak]:
    for box in boxes(data, meta.start + 4, meta.end):
        if box.kind not in _META:
            yield from odd_box(data, box, "meta")
        elif box.kind == "hdlr":
            name = bytes(data[box.start + 24 : box.end]).split(b"\0")[0]
            if not is_generic_name(name):
                yield Leak("a program's name", "meta/hdlr", len(name))
        elif box.kind == "pitm":
            version, _ = full(data, box)
            (items.primary,) = struct.unpack_from(">I" if version else ">H", data, box.start + 4)
        elif box.kind == "idat":
            items.within = box.start, box.end
        elif box.kind == "iprp":
            _properties(data, box, items)
    for box in boxes(data, meta.start + 4, meta.end):
        if box.kind == "iinf":
            _infos(data, box, items)
        elif box.kind == "iloc":
            _places(data, box, items)
        elif box.kind == "iref":
            _references(data, box, items)


def _infos(data: Data, box: Box, items: _Items) -> None:
    version, _ = full(data, box)
    for info in boxes(data, box.start + (8 if version else 6), box.end):
        inner, _ = full(data, info)
        wide = inner >= 3
        (number,) = struct.unpack_from(">I" if wide else ">H", data, info.start + 4)
        at = info.start + (10 if wide else 8)
        items.kinds[number] = bytes(data[at : at + 4]).decode("latin-1")
        rest = bytes(data[at + 4 : info.end]).split(b"\0")
        items.names[number] = rest[0].decode("utf-8", "replace")
        if items.kinds[number] == "mime" and len(rest) > 1:
            items.kinds[number] = f"mime {rest[1].decode('utf-8', 'replace')}"


def _places(data: Data, box: Box, items: _Items) -> None:
    version, _ = full(data, box)
    word, more = data[box.start + 4], data[box.start + 5]
    widths = word >> 4, word & 15, more >> 4, (more & 15) if version else 0
    at = box.start + 6

    def number(width: int) -> int:
        nonlocal at
        at += width
        return int.from_bytes(data[at - width : at], "big")

    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(widths[2])
        spans = []
        for _ in range(number(2)):
            number(widths[3])
            offset, length = number(widths[0]), number(widths[1])
            start = base + offset + (items.within[0] if method == 1 else 0)
            spans.append((start, start + length))
        items.places[item] = spans
    if at > box.end:
        raise broken("the list of places reaches past its end")


def _references(data: Data, box: Box, items: _Items) -> None:
    version, _ = full(data, box)
    width = 4 if version else 2
    for one in boxes(data, box.start + 4, box.end):
        source = int.from_bytes(data[one.start : one.start + width], "big")
        count = int.from_bytes(data[one.start + width : one.start + width + 2], "big")
        first = one.start + width + 2
        targets = tuple(
            int.from_bytes(data[first + k * width : first + (k + 1) * width], "big")
            for k in range(count)
        )
        items.references.append((one.kind, source, targets))


def _properties(data: Data, box: Box, items: _Items) -> None:
    for part in boxes(data, box.start, box.end):
        if part.kind == "ipco":
            items.properties = list(boxes(data, part.start, part.end))
        elif part.kind == "ipma":
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


def _items(data: Data, items: _Items) -> Iterator[Leak]:
    tiles = {
        target
        for kind, source, targets in items.references
        if kind == "dimg" and source == items.primary
        for target in targets
    }
    alphas = {
        source
        for kind, source, targets in items.references
        if kind == "auxl" and items.primary in targets and _auxiliary(data, items, source) in _ALPHA
    }
    alphas |= {
        target
        for kind, source, targets in items.references
        if kind == "dimg" and source in alphas
        for target in targets
    }
    allowed = {items.primary} | tiles | alphas
    for item, kind in sorted(items.kinds.items()):
        place, size = f"item {item} ({kind.strip()})", _size(items, item)
        if items.names.get(item) and kind in _PICTURES and not _plain(items.names[item]):
            yield Leak("a name of a picture", place, len(items.names[item]))
        if item in allowed and kind in _PICTURES:
            continue
        yield from _odd_item(data, items, item, kind, place, size)
    for box in items.properties:
        if box.kind == "colr" and data[box.start : box.start + 4] in (b"prof", b"rICC"):
            yield from profile_leaks(bytes(data[box.start + 4 : box.end]), "ipco/colr")
        elif box.kind not in _PROPERTIES:
            yield from odd_box(data, box, "ipco")


def _odd_item(
    data: Data, items: _Items, item: int, kind: str, place: str, size: int
) -> Iterator[Leak]:
    body = b"".join(bytes(data[a:b]) for a, b in items.places.get(item, []))
    purposes = {ref for ref, source, _ in items.references if source == item}
    if kind == "Exif":
        skip = 4 + int.from_bytes(body[:4], "big")
        yield from exif_leaks(body[skip:], place)
    elif kind == "mime application/rdf+xml":
        yield from xmp_leaks(body, place)
    elif "thmb" in purposes:
        yield Leak("a thumbnail", place, size)
    elif "auxl" in purposes:
        yield Leak(
            _AUXILIARY.get(_auxiliary(data, items, item), "an auxiliary picture"), place, size
        )
    elif kind in _PICTURES:
        yield Leak("another picture", place, size)
    else:
        yield Leak(f"metadata ({kind.strip()})", place, size)


def _auxiliary(data: Data, items: _Items, item: int) -> str:
    for index in items.owned.get(item, []):
        if 0 < index <= len(items.properties) and items.properties[index - 1].kind == "auxC":
            box = items.properties[index - 1]
            return bytes(data[box.start + 4 : box.end]).split(b"\0")[0].decode("latin-1")
    return ""


def _plain(name: str) -> bool:
    return name.lower() in {"color", "alpha", "image", "hevc image", "grid"}


def _size(items: _Items, item: int) -> int:
    return sum(end - start for start, end in items.places.get(item, []))
