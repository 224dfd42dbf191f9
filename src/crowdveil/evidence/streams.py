"""Compares how many frames picture and sound of a copy have, how long they last, when they begin.

Two files come in; out comes a clause for everything in which a stream of the copy differs from
the original's. Both are decoded here once more, by a way of their own: nothing is taken from the
code that mends clocks when a copy is written. What the frames show is left to `moving`.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from crowdveil.media.video.clip import Span
from crowdveil.media.video.probe import main_video, opened

_LENGTH_S, _OFFSET_S = 0.15, 0.08
"""What may differ: encoders of sound add up to some hundredths of a second of their own, and
Matroska counts in milliseconds. A listener notices from about 0.1 s of sound out of step."""
_OFFSET_AVI_S = 0.2
"""AVI does not say when a picture is shown, only when it is decoded."""
_SHARE = 0.002
"""And so much of a stream's length, as bad clocks are inexact everywhere."""

_RESTART_S = 0.1
"""And so much for each time that a clock begins anew: streams do not end at the same time."""

_BREAKS_OFF = 0x0200
"""Flag of libavformat's demuxers (AVFMT_TS_DISCONT): clocks in this container may break off."""
_MOST_STEP_S, _MOST_STEP_ELSEWHERE_S = 10.0, 3600.0
"""The longest that players wait for the next frame. Source: ffplay's `max_frame_duration`."""

_BACK_S = 0.1
_MOST_WAITING = 16
"""Frames that a decoder keeps back at most."""

_LEAST_STEP_S = 1e-3
"""Frames that follow each other faster have a clock that stands still."""


@dataclass(slots=True)
class Measured:
    """One stream as a player shows it.

    Attributes:
        frames: how many frames of picture, or of sound as it is packed.
        length_s: from the beginning of its first frame to the beginning of its last.
        start_s: when it begins, by the file's own clock; None if it does not say.
        restarts: how often its clock begins anew.
    """

    frames: int = 0
    length_s: float = 0.0
    start_s: float | None = None
    restarts: int = 0


@dataclass(slots=True)
class _Steps:
    """Adds up the times of a stream's frames as a player does.

    Attributes:
        most_s: the longest that it waits for the next frame.
        span: the part that counts.
    """

    most_s: float
    span: Span
    clock_s: float = 0.0
    now_s: float = 0.0
    last: float | None = None
    first_s: float = 0.0
    measured: Measured = field(default_factory=Measured)

    def take(self, time_s: float | None, usual_s: float) -> None:
        """The next frame, by its own clock, and how long frames usually last."""
        if self.last is not None:
            step = usual_s if time_s is None else time_s - self.last
            if step < -_BACK_S or step > self.most_s:
                step = usual_s
                self.measured.restarts += 1
            # Frames are shown while the clock stands still, and then wait for it to go on.
            self.clock_s += max(step, 0.0)
            least_s = usual_s if step < _LEAST_STEP_S else min(step, usual_s / 2)
            self.now_s = max(self.clock_s, self.now_s + least_s)
        self.last = time_s if time_s is not None else (self.last or 0.0) + usual_s
        if self.now_s < self.span.start_s - 1e-6:
            return
        if self.span.end_s is not None and self.now_s >= self.span.end_s - 1e-6:
            return
        if self.measured.frames == 0:
            self.measured.start_s = time_s
            self.first_s = self.now_s
        self.measured.frames += 1
        self.measured.length_s = self.now_s - self.first_s


def measured(path: Path, span: Span | None = None) -> tuple[Measured, ...]:
    """The picture and every stream of sound, in the order of the file.

    Args:
        path: the file.
        span: the part of the picture that counts, None for all. Sound counts as a whole.

    Raises:
        UnreadableMedia: the file cannot be opened.
    """
    with opened(path) as container:
        main = main_video(container)
        if main is None or main.codec_context is None:
            return ()
        usual_s = 1 / max(float(main.average_rate or main.guessed_rate or 30), 1e-3)
        steps = _Steps(_most_s(container), span or Span())
        for time_s, _ in _decoded(container, main, as_packed=_is_avi(path)):
            steps.take(time_s, usual_s)
        numbers = [stream.index for stream in container.streams.audio if stream.codec_context]
    return (steps.measured, *(_sound(path, number) for number in numbers))


def _sound(path: Path, number: int) -> Measured:
    with opened(path) as container:
        steps, lasts_s = _Steps(_most_s(container), Span()), 0.0
        for time_s, frame in _decoded(container, container.streams[number], as_packed=False):
            steps.take(time_s, lasts_s)
            lasts_s = frame.samples / (frame.sample_rate or 1)
    return steps.measured


def _most_s(container: InputContainer) -> float:
    return _MOST_STEP_S if container.format.flags & _BREAKS_OFF else _MOST_STEP_ELSEWHERE_S


def differences(original: Path, copy: Path, span: Span | None = None) -> Iterator[str]:
    """A clause for every difference between the streams of a copy and those it was made of.

    Args:
        original: the file that the copy was made of.
        copy: the copy, all of it.
        span: the part of the original that was copied, None for all.

    Raises:
        UnreadableMedia: a file cannot be opened.
    """
    before, after = measured(original, span), measured(copy)
    if not before or not after:
        return
    picture, shown = before[0], after[0]
    if shown.frames != picture.frames:
        yield f"has {shown.frames:,} frames instead of {picture.frames:,}"
    given, kept = before[1:], after[1:]
    longest_s = max(stream.length_s for stream in before)
    if not _as_long(shown, picture, longest_s):
        yield (
            f"has a picture of {shown.length_s:.2f} s instead of {picture.length_s:.2f} s, as a "
            "player shows it"
        )
    if len(kept) > len(given):
        yield f"has {len(kept)} streams of sound instead of {len(given)}"
    offset_s = _OFFSET_AVI_S if _is_avi(original) or _is_avi(copy) else _OFFSET_S
    for number, (old, new) in enumerate(zip(given, kept, strict=False), 1):
        name = "sound" if len(kept) == 1 else f"sound {number}"
        if span is None and not _as_long(new, old, longest_s):
            yield f"has {new.length_s:.2f} s of {name} instead of {old.length_s:.2f} s"
        later_s = _out_of_step(picture, old, shown, new, span)
        if later_s is not None and abs(later_s) > offset_s:
            when = "later" if later_s > 0 else "earlier"
            yield f"begins its {name} {abs(later_s):.2f} s {when} against the picture"


def _as_long(new: Measured, old: Measured, longest_s: float) -> bool:
    """Whether a stream lasts as long as it did.

    Where its clock begins anew, it may wait for the stream that lasts longest, `longest_s`.
    """
    allowed_s = _LENGTH_S + _SHARE * old.length_s + _RESTART_S * old.restarts
    more_s = longest_s - old.length_s if old.restarts else 0.0
    return -allowed_s <= new.length_s - old.length_s <= allowed_s + more_s


def _out_of_step(
    picture: Measured, old: Measured, shown: Measured, new: Measured, span: Span | None
) -> float | None:
    """How much later sound begins against the picture than it did; None if that is not told."""
    starts = (picture.start_s, old.start_s, shown.start_s, new.start_s)
    if None in starts or not new.frames:
        return None
    was = float(old.start_s or 0) - float(picture.start_s or 0)
    if span is not None and span.start_s > 0:
        was = max(was, 0.0)  # what began before the part begins with it
    return float(new.start_s or 0) - float(shown.start_s or 0) - was


def _decoded(
    container: InputContainer, stream: Any, *, as_packed: bool
) -> Iterator[tuple[float | None, Any]]:
    """The frames of a stream that can be decoded, each with its time in seconds.

    Args:
        container, stream: what to decode.
        as_packed: whether frames are shown at the times of the packets, one after the other.
    """
    packets = container.demux(stream)
    waiting: deque[int] = deque(maxlen=_MOST_WAITING)
    while True:
        try:
            packet: Any = next(packets)
        except (StopIteration, IndexError, av.error.FFmpegError):
            return
        if as_packed and packet.size and packet.dts is not None:
            waiting.append(packet.dts)
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            ticks = frame.pts if frame.pts is not None else frame.dts
            if waiting:
                ticks = waiting.popleft()
            base = Fraction(frame.time_base or packet.time_base)
            yield (None if ticks is None else float(ticks * base)), frame


def _is_avi(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"AVI "
