"""Opens a video with the field's library to look at what its streams carry.

Nothing but the file itself is read. Texts of subtitles, captions and timed data come out, whatever
container and codec they are in; what they tell is judged by `telling`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.leaks.leak import Leak, doubt
from crowdveil.evidence.leaks.telling import told_by

_DEMUXERS = (
    "asf,avi,dhav,dv,flv,gif,h264,hevc,ivf,live_flv,m4v,matroska,mov,mpeg,mpegts,mpegvideo,mxf,nut,"
    "ogg,rm,wtv"
)
_GUARDED = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
"""Play lists and the like could name other files, or addresses in the network."""
_PICTURES_OF_TEXT = frozenset({"dvd_subtitle", "dvb_subtitle", "hdmv_pgs_subtitle", "xsub"})
_MOST_CHARS = 4_000_000
"""Of one stream: films have a tenth of this."""
_RUN = re.compile(rb"[\t\r\n\x20-\x7e]{10,}")


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A file opened for reading.

    Raises:
        UnreadableMedia: the library cannot open it.
    """
    try:
        container = av.open(f"file:{path}", container_options=_GUARDED, metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableMedia(
            f"{path}: cannot be opened as a video, so its streams were not searched"
        ) from error
    try:
        yield container
    finally:
        container.close()


def stream_leaks(path: Path) -> Iterator[Leak]:
    """What streams of text and of timed data tell, and the tags of a file and its streams.

    That there are such streams is told by the walker of the container. Here come positions,
    dates, clock times and serial numbers in them.

    Raises:
        UnreadableMedia: the file cannot be opened.
    """
    with opened(path) as container:
        others = [stream for stream in container.streams if stream.type not in ("video", "audio")]
        tags = [container.metadata, *(stream.metadata for stream in container.streams)]
        for told in _told_by_tags(tags):
            yield Leak(f"{told} in a tag", "tags", 0)
        if not others:
            return
        texts: dict[int, list[str]] = defaultdict(list)
        lengths: dict[int, int] = defaultdict(int)
        with suppress(av.error.FFmpegError):
            for packet in container.demux(others):
                number = packet.stream.index
                if packet.size and lengths[number] < _MOST_CHARS:
                    text = _text_of(packet)
                    texts[number].append(text)
                    lengths[number] += len(text)
        for stream in others:
            yield from _told_by_stream(stream, [_head_of(stream), *texts[stream.index]])
            if lengths[stream.index] >= _MOST_CHARS:
                yield doubt("a text too long to be searched to its end", _place(stream), 0)


def _told_by_tags(tags: list[dict[str, str]]) -> list[str]:
    values = [
        value for one in tags for name, value in one.items() if name.upper() not in _PLAIN_TAGS
    ]
    found = {name for value in values for name in told_by(str(value))}
    return sorted(found & {"a position", "a serial number", "an e-mail address", "a date"})


_PLAIN_TAGS = frozenset(
    {"DURATION", "ENCODER", "MINOR_VERSION", "COMPATIBLE_BRANDS", "CREATION_TIME"}
)
"""Those that tell nothing, or that the walkers name themselves."""


def _text_of(packet: Any) -> str:
    """All that can be read in a packet: its text as it is coded, and as it is decoded."""
    raw = bytes(packet)
    texts = [_plain(raw)]
    if packet.stream.type == "subtitle":
        with suppress(Exception):
            for shown in packet.decode():
                # A set of lines in some versions, the lines themselves in others.
                for line in getattr(shown, "rects", None) or [shown]:
                    told = getattr(line, "ass", None) or getattr(line, "text", None) or b""
                    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
                    # Order, layer, style, name and margins come before the words.
                    texts.append(text.split(",", 8)[-1])
    return "\n".join(texts)


def _plain(raw: bytes) -> str:
    """A packet as text: UTF-8 or UTF-16 where it is, else what is printable in it."""
    # QuickTime's texts begin with their length.
    size = int.from_bytes(raw[:2], "big")
    body = raw[2 : 2 + size] if 0 < size <= len(raw) - 2 and raw[:1] < b" " else raw
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if body.startswith(mark):
            return body[2:].decode(encoding, "replace")
    with suppress(UnicodeDecodeError):
        return body.decode("utf-8")
    # Captions of broadcasts set a parity bit.
    bare = bytes(byte & 127 for byte in raw)
    return "\n".join(run.decode("ascii") for run in (*_RUN.findall(raw), *_RUN.findall(bare)))


def _told_by_stream(stream: Any, texts: list[str]) -> Iterator[Leak]:
    codec = stream.codec_context.codec.name if stream.codec_context is not None else "unknown"
    place = _place(stream)
    joined = "\n".join(texts)
    for told in told_by(joined):
        yield Leak(f"{told} in a stream of text or data", place, len(joined))
    if codec in _PICTURES_OF_TEXT or stream.codec_context is None:
        yield doubt("a stream that was not read: look at it, or leave it out", place, 0)


def _head_of(stream: Any) -> str:
    """What comes before the first text: styles, and whatever else their author wrote."""
    context = stream.codec_context
    return _plain(bytes(context.extradata or b"")) if context is not None else ""


def _place(stream: Any) -> str:
    return f"stream {stream.index} ({stream.type})"
