"""Walks a JPEG file, segment by segment and past its end.

Whether a segment that the picture needs is as long as its content is measured here; what
Photoshop puts into one is left to `photoshop`.
Source: ITU-T T.81 annex B; JFIF 1.02; CIPA DC-007 (multi-picture format); CIPA DC-008.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial

from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover
from crowdveil.evidence.leaks.makers import is_library
from crowdveil.evidence.leaks.photoshop import photoshop_leaks
from crowdveil.evidence.leaks.profile import profile_leaks
from crowdveil.evidence.leaks.tails import tail_is_used

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_FRAMES = frozenset(
    {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
)
_PICTURE = _FRAMES | {0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, _SOS}
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_XMP, _MORE_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_MOST_FILL = 16
"""More bytes of 255 before a marker than anyone fills with."""
_MOST_SCANS = 24


def jpeg_leaks(data: Data, *, in_film: bool = False) -> Iterator[Leak]:
    """Everything in a JPEG file but its picture, colour profile and density.

    Args:
        data: the whole file.
        in_film: whether it is a frame of a video: these may lack tables, and the library that
            coded them signs each.
    """
    if data[:2] != b"\xff\xd8":
        raise broken("it does not begin like a JPEG")
    at, profile, scanned, frames = 2, b"", False, 0
    scans: list[tuple[int, int]] = []
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            raise broken("it ends too early")
        if scanned:
            scans.append((at, found.start()))
        else:
            yield from leftover(data, at, found.start(), "between segments", f"byte {at:,}")
        if found.end() - found.start() > _MOST_FILL:
            yield Leak("filling before a segment", f"byte {found.start():,}", len(found[0]))
        marker, start = data[found.end() - 1], found.end()
        if marker == _EOI:
            # Cameras and muxers may fill the last bytes of a frame.
            what = "after the end of the picture"
            yield from leftover(data, start, len(data), what, f"byte {start:,}")
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
        frames += marker in _FRAMES
        if marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile += body[14:]
        elif 0xE0 <= marker <= 0xEF:
            if not (in_film and marker == 0xE0 and body.startswith(b"AVI1") and len(body) <= 14):
                yield from _application(marker, body, f"APP{marker - 0xE0} at {place}")
        elif marker == _COM:
            if not (in_film and is_library(body)):
                yield Leak("a comment", f"COM at {place}", len(body))
        elif marker not in _PICTURE:
            yield Leak(f"an unknown segment ({marker:#x})", place, len(body))
        elif (needed := _needed(marker, body)) != len(body):
            more = f"{len(body):,} bytes in a segment that needs {needed:,}"
            yield Leak(more, f"{marker:#x} at {place}", len(body))
        at, scanned = start + size, marker == _SOS
    if frames > 1:
        yield Leak("a second picture", "whole file", 0)
    if profile:
        yield from profile_leaks(profile, "APP2 (ICC)")
    if not in_film and frames == 1:
        yield from _behind_scans(data, scans)


def _needed(marker: int, body: bytes) -> int:
    """How long the content of a segment of the picture says that it is."""
    if marker in _FRAMES:
        return 6 + 3 * body[5] if len(body) > 5 else 6
    if marker == _SOS:
        return 4 + 2 * body[0] if body else 4
    if marker == 0xDB:
        return _tables(body, lambda part: 1 + 64 * (1 + (part[0] >> 4 > 0)))
    if marker == 0xC4:
        return _tables(body, lambda part: 17 + sum(part[1:17]))
    if marker == 0xCC:
        return len(body) // 2 * 2 if len(body) <= 64 else 64
    return {0xDD: 2, 0xDC: 2, 0xDF: 1}.get(marker, 0)


def _tables(body: bytes, length: Callable[[bytes], int]) -> int:
    """Bytes of all tables of a segment, each defined once."""
    at, seen = 0, set[int]()
    while at < len(body) and body[at] not in seen and body[at] & 15 < 4 and body[at] >> 4 < 2:
        seen.add(body[at])
        at += length(body[at : at + 17])
    return at


def _behind_scans(data: Data, scans: list[tuple[int, int]]) -> Iterator[Leak]:
    """Bytes at the end of a scan that no pixel needs."""
    for start, end in scans[-_MOST_SCANS:]:
        whole = partial(_around, bytes(data[:start]), bytes(data[end:]))
        if not tail_is_used(bytes(data[start:end]), whole):
            yield Leak("bytes behind the picture's own data", f"scan at byte {start:,}", 0)


def _around(before: bytes, behind: bytes, coded: bytes) -> bytes:
    return before + coded + behind


def _application(marker: int, body: bytes, place: str) -> Iterator[Leak]:
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        if len(body) != 14 or body[12:14] != b"\0\0":
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
    elif marker == 0xEE and body.startswith(b"Adobe") and len(body) == 12:
        return
    else:
        # Only what ends like a name is one; anything else could be contents.
        name, end, _ = body[:32].partition(b"\0")
        told = name.decode("ascii") if end and name.isalnum() else ""
        yield Leak(f"a block of a program or camera ({told or 'unnamed'})", place, len(body))
