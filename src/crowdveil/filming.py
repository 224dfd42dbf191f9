"""One video: from the file to its plan, and from its plan to the veiled file.

Two passes over the file: one that looks, one that paints and encodes, so that the second knows
of every face what came before and after. No frame is kept, and none is written before it is
veiled. Who is where is left to `watching`, codecs to `media`, paint to `redact`; many files to
`batch`.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from crowdveil import __version__
from crowdveil.detect.engine import cores
from crowdveil.errors import PlanInvalid, UnreadableMedia
from crowdveil.heap import give_back
from crowdveil.media.video.clip import (
    AudioChoice,
    Clip,
    Span,
    SubtitleChoice,
    VideoFormat,
    stored_box,
)
from crowdveil.media.video.left_out import of_subtitles
from crowdveil.media.video.probe import VOICES, open_clip
from crowdveil.media.video.reader import FrameReader, StoredFrame
from crowdveil.media.video.writer import ClipWriter
from crowdveil.notices import Notice
from crowdveil.pipeline import ahead, in_order
from crowdveil.plan import Made, Plan, Source
from crowdveil.progress import Progress, Stage, Tell
from crowdveil.redact.frames import measure_grain, paint_into
from crowdveil.redact.grain import Grain
from crowdveil.redact.look import Look, Style
from crowdveil.redact.masks import Outlines
from crowdveil.track.timeline import Timeline
from crowdveil.veiling import Breath, path_from, sha256_of
from crowdveil.watching import Scene, Watch

_USUAL_RATE = 30.0
"""Frames a second of a video that does not say."""

_AHEAD = 3
"""Frames that are decoded while those before them are painted and encoded."""

_GRAIN_S = 2.0
"""How often grain is measured anew: light and focus drift slower than that."""


def plan_video(
    clip: Clip,
    watch: Watch,
    *,
    home: Path | None,
    span: Span | None,
    breath: Breath,
    tell: Tell,
) -> tuple[Plan, tuple[Notice, ...]]:
    """Find who must be hidden in a video, and when.

    Args:
        clip: the video.
        watch: finds and follows.
        home: the folder that the plan will be saved in, None if it will not be saved.
        span: the part to look at, None for all.
        breath: called for every frame, as a sign that the work goes on.
        tell: told how far it is.

    Returns:
        The plan, and what the user must hear of the file.

    Raises:
        UnreadableMedia: no frame can be decoded.
    """
    sha256 = sha256_of(clip.path)
    reader = FrameReader(clip, span)
    rate = float(clip.rate) if clip.rate else _USUAL_RATE
    scene = Scene(clip.size_wh, float(clip.pixel_aspect), rate)
    expected = _expected(clip, span)
    last_s = 0.0

    def frames() -> Iterator[StoredFrame]:
        nonlocal last_s
        for frame in reader:
            breath()
            last_s = frame.time_s
            yield frame

    def seen(count: int) -> None:
        tell(Progress(Stage.LOOKING, count, None if expected is None else max(expected, count)))

    tracks, count = watch.follow(frames(), scene, seen=seen)
    give_back()  # or painting and encoding would come on top of it
    width, height = clip.size_wh
    plan = Plan(
        source=Source(
            name=clip.path.name,
            path=path_from(home, clip.path),
            sha256=sha256,
            format=clip.format,
            width=width,
            height=height,
            frames=count,
            duration_s=round(last_s + 1 / rate, 3),
            span_s=None if span is None else (span.start_s, span.end_s),
        ),
        made=Made(crowdveil=__version__, caution=watch.caution, weights=watch.weights),
        tracks=tracks,
    )
    return plan, _lacking(clip, reader, span)


def read_planned_video(path: Path, plan: Plan, target: VideoFormat | None = None) -> Clip:
    """The video that a plan belongs to, to be copied into the container `target`.

    Raises:
        PlanInvalid: the file is not the one that the plan was made for.
        CrowdveilError: it cannot be read.
    """
    if sha256_of(path) != plan.source.sha256:
        raise PlanInvalid(
            f"{path}: is not the video that the plan of {plan.source.name} was made for "
            "(its SHA-256 differs), so the faces are elsewhere; find that video and give its "
            "folder with --source, or make a new plan"
        )
    clip = open_clip(path, target)
    if clip.size_wh != (plan.source.width, plan.source.height):
        raise PlanInvalid(
            f"{path}: the plan gives another size than the video has; make a new plan"
        )
    return clip


def render_video(
    clip: Clip,
    plan: Plan,
    look: Look,
    target: Path,
    *,
    audio: AudioChoice,
    subtitles: SubtitleChoice,
    crf: int | None,
    breath: Breath,
    tell: Tell,
) -> tuple[Notice, ...]:
    """Write the video of a plan, veiled as the plan says.

    Args:
        clip: the video, which must belong to the plan.
        plan: says what is veiled, and which part of the video is written.
        look: what a veil looks like.
        target: where to write; the caller makes it appear whole.
        audio, subtitles: what becomes of them.
        crf: rate factor, None for the usual one.
        breath: called for every frame, as a sign that the work goes on.
        tell: told how far it is.

    Returns:
        What the user must hear of the copy.

    Raises:
        UnreadableMedia: the second reading gave other frames than the plan was made of.
        OutputRefused, UnsupportedMedia: it cannot be written.
    """
    span = None if plan.source.span_s is None else Span(*plan.source.span_s)
    reader = FrameReader(clip, span)
    canvases = ahead(_canvases(reader, clip, plan, look), _AHEAD)
    with (
        ClipWriter(target, clip, audio=audio, subtitles=subtitles, crf=crf, span=span) as writer,
        closing(
            in_order(canvases, _paint, weight=lambda _: 0, budget=1, workers=cores())
        ) as painted,
    ):
        for _, frame in painted:
            breath()
            if frame.number < plan.source.frames:
                writer.write(frame)
            tell(Progress(Stage.VEILING, frame.number + 1, plan.source.frames))
        if writer.frames != plan.source.frames or frame.number + 1 != plan.source.frames:
            raise UnreadableMedia(
                f"{clip.path}: a second reading gave {frame.number + 1} frames where the plan has "
                f"{plan.source.frames}, so faces could be elsewhere; nothing was written: check "
                "the disk, or make a new plan"
            )
        writer.finish()
    give_back()
    texts = [
        *clip.notices,
        *of_subtitles(clip.subtitles, subtitles, clip.target),
        *writer.notices,
    ]
    if clip.has_audio and audio == AudioChoice.KEEP:
        texts.append(VOICES)
    return _lacking(clip, reader, span) + tuple(Notice(text) for text in dict.fromkeys(texts))


def _lacking(clip: Clip, reader: FrameReader, span: Span | None) -> tuple[Notice, ...]:
    """What must be said loudly: that the copy is not the whole."""
    damage = reader.damage.sentence()
    breaks_off = () if span is not None and span.end_s is not None else clip.lacking
    texts = (*breaks_off, *(() if damage is None else (damage,)))
    return tuple(Notice(text, loud=True) for text in texts)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """A frame on its way to being painted."""

    frame: StoredFrame
    outlines: Outlines
    look: Look
    grain: Grain | None


def _canvases(
    frames: Iterable[StoredFrame], clip: Clip, plan: Plan, look: Look
) -> Iterator[_Canvas]:
    """Every frame with what is to be painted into it."""
    timeline = Timeline(plan)
    grain: Grain | None = None
    measured_s = -_GRAIN_S
    for frame in frames:
        outlines = Outlines.of(
            timeline.at(frame.number), look, place=lambda box: stored_box(box, clip)
        )
        if len(outlines) and look.style is Style.SOFT and frame.time_s >= measured_s + _GRAIN_S:
            grain = measure_grain(frame.planes(), outlines, look)
            measured_s = frame.time_s
        yield _Canvas(frame, outlines, look, grain)


def _paint(canvas: _Canvas, stop: Event) -> StoredFrame:
    """Veil one frame, in place."""
    if len(canvas.outlines):
        paint_into(canvas.frame.planes(), canvas.outlines, canvas.look, grain=canvas.grain)
    return canvas.frame


def _expected(clip: Clip, span: Span | None) -> int | None:
    if span is None or clip.rate is None or clip.duration_s is None:
        return clip.frames
    end = clip.duration_s if span.end_s is None else min(span.end_s, clip.duration_s)
    return max(round((end - span.start_s) * float(clip.rate)), 1)
