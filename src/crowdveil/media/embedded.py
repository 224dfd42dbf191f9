"""Finds pictures, videos and sound in bytes that belong to no picture.

Phones put a video behind the end of a photo, cameras a second picture, and say so in many
ways or in none. Here only the bytes count: something is named if it begins like one of its
kind and holds what one of its kind must hold.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crowdveil.media import iso_file
from crowdveil.media.besides import Besides
from crowdveil.media.jpeg_file import next_marker_at

_STARTS = re.compile(
    rb"(?P<jpeg>\xff\xd8\xff)|(?P<iso>\0\0[\0-\xff]{2}ftyp[ -~]{4})"
    rb"|RIFF[\0-\xff]{4}(?P<riff>WAVE|AVI |WEBP)|(?P<png>\x89PNG\r\n\x1a\n\0\0\0\rIHDR)"
    rb"|(?P<mkv>\x1aE\xdf\xa3[\0-\xff]{1,40}(?:matroska|webm))"
)
_RIFF = {b"WAVE": Besides.SOUND, b"AVI ": Besides.MOTION, b"WEBP": Besides.PICTURE}
_STILL_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"avif"})
_MOVING = frozenset({b"vide", b"pict"})
_MAX_STEPS = 50_000
"""What only looks like beginnings and segments must not take minutes."""
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOS, _EOI = 0xDA, 0xD9
_APPS = range(0xE0, 0xF0)
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A JPEG picture somewhere in a file.

    Attributes:
        apps: marker, place of the body and body of each application segment.
        end: where it ends.
        picture: whether it has a header and a scan, as a picture must.
        segments: how many segments it has.
    """

    apps: tuple[tuple[int, int, bytes], ...]
    end: int
    picture: bool
    segments: int


def embedded(data: bytes, start: int, end: int | None = None) -> Iterator[Besides]:
    """What is in a part of a file."""
    for one, _ in found_in(data, start, end):
        yield Besides.PICTURE if isinstance(one, Jpeg) else one


def found_in(
    data: bytes, start: int, end: int | None = None
) -> Iterator[tuple[Besides | Jpeg, int]]:
    """What is in a part of a file, and where it begins."""
    at = start
    end = len(data) if end is None else min(end, len(data))
    steps = 0
    while steps < _MAX_STEPS and (found := _STARTS.search(data, at, end)):
        steps += 1
        at = found.end()
        if found["jpeg"]:
            jpeg = jpeg_at(data, found.start())
            steps += jpeg.segments
            if jpeg.picture:
                yield jpeg, found.start()
                at = max(at, jpeg.end)
        elif found["iso"]:
            kind, at = _of_iso(data, found.start(), end)
            yield kind, found.start()
        elif found["riff"]:
            yield _RIFF[found["riff"]], found.start()
        else:
            yield Besides.PICTURE if found["png"] else Besides.MOTION, found.start()


def _of_iso(data: bytes, start: int, end: int) -> tuple[Besides, int]:
    """What kind of ISO media file begins here, and where it ends."""
    file = iso_file.parse(data, start, end)
    # Boxes that are whole can be passed over, with the covers inside them.
    after = start + 12
    for box in file.boxes:
        if not box.whole or not box.kind.isalpha():
            break
        after = max(after, box.end)
    handlers = {track.handler for track in file.tracks}
    if data[start + 8 : start + 12] in _STILL_BRANDS:
        return Besides.PICTURE, after
    sound = b"soun" in handlers and not handlers & _MOVING
    return Besides.SOUND if sound else Besides.MOTION, after


def jpeg_at(data: bytes, start: int) -> Jpeg:
    """Walk over the JPEG that begins at a place, as far as it goes."""
    apps: list[tuple[int, int, bytes]] = []
    at, header, scans, segments = start + 2, False, False, 0
    end = len(data)
    while segments < _MAX_STEPS and (at := next_marker_at(data, at)) >= 0:
        marker = data[at + 1]
        at += 2
        end = at
        if marker == _EOI:
            return Jpeg(tuple(apps), end, header and scans, segments)
        if marker in _STANDALONE:
            break
        size = int.from_bytes(data[at : at + 2], "big")
        if size < 2 or at + size > len(data):
            break
        if marker in _APPS:
            apps.append((marker, at + 2, data[at + 2 : at + size]))
        header |= marker in _SOF
        scans |= marker == _SOS
        segments += 1
        at += size
    # Its end is missing: what was there counts.
    return Jpeg(tuple(apps), len(data) if at < 0 else end, header and scans, segments)
