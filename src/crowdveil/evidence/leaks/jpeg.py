"""Walks a JPEG file, segment by segment and past its end.

Source: ITU-T T.81 annex B; JFIF 1.02; CIPA DC-007 (multi-picture format); CIPA DC-008.
"""

import re
from collections.abc import Iterator

from crowdveil.evidence.leaks.exif import exif_leaks, iptc_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, leftover
from crowdveil.evidence.leaks.profile import profile_leaks

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_PICTURE = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, _SOS})
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_XMP, _MORE_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_IPTC, _DENSITY = 0x0404, 0x03ED


def jpeg_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a JPEG file but its picture, colour profile and density."""
    if data[:2] != b"\xff\xd8":
        raise broken("it does not begin like a JPEG")
    at, profile = 2, b""
    scanned = False
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            raise broken("it ends too early")
        if not scanned:
            yield from leftover(data, at, found.start(), "between segments", f"byte {at:,}")
        marker, start = data[found.end() - 1], found.end()
        if marker == _EOI:
            yield from leftover(
                data, start, len(data), "after the end of the picture", f"byte {start:,}"
            )
            break
        if marker in (_SOI, 0x01):
            if marker == _SOI:
                yield Leak("a second picture begins", f"byte {found.start():,}", 2)
            at, scanned = start, False
            continue
        size = int.from_bytes(data[start : start + 2], "big")
        if size < 2 or start + size > len(data):
            raise broken("a segment reaches past the end")
        body = bytes(data[start + 2 : start + size])
        place = f"byte {found.start():,}"
        if marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile += body[14:]
        elif 0xE0 <= marker <= 0xEF:
            yield from _application(marker, body, f"APP{marker - 0xE0} at {place}")
        elif marker == _COM:
            yield Leak("a comment", f"COM at {place}", len(body))
        elif marker not in _PICTURE:
            yield Leak(f"an unknown segment ({marker:#x})", place, len(body))
        at, scanned = start + size, marker == _SOS
    if profile:
        yield from profile_leaks(profile, "APP2 (ICC)")


def _application(marker: int, body: bytes, place: str) -> Iterator[Leak]:
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        if len(body) > 14 or body[12:14] not in (b"", b"\0\0"):
            yield Leak("a thumbnail (JFIF)", place, len(body))
    elif marker == 0xE0 and body.startswith(b"JFXX\0"):
        yield Leak("a thumbnail (JFXX)", place, len(body))
    elif marker == 0xE1 and body.startswith(b"Exif"):
        yield from exif_leaks(body[6:], place)
    elif marker == 0xE1 and body.startswith(_XMP):
        yield from xmp_leaks(body[len(_XMP) :], place)
    elif marker == 0xE1 and body.startswith(_MORE_XMP):
        yield Leak("XMP metadata, continued", place, len(body))
    elif marker == 0xE2 and body.startswith(b"MPF\0"):
        yield Leak("a list of further pictures (MPF)", place, len(body))
    elif marker == 0xED and body.startswith(b"Photoshop 3.0\0"):
        yield from photoshop_leaks(body[14:], place)
    elif marker == 0xEE and body.startswith(b"Adobe") and len(body) <= 12:
        return
    else:
        # Only what ends like a name is one; anything else could be contents.
        name, end, _ = body[:32].partition(b"\0")
        told = name.decode("ascii") if end and name.isalnum() else ""
        yield Leak(f"a block of a program or camera ({told or 'unnamed'})", place, len(body))


def photoshop_leaks(resources: bytes, place: str) -> Iterator[Leak]:
    """What Photoshop's image resources hold besides density and a credit.

    Args:
        resources: the blocks, each beginning with "8BIM".
        place: where they lie in the file.
    """
    at = 0
    while at + 12 <= len(resources):
        if resources[at : at + 4] != b"8BIM":
            break
        kind = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = 1 + resources[at + 6]
        start = at + 6 + name + name % 2
        size = int.from_bytes(resources[start : start + 4], "big")
        body = resources[start + 4 : start + 4 + size]
        if kind == _IPTC:
            yield from iptc_leaks(body, place)
        elif kind != _DENSITY:
            title = {0x040C: "a thumbnail", 0x0409: "a thumbnail", 0x0422: "EXIF metadata"}
            what = title.get(kind, f"a Photoshop resource ({kind:#06x})")
            yield Leak(what, place, size)
        if name > 1:
            yield doubt("a name in a Photoshop resource", place, name - 1)
        at = start + 4 + size + size % 2
    yield from leftover(resources, at, len(resources), "behind Photoshop's resources", place)
