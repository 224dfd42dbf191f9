"""Walks the movie box of MP4, QuickTime and animated AVIF files, and the tracks in it.

Allowed are one track of pictures, sound, subtitles, and what is needed to play them in step.
Names, dates, user data, private boxes, timed data, further pictures and media data that no
sample refers to are handed out. Source: ISO/IEC 14496-12; Apple, QuickTime File Format.
"""

import struct
from collections.abc import Iterator, Sequence

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.leaks.box_sizes import reference_leaks, size_leaks
from crowdveil.evidence.leaks.boxes import Box, boxes, full, odd_box, top_boxes, uncovered
from crowdveil.evidence.leaks.edits import find, never_shown
from crowdveil.evidence.leaks.entries import entry_leaks
from crowdveil.evidence.leaks.fragments import fragment_spans
from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, is_blank, leftover, words
from crowdveil.evidence.leaks.makers import is_library, is_program
from crowdveil.evidence.leaks.tables import TABLES, index_leaks, table_leaks

_TOP = frozenset({"ftyp", "styp", "mdat", "moov", "moof", "sidx", "ssix", "mfra"})
_HOLDERS: dict[str, frozenset[str]] = {
    "moov": frozenset({"mvhd", "trak", "mvex", "iods"}),
    "trak": frozenset({"tkhd", "edts", "mdia", "tref", "tapt"}),
    "edts": frozenset({"elst"}),
    "tapt": frozenset({"clef", "prof", "enof"}),
    "mdia": frozenset({"mdhd", "hdlr", "minf", "elng"}),
    "minf": frozenset({"vmhd", "smhd", "nmhd", "sthd", "gmhd", "hdlr", "dinf", "stbl"}),
    "gmhd": frozenset({"gmin", "text"}),
    "dinf": frozenset({"dref"}),
    "stbl": words(
        "stsd stts stss ctts cslg stsc stsz stz2 stco co64 sgpd sbgp sdtp stps subs saiz saio"
    ),
    "mvex": frozenset({"mehd", "trex"}),
    "moof": frozenset({"mfhd", "traf"}),
    "traf": frozenset({"tfhd", "tfdt", "trun", "sbgp", "sgpd", "subs", "saiz", "saio"}),
    "mfra": frozenset({"tfra", "mfro"}),
    "tref": frozenset(
        {"hint", "cdsc", "font", "hind", "vdep", "vplx", "subt", "chap", "tmcd", "sync"}
    ),
}
_KINDS = {b"vide": "picture", b"auxv": "picture", b"pict": "picture", b"soun": "sound"}
_SUBTITLES = frozenset({b"text", b"subt", b"sbtl", b"subp", b"clcp"})
_PLAIN_NAMES = frozenset(
    {
        *("", "videohandler", "soundhandler", "subtitlehandler", "video", "sound", "subtitle"),
        *("core media video", "core media audio", "video handler", "sound handler", "data handler"),
        *("apple video media handler", "apple sound media handler", "apple alias data handler"),
        *("datahandler", "picturehandler", "alpha", "color", "video media handler"),
        *("sound media handler", "pict", "libheif"),
    }
)
_WRITERS = frozenset({"\\xa9too", "\\xa9swr", "\\xa9enc"})
_MOST_HANDLER_BYTES = 33
_FRAGMENT_TIMES = (
    bytes.fromhex("6d1d9b0542d544e680e2141daff757b2"),
    bytes.fromhex("d4807ef2ca3946958e5426cb9e46a79f"),
)
_MOST_TIME_BYTES = 160
_DATES = {"mvhd": "the movie", "tkhd": "a track", "mdhd": "its media"}


def is_generic_name(name: bytes) -> bool:
    """Whether a handler's name says nothing but what it handles."""
    text = name.decode("utf-8", "replace").strip("\0 \t\r\n")
    # QuickTime writes its length first.
    if text and ord(text[0]) == len(text) - 1:
        text = text[1:]
    return text.lower() in _PLAIN_NAMES


def film_leaks(data: Data) -> Iterator[Leak]:
    """Everything in an MP4 or QuickTime file but its picture, sound and subtitles."""
    spaces: list[tuple[int, int]] = []
    movie: Box | None = None
    fragments: list[Box] = []
    for box in top_boxes(data, "video"):
        if isinstance(box, Leak):
            yield box
        elif box.kind == "mdat":
            spaces.append((box.start, box.end))
        elif box.kind == "moov":
            if movie is not None:
                yield Leak("a second movie", "moov", box.size)
            movie = box
        elif box.kind in ("moof", "mfra"):
            yield from _inside(data, box, box.kind)
            if box.kind == "moof":
                fragments.append(box)
        elif box.kind in _TOP:
            yield from size_leaks(data, box, box.kind)
            if box.kind == "sidx":
                yield from index_leaks(data, box)
        elif not _is_fragment_s_time(data, box):
            yield from odd_box(data, box, "")
    if movie is None:
        raise broken("it holds no movie")
    yield from movie_leaks(data, movie, spaces, list(fragment_spans(data, movie, fragments)))


def movie_leaks(
    data: Data, movie: Box, spaces: Sequence[tuple[int, int]], used: list[tuple[int, int]]
) -> Iterator[Leak]:
    """What a movie box holds besides what is needed to play it.

    Args:
        data: the whole file.
        movie: its box.
        spaces: the bodies of its media data, to be compared with the samples of all tracks.
        used: what else refers to them; the samples are added.
    """
    yield from _inside(data, movie, "moov")
    tracks = [box for box in boxes(data, movie.start, movie.end) if box.kind == "trak"]
    pictures = 0
    for number, track in enumerate(tracks, 1):
        found = find(data, track, ("mdia", "hdlr"))
        handler = b"" if found is None else bytes(data[found.start + 8 : found.start + 12])
        place = f"moov/trak {number}"
        if _KINDS.get(handler) == "picture":
            pictures += handler != b"auxv"
            if pictures > 1:
                yield Leak("another stream of pictures", place, track.size)
            if hidden := never_shown(data, movie, track):
                what = f"{hidden:,} pictures that the list of edits leaves out"
                yield Leak(what, f"{place}/edts/elst", 0)
        elif handler in _SUBTITLES:
            yield doubt("subtitles or captions", place, track.size)
        elif handler not in _KINDS:
            told = handler.decode("latin-1")
            yield Leak(f"a stream of timed data ({told})", place, track.size)
        used += _samples(data, track)
    if spaces:
        yield from uncovered(data, spaces, used, "stream")


def _inside(data: Data, holder: Box, path: str, handler: bytes = b"") -> Iterator[Leak]:
    if holder.kind == "mdia":
        found = find(data, holder, ("hdlr",))
        handler = b"" if found is None else bytes(data[found.start + 8 : found.start + 12])
    end = holder.start
    for box in boxes(data, holder.start, holder.end):
        here, end = f"{path}/{box.kind}", box.end
        if box.kind not in _HOLDERS[holder.kind]:
            if box.kind == "udta":
                yield from _user_data(data, box, here)
            elif not (holder.kind == "traf" and _is_fragment_s_time(data, box)):
                yield from odd_box(data, box, path)
        elif box.kind == "tref":
            yield from reference_leaks(data, box, here)
        elif box.kind in _HOLDERS:
            yield from _inside(data, box, here, handler)
        elif box.kind == "hdlr":
            name = bytes(data[box.start + 24 : box.end])
            if not is_generic_name(name):
                yield Leak("a name of a program or stream", here, len(name))
            if any(data[box.start + 12 : box.start + 24]) and holder.kind == "mdia":
                yield doubt("a maker's code", here, 4)
        elif box.kind == "stsd":
            yield from entry_leaks(data, box, handler, here)
        elif box.kind == "dref":
            yield from _references(data, box, here)
        elif box.kind in TABLES and holder.kind == "stbl":
            yield from table_leaks(data, holder, box, here)
        else:
            if box.kind in _DATES:
                yield from _dates(data, box, here)
            yield from size_leaks(data, box, here)
    # QuickTime ends some lists with four zero bytes.
    yield from leftover(data, end, holder.end, "behind the last box", path)


def _is_fragment_s_time(data: Data, box: Box) -> bool:
    """Whether a private box only says when a fragment plays, as Smooth Streaming wants it."""
    known = bytes(data[box.start : box.start + 16]) in _FRAGMENT_TIMES
    return box.kind == "uuid" and known and box.size <= _MOST_TIME_BYTES


def _user_data(data: Data, box: Box, path: str) -> Iterator[Leak]:
    try:
        fields = list(_fields(data, box))
    except UnreadableMedia:
        fields = [("unreadable", b"unreadable")]
    names = []
    for name, text in fields:
        if name in _WRITERS and is_library(text):
            continue
        if name in _WRITERS and is_program(text):
            yield doubt("the name of the program that wrote it", path, len(text))
        else:
            names.append(name)
    if names:
        told = ", ".join(dict.fromkeys(names)).replace("\\xa9", "©")
        position = " with a position" if any(name in ("\\xa9xyz", "loci") for name in names) else ""
        yield Leak(f"user data{position} ({told})", path, box.size)


def _fields(data: Data, box: Box) -> Iterator[tuple[str, bytes]]:
    """Name and text of what is in user data; nothing for the empty list that some muxers write."""
    for inner in boxes(data, box.start, box.end):
        if inner.kind != "meta":
            # A length and a language come before QuickTime's texts.
            yield inner.kind, bytes(data[inner.start + 4 : inner.end])
            continue
        for part in boxes(data, inner.start + 4, inner.end):
            if part.kind == "ilst":
                for field in boxes(data, part.start, part.end):
                    # Another box around it, and a type and a language before it.
                    yield field.kind, bytes(data[field.start + 16 : field.end])
            elif part.kind == "hdlr":
                if part.size > _MOST_HANDLER_BYTES or any(data[part.start + 24 : part.end]):
                    yield "hdlr", bytes(data[part.start : part.end])
            elif part.kind != "free" or not is_blank(data, part.start, part.end):
                yield part.kind, b""


def _dates(data: Data, box: Box, path: str) -> Iterator[Leak]:
    version, _ = full(data, box)
    layout = ">QQ" if version else ">II"
    if any(struct.unpack_from(layout, data, box.start + 4)):
        yield Leak(f"a date of {_DATES[box.kind]}", path, struct.calcsize(layout))


def _references(data: Data, box: Box, path: str) -> Iterator[Leak]:
    for one in boxes(data, box.start + 8, box.end):
        _, flags = full(data, one)
        if not flags & 1 or one.size > 4 + 1:
            yield Leak("the place of another file", f"{path}/{one.kind}", one.size)


def _samples(data: Data, track: Box) -> list[tuple[int, int]]:
    """First byte and end of every chunk of samples of a track."""
    table = find(data, track, ("mdia", "minf", "stbl"))
    if table is None:
        return []
    parts = {box.kind: box for box in boxes(data, table.start, table.end)}
    try:
        sizes = _sizes(data, parts)
        places = parts.get("co64") or parts["stco"]
        letter = "Q" if places.kind == "co64" else "I"
        (count,) = struct.unpack_from(">I", data, places.start + 4)
        starts = struct.unpack_from(f">{count}{letter}", data, places.start + 8)
        runs = parts["stsc"]
        (many,) = struct.unpack_from(">I", data, runs.start + 4)
        flat = struct.unpack_from(f">{3 * many}I", data, runs.start + 8)
    except (KeyError, struct.error) as error:
        raise broken("a table of samples is cut off") from error
    spans, sample = [], 0
    for k in range(many):
        first, each = flat[3 * k] - 1, flat[3 * k + 1]
        until = flat[3 * k + 3] - 1 if k + 1 < many else count
        for chunk in range(first, min(until, count)):
            length = sum(sizes[sample : sample + each])
            spans.append((starts[chunk], starts[chunk] + length))
            sample += each
    return spans


def _sizes(data: Data, parts: dict[str, Box]) -> Sequence[int]:
    if "stz2" in parts:
        return _small_sizes(data, parts["stz2"])
    box = parts["stsz"]
    size, count = struct.unpack_from(">II", data, box.start + 4)
    if size:
        return [size] * count
    return struct.unpack_from(f">{count}I", data, box.start + 12)


def _small_sizes(data: Data, box: Box) -> Sequence[int]:
    width, (count,) = data[box.start + 7], struct.unpack_from(">I", data, box.start + 8)
    if width == 4:
        packed = bytes(data[box.start + 12 : box.start + 12 + -(-count // 2)])
        return [half for byte in packed for half in (byte >> 4, byte & 15)][:count]
    return struct.unpack_from(f">{count}{'H' if width == 16 else 'B'}", data, box.start + 12)
