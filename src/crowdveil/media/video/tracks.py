"""Says whether a file in a container of videos holds sound and no picture.

An open file comes in. Only headers are walked, nothing is decoded, and whatever is not understood
counts as a picture, so that decoding says what it is instead of it being passed over. What
containers there are is left to `containers` and `signatures`.
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

_MOST_PARTS = 100_000
"""Boxes or elements that are walked: more are no header."""

_SOUND = frozenset({b"soun"})
_NO_PICTURE = frozenset(
    {b"soun", b"text", b"sbtl", b"subt", b"tmcd", b"meta", b"clcp", b"hint", b"odsm", b"sdsm"}
)
"""Handlers of tracks of ISO files that show nothing."""

_HOLDERS = frozenset({b"moov", b"trak", b"mdia"})

_EBML, _SEGMENT, _TRACKS, _ENTRY, _TYPE, _CLUSTER = (
    *(0x1A45DFA3, 0x18538067, 0x1654AE6B),
    *(0xAE, 0x83, 0x1F43B675),
)
_AUDIO_TRACK, _SUBTITLE_TRACK = 2, 17

_OGG_SOUND = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ", b"PCM     ", b"CELT    ")
_OGG_OTHER = (b"fishead\0", b"\x80kate\0\0\0", b"CMML\0\0\0\0")

_ASF_AUDIO = b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b"
_ASF_SHOWN = (
    b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b",  # video
    b"\x00\xe1\x1b\xb6\x4e\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b",  # JFIF
    b"\xe0\x7d\x90\x35\x15\xe4\xcf\x11\xa9\x17\x00\x80\x5f\x5c\x44\x2b",  # degradable JPEG
    b"\xe2\x65\xfb\x3a\xef\x47\xf2\x40\xac\x2c\x70\xa9\x0d\x71\xd3\x43",  # anything
)
_MOST_HEADER = 1 << 20


def sound_only(file: BinaryIO, head: bytes) -> bool:
    """Whether there is sound and, beyond doubt, no picture.

    Args:
        file: the file, open for reading; its position is changed.
        head: its first bytes, 64 KiB or all of a shorter one.
    """
    try:
        return any(test(file, head) for test in _TESTS)
    except (OSError, ValueError, IndexError, OverflowError):
        return False


def _iso(file: BinaryIO, head: bytes) -> bool:
    if head[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free"):
        return False
    end = file.seek(0, 2)
    handlers = set(_handlers(file, 0, end, [_MOST_PARTS]))
    return bool(handlers & _SOUND) and handlers <= _NO_PICTURE


def _handlers(file: BinaryIO, start: int, end: int, left: list[int]) -> Iterator[bytes]:
    """The handler of every track between two places; a compressed index counts as unknown."""
    while start + 8 <= end:
        left[0] -= 1
        file.seek(start)
        header = file.read(16)
        size, name = int.from_bytes(header[:4], "big"), header[4:8]
        body = start + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), start + 16
        stop = end if size == 0 else start + size
        if left[0] < 0 or stop < body or (stop > end and name in _HOLDERS | {b"hdlr"}):
            raise ValueError("no boxes")
        if name in _HOLDERS:
            yield from _handlers(file, body, stop, left)
        elif name == b"hdlr":
            file.seek(body + 8)
            yield file.read(4)
        elif name == b"cmov":
            yield name
        start = stop


def _matroska(file: BinaryIO, head: bytes) -> bool:
    if not head.startswith(_EBML.to_bytes(4, "big")):
        return False
    types: list[int] = []
    file.seek(0)
    end = file.seek(0, 2)
    for name, body, stop in _elements(file, 0, end):
        if name != _SEGMENT:
            continue
        for inner, start, after in _elements(file, body, stop):
            if inner == _CLUSTER:
                break
            if inner == _TRACKS:
                types += _track_types(file, start, after)
    return _AUDIO_TRACK in types and set(types) <= {_AUDIO_TRACK, _SUBTITLE_TRACK}


def _track_types(file: BinaryIO, start: int, end: int) -> Iterator[int]:
    for name, body, stop in _elements(file, start, end):
        if name != _ENTRY:
            continue
        for inner, at, after in _elements(file, body, stop):
            if inner == _TYPE:
                file.seek(at)
                yield int.from_bytes(file.read(min(after - at, 8)), "big")


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Identity, begin and end of what each element holds; one of unknown length goes on to the
    end of its parent."""
    for _ in range(_MOST_PARTS):
        if start >= end:
            return
        file.seek(start)
        data = file.read(12)
        width = 9 - data[0].bit_length()
        identity = int.from_bytes(data[:width], "big")
        first = data[width]
        length = 9 - first.bit_length()
        size = int.from_bytes(data[width : width + length], "big") - (1 << 7 * length)
        body = start + width + length
        unknown = size == (1 << 7 * length) - 1
        stop = end if unknown else min(body + size, end)
        if width > 4 or length > 8 or stop < body:
            raise ValueError("no elements")
        yield identity, body, stop
        start = stop


def _ogg(file: BinaryIO, head: bytes) -> bool:
    """Every stream's first page comes before any other page."""
    sound, at = False, 0
    while head.startswith(b"OggS", at) and head[at + 5] & 2:
        segments = head[at + 26]
        body = at + 27 + segments
        if head.startswith(_OGG_SOUND, body):
            sound = True
        elif not head.startswith(_OGG_OTHER, body):
            return False
        at = body + sum(head[at + 27 : body])
    return sound


def _asf(file: BinaryIO, head: bytes) -> bool:
    if not head.startswith(b"0&\xb2u\x8ef\xcf\x11"):
        return False
    file.seek(0)
    header = file.read(min(int.from_bytes(head[16:24], "little"), _MOST_HEADER))
    return _ASF_AUDIO in header and not any(kind in header for kind in _ASF_SHOWN)


def _avi(file: BinaryIO, head: bytes) -> bool:
    if head[:4] != b"RIFF" or head[8:12] != b"AVI ":
        return False
    kinds = {found[1] for found in re.finditer(rb"strh....(....)", head, re.DOTALL)}
    return kinds == {b"auds"}


def _flash(file: BinaryIO, head: bytes) -> bool:
    # The flags of the header are often wrong: the tags themselves are looked at.
    if not head.startswith(b"FLV\x01"):
        return False
    at, kinds = int.from_bytes(head[5:9], "big") + 4, set()
    while at + 11 <= len(head):
        kinds.add(head[at] & 31)
        at += 15 + int.from_bytes(head[at + 1 : at + 4], "big")
    return 8 in kinds and kinds <= {8, 18} and not head[4] & 1


def _real(file: BinaryIO, head: bytes) -> bool:
    return head.startswith(b".RMF") and b"audio/" in head and b"video/" not in head


_TESTS: tuple[Callable[[BinaryIO, bytes], bool], ...] = (
    _iso,
    _matroska,
    _ogg,
    _asf,
    _avi,
    _flash,
    _real,
)
