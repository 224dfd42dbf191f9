"""Walks a Matroska or WebM file, element by element: what may lie where, and no byte more.

Which elements there are is listed in `elements`, what settings of codecs may hold in `settings`.
Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from crowdveil.evidence.leaks.elements import (
    CLUSTER,
    CODEC,
    CRC,
    EBML,
    KNOWN,
    NAMES,
    PRIVATE,
    SEGMENT,
    SIMPLE_TAG,
    TAG_NAME,
    TAG_TEXT,
    TOP,
    TRACK,
    TRACK_NUMBER,
    TRACK_TYPE,
    VOID,
    Holds,
)
from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, leftover
from crowdveil.evidence.leaks.makers import is_library, is_program
from crowdveil.evidence.leaks.settings import settings_leaks
from crowdveil.evidence.leaks.tracks import is_generic_name

_WORD = re.compile(rb"[A-Za-z0-9_/.+-]{0,32}")
_MOST_NUMBER_BYTES, _MOST_SMALL_BYTES, _CRC_BYTES, _IDENTITY_BYTES = 8, 32, 4, 16
_DURATION = re.compile(rb"\d\d:\d\d:\d\d(\.\d{1,9})?\0*")
_CONVERTED = {
    b"MAJOR_BRAND": re.compile(rb"[\w ]{4}"),
    b"MINOR_VERSION": re.compile(rb"\d{1,10}"),
    b"COMPATIBLE_BRANDS": re.compile(rb"([\w ]{4}){1,12}"),
    b"VENDOR_ID": re.compile(rb"[\w\[\] ]{4,12}"),
    b"ENCODER": re.compile(rb"(?!)"),
}
"""What converters leave: which kind of file it was, and what wrote it."""
_KINDS = {1: "picture", 2: "sound", 0x11: "subtitles"}
_UNKNOWN_SIZE = -1
_FIRST = (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\xec")
"""What may begin at the outermost: the head, the segment and padding."""
_READABLE = re.compile(rb"[\x20-\x7e]{12,}")


@dataclass(slots=True)
class _Tracks:
    """The tracks of a file, as far as they were met."""

    pictures: int = 0
    numbers: set[int] = field(default_factory=set)


def matroska_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a Matroska or WebM file but its picture, sound and subtitles."""
    if data[:4] != b"\x1a\x45\xdf\xa3":
        raise broken("it does not begin like Matroska")
    at = 0
    tracks = _Tracks()
    while at < len(data):
        if not bytes(data[at : at + 4]).startswith(_FIRST):
            break
        number, start, end = _element(data, at, len(data))
        if number == VOID:
            yield from leftover(data, start, end, "in padding", f"byte {start:,}")
        elif number in (EBML, SEGMENT):
            yield from _inside(data, number, start, end, KNOWN[number].name, tracks)
        at = end
    yield from leftover(data, at, len(data), "after the end of the video", f"byte {at:,}")


def _inside(
    data: Data, holder: int, start: int, end: int, path: str, tracks: _Tracks
) -> Iterator[Leak]:
    at = start
    while at < end:
        number, first, last = _element(data, at, end)
        element = KNOWN.get(number)
        here = f"{path}/{element.name}" if element else path
        if number == VOID:
            yield from leftover(data, first, last, "in padding", f"{path}/Void")
        elif number == CRC:
            if last - first != _CRC_BYTES:
                yield Leak("more than a check sum", path, last - first)
        elif number not in KNOWN[holder].inside:
            what = NAMES.get(number, f"an unknown element ({number:#x})")
            yield Leak(what, path, last - first)
        elif element is None or element.holds is Holds.NUMBER:
            if last - first > _MOST_NUMBER_BYTES:
                yield Leak(f"{last - first:,} bytes for a number ({number:#x})", path, last - first)
        elif element.holds is Holds.ELEMENTS:
            if number == TRACK:
                yield from _track(data, first, last, here, tracks)
            yield from _inside(data, number, first, last, here, tracks)
        else:
            yield from _value(data, number, first, last, here, tracks)
        at = last


def _value(
    data: Data, number: int, first: int, last: int, path: str, tracks: _Tracks
) -> Iterator[Leak]:
    """What an element holds that it is not made for."""
    size, holds = last - first, KNOWN[number].holds
    if holds is Holds.BLOCK:
        yield from _block(data, first, last, path, tracks)
    elif holds is Holds.TAG:
        yield from _tag(data, first, last, path)
    elif holds is Holds.SETTINGS:
        pass  # told with its track, which says of which codec
    elif holds is Holds.WORD:
        if not _WORD.fullmatch(bytes(data[first : min(last, first + 100)]).rstrip(b"\0")):
            yield Leak(f"a text where {KNOWN[number].name} belongs", path, size)
    elif holds is Holds.SMALL:
        if size > _MOST_SMALL_BYTES:
            yield Leak(f"{size:,} bytes in {KNOWN[number].name}, more than it needs", path, size)
    elif holds is Holds.PROGRAM:
        text = bytes(data[first:last])
        if not is_program(text):
            yield Leak("a text where the program that wrote it belongs", path, size)
        elif not is_library(text):
            yield doubt("the name of the program that wrote it", path, size)
    elif holds is Holds.IDENTITY:
        identity = bytes(data[first:last])
        if size != _IDENTITY_BYTES or _READABLE.search(identity):
            yield Leak("a text where a random number of the file belongs", path, size)


def _track(data: Data, start: int, end: int, path: str, tracks: _Tracks) -> Iterator[Leak]:
    codec, settings, at = "", b"", start
    while at < end:
        number, first, last = _element(data, at, end)
        if number == TRACK_NUMBER:
            tracks.numbers.add(int.from_bytes(data[first:last], "big"))
        elif number == CODEC:
            codec = bytes(data[first:last]).decode("latin-1")
        elif number == PRIVATE:
            settings = bytes(data[first:last])
        elif number == TRACK_TYPE:
            kind = _KINDS.get(int.from_bytes(data[first:last], "big"))
            if kind is None:
                yield Leak("a stream of timed data", path, end - start)
            elif kind == "subtitles":
                yield doubt("subtitles or captions", path, end - start)
            elif kind == "picture":
                tracks.pictures += 1
                if tracks.pictures > 1:
                    yield Leak("another stream of pictures", path, end - start)
        at = last
    if settings and not codec.startswith("S_"):
        yield from settings_leaks(codec, settings, f"{path}/CodecPrivate")


def _block(data: Data, start: int, end: int, path: str, tracks: _Tracks) -> Iterator[Leak]:
    """A block of a track that there is; several frames in it take all of its bytes."""
    number, at = _number(data, start, keep=False)
    if number not in tracks.numbers:
        yield Leak("frames of a stream that there is not", path, end - start)
        return
    lacing = data[at + 2] >> 1 & 3
    if not lacing:
        return
    at += 3
    frames = data[at] + 1
    at += 1
    if lacing == 2:
        if (end - at) % frames:
            yield Leak("bytes behind the frames of a block", path, (end - at) % frames)
    elif lacing == 1:
        sizes = 0
        for _ in range(frames - 1):
            while data[at] == 255:
                sizes, at = sizes + 255, at + 1
            sizes, at = sizes + data[at], at + 1
        if at + sizes > end:
            raise broken("the frames of a block reach past its end")


def _tag(data: Data, start: int, end: int, path: str) -> Iterator[Leak]:
    name = value = b""
    at = start
    while at < end:
        number, first, last = _element(data, at, end)
        if number == TAG_NAME:
            name = bytes(data[first:last]).strip(b"\0")
        elif number == TAG_TEXT:
            value = bytes(data[first:last])
        elif number == SIMPLE_TAG:
            yield from _tag(data, first, last, path)
        elif last - first > _MOST_NUMBER_BYTES:
            yield Leak("something attached to a tag", path, last - first)
        at = last
    plain = value.strip(b"\0")
    if name == b"ENCODER" and is_library(plain):
        return
    if name == b"DURATION" and _DURATION.fullmatch(value):
        return
    converted = name in _CONVERTED and bool(_CONVERTED[name].fullmatch(plain))
    converted |= name == b"HANDLER_NAME" and is_generic_name(value)
    if converted or (name == b"ENCODER" and is_program(plain)):
        yield doubt("a tag of a converter", path, end - start)
    else:
        told = "".join(chr(c) for c in name[:40] if 32 <= c < 127)
        yield Leak(f"a tag ({told})", path, end - start)


def _element(data: Data, at: int, end: int) -> tuple[int, int, int]:
    """Number, first byte of the body and end of the element that begins at a byte."""
    number, at = _number(data, at, keep=True)
    size, at = _number(data, at, keep=False)
    if size == _UNKNOWN_SIZE:
        return number, at, _end_of_unknown(data, number, at, end)
    if at + size > end:
        raise broken("an element reaches past its end")
    return number, at, at + size


def _end_of_unknown(data: Data, number: int, at: int, end: int) -> int:
    """A cluster of unknown length goes on until something that cannot lie in it."""
    if number != CLUSTER:
        return end
    while at < end:
        inner, _ = _number(data, at, keep=True)
        if inner in TOP:
            return at
        _, _, at = _element(data, at, end)
    return end


def _number(data: Data, at: int, *, keep: bool) -> tuple[int, int]:
    """A number of one to eight bytes; identities keep the bit that tells the length."""
    first = data[at : at + 1]
    if not first or not first[0]:
        raise broken("an element makes no sense")
    length = 9 - first[0].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    if not keep:
        mask = (1 << (7 * length)) - 1
        value &= mask
        if value == mask:
            value = _UNKNOWN_SIZE
    return value, at + length
