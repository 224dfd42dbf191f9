"""Walks the movie box of MP4, QuickTime and animated AVIF files, and the tracks in it.

Allowed are one track of pictures, sound, subtitles, and what is needed to play them in step.
Names, dates, user data, private boxes, timed data, further pictures and media data that no
sample refers to are handed out. Source: ISO/IEC 14496-12; Apple, QuickTime File Format.
"""

import struct
from collections.abc import Iterator, Sequence

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.leaks.boxes import Box, boxes, full, odd_box, top_boxes, uncovered
from crowdveil.evidence.leaks.edits import find, never_shown
from crowdveil.evidence.leaks.fragments import fragment_spans
from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, is_blank, words
from crowdveil.evidence.leaks.profile import profile_leaks

_TOP = frozenset({"ftyp", "styp", "mdat", "moov", "moof", "sidx", "mfra"})
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
_OF_ENTRY = words(
    "avcC hvcC av1C vpcC esds colr pasp clap btrt clli mdcv SmDm CoLL fiel gama dac3 dec3 "
    "dOps dfLa alac chan wave frma enda chrm amve cclv ftab styp damr d263 glbl mp4a auxi "
    "ccst st3d sv3d tx3g srat samr strf hvcE lhvC dvcC dvvC auxC pcmC vttC"
)
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
_DATES = {"mvhd": "the movie", "tkhd": "a track", "mdhd": "its media"}
_PLAIN_MAKERS = (bytes(4), b"FFMP")
"""Nobody, and the field's library."""
_PLAIN_ENCODERS = (b"Lavc", b"AVC Coding", b"HEVC Coding", b"VPC Coding", b"AOM Coding", b"H.264")
"""What libraries and standards call themselves: it tells no device."""
_VIDEO_ENTRY = 78


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
        elif box.kind not in _TOP:
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
        elif handler not in _KINDS and handler not in _SUBTITLES:
            told = handler.decode("latin-1")
            yield Leak(f"a stream of timed data ({told})", place, track.size)
        used += _samples(data, track)
    if spaces:
        yield from uncovered(data, spaces, used, "stream")


def _inside(data: Data, holder: Box, path: str) -> Iterator[Leak]:
    for box in boxes(data, holder.start, holder.end):
        here = f"{path}/{box.kind}"
        if box.kind not in _HOLDERS[holder.kind]:
            if box.kind == "udta":
                yield from _user_data(data, box, here)
            else:
                yield from odd_box(data, box, path)
        elif box.kind in _HOLDERS:
            yield from _inside(data, box, here) if box.kind != "tref" else ()
        elif box.kind in _DATES:
            yield from _dates(data, box, here)
        elif box.kind == "hdlr":
            name = bytes(data[box.start + 24 : box.end])
            if not is_generic_name(name):
                yield Leak("a name of a program or stream", here, len(name))
            if any(data[box.start + 12 : box.start + 16]) and holder.kind == "mdia":
                yield doubt("a maker's code", here, 4)
        elif box.kind == "stsd":
            yield from _entries(data, box, here)
        elif box.kind == "dref":
            yield from _references(data, box, here)


def _user_data(data: Data, box: Box, path: str) -> Iterator[Leak]:
    try:
        names = list(_fields(data, box))
    except UnreadableMedia:
        names = ["unreadable"]
    if names:
        told = ", ".join(dict.fromkeys(names)).replace("\\xa9", "©")
        position = " with a position" if any(name in ("\\xa9xyz", "loci") for name in names) else ""
        yield Leak(f"user data{position} ({told})", path, box.size)


def _fields(data: Data, box: Box) -> Iterator[str]:
    """The names of what is in user data; nothing for the empty list that some muxers write."""
    for inner in boxes(data, box.start, box.end):
        if inner.kind != "meta":
            yield inner.kind
            continue
        for part in boxes(data, inner.start + 4, inner.end):
            if part.kind == "ilst":
                yield from (field.kind for field in boxes(data, part.start, part.end))
            elif part.kind not in ("hdlr", "free"):
                yield part.kind
            elif part.kind == "free" and not is_blank(data, part.start, part.end):
                yield "padding that is not empty"


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


def _entries(data: Data, box: Box, path: str) -> Iterator[Leak]:
    for entry in boxes(data, box.start + 8, box.end):
        here = f"{path}/{entry.kind}"
        if _is_picture(data, entry):
            name = bytes(
                data[entry.start + 43 : entry.start + 43 + min(data[entry.start + 42], 31)]
            )
            if name.startswith(_PLAIN_ENCODERS):
                yield doubt("the name of a common encoder", here, len(name))
            elif any(data[entry.start + 42 : entry.start + 74]):
                yield Leak("a name of the encoder", here, 32)
            if bytes(data[entry.start + 12 : entry.start + 16]) not in _PLAIN_MAKERS:
                yield doubt("a maker's code", here, 4)
            yield from _in_entry(data, entry, entry.start + _VIDEO_ENTRY, here)


def _is_picture(data: Data, entry: Box) -> bool:
    """By its density, which is 72 dpi in all of them, and its depth."""
    if entry.size < _VIDEO_ENTRY:
        return False
    return bytes(data[entry.start + 28 : entry.start + 30]) == b"\0\x48"


def _in_entry(data: Data, entry: Box, start: int, path: str) -> Iterator[Leak]:
    for box in boxes(data, start, entry.end):
        if box.kind == "colr" and data[box.start : box.start + 4] in (b"prof", b"rICC"):
            yield from profile_leaks(bytes(data[box.start + 4 : box.end]), f"{path}/colr")
        elif box.kind not in _OF_ENTRY:
            yield from odd_box(data, box, path)


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
    box = parts["stsz"]
    size, count = struct.unpack_from(">II", data, box.start + 4)
    if size:
        return [size] * count
    return struct.unpack_from(f">{count}I", data, box.start + 12)
