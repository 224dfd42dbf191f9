"""Says what a veiled copy of a video will lack, so that nothing disappears quietly."""

from collections.abc import Iterator
from typing import Any

from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.stream import VideoStream

from crowdveil.media.video.clip import VideoFormat
from crowdveil.media.video.muxers import muxer_for

_STREAMS = {
    "data": "a stream of timed data (position, sensors or the like) is left out",
    "attachment": "an attached file is left out",
}

_SIDE_DATA = {
    Type.DYNAMIC_HDR_PLUS: "dynamic HDR metadata (HDR10+, Dolby Vision) are left out",
    Type.DOVI_RPU_BUFFER: "dynamic HDR metadata (HDR10+, Dolby Vision) are left out",
    Type.DOVI_METADATA: "dynamic HDR metadata (HDR10+, Dolby Vision) are left out",
    Type.A53_CC: "captions inside the picture stream are left out",
    Type.SPHERICAL: "the copy is not marked as a panorama",
    Type.STEREO3D: "the copy is not marked as three-dimensional",
    Type.GOP_TIMECODE: "time codes are left out",
    Type.S12M_TIMECODE: "time codes are left out",
}

_MOST_BITS = 12


def left_out(
    container: InputContainer, main: VideoStream, frame: Any, format: VideoFormat
) -> Iterator[str]:
    """A sentence for each thing that the copy will lack, some perhaps more than once.

    Args:
        container: the source.
        main: its stream of pictures that is veiled.
        frame: the first frame of it.
        format: the container of the copy.
    """
    for stream in container.streams:
        if stream.type == "video" and stream.index != main.index:
            if stream.disposition & Disposition.attached_pic:
                yield "a cover picture is left out"
            else:
                yield "another video stream is left out; only the main one is veiled and copied"
        elif stream.type in _STREAMS:
            yield _STREAMS[stream.type]
        elif stream.type == "audio" and stream.codec_context is None:
            yield "a sound stream of an unknown kind is left out"
        elif stream.type == "subtitle":
            kept = stream.codec_context is not None and muxer_for(format, [stream])
            yield (
                "subtitles are kept, and may name people"
                if kept
                else "subtitles are left out, as the container of the copy cannot hold them"
            )
        elif stream.type not in ("video", "audio"):
            yield "a stream of an unknown kind is left out"
    if container.chapters():
        yield "chapters and their titles are left out"
    yield from _of_pictures(frame)
    if "matroska" not in container.format.name and format is VideoFormat.MKV:
        yield "the copy is a Matroska file (.mkv), as its own container is not written"


def _of_pictures(frame: Any) -> Iterator[str]:
    for side in frame.side_data:
        if side.type in _SIDE_DATA:
            yield _SIDE_DATA[side.type]
    parts = frame.format.components
    if any(part.is_alpha for part in parts):
        yield "transparency is left out, as what it hides would still be in the file"
    if max(part.bits for part in parts) > _MOST_BITS:
        yield f"samples of more than {_MOST_BITS} bits are rounded to {_MOST_BITS}"
    if frame.interlaced_frame:
        yield "the picture is interlaced and is written as whole frames"
