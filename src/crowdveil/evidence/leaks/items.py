"""Walks a HEIF or AVIF file: its items, what they are for, and the bytes that belong to none.

Allowed are the primary picture, the tiles that it needs, its transparency and the properties to
show them; every other picture is named, however it is referred to. What the boxes of items say is
read by `meta`; a file that plays is also walked by `tracks`. Source: ISO/IEC 23008-12.
"""

import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.box_sizes import size_leaks
from crowdveil.evidence.leaks.boxes import Box, odd_box, top_boxes, uncovered
from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover, words
from crowdveil.evidence.leaks.meta import Items, read_meta
from crowdveil.evidence.leaks.profile import profile_leaks
from crowdveil.evidence.leaks.tracks import movie_leaks
from crowdveil.evidence.leaks.units import item_leaks

_TOP = frozenset({"ftyp", "meta", "mdat", "moov"})
_PROPERTIES = words(
    "ispe pixi colr irot imir clap pasp hvcC av1C avcC a1op a1lx lsel clli mdcv cclv amve "
    "ndwt auxC rloc rrtp"
)
_CODED = frozenset({"hvc1", "av01", "avc1"})
_PICTURES = _CODED | {"grid", "iovl", "iden", "vvc1", "jpeg", "tmap", "unci", "j2k1", "mski"}
_ALPHA = ("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1")
_AUXILIARY = {
    "urn:mpeg:mpegB:cicp:systems:auxiliary:depth": "a depth map",
    "urn:mpeg:hevc:2015:auxid:2": "a depth map",
    "urn:com:apple:photo:2020:aux:hdrgainmap": "a map of light (HDR)",
}
_MOST_CROPPED_PX = 8
"""What a crop cuts off where an encoder wants even sides or whole blocks."""
_LEAST_CODED_PX = 64
"""Encoders code no picture that is smaller."""
_LAYERS_BYTES = {0: 7, 1: 13}


def heif_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a HEIF or AVIF file but its picture, colours and transparency."""
    items, spaces = Items(), []
    movie: Box | None = None
    metas = 0
    if data[4:8] != b"ftyp":
        raise broken("it does not begin like HEIF or AVIF")
    for box in top_boxes(data, "picture"):
        if isinstance(box, Leak):
            yield box
        elif box.kind == "meta":
            metas += 1
            if metas > 1:
                yield Leak("a second list of items", "meta", box.size)
                continue
            yield from read_meta(data, box, items)
        elif box.kind == "moov":
            if movie is not None:
                yield Leak("a second movie", "moov", box.size)
            movie = box
        elif box.kind == "mdat":
            spaces.append((box.start, box.end))
        elif box.kind in _TOP:
            yield from size_leaks(data, box, box.kind)
        else:
            yield from odd_box(data, box, "")
    used = [span for spans in items.places.values() for span in spans]
    yield from _items(data, items)
    inner = [] if items.within == (0, 0) else [items.within]
    if movie is not None:
        # Its samples may be the items: the bytes of both count as used.
        yield from uncovered(data, inner, used, "item")
        yield from movie_leaks(data, movie, spaces, used)
    else:
        yield from uncovered(data, [*spaces, *inner], used, "item")


def _items(data: Data, items: Items) -> Iterator[Leak]:
    allowed = _needed(data, items, items.primary)
    for source in _alphas(data, items):
        allowed |= _needed(data, items, source)
    for item in sorted({*items.kinds, *items.places}):
        kind = items.kinds.get(item, "no kind")
        place, size = f"item {item} ({kind.strip()})", items.size_of(item)
        if items.names.get(item) and kind in _PICTURES and not _plain(items.names[item]):
            yield Leak("a name of a picture", place, len(items.names[item]))
        if item in allowed and kind in _CODED | {"grid"}:
            yield from _shown(data, items, item, kind, place)
            continue
        yield from _odd_item(data, items, item, kind, place, size)
    for box in items.properties:
        yield from _property(data, box)


def _needed(data: Data, items: Items, item: int) -> set[int]:
    """An item with the tiles that it is put together of, if these are all of one size and fill it.

    Other pictures that a picture is derived from are not shown as they are, nor all of them.
    """
    needed = {item}
    if items.kinds.get(item) != "grid":
        return needed
    body = items.body_of(data, item)
    if len(body) not in (8, 12):
        return needed
    rows, columns = body[2] + 1, body[3] + 1
    width, height = struct.unpack(">HH" if len(body) == 8 else ">II", body[4:])
    tiles = [
        one
        for kind, source, targets in items.references
        if (kind, source) == ("dimg", item)
        for one in targets
    ]
    sizes = {_size_wh(data, items, tile) for tile in tiles}
    if len(tiles) != rows * columns or len(sizes) != 1 or len(set(tiles)) != len(tiles):
        return needed
    across, down = sizes.pop()
    fits = (columns - 1) * across < width <= columns * across
    if fits and (rows - 1) * down < height <= rows * down:
        needed.update(tile for tile in tiles if items.kinds.get(tile) in _CODED)
    return needed


def _alphas(data: Data, items: Items) -> list[int]:
    """The transparency of the primary picture, or of its tiles: one item for each."""
    found: dict[tuple[int, ...], int] = {}
    shown = _needed(data, items, items.primary)
    for kind, source, targets in items.references:
        if kind == "auxl" and shown & {*targets} and _auxiliary(data, items, source) in _ALPHA:
            found.setdefault(targets, source)
    return list(found.values())


def _shown(data: Data, items: Items, item: int, kind: str, place: str) -> Iterator[Leak]:
    """What hides in a picture that is shown: behind its coded data, or cropped away."""
    if kind in _CODED:
        yield from item_leaks(kind, items.body_of(data, item), place)
    elif items.size_of(item) not in (8, 12):
        yield Leak("more than a description of tiles", place, items.size_of(item))
    width, height = _size_wh(data, items, item)
    for box in items.properties_of(item):
        if box.kind == "clap" and box.size == 32:
            wide, of_wide, high, of_high = struct.unpack_from(">4I", data, box.start)
            shown = wide / max(of_wide, 1), high / max(of_high, 1)
            if any(
                side - seen > _MOST_CROPPED_PX and side > _LEAST_CODED_PX
                for side, seen in zip((width, height), shown, strict=True)
            ):
                yield Leak("parts of the picture that are cropped away", f"{place}/clap", 0)


def _size_wh(data: Data, items: Items, item: int) -> tuple[int, int]:
    for box in items.properties_of(item):
        if box.kind == "ispe" and box.size == 12:
            width, height = struct.unpack_from(">II", data, box.start + 4)
            return int(width), int(height)
    return 0, 0


def _property(data: Data, box: Box) -> Iterator[Leak]:
    place = f"ipco/{box.kind}"
    if box.kind == "colr" and data[box.start : box.start + 4] in (b"prof", b"rICC"):
        yield from profile_leaks(bytes(data[box.start + 4 : box.end]), place)
    elif box.kind == "auxC":
        name, _, rest = bytes(data[box.start + 4 : box.end]).partition(b"\0")
        told = name.decode("latin-1")
        if told not in _ALPHA and told not in _AUXILIARY:
            yield Leak("an auxiliary picture of an unknown kind", place, box.size)
        yield from leftover(rest, 0, len(rest), "behind the kind of a picture", place)
    elif box.kind == "a1lx":
        if box.size != _LAYERS_BYTES.get(data[box.start] & 1):
            yield Leak("more than the sizes of layers", place, box.size)
    elif box.kind in _PROPERTIES:
        yield from size_leaks(data, box, place)
    else:
        yield from odd_box(data, box, "ipco")


def _odd_item(
    data: Data, items: Items, item: int, kind: str, place: str, size: int
) -> Iterator[Leak]:
    body = items.body_of(data, item)
    purposes = {ref for ref, source, _ in items.references if source == item}
    if kind == "Exif":
        skip = 4 + int.from_bytes(body[:4], "big")
        yield from exif_leaks(body[skip:], place)
        yield from leftover(body, 4, min(skip, len(body)), "before EXIF metadata", place)
    elif kind == "mime application/rdf+xml":
        yield from xmp_leaks(body, place)
    elif "thmb" in purposes:
        yield Leak("a thumbnail", place, size)
    elif "auxl" in purposes:
        what = _AUXILIARY.get(_auxiliary(data, items, item), "an auxiliary picture")
        yield Leak(what, place, size)
    elif kind in _PICTURES:
        yield Leak("another picture", place, size)
    else:
        yield Leak(f"metadata ({kind.strip()})", place, size)


def _auxiliary(data: Data, items: Items, item: int) -> str:
    for box in items.properties_of(item):
        if box.kind == "auxC":
            return bytes(data[box.start + 4 : box.end]).split(b"\0")[0].decode("latin-1")
    return ""


def _plain(name: str) -> bool:
    return name.lower() in {"color", "alpha", "image", "hevc image", "grid"}
