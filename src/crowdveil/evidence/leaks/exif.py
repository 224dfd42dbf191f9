"""Names what an EXIF block, an XMP packet or an IPTC block gives away.

Blocks come in, leaks go out: none for what only says how to show the picture, a doubt for a
credit that was kept on purpose, and a leak with the names of its fields for all else.
Source: CIPA DC-008 (Exif 2.32), Adobe XMP part 1, IPTC-IIM 4.2.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress

from PIL import ExifTags, Image

from crowdveil.evidence.leaks.credits import credit_in_iptc, credit_in_xmp
from crowdveil.evidence.leaks.leak import Leak, doubt

_POINTERS = {0x8769: "Exif", 0x8825: "GPS", 0xA005: "Interop"}
STRUCTURAL = frozenset(
    {
        *(0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0112, 0x0115, 0x011A, 0x011B, 0x0128, 0x0213),
        *(0x8769, 0x9000, 0x9101, 0xA000, 0xA001, 0xA002, 0xA003, 0xA005, 0x0001, 0x0002),
    }
)
"""Tags that say how to show the picture: size, bits, orientation, density, colour space."""
_NAMED = 12
_THUMBNAIL = 0x0201
_XMP_FIELD = re.compile(rb"[<\s](?!xml|xmlns|rdf|x:|/)([A-Za-z][\w.-]*:[A-Za-z][\w.-]*)")


def exif_leaks(block: bytes, place: str) -> Iterator[Leak]:
    """What an EXIF block tells.

    Args:
        block: from its TIFF header on.
        place: where it lies in the file.
    """
    names: list[str] = []
    broken = True
    # Whatever cannot be read is named as a whole.
    with suppress(Exception):
        exif = Image.Exif()
        exif.load(b"Exif\0\0" + block)
        names += [_name(tag) for tag in exif if tag not in STRUCTURAL and tag not in _POINTERS]
        for pointer, title in _POINTERS.items():
            inner = exif.get_ifd(pointer)
            if pointer == 0x8825 and inner:
                names.append("position (GPS)")
            elif inner:
                names += [_name(tag) for tag in inner if tag not in STRUCTURAL]
            elif pointer in exif and title == "GPS":
                names.append("position (GPS)")
        second = exif.get_ifd(1)
        if second:
            names.append("thumbnail" if _THUMBNAIL in second else "second directory")
        names += _besides(block)
        broken = False
    if broken:
        yield Leak("EXIF metadata", place, len(block))
    elif names:
        yield Leak(f"EXIF metadata: {_listed(names)}", place, len(block))


def _besides(block: bytes) -> Iterator[str]:
    """What an EXIF block holds beside the fields of its directories.

    Directories are walked anew, as a reader that finds no fields may stop before the thumbnail.
    """
    order = {b"II": "<", b"MM": ">"}[block[:2]]
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    used, waiting, seen = [(0, 8)], [first], set[int]()
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        (count,) = struct.unpack_from(f"{order}H", block, at)
        used.append((at, at + 2 + 12 * count + 4))
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, many, value = struct.unpack_from(f"{order}HHII", block, entry)
            size = _BYTES.get(kind, 1) * many
            if tag in _POINTERS:
                waiting.append(value)
            elif size > 4:
                used.append((value, value + size))
        if len(block) >= at + 2 + 12 * count + 4:
            (following,) = struct.unpack_from(f"{order}I", block, at + 2 + 12 * count)
            if following and at == first:
                yield "thumbnail or second directory"
                return
    end = 0
    for start, stop in [*sorted(used), (len(block), len(block))]:
        if start - end >= _STRAY_BYTES and block[end:start].strip(b"\0"):
            yield f"{start - end:,} bytes that no field speaks of"
        end = max(end, stop)


_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Size of a value of each kind of field."""
_STRAY_BYTES = 16
"""Fewer are gaps that keep values at even places."""


def xmp_leaks(packet: bytes, place: str) -> Iterator[Leak]:
    """What an XMP packet tells."""
    if kept := credit_in_xmp(packet):
        yield doubt(f"a credit that was kept: {', '.join(kept)}", place, len(packet))
        return
    names = [match.decode() for match in _XMP_FIELD.findall(packet)]
    yield Leak(f"XMP metadata: {_listed(names)}" if names else "XMP metadata", place, len(packet))


def iptc_leaks(block: bytes, place: str) -> Iterator[Leak]:
    """What an IPTC block tells."""
    if kept := credit_in_iptc(block):
        yield doubt(f"a credit that was kept: {', '.join(kept)}", place, len(block))
    else:
        yield Leak("IPTC metadata", place, len(block))


def _name(tag: int) -> str:
    return ExifTags.TAGS.get(tag, f"tag {tag:#06x}")


def _listed(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else ""
    return ", ".join(unique[:_NAMED]) + more
