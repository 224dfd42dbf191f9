"""Takes coded pictures of H.264 and H.265 apart into their units, and names those that hold no
picture. Source: ITU-T H.264, 7.3, 7.4.1 and annex D; ITU-T H.265, 7.4.2.2 and annex D.
"""

from collections.abc import Iterator

from crowdveil.evidence.leaks.makers import is_library

CODECS = frozenset({"h264", "hevc"})
"""Those that this knows."""
CAPTIONS = "captions or a maker's data between the pictures"
_NOTES, _TEXT = "notes of the encoder", "data of a program between the pictures"
_STRAY = "units between the pictures that no decoder needs"
_BEHIND = "bytes between the units of a picture"
_SEI = {"h264": (6,), "hevc": (39, 40)}
_SETS = {"h264": (7, 8), "hevc": (32, 33, 34)}
_FILLER = {"h264": 12, "hevc": 38}
_NEEDED = {
    # Slices, parameter sets, ends, and the layers of other views.
    "h264": frozenset({1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 15, 19, 20}),
    "hevc": frozenset({*range(10), *range(16, 22), *range(32, 38)}),
}
_REGISTERED, _UNREGISTERED = 4, 5
_PLAYING = frozenset({0, 1, 2, 3, 6, 9, 19, 45, 47, *range(128, 137), 137, 144, 147, 148, 149, 156})
"""Messages that help to play: timing, recovery, field order, hashes, light."""
_MOST_PLAYING_BYTES = 128
_MOST_SET_BYTES = 1_024
_FRAMED = {"h264": (4, 4), "hevc": (21, 21)}
_LIBRARIES = (b"x264", b"x265", b"lavc", b"xvid", b"divx", b"ffmpeg", b"lavf", b"libx26")
_MOST_NOTE_BYTES = 4_096


def length_bytes(codec: str, extra: bytes) -> int:
    """How many bytes tell the length of each unit; 0 where start codes tell units apart."""
    if codec not in _FRAMED or extra[:1] != b"\x01":
        return 0
    at, _ = _FRAMED[codec]
    return (extra[at] & 3) + 1 if len(extra) > at else 0


def parameter_sets(codec: str, extra: bytes) -> Iterator[tuple[str, int]]:
    """What the settings of a decoder hold between its sets of parameters, with sizes."""
    if codec == "h264":
        yield from _older_sets(extra)
        return
    at = 23
    for _ in range(extra[22]):
        count, at = int.from_bytes(extra[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(extra[at : at + 2], "big")
            yield from _in_unit(codec, extra[at + 2 : at + 2 + size])
            at += 2 + size


def _older_sets(extra: bytes) -> Iterator[tuple[str, int]]:
    """The same of H.264, where two kinds of sets follow each other."""
    at = 5
    for mask in (31, 255):
        count, at = extra[at] & mask if at < len(extra) else 0, at + 1
        for _ in range(count):
            size = int.from_bytes(extra[at : at + 2], "big")
            yield from _in_unit("h264", extra[at + 2 : at + 2 + size])
            at += 2 + size


def told_in_units(codec: str, data: bytes, framed: int) -> Iterator[tuple[str, int]]:
    """What lies in and between the units of one picture, with sizes.

    Args:
        codec: "h264" or "hevc".
        data: the coded picture.
        framed: bytes that tell the length of each unit; 0 where start codes part them.
    """
    if not framed:
        for unit in _started(data):
            yield from _in_unit(codec, unit)
        return
    at = 0
    while at + framed <= len(data):
        size = int.from_bytes(data[at : at + framed], "big")
        if at + framed + size > len(data):
            break
        yield from _in_unit(codec, data[at + framed : at + framed + size])
        at += framed + size
    if data[at:].strip(b"\0"):
        yield _BEHIND, len(data) - at


def told_by_note(body: bytes) -> str:
    """Whether a text is an encoder's about itself."""
    told = body.rstrip(b"\0\x80")
    if told.lower().startswith(_LIBRARIES) and len(told) <= _MOST_NOTE_BYTES:
        return _NOTES
    return _NOTES if is_library(told[:100]) and len(told) <= 100 else _TEXT


def _started(data: bytes) -> Iterator[bytes]:
    at = data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        # The zero of a longer start code belongs to no unit.
        yield data[at + 3 : following if following >= 0 else len(data)].rstrip(b"\0")
        at = following


def _in_unit(codec: str, unit: bytes) -> Iterator[tuple[str, int]]:
    if not unit:
        return
    kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
    head = 1 if codec == "h264" else 2
    if kind == _FILLER[codec]:
        if unit[head:].strip(b"\xff\x80\0"):
            yield _STRAY, len(unit)
    elif kind in _SEI[codec]:
        yield from _messages(unit[head:].replace(b"\0\0\3", b"\0\0"))
    elif kind not in _NEEDED[codec] or (kind in _SETS[codec] and len(unit) > _MOST_SET_BYTES):
        yield _STRAY, len(unit)


def _messages(body: bytes) -> Iterator[tuple[str, int]]:
    at = 0
    while at + 2 < len(body):
        message, at = _growing(body, at)
        size, at = _growing(body, at)
        part = body[at : at + size]
        if message == _UNREGISTERED:
            yield told_by_note(part[16:]), len(part)
        elif message == _REGISTERED:
            yield CAPTIONS, len(part)
        elif message not in _PLAYING or size > _MOST_PLAYING_BYTES:
            yield f"messages of kind {message}", len(part)
        at += size
    # A bit that ends the unit, and no more.
    if body[at:].strip(b"\0") not in (b"", b"\x80"):
        yield _BEHIND, len(body) - at


def _growing(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    while at < len(body) and body[at] == 255:
        value, at = value + 255, at + 1
    return (value + body[at], at + 1) if at < len(body) else (value, at)
