"""Compares how many frames picture and sound of a copy have, how long they last, when they begin.

Two files come in; out comes a clause for everything in which a stream of the copy differs from
the original's. Both are decoded here once more, by a way of their own: nothing is taken from the
code that mends clocks when a copy is written. What the frames show is left to `moving`.
"""

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

_BREAKS_OFF = 0x0200
"""Flag of libavformat's demuxers (AVFMT_TS_DISCONT): clocks in this container may break off."""
_MOST_STEP_S, _MOST_STEP_ELSEWHERE_S = 10.0, 3600.0
"""The longest that players wait for the next frame. Source: ffplay's `max_frame_duration`."""

_BACK_S = 0.1
_LEAST_STEP_S = 1e-3
"""Frames that follow each other faster have a clock that stands still."""


@dataclass(slots=True)
class Measured:
    """One stream as a player shows it.

    Attributes:
        sound: whether it is sound; else the picture.
        frames: how many frames of picture, or samples of sound.
        length_s: from the beginning of its first frame to the end of its last.
        start_s: when it begins, by the file's own clock; None if it does not say.
    """

    sound: bool
    frames: int = 0
    length_s: float = 0.0
    start_s: float | None = None


@dataclass(slots=True)
class _Steps:
    """Adds up the times of a picture's frames as a player does."""

    usual_s: float
    most_s: float
    span: Span
    clock_s: float = 0.0
    now_s: float = 0.0
    last: float | None = None
    first_s: float = 0.0
    measured: Measured = field(default_factory=lambda: Measured(sound=False))

    def take(self, time_s: float | None) -> None:
        """The next frame."""
        if self.last is not None:
            step = self.usual_s if time_s is None else time_s - self.last
            if step < -_BACK_S or step > self.most_s:  # begins anew
                step = self.usual_s
            # Frames are shown while the clock stands still, and then wait for it to go on.
            self.clock_s += max(step, 0.0)
            least_s = self.usual_s if step < _LEAST_STEP_S else min(step, self.usual_s / 2)
            self.now_s = max(self.clock_s, self.now_s + least_s)
        self.last = time_s if time_s is not None else (self.last or 0.0) + self.usual_s
        if self.now_s < self.span.start_s - 1e-6:
            return
        if self.span.end_s is not None and self.now_s >= self.span.end_s - 1e-6:
            return
        if self.measured.frames == 0:
            self.measured.start_s = time_s
            self.first_s = self.now_s
        self.measured.frames += 1
        self.measured.length_s = self.now_s - self.first_s + self.usual_s


def measured(path: Path, span: Span | None = None) -> tuple[Measured, ...]:
    """The picture and every stream of sound, in the order of the file.

    Args:
        path: the file.
        span: the part that counts, None for all. Sound counts as a whole.

    Raises:
        UnreadableMedia: the file cannot be opened.
    """
    with opened(path) as container:
        main = main_video(container)
        if main is None or main.codec_context is None:
            return ()
        rate = float(main.average_rate or main.guessed_rate or 30)
        breaks_off = container.format.flags & _BREAKS_OFF
        most_s = _MOST_STEP_S if breaks_off else _MOST_STEP_ELSEWHERE_S
        steps = _Steps(1 / max(rate, 1e-3), most_s, span or Span())
        for frame in _decoded(container, main):
            time = frame.pts if frame.pts is not None else frame.dts
            steps.take(None if time is None else float(time * frame.time_base))
        numbers = [stream.index for stream in container.streams.audio if stream.codec_context]
    return (steps.measured, *(_sound(path, number) for number in numbers))


def _sound(path: Path, number: int) -> Measured:
    sound = Measured(sound=True)
    with opened(path) as container:
        for frame in _decoded(container, container.streams[number]):
            if sound.start_s is None and frame.pts is not None:
                sound.start_s = float(frame.pts * frame.time_base)
            sound.frames += frame.samples
            sound.length_s += frame.samples / (frame.sample_rate or 1)
    return sound


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
    allowed = _LENGTH_S + _SHARE * picture.length_s
    if abs(shown.length_s - picture.length_s) > allowed:
        yield (
            f"has a picture of {shown.length_s:.2f} s instead of {picture.length_s:.2f} s, as a "
            "player shows it"
        )
    given, kept = before[1:], after[1:]
    if len(kept) > len(given):
        yield f"has {len(kept)} streams of sound instead of {len(given)}"
    offset_s = _OFFSET_AVI_S if _is_avi(original) or _is_avi(copy) else _OFFSET_S
    for number, (old, new) in enumerate(zip(given, kept, strict=False), 1):
        name = "sound" if len(kept) == 1 else f"sound {number}"
        if span is None:
            allowed = _LENGTH_S + _SHARE * old.length_s
            if abs(new.length_s - old.length_s) > allowed:
                yield f"has {new.length_s:.2f} s of {name} instead of {old.length_s:.2f} s"
        later_s = _out_of_step(picture, old, shown, new, span)
        if later_s is not None and abs(later_s) > offset_s:
            when = "later" if later_s > 0 else "earlier"
            yield f"begins its {name} {abs(later_s):.2f} s {when} against the picture"


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


def _decoded(container: InputContainer, stream: Any) -> Iterator[Any]:
    """The frames of a stream that can be decoded, as they come."""
    packets = container.demux(stream)
    while True:
        try:
            packet: Any = next(packets)
        except (StopIteration, IndexError, av.error.FFmpegError):
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if frame.time_base is None:
                frame.time_base = Fraction(packet.time_base)
            yield frame


def _is_avi(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[8:] == b"AVI "
