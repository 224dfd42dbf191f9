"""Walks an AVI file: its headers, its index and every chunk of its streams.

Source: Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from crowdveil.evidence.leaks.chunks import STRAYS, chunks
from crowdveil.evidence.leaks.leak import (
    Data,
    Leak,
    broken,
    doubt,
    is_blank,
    leftover,
    name_of,
)
from crowdveil.evidence.leaks.makers import is_library, is_program
from crowdveil.evidence.leaks.settings import settings_leaks

_LISTS = frozenset({"hdrl", "strl", "movi", "rec ", "odml"})
_EMPTY_INDEX = re.compile(rb"\x04\0[\0\x01][\0\x01]\0{4}\d\d(dc|db|wb|tx|pc|sb)", re.DOTALL)
_PARTS = {"dc": b"vids", "db": b"vids", "pc": b"vids", "wb": b"auds", "tx": b"txts", "sb": b"txts"}
_SIZES = {"avih": (56,), "strh": (48, 56, 64)}
_ENTRY_BYTES, _INDEX_HEAD = 16, 24
_PICTURE_BYTES, _SOUND_BYTES, _COLOUR_BYTES = 40, 18, 4
_MOST_FIELDS_BYTES = 36 + 2 * 32


@dataclass(slots=True)
class _Streams:
    """The streams of a file, as far as they were met.

    Attributes:
        kinds: of each stream, in its order.
        places: name and first byte of each chunk of a stream.
        indices: first byte and end of each index, looked at when all chunks are known.
        first: where the chunks of the streams begin, from which indices count.
    """

    kinds: list[bytes] = field(default_factory=list)
    places: dict[int, bytes] = field(default_factory=dict)
    indices: list[tuple[int, int]] = field(default_factory=list)
    first: int = 0


def avi_leaks(data: Data) -> Iterator[Leak]:
    """Everything in an AVI file but its picture, sound and subtitles."""
    at, first = 0, True
    streams = _Streams()
    while at + 12 <= len(data) and data[at : at + 4] == b"RIFF":
        form = data[at + 8 : at + 12]
        if form not in (b"AVI ", b"AVIX") or (first and form != b"AVI "):
            break
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        stop = min(at + 8 + size, len(data))
        yield from _list(data, at + 12, stop, "RIFF", streams)
        at, first = stop + size % 2, False
    if first:
        raise broken("it does not begin like an AVI")
    for start, end in streams.indices:
        yield from _index(data, start, end, streams)
    yield from leftover(data, at, len(data), "after the end of the video", f"byte {at:,}")


def _list(data: Data, start: int, end: int, path: str, streams: _Streams) -> Iterator[Leak]:
    for name, first, last in chunks(data, start, end):
        place, size = f"{path}/{name.strip()} at {first - 8:,}", last - first
        if name == STRAYS:
            yield from leftover(data, first, last, "where no chunk begins", f"byte {first:,}")
        elif name == "LIST":
            kind = name_of(data[first : first + 4])
            if kind == "movi" and not streams.first:
                streams.first = first
            if kind in _LISTS:
                yield from _list(data, first + 4, last, f"{path}/{kind.strip()}", streams)
            elif kind == "INFO":
                yield from _texts(data, first + 4, last, path)
            else:
                yield Leak(f"an unknown list ({kind})", place, size)
        elif name in ("JUNK", "PAD "):
            if not _is_reserved(data, first, last):
                yield from leftover(data, first, last, "in padding", place)
        elif name == "idx1":
            streams.indices.append((first, last))
        elif name[2:] in _PARTS and name[:2].isdigit():
            yield from _part(data, name, first, last, place, streams)
        else:
            yield from _header(data, name, first, last, place, streams)


def _part(
    data: Data, name: str, first: int, last: int, place: str, streams: _Streams
) -> Iterator[Leak]:
    """A chunk of a stream that there is."""
    streams.places[first - 8] = name.encode()
    number = int(name[:2])
    if number >= len(streams.kinds):
        yield Leak("a chunk of a stream that there is not", place, last - first)
    elif name[2:] == "pc":
        yield Leak("changes of a palette", place, last - first)
    elif streams.kinds[number] not in (_PARTS[name[2:]], b"iavs"):
        yield Leak("a chunk of another kind than its stream", place, last - first)


def _header(
    data: Data, name: str, first: int, last: int, place: str, streams: _Streams
) -> Iterator[Leak]:
    size = last - first
    if name == "strn":
        yield Leak("the name of a stream", place, size)
    elif name == "IDIT":
        yield Leak("the date of the recording", place, size)
    elif name == "strh":
        kind = bytes(data[first : first + 4])
        if kind == b"vids" and b"vids" in streams.kinds:
            yield Leak("another stream of pictures", place, size)
        elif kind == b"txts":
            yield doubt("subtitles or captions", place, size)
        elif kind not in (b"vids", b"auds"):
            yield Leak("a stream of timed data", place, size)
        streams.kinds.append(kind)
    elif name == "strf":
        yield from _format(data, first, last, place, streams)
    elif name == "dmlh":
        yield from leftover(data, first + 4, last, "behind a number of frames", place)
    elif name == "vprp":
        if size > _MOST_FIELDS_BYTES:
            yield Leak(f"{size:,} bytes that describe the picture", place, size)
    elif name == "indx" or (name[:2] == "ix" and name[2:].isdigit()):
        yield from _parts_index(data, first, last, place)
    elif name not in _SIZES:
        yield Leak(f"an unknown chunk ({name})", place, size)
    if name in _SIZES and size not in _SIZES[name]:
        yield Leak(f"{size:,} bytes in {name}, more than it needs", place, size)


def _texts(data: Data, start: int, end: int, path: str) -> Iterator[Leak]:
    for name, first, last in chunks(data, start, end):
        text, place = bytes(data[first:last]), f"{path}/INFO/{name}"
        if name == "ISFT" and is_library(text):
            continue
        if name == "ISFT" and is_program(text):
            yield doubt("the name of the program that wrote it", place, last - first)
        elif name == STRAYS:
            yield from leftover(data, first, last, "where no chunk begins", place)
        else:
            yield Leak(f"a text ({name})", place, last - first)


def _format(data: Data, first: int, last: int, place: str, streams: _Streams) -> Iterator[Leak]:
    """How a stream is coded, and what settings follow."""
    body, kind = bytes(data[first:last]), streams.kinds[-1] if streams.kinds else b""
    if kind == b"vids" and len(body) >= _PICTURE_BYTES:
        (bits,) = struct.unpack_from("<H", body, 14)
        rest = body[_PICTURE_BYTES:]
        if not (bits <= 8 and len(rest) <= _COLOUR_BYTES << bits):
            yield from settings_leaks(body[16:20].decode("latin-1"), rest, place)
    elif kind == b"auds" and len(body) >= _SOUND_BYTES:
        (extra,) = struct.unpack_from("<H", body, 16)
        end = _SOUND_BYTES + extra
        yield from settings_leaks("sound", body[_SOUND_BYTES:end], place)
        yield from leftover(body, end, len(body), "behind the settings of the sound", place)
    elif len(body) > _PICTURE_BYTES:
        yield Leak(f"{len(body):,} bytes that describe a stream", place, len(body))


def _index(data: Data, start: int, end: int, streams: _Streams) -> Iterator[Leak]:
    """An index of chunks: every entry names one that there is."""
    wrong = (end - start) % _ENTRY_BYTES
    for at in range(start, end - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        kind, _, offset, _ = struct.unpack_from("<4sIII", data, at)
        if kind == b"rec ":
            continue
        beginnings = {offset, streams.first + offset, streams.first + offset + 4}
        if not any(streams.places.get(place) == kind for place in beginnings):
            wrong += _ENTRY_BYTES
    if wrong:
        yield Leak(f"{wrong:,} bytes of an index that name no chunk", f"idx1 at {start:,}", wrong)


def _parts_index(data: Data, first: int, last: int, place: str) -> Iterator[Leak]:
    """An index of OpenDML: as many entries as it says, and nothing but zeros behind them."""
    if last - first < _INDEX_HEAD:
        raise broken("an index is cut off")
    words, _, kind, used = struct.unpack_from("<HBBI", data, first)
    end = first + _INDEX_HEAD + 4 * words * used
    if end > last:
        raise broken("an index reaches past its end")
    yield from leftover(data, end, last, "behind an index", place)
    if kind == 1:
        (base,) = struct.unpack_from("<Q", data, first + 12)
        for at in range(first + _INDEX_HEAD, end, 4 * words):
            (offset,) = struct.unpack_from("<I", data, at)
            if base + offset > len(data):
                yield Leak("an index of other data", place, last - first)
                return
    elif any(
        struct.unpack_from("<Q", data, at)[0] > len(data)
        for at in range(first + _INDEX_HEAD, end, 4 * max(words, 1))
    ):
        yield Leak("an index of other data", place, last - first)


def _is_reserved(data: Data, start: int, end: int) -> bool:
    """Whether padding is room for an index that was never needed, as muxers leave it."""
    head = bytes(data[start : start + 24])
    if head[:8] == b"odmldmlh":
        return is_blank(data, start + 12, end)
    # Four numbers an entry, the kind of index, no entry, and the stream that it would be for.
    return bool(_EMPTY_INDEX.match(head)) and is_blank(data, start + 12, end)
