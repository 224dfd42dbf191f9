"""Says what a veiled copy of a video will lack, so that nothing disappears quietly."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.stream import VideoStream

from crowdveil.media.video.clip import SubtitleChoice, VideoFormat
from crowdveil.media.video.transparency import has_alpha
from crowdveil.media.video.words import are_words, can_hold_words

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
    container: InputContainer, main: VideoStream, frame: Any, format: VideoFormat, *, asked: bool
) -> Iterator[str]:
    """A sentence for each thing that the copy will lack whatever the user chooses.

    Args:
        container: the source.
        main: its stream of pictures that is veiled.
        frame: the first frame of it.
        format: the container of the copy.
        asked: whether the user asked for that container.
    """
    counts: Counter[str] = Counter()
    for stream in container.streams:
        if stream.type == "video" and stream.index != main.index:
            cover = stream.disposition & Disposition.attached_pic
            counts["cover picture" if cover else "other video stream"] += 1
        elif stream.type == "data":
            counts["track of timed data (position, sensors or the like)"] += 1
        elif stream.type == "attachment":
            counts["attached file"] += 1
        elif stream.type == "audio" and stream.codec_context is None:
            counts["sound stream of an unknown kind"] += 1
        elif stream.type not in ("video", "audio", "subtitle"):
            counts["stream of an unknown kind"] += 1
    counts["chapter with its title"] += len(container.chapters())
    told = ", ".join(_counted(what, count) for what, count in counts.items() if count)
    if told:
        yield f"left out: {told}"
    yield from _of_pictures(frame)
    if not asked and format is VideoFormat.MKV and "matroska" not in container.format.name:
        yield (
            "the copy is a Matroska file (.mkv), as its own container is not written; "
            "--container mp4 makes an MP4 file"
        )


def of_subtitles(
    codecs: Sequence[str], choice: SubtitleChoice, container: VideoFormat
) -> Iterator[str]:
    """What to say of subtitles.

    Args:
        codecs: of the subtitle tracks of the source; the field's short names.
        choice: what the user wants of them.
        container: of the copy.
    """
    kept = [c for c in codecs if are_words(c) and can_hold_words(container)]
    if choice == SubtitleChoice.DROP:
        if codecs:
            way = "; --subtitles keep copies the words" if kept else ""
            yield f"left out: {_tracks(codecs)}{way}"
        return
    if kept:
        yield (
            f"kept: the words of {_tracks(kept)}; read them before you publish, as they may say "
            "who, where and when (positions, clock times)"
        )
    pictures = [c for c in codecs if not are_words(c)]
    if pictures:
        yield f"left out: {_tracks(pictures)}, as only text is kept"
    if words := [c for c in codecs if are_words(c) and c not in kept]:
        yield f"left out: {_tracks(words)}, as {container.upper()} cannot hold the words"


def _tracks(codecs: Sequence[str]) -> str:
    told = _counted("subtitle track", len(codecs))
    return f"{told} ({', '.join(dict.fromkeys(codecs))})"


def _counted(what: str, count: int) -> str:
    first, _, rest = what.partition(" of ")
    first, _, tail = first.partition(" with ")
    plural = first if count == 1 else f"{first}s"
    return f"{count} {plural}" + (f" with {tail}" if tail else "") + (f" of {rest}" if rest else "")


def _of_pictures(frame: Any) -> Iterator[str]:
    kinds = {side.type for side in frame.side_data}
    yield from dict.fromkeys(text for kind, text in _SIDE_DATA.items() if kind in kinds)
    parts = frame.format.components
    if has_alpha(frame):
        yield "transparency is left out: what was see-through is black in the copy"
    if max(part.bits for part in parts) > _MOST_BITS:
        yield f"samples of more than {_MOST_BITS} bits are rounded to {_MOST_BITS}"
    if frame.interlaced_frame:
        yield "the picture is interlaced and is written as whole frames"
