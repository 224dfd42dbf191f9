"""Opens a video far enough to say what it is, and what a veiled copy of it will lack.

A path comes in, a `Clip` goes out. Only headers and the first frame are read; decoding all
frames is left to `reader`.
"""

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
from crowdveil.media.limits import check_size
from crowdveil.media.video.clip import Clip, Turn, VideoFormat
from crowdveil.media.video.containers import HEAD_BYTES, written_as

VOICES = "the sound is kept, and voices identify people; --audio drop leaves it out"

_ONE = 65536
"""1 in the fixed-point numbers of a display matrix."""

_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
"""How Matroska tags tell a duration."""

_LEFT_OUT = {
    "data": "a stream of timed data (position, sensors or the like) is left out",
    "attachment": "an attached file is left out",
}


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A file opened for reading; raises `UnreadableMedia` or `UnsupportedMedia`."""
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise unreadable(path, error) from error
    try:
        yield container
    finally:
        container.close()


def unreadable(path: Path, error: Exception) -> UnreadableMedia:
    """What to say of a video that cannot be read."""
    if isinstance(error, OSError) and error.errno and error.errno > 0 and error.strerror:
        if not path.is_file():
            return UnreadableMedia(f"{path}: cannot be read ({error.strerror}); check the path")
        if path.stat().st_size == 0:
            return UnreadableMedia(f"{path}: is empty; copy it again from the camera or the sender")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UnreadableMedia(
        f"{path}: cannot be read as a video ({reason}); it is damaged or incomplete: "
        "copy it again from the camera or the sender, or repair it first"
    )


def main_video(container: InputContainer) -> VideoStream | None:
    """The video stream that is shown, None if there is none; covers do not count."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    streams.sort(key=lambda s: not s.disposition & Disposition.default)
    return streams[0] if streams else None


def open_clip(path: Path) -> Clip:
    """Read a video's headers and its first frame.

    Raises:
        UnreadableMedia: it cannot be opened or holds no frame that can be decoded.
        UnsupportedMedia: it holds no moving picture, or is encrypted.
    """
    with opened(path) as container:
        stream = main_video(container)
        if stream is None:
            raise UnsupportedMedia(f"{path}: holds no moving picture; there is nothing to veil")
        if stream.codec_context is None:
            raise UnsupportedMedia(
                f"{path}: its video codec is not known, so it was NOT copied; "
                "convert it to H.264 in MP4 first"
            )
        frame = _first_frame(container, stream, path)
        check_size(frame.width, frame.height, 1, str(path))
        rate = stream.average_rate or stream.guessed_rate
        format = _format(path)
        own = _own_seconds(stream)
        seconds = own or (container.duration / 1e6 if container.duration else None)
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        turn = _turn(frame)
        if aspect and turn.quarter_turns % 2:
            aspect = 1 / aspect
        return Clip(
            path=path,
            format=format,
            codec=stream.codec_context.codec.canonical_name
            if hasattr(stream.codec_context.codec, "canonical_name")
            else stream.codec_context.name,
            stored_wh=(frame.width, frame.height),
            turn=turn,
            pixel_aspect=Fraction(aspect) if aspect and aspect > 0 else Fraction(1),
            pixels=frame.format.name,
            time_base=Fraction(stream.time_base or Fraction(1, 1000)),
            rate=Fraction(rate) if rate else None,
            frames=stream.frames or (round(seconds * rate) if seconds and rate else None),
            duration_s=seconds,
            own_duration=own is not None,
            has_audio=bool(container.streams.audio),
            notices=tuple(_notices(container, stream, frame, format)),
        )


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> Any:
    try:
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.InvalidDataError:
                continue  # damaged at its start: the next key frame may do
    except av.error.FFmpegError as error:
        raise unreadable(path, error) from error
    raise UnreadableMedia(
        f"{path}: not one frame of it can be decoded; copy it again from the camera or the sender"
    )


def _format(path: Path) -> VideoFormat:
    with path.open("rb") as file:
        return written_as(file.read(HEAD_BYTES)) or VideoFormat.MKV


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


def _turn(frame: Any) -> Turn:
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


def display_matrix(turn: Turn) -> tuple[int, int, int, int]:
    """The display matrix' a, b, c, d, as fixed-point numbers."""
    a, c, b, d = _linear(turn.quarter_turns, turn.mirrored)
    return a * _ONE, b * _ONE, c * _ONE, d * _ONE


def _notices(
    container: InputContainer, main: VideoStream, frame: Any, format: VideoFormat
) -> Iterator[str]:
    """What a veiled copy will lack, a sentence each."""
    for stream in container.streams:
        if stream.type == "video" and stream.index != main.index:
            if stream.disposition & Disposition.attached_pic:
                yield "a cover picture is left out"
            else:
                yield "a second video stream is left out; only the main one is veiled and copied"
        elif stream.type in _LEFT_OUT:
            yield _LEFT_OUT[stream.type]
        elif stream.type == "subtitle" and format is VideoFormat.AVI:
            yield "subtitles are left out, as AVI cannot hold them"
    if container.chapters():
        yield "chapters and their titles are left out"
    kinds = {side.type for side in frame.side_data}
    if kinds & {Type.DYNAMIC_HDR_PLUS, Type.DOVI_RPU_BUFFER, Type.DOVI_METADATA}:
        yield "dynamic HDR metadata (HDR10+, Dolby Vision) are left out"
    if any(component.is_alpha for component in frame.format.components):
        yield "transparency is left out, as what it hides would still be in the file"
    if frame.interlaced_frame:
        yield "the picture is interlaced and is written as whole frames"
    if "matroska" not in container.format.name and format is VideoFormat.MKV:
        yield "the copy is a Matroska file (.mkv), as its own container is not written"
