"""Which of the field's muxers writes a container, and what it can hold as it is."""

import io
from collections.abc import Sequence
from typing import Any

import av

from crowdveil.media.video.clip import VideoFormat

_MUXERS = {
    # The second and third hold what old phones and cameras write under the name of MP4.
    VideoFormat.MP4: ("mp4", "3gp", "mov"),
    VideoFormat.MOV: ("mov",),
    VideoFormat.MKV: ("matroska",),
    VideoFormat.WEBM: ("webm",),
    VideoFormat.AVI: ("avi",),
}


def muxer_for(format: VideoFormat, sounds: Sequence[Any]) -> str | None:
    """The first muxer of a container that holds these streams of another file, if any does."""
    for muxer in _MUXERS[format]:
        if all(holds(muxer, sound) for sound in sounds):
            return muxer
    return None


def holds(muxer: str, stream: Any) -> bool:
    """Whether a muxer takes a stream of another file as it is."""
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    return True
