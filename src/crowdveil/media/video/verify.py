"""Looks once more at a copy that was written: is it what was meant, and nothing else?

The muxers of the field write names and tags of their own accord, and may drop what they cannot
hold; a copy that came out other than meant must not be handed over.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crowdveil.media.video.clip import Clip
from crowdveil.media.video.probe import main_video, opened, turn_of

_CONTAINER_TAGS = {"major_brand", "minor_version", "compatible_brands"}
_PROGRAM = ("encoder", "Lavf")
"""Matroska must name a program; the field's library without its version is no news."""
_STREAM_TAGS = {"language", "DURATION", "handler_name", "vendor_id"}
_HANDLERS = {"VideoHandler", "SoundHandler", "SubtitleHandler", ""}


def faults_of(path: Path, clip: Clip, *, frames: int, others: range) -> tuple[str, ...]:
    """What is wrong with a finished copy; nothing if it is as it should be.

    Args:
        path: the copy.
        clip: what it was made of.
        frames: how many frames were written.
        others: how many streams it may have beside the picture.

    Raises:
        UnreadableMedia: it cannot be opened.
    """
    return tuple(_faults(path, clip, frames, others))


def _faults(path: Path, clip: Clip, frames: int, others: range) -> Iterator[str]:
    with opened(path) as container:
        kinds = Counter(stream.type for stream in container.streams)
        kept = kinds["audio"] + kinds["subtitle"]
        if kinds["video"] != 1 or kept not in others or kinds.total() != 1 + kept:
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            yield f"it has other streams than it should ({told})"
        if container.chapters():
            yield "it has chapters"
        tags = container.metadata
        left = {tag for tag in tags if tag not in _CONTAINER_TAGS and (tag, tags[tag]) != _PROGRAM}
        if left:
            yield f"it has tags ({', '.join(sorted(left))})"
        for stream in container.streams:
            if left := set(stream.metadata) - _STREAM_TAGS:
                yield f"a stream has tags ({', '.join(sorted(left))})"
            if stream.metadata.get("handler_name", "") not in _HANDLERS:
                yield "a stream has a name"
        pictures = main_video(container)
        if pictures is None:
            yield "it has no picture"
        else:
            yield from _faults_of_pictures(container, pictures, clip, frames)


def _faults_of_pictures(container: Any, stream: Any, clip: Clip, frames: int) -> Iterator[str]:
    if (stream.width, stream.height) != clip.stored_wh:
        yield f"its picture measures {stream.width} x {stream.height} pixels"
    count, turn = 0, None
    for packet in container.demux(stream):
        count += bool(packet.size)
        if turn is None:
            turn = next((turn_of(frame) for frame in packet.decode()), None)
    if count != frames:
        yield f"it has {count} frames, not {frames}"
    if turn != clip.turn:
        yield "its picture is not the same way up"
