"""Looks into the coded pictures of a video for what is no picture: notes of encoders, captions.

Codecs let programs put texts and data of their own between the pictures, where no container
knows of them. Source: ITU-T H.264 and H.265, annex D; AV1 bitstream specification, 5.8;
ISO/IEC 14496-2 for user data.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.leak import Leak
from crowdveil.media.video.probe import opened

_SEI = {"h264": (6,), "hevc": (39, 40)}
_REGISTERED, _UNREGISTERED = 4, 5
_PLAYING = frozenset({0, 1, 2, 3, 6, 9, 19, 45, 47, *range(128, 137), 137, 144, 147, 148, 149, 156})
"""Messages that help to play: timing, recovery, field order, hashes, light."""
_MPEG = frozenset({"mpeg4", "mpeg2video", "mpeg1video"})
_USER_DATA = b"\x00\x00\x01\xb2"
_METADATA_OBU, _T35 = 5, 4


def unit_leaks(path: Path) -> Iterator[Leak]:
    """What lies between the coded pictures of a video.

    Raises:
        UnreadableMedia: the file cannot be opened or read.
    """
    found: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    with opened(path) as container:
        for stream in container.streams.video:
            context: Any = stream.codec_context
            if context is None:
                continue
            codec, extra = str(context.codec.canonical_name), bytes(context.extradata or b"")
            framed = _length_bytes(codec, extra)
            for what, size in _in_header(codec, extra, framed):
                found[what] += 1
                sizes[what] += size
        if not container.streams.video:
            return
        try:
            for packet in container.demux(list(container.streams.video)):
                context = packet.stream.codec_context
                if context is None or not packet.size:
                    continue
                codec = str(context.codec.canonical_name)
                framed = _length_bytes(codec, bytes(context.extradata or b""))
                for what, size in _in_packet(codec, bytes(packet), framed):
                    found[what] += 1
                    sizes[what] += size
        except av.error.FFmpegError:
            pass  # the rest cannot be read, and what cannot be read is told by the comparison
    for what, count in sorted(found.items()):
        verdict = Verdict.DOUBTFUL if what in _HARMLESS else Verdict.EXPOSED
        yield Leak(what, f"between the pictures, {count:,} times", sizes[what], verdict)


_ENCODER = "notes of the encoder"
_HARMLESS = frozenset({_ENCODER})
_CAPTIONS = "captions or a maker's data between the pictures"
_TEXT = "data of a program between the pictures"


def _length_bytes(codec: str, extra: bytes) -> int:
    """How many bytes tell the length of each unit; 0 where start codes tell units apart."""
    if codec == "h264" and extra[:1] == b"\x01" and len(extra) > 4:
        return (extra[4] & 3) + 1
    if codec == "hevc" and extra[:1] == b"\x01" and len(extra) > 21:
        return (extra[21] & 3) + 1
    return 0


def _in_header(codec: str, extra: bytes, framed: int) -> Iterator[tuple[str, int]]:
    if codec == "hevc" and framed:
        at = 23
        for _ in range(extra[22]):
            count, at = int.from_bytes(extra[at + 1 : at + 3], "big"), at + 3
            for _ in range(count):
                size = int.from_bytes(extra[at : at + 2], "big")
                yield from _in_unit(codec, extra[at + 2 : at + 2 + size])
                at += 2 + size
    elif codec in _SEI or codec in _MPEG:
        yield from _in_packet(codec, extra if not framed else b"", 0)


def _in_packet(codec: str, data: bytes, framed: int) -> Iterator[tuple[str, int]]:
    if codec in _SEI:
        for unit in _framed(data, framed) if framed else _started(data):
            yield from _in_unit(codec, unit)
    elif codec in _MPEG:
        at = data.find(_USER_DATA)
        while at >= 0:
            end = data.find(b"\0\0\1", at + 4)
            body = data[at + 4 : end if end >= 0 else len(data)]
            yield _told(body), len(body)
            at = data.find(_USER_DATA, at + 4)
    elif codec == "av1":
        yield from _in_obus(data)


def _framed(data: bytes, framed: int) -> Iterator[bytes]:
    at = 0
    while at + framed < len(data):
        size = int.from_bytes(data[at : at + framed], "big")
        yield data[at + framed : at + framed + size]
        at += framed + size


def _started(data: bytes) -> Iterator[bytes]:
    at = data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        yield data[at + 3 : following if following >= 0 else len(data)]
        at = following


def _in_unit(codec: str, unit: bytes) -> Iterator[tuple[str, int]]:
    if not unit:
        return
    kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
    if kind not in _SEI[codec]:
        return
    body = unit[1 if codec == "h264" else 2 :].replace(b"\0\0\3", b"\0\0")
    at = 0
    while at + 2 < len(body):
        message, at = _growing(body, at)
        size, at = _growing(body, at)
        part = body[at : at + size]
        if message == _UNREGISTERED:
            yield _told(part[16:]), len(part)
        elif message == _REGISTERED:
            yield _CAPTIONS, len(part)
        elif message not in _PLAYING:
            yield f"messages of kind {message}", len(part)
        at += size


def _growing(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    while at < len(body) and body[at] == 255:
        value, at = value + 255, at + 1
    return (value + body[at], at + 1) if at < len(body) else (value, at)


def _told(body: bytes) -> str:
    """Whether a text is an encoder's about itself."""
    start = body[:16].lower()
    if start.startswith((b"x264", b"x265", b"lavc", b"xvid", b"divx", b"ffmpeg", b"lavf")):
        return _ENCODER
    return _TEXT


def _in_obus(data: bytes) -> Iterator[tuple[str, int]]:
    at = 0
    while at < len(data):
        head = data[at]
        kind, extended, sized = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        at += 1 + extended
        if not sized:
            return
        size, shift = 0, 0
        while at < len(data):
            byte, at = data[at], at + 1
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        if kind == _METADATA_OBU and data[at : at + 1] == bytes([_T35]):
            yield _CAPTIONS, size
        at += size
