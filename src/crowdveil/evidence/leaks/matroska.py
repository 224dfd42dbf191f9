"""Walks a Matroska or WebM file, element by element.

Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from collections.abc import Iterator

from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, is_blank, leftover
from crowdveil.evidence.leaks.tracks import is_generic_name

_HOLDERS = {
    0x18538067: "Segment",
    0x1549A966: "Info",
    0x1654AE6B: "Tracks",
    0xAE: "TrackEntry",
    0x1F43B675: "Cluster",
    0xA0: "BlockGroup",
    0x1254C367: "Tags",
    0x7373: "Tag",
    0x63C0: "Targets",
    0x1A45DFA3: "EBML",
}
_ALLOWED = frozenset(
    {
        # In EBML, Segment and Info: versions, index, scale of time, length.
        *(0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285, 0x114D9B74, 0x1C53BB6B, 0xBF),
        *(0x2AD7B1, 0x4489),
        # In a track: numbers, kind, codec, picture and sound settings, language.
        *(0xD7, 0x73C5, 0x83, 0xB9, 0x88, 0x55AA, 0x9C, 0x23E383, 0x234E7A, 0x55EE, 0x86, 0x63A2),
        *(0x56AA, 0x56BB, 0xE0, 0xE1, 0x22B59C, 0x22B59D, 0x6DE7, 0x6DF8, 0x55AB, 0x55AC, 0x55AD),
        *(0x55AE, 0x55AF, 0x41E4, 0xAA, 0x23314F, 0x6D80, 0x537F),
        # In a cluster: times, blocks and how long they last.
        *(0xE7, 0xA7, 0xAB, 0xA3, 0xA1, 0x9B, 0xFB, 0x75A2, 0xA4, 0xFA, 0xFD),
        # Targets of tags.
        *(0x68CA, 0x63CA, 0x63C5),
    }
)
_VOID, _CRC = 0xEC, 0xBF
_PROGRAMS = frozenset({0x4D80, 0x5741})
_PLAIN_PROGRAM = b"Lavf"
_SIMPLE_TAG, _TAG_NAME, _TAG_TEXT = 0x67C8, 0x45A3, 0x4487
_HANDLER = b"HANDLER_NAME"
_PLAIN_TAGS = frozenset({b"DURATION"})
_MUXER_TAGS = frozenset(
    {b"MAJOR_BRAND", b"MINOR_VERSION", b"COMPATIBLE_BRANDS", b"ENCODER", b"VENDOR_ID"}
)
"""What converters leave: which kind of file it was, and what wrote it."""
_TRACK_TYPE, _TRACK = 0x83, 0xAE
_KINDS = {1: "picture", 2: "sound", 0x11: "subtitles"}
_NAMES = {
    0x7BA9: "a title",
    0x4461: "the date of the recording",
    0x73A4: "an identity of the file",
    0x7384: "the name of the file",
    0x3CB923: "the identity of another file",
    0x3C83AB: "the name of another file",
    0x3EB923: "the identity of another file",
    0x3E83BB: "the name of another file",
    0x4444: "the identity of a family of files",
    0x536E: "a name of a stream",
    0x258688: "a name of the codec",
    0x1941A469: "attached files",
    0x1043A770: "chapters",
    0x75A1: "something attached to the frames",
    0xAF: "encrypted data",
}
_SEGMENT, _UNKNOWN_SIZE = 0x18538067, -1


def matroska_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a Matroska or WebM file but its picture, sound and subtitles."""
    if data[:4] != b"\x1a\x45\xdf\xa3":
        raise broken("it does not begin like Matroska")
    at = 0
    pictures = [0]
    while at < len(data):
        if data[at : at + 4] not in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\xec"):
            break
        number, start, end = _element(data, at, len(data))
        yield from _inside(data, number, start, end, _HOLDERS.get(number, ""), pictures)
        at = end
    yield from leftover(data, at, len(data), "after the end of the video", f"byte {at:,}")


def _inside(
    data: Data, holder: int, start: int, end: int, path: str, pictures: list[int]
) -> Iterator[Leak]:
    if holder == _VOID:
        yield from leftover(data, start, end, "in padding", f"byte {start:,}")
        return
    at = start
    while at < end:
        number, first, last = _element(data, at, end)
        name = _HOLDERS.get(number)
        if number == _TRACK:
            yield from _track(data, first, last, f"{path}/{name}", pictures)
        if number == _SIMPLE_TAG:
            yield from _tag(data, first, last, path)
        elif name is not None:
            yield from _inside(data, number, first, last, f"{path}/{name}", pictures)
        elif number == _VOID:
            if not is_blank(data, first, last):
                yield from leftover(data, first, last, "in padding", f"{path}/Void")
        elif number in _PROGRAMS:
            if bytes(data[first:last]).strip(b"\0") != _PLAIN_PROGRAM:
                yield doubt("the name of the program that wrote it", path, last - first)
        elif number not in _ALLOWED:
            what = _NAMES.get(number, f"an unknown element ({number:#x})")
            yield Leak(what, path, last - first)
        at = last


def _track(data: Data, start: int, end: int, path: str, pictures: list[int]) -> Iterator[Leak]:
    at = start
    while at < end:
        number, first, last = _element(data, at, end)
        if number == _TRACK_TYPE:
            kind = _KINDS.get(int.from_bytes(data[first:last], "big"))
            if kind is None:
                yield Leak("a stream of timed data", path, end - start)
            elif kind == "picture":
                pictures[0] += 1
                if pictures[0] > 1:
                    yield Leak("another stream of pictures", path, end - start)
        at = last


def _tag(data: Data, start: int, end: int, path: str) -> Iterator[Leak]:
    name = value = b""
    at = start
    while at < end:
        number, first, last = _element(data, at, end)
        if number == _TAG_NAME:
            name = bytes(data[first:last]).strip(b"\0")
        elif number == _TAG_TEXT:
            value = bytes(data[first:last])
        at = last
    if name in _MUXER_TAGS or (name == _HANDLER and is_generic_name(value)):
        yield doubt("a tag of a converter", path, end - start)
    elif name not in _PLAIN_TAGS:
        told = name.decode("utf-8", "replace")
        yield Leak(f"a tag ({told[:40]})", path, end - start)


def _element(data: Data, at: int, end: int) -> tuple[int, int, int]:
    """Number, first byte of the body and end of the element that begins at a byte."""
    number, at = _number(data, at, keep=True)
    size, at = _number(data, at, keep=False)
    if size == _UNKNOWN_SIZE:
        return number, at, end
    if at + size > end:
        raise broken("an element reaches past its end")
    return number, at, at + size


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
