"""Opens a video far enough to say what it is, and what a veiled copy of it will lack.

A path comes in, a `Clip` goes out. Only headers and the first frame are read; decoding all
frames is left to `reader`.
"""

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.stream import VideoStream

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.geometry import SizeWH
from crowdveil.media.limits import check_size
from crowdveil.media.video.clip import Clip, Turn, VideoFormat
from crowdveil.media.video.clock import BREAKS_OFF, Clock, clock_of
from crowdveil.media.video.containers import HEAD_BYTES, written_as
from crowdveil.media.video.ending import missing_bytes
from crowdveil.media.video.left_out import left_out
from crowdveil.media.video.transparency import alpha_decoder, decoder_for

VOICES = "the sound is kept, and voices identify people; --audio drop leaves it out"

_ONE = 65536
"""1 in the fixed-point numbers of a display matrix."""

_UNEVEN = 0.02

_EARLY_S, _EARLY_SHARED_S = 0.25, 1.0
"""A video that ends so much before the length it claims was cut off; the second where the
claim is for picture and sound together, as sound often lasts longer."""

_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
"""How Matroska tags tell a duration."""

_DEMUXERS = (
    "asf,avi,dhav,dv,flv,h264,hevc,ivf,live_flv,m4v,matroska,mov,mpeg,mpegts,mpegvideo,mxf,nut,"
    "obu,ogg,rm,wtv,yuv4mpegpipe"
)
_GUARDED = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
"""Nothing but the file itself is read: play lists and the like could name other files, or
addresses in the network."""


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A file opened for reading; raises `UnreadableMedia` or `UnsupportedMedia`."""
    try:
        container = av.open(f"file:{path}", container_options=_GUARDED, metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise unreadable(path, error) from error
    try:
        yield container
    finally:
        container.close()


def unreadable(path: Path, error: Exception) -> UnreadableMedia:
    """What to say of a video that cannot be read."""
    there = os.path.isfile(path)
    if not there and isinstance(error, OSError) and error.strerror:
        return UnreadableMedia(f"{path}: cannot be read ({error.strerror}); check the path")
    if there and path.stat().st_size == 0:
        return UnreadableMedia(f"{path}: is empty; copy it again from the camera or the sender")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UnreadableMedia(
        f"{path}: cannot be read as a video ({reason}); it may be damaged, incomplete or of a kind "
        "that is not read: copy it again from the camera or the sender, or export it as MP4"
    )


def main_video(container: InputContainer) -> VideoStream | None:
    """The video stream that is shown, None if there is none; covers do not count."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return max(streams, key=_prominence, default=None)


def _prominence(stream: VideoStream) -> tuple[bool, int]:
    context = stream.codec_context
    size = 0 if context is None else context.width * context.height
    return bool(stream.disposition & Disposition.default), size


def open_clip(path: Path, target: VideoFormat | None = None) -> Clip:
    """Read a video's headers, its first frame, and the times of all its packets.

    Args:
        path: the file.
        target: the container of its copy, None for its own, or what stands for it.

    Raises:
        UnreadableMedia: it cannot be opened or holds no frame that can be decoded.
        UnsupportedMedia: it holds no moving picture, or is encrypted.
    """
    clock = _clock(path)
    with opened(path) as container:
        stream = main_video(container)
        if stream is None:
            raise UnsupportedMedia(f"{path}: holds no moving picture; there is nothing to veil")
        if stream.codec_context is None:
            raise UnsupportedMedia(
                f"{path}: its video codec is not known, so it was NOT copied; "
                "convert it to H.264 in MP4 first"
            )
        check_size(max(stream.width, 1), max(stream.height, 1), 1, str(path))
        frame, decoder = _first_frame(container, stream, path)
        check_size(frame.width, frame.height, 1, str(path))
        rate = stream.average_rate or stream.guessed_rate
        format = _format(path)
        wanted = target or format
        seconds, early_s = _seconds(container, stream, clock)
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        turn = turn_of(frame)
        if aspect and turn.quarter_turns % 2:
            aspect = 1 / aspect
        return Clip(
            path=path,
            format=format,
            target=wanted,
            codec=stream.codec_context.codec.canonical_name,
            stored_wh=(frame.width, frame.height),
            turn=turn,
            pixel_aspect=Fraction(aspect) if aspect and aspect > 0 else Fraction(1),
            pixels=frame.format.name,
            time_base=Fraction(stream.time_base or Fraction(1, 1000)),
            rate=Fraction(rate) if rate else None,
            frames=stream.frames or (round(seconds * rate) if seconds and rate else None),
            duration_s=seconds,
            early_s=early_s,
            has_audio=bool(container.streams.audio),
            uneven=_uneven(stream),
            clock=clock,
            alpha_decoder=decoder,
            notices=tuple(left_out(container, stream, frame, wanted, asked=wanted != format)),
            subtitles=tuple(_subtitles(container)),
            lacking=tuple(_lacking(path, clock)),
        )


def _clock(path: Path) -> Clock:
    with opened(path) as container:
        stream = main_video(container)
        if stream is None or stream.codec_context is None:
            return Clock()
        return clock_of(container, stream.index)


def _subtitles(container: InputContainer) -> Iterator[str]:
    for stream in container.streams:
        if stream.type == "subtitle":
            context = stream.codec_context
            yield "unknown" if context is None else context.codec.canonical_name


def _lacking(path: Path, clock: Clock) -> Iterator[str]:
    """What shows that the end of a file is missing."""
    try:
        missing = missing_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if missing or clock.cut_short:
        yield (
            f"the file breaks off: {_bytes(missing)} missing at its end; what is left is veiled, "
            "but the copy may lack the end"
        )


def _bytes(count: int) -> str:
    if count == 0:
        return "some bytes are"
    return "at least 1 byte is" if count == 1 else f"at least {count:,} bytes are"


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> tuple[Any, Any]:
    """The first frame, and the name of the decoder to use if it is not the usual one."""
    name: str | None = None
    decoder: Any = None
    try:
        for packet in container.demux(stream):
            if packet.has_sidedata("encryption_info"):
                raise UnsupportedMedia(
                    f"{path}: is encrypted, so it was NOT copied; ask for it without protection"
                )
            if decoder is None:
                name = decoder_for(stream, packet)
                decoder = alpha_decoder(name, stream) if name else None
            try:
                for frame in packet.decode() if decoder is None else decoder.decode(packet):
                    return frame, name
            except av.error.FFmpegError:
                continue  # damaged at its start: the next key frame may do
    except av.error.FFmpegError as error:
        raise unreadable(path, error) from error
    raise UnreadableMedia(
        f"{path}: not one frame of it can be decoded; copy it again from the camera or the sender"
    )


def _seconds(
    container: InputContainer, stream: VideoStream, clock: Clock
) -> tuple[float | None, float | None]:
    """How long it lasts, and `early_s` of the clip."""
    if clock.moves or container.format.flags & BREAKS_OFF:
        return (None if clock.length_s is None else float(clock.length_s)), None
    own = _own_seconds(stream)
    if own:
        return own, _EARLY_S
    return (container.duration / 1e6 if container.duration else None), _EARLY_SHARED_S


def _format(path: Path) -> VideoFormat:
    with path.open("rb") as file:
        return written_as(file.read(HEAD_BYTES)) or VideoFormat.MKV


def _uneven(stream: VideoStream) -> bool:
    """Whether frames last on average other than the shortest time that divides their times."""
    if not stream.average_rate or not stream.base_rate:
        return False
    return abs(stream.average_rate / stream.base_rate - 1) > _UNEVEN


def _own_seconds(stream: VideoStream) -> float | None:
    """How long the picture lasts by its own header, from the start of the file."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    told = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if told is None:
        return None
    hours, minutes, seconds = told.groups()
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    return max(int(hours) * 3600 + int(minutes) * 60 + float(seconds) - start, 0.0) or None


def turn_of(frame: Any) -> Turn:
    """How a display matrix turns the stored picture; angles between are ignored."""
    side = next((s for s in frame.side_data if s.type == Type.DISPLAYMATRIX), None)
    if side is None:
        return Turn()
    a, b, _, c, d = struct.unpack("=5i", bytes(side)[:20])
    # A stored point (x, y), y down, goes to (a x + c y, b x + d y).
    seen = tuple(round(value / _ONE) for value in (a, c, b, d))
    for mirrored in (False, True):
        for quarter_turns in range(4):
            if seen == _linear(quarter_turns, mirrored):
                return Turn(quarter_turns, mirrored)
    return Turn()


def _linear(quarter_turns: int, mirrored: bool) -> tuple[int, int, int, int]:
    """The matrix (row by row) of mirroring x, if so, and then turning clockwise."""
    a, c, b, d = (-1 if mirrored else 1), 0, 0, 1
    for _ in range(quarter_turns):
        a, c, b, d = -b, -d, a, c
    return a, c, b, d


def display_matrix(turn: Turn, stored_wh: SizeWH) -> tuple[int, ...]:
    """The nine numbers of a display matrix that turns a picture and keeps it in view.

    A stored point (x, y) is shown at (a x + c y + e, b x + d y + f); the order is
    a, b, 0, c, d, 0, e, f, 1. Source: ISO/IEC 14496-12, 8.3.2.
    """
    a, c, b, d = _linear(turn.quarter_turns, turn.mirrored)
    width, height = stored_wh
    right, down = (-min(0, x) * width - min(0, y) * height for x, y in ((a, c), (b, d)))
    fixed = tuple(value * _ONE for value in (a, b, 0, c, d, 0, right, down))
    return (*fixed, 1 << 30)
