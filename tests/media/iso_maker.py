"""Makes HEIF and AVIF files of several items out of files of one picture.

Shares no code with the parser under test. Source: ISO/IEC 14496-12, clauses 8.11.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One item, numbered from 1 in its file.

    Attributes:
        kind: four letters.
        payload: its bytes.
        properties: whole boxes.
        links: reference kinds and the items to which they lead.
    """

    kind: bytes
    payload: bytes = b""
    properties: tuple[bytes, ...] = ()
    links: tuple[tuple[bytes, tuple[int, ...]], ...] = ()


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def auxiliary(urn: str) -> bytes:
    """The property that says what sort of auxiliary picture an item is."""
    return box(b"auxC", bytes(4) + urn.encode() + b"\0")


def picture_of(data: bytes) -> Item:
    """The only picture of a plain file, as libheif and libavif write it."""
    at = data.index(b"ipco")
    (size,) = struct.unpack_from(">I", data, at - 4)
    inner, properties = data[at + 4 : at - 4 + size], []
    while inner:
        (length,) = struct.unpack_from(">I", inner)
        properties.append(inner[:length])
        inner = inner[length:]
    kind = next(k for k in (b"hvc1", b"av01") if k in data)
    start = data.rindex(b"mdat") + 4
    return Item(kind, data[start:], tuple(properties))


def file_of(items: Sequence[Item], *, brand: bytes = b"heic", behind: bytes = b"") -> bytes:
    """A file whose first item is its picture, with more boxes or bytes behind it."""
    head = box(b"ftyp", brand + bytes(4) + b"mif1" + brand)
    size = len(head) + len(_meta(items, 0)) + 8
    payloads = b"".join(item.payload for item in items)
    return head + _meta(items, size) + box(b"mdat", payloads) + behind


def _meta(items: Sequence[Item], start: int) -> bytes:
    infos, places, owned, links, listed = b"", b"", b"", b"", list[bytes]()
    for number, item in enumerate(items, 1):
        infos += box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number, 0, item.kind) + b"\0")
        places += struct.pack(">HHHII", number, 0, 1, start, len(item.payload))
        start += len(item.payload)
        first = len(listed) + 1
        listed += item.properties
        own = [
            k | 0x80 * (item.properties[k - first][4:8] in (b"hvcC", b"av1C", b"clap"))
            for k in range(first, len(listed) + 1)
        ]
        owned += struct.pack(">HB", number, len(own)) + bytes(own)
        for kind, targets in item.links:
            ends = struct.pack(f">HH{len(targets)}H", number, len(targets), *targets)
            links += box(kind, ends)
    count = struct.pack(">I", len(items))
    return box(
        b"meta",
        bytes(4)
        + box(b"hdlr", bytes(8) + b"pict" + bytes(13))
        + box(b"pitm", bytes(4) + b"\0\1")
        + box(b"iinf", bytes(4) + count[2:] + infos)
        + box(b"iref", bytes(4) + links)
        + box(b"iprp", box(b"ipco", b"".join(listed)) + box(b"ipma", bytes(4) + count + owned))
        + box(b"iloc", b"\0\0\0\0\x44\0" + count[2:] + places),
    )
