"""Looks into the coded pictures of a video for what is no picture: notes of encoders, captions,
units that no decoder needs.

Codecs let programs put texts and data of their own between the pictures, where no container
knows of them. How units are told apart is left to `nal` and `obu`. Source: ISO/IEC 14496-2 for
user data.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.jpeg import jpeg_leaks
from crowdveil.evidence.leaks.leak import Leak
from crowdveil.evidence.leaks.nal import (
    CAPTIONS,
    CODECS,
    length_bytes,
    parameter_sets,
    told_by_note,
    told_in_units,
)
from crowdveil.evidence.leaks.obu import told_in_obus
from crowdveil.evidence.leaks.png import png_leaks
from crowdveil.evidence.leaks.streams import opened

_MPEG = frozenset({"mpeg4", "mpeg2video", "mpeg1video"})
_USER_DATA = b"\x00\x00\x01\xb2"
_JPEG = frozenset({"mjpeg", "mjpegb"})
_FILES = _JPEG | {"png", "apng", "gif", "webp", "tiff", "bmp"}
"""Codecs whose frames begin as files do."""
_MOST_HEAD_BYTES = 32
_ITEMS = {"hvc1": "hevc", "avc1": "h264"}
ENCODER_NOTES = "notes of the encoder"
_HARMLESS = frozenset({ENCODER_NOTES})


def unit_leaks(path: Path) -> Iterator[Leak]:
    """What lies between the coded pictures of a video.

    Raises:
        UnreadableMedia: the file cannot be opened or read.
    """
    found: Counter[str] = Counter()
    sizes: Counter[str] = Counter()

    def count(told: Iterator[tuple[str, int]]) -> None:
        for what, size in told:
            found[what] += 1
            sizes[what] += size

    with opened(path) as container:
        for stream in container.streams.video:
            context: Any = stream.codec_context
            if context is not None:
                codec, extra = str(context.codec.canonical_name), bytes(context.extradata or b"")
                count(_in_header(codec, extra, length_bytes(codec, extra)))
        if not container.streams.video:
            return
        try:
            for packet in container.demux(list(container.streams.video)):
                context = packet.stream.codec_context
                if context is None or not packet.size:
                    continue
                codec = str(context.codec.canonical_name)
                framed = length_bytes(codec, bytes(context.extradata or b""))
                count(_in_packet(codec, bytes(packet), framed))
        except av.error.FFmpegError:
            pass  # the rest cannot be read, and what cannot be read is told by the comparison
    for what, number in sorted(found.items()):
        verdict = Verdict.DOUBTFUL if what in _HARMLESS else Verdict.EXPOSED
        yield Leak(what, f"between the pictures, {number:,} times", sizes[what], verdict)


def item_leaks(kind: str, coded: bytes, place: str) -> Iterator[Leak]:
    """What lies between the units of one coded picture of a HEIF or AVIF file.

    Args:
        kind: four letters that say how it is coded.
        coded: its bytes; units of H.264 and H.265 are preceded by their length, four bytes.
        place: where it is in the file.
    """
    told = told_in_obus(coded) if kind == "av01" else told_in_units(_ITEMS[kind], coded, 4)
    for what, size in told:
        verdict = Verdict.DOUBTFUL if what in _HARMLESS else Verdict.EXPOSED
        yield Leak(what, place, size, verdict)


def picture_spans(path: Path) -> list[tuple[int, int]]:
    """First byte and end of frames that begin as files do, as those of Motion JPEG."""
    spans = []
    with opened(path) as container:
        streams = [
            one
            for one in container.streams.video
            if one.codec_context is not None and one.codec_context.codec.canonical_name in _FILES
        ]
        if not streams:
            return []
        try:
            for packet in container.demux(streams):
                if packet.size and packet.pos is not None and packet.pos >= 0:
                    # Some containers count from their own head before the frame.
                    spans.append((packet.pos, packet.pos + packet.size + _MOST_HEAD_BYTES))
        except av.error.FFmpegError:
            pass
    return spans


def _in_header(codec: str, extra: bytes, framed: int) -> Iterator[tuple[str, int]]:
    if codec in CODECS and framed:
        yield from parameter_sets(codec, extra)
    elif codec in CODECS or codec in _MPEG:
        yield from _in_packet(codec, extra if not framed else b"", 0)


def _in_packet(codec: str, data: bytes, framed: int) -> Iterator[tuple[str, int]]:
    if codec in CODECS:
        yield from told_in_units(codec, data, framed)
    elif codec in _MPEG:
        at = data.find(_USER_DATA)
        while at >= 0:
            end = data.find(b"\0\0\1", at + 4)
            body = data[at + 4 : end if end >= 0 else len(data)]
            yield (CAPTIONS if body.startswith(_CAPTION_HEADS) else told_by_note(body)), len(body)
            at = data.find(_USER_DATA, at + 4)
    elif codec == "av1":
        yield from told_in_obus(data)
    elif codec in _JPEG:
        yield from _in_file(lambda: jpeg_leaks(data, in_film=True), data)
    elif codec == "png":
        yield from _in_file(lambda: png_leaks(data), data)


_CAPTION_HEADS = (b"GA94", b"CC\x01", b"DTG1")


def _in_file(look: Callable[[], Iterator[Leak]], data: bytes) -> Iterator[tuple[str, int]]:
    """A frame that is a file of its own."""
    try:
        for leak in look():
            yield f"{leak.what}, in a frame", leak.size
    except UnreadableMedia:
        yield "a frame that cannot be walked through", len(data)
