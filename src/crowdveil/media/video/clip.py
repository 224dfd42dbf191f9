"""What is known of a video before its frames are read, and what one decoded frame is.

The types that reading, rendering and writing share, and how boxes travel between the upright
picture, which people and plans speak of, and the stored one, in which samples lie. Decoding
is left to `reader`, encoding to `writer`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from crowdveil.geometry import Box, Boxes, SizeWH
from crowdveil.media.picture import RGB, Samples
from crowdveil.media.video.clock import Clock


class VideoFormat(StrEnum):
    """The containers that are read and written."""

    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"
    AVI = "avi"


class Container(StrEnum):
    """The containers that can be asked for; AVI is written for AVI only, as it knows no times."""

    MP4 = "mp4"
    MKV = "mkv"
    MOV = "mov"
    WEBM = "webm"


class SubtitleChoice(StrEnum):
    """What becomes of subtitles."""

    DROP = "drop"
    """Left out. Cameras write where and when into them, and people's names stand in them."""
    KEEP = "keep"
    """The words of text subtitles are copied; names of styles and speakers are not."""


class AudioChoice(StrEnum):
    """What becomes of the sound."""

    KEEP = "keep"
    """Passed through bit for bit. Voices identify people."""
    DROP = "drop"
    """Left out."""
    DISGUISE = "disguise"
    """Another voice, cosmetic only; docs/voices.md tells how little that promises."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video in seconds from its first frame.

    Attributes:
        start_s: first instant shown, >= 0.
        end_s: first instant no longer shown, > `start_s`, or None for the end.
    """

    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """How the stored picture becomes upright: mirrored first if at all, then turned.

    Attributes:
        quarter_turns: quarter turns clockwise, 0-3.
        mirrored: whether it is flipped left to right before it is turned.
    """

    quarter_turns: int = 0
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """One video file as its headers tell.

    Attributes:
        path: the file.
        format: the container of the file, or the one that its copy has unless told otherwise.
        target: the container of the copy.
        codec: the field's short name of the video codec, as "h264".
        stored_wh: size of the picture as it is stored, in pixels.
        turn: what makes the stored picture upright.
        pixel_aspect: width of an upright pixel over its height.
        pixels: the field's short name of the samples' layout, as "yuv420p10le".
        time_base: seconds in which time stamps count.
        rate: frames a second on average, None if unknown.
        frames: about how many frames, for progress only; None if unknown.
        duration_s: length in seconds, None if unknown.
        early_s: how much earlier the picture must end to have been cut off, in seconds; None if
            that length is not a claim of the file's.
        has_audio: whether it has sound.
        uneven: whether its frames clearly do not follow each other at that rate.
        clock: how the times of its packets are mended.
        alpha_decoder: name of the decoder to use, as the usual one drops transparency; None for
            the usual one.
        subtitles: the field's short name of the codec of each subtitle track.
        notices: sentences on what a veiled copy will lack, each complete in itself.
        lacking: sentences on what the file itself lacks at its end; copies are not whole.
    """

    path: Path
    format: VideoFormat
    target: VideoFormat
    codec: str
    stored_wh: SizeWH
    turn: Turn
    pixel_aspect: Fraction
    pixels: str
    time_base: Fraction
    rate: Fraction | None
    frames: int | None
    duration_s: float | None
    early_s: float | None = None
    has_audio: bool = False
    uneven: bool = False
    clock: Clock = field(default_factory=Clock)
    alpha_decoder: str | None = None
    subtitles: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def size_wh(self) -> SizeWH:
        """Size of the upright picture in its own pixels, which need not be square."""
        width, height = self.stored_wh
        return (height, width) if self.turn.quarter_turns % 2 else (width, height)


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane of samples of a stored frame, writable in place.

    Attributes:
        samples: (h, w, 1) uint8, or uint16 holding values up to `full_scale`.
        step_xy: pixels of the stored picture for each sample, as (2, 2) for the colour
            planes of 4:2:0.
        full_scale: the largest value a sample can have, as 255 or 1023.
        neutral: the value of no colour in a colour plane (half the scale); None for a plane
            of brightness or of a primary colour.
        limited: whether black is 16/255 and white 235/255 of the scale in planes of brightness.
    """

    samples: Samples
    step_xy: tuple[int, int]
    full_scale: int
    neutral: int | None
    limited: bool


class Frame(Protocol):
    """One decoded frame.

    Attributes:
        number: 0 for the first frame of the clip or span, in the order of showing.
        time_s: seconds from the first frame of the clip or span.
    """

    number: int
    time_s: float

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """The upright picture at a size, resampled with care for small faces: (h, w, 3).

        Args:
            size_wh: the size.
            only: (n, 4) parts that are needed, in pixels of that size; what lies outside of
                them may be black. None for all.
        """

    def planes(self) -> tuple[Plane, ...]:
        """The stored picture's planes, to be painted into before the frame is written."""


def stored_box(box: Box, clip: Clip) -> Box:
    """Where a box of the upright picture lies in the stored one; both half-open, in pixels."""
    width, _ = clip.stored_wh
    x0, y0, x1, y1 = box
    # Undo one quarter turn clockwise at a time, beginning from the upright size.
    upright_w, upright_h = clip.size_wh
    for _ in range(clip.turn.quarter_turns % 4):
        # A stored point (x, y) of a picture h high lies at (h - y, x) after the turn.
        x0, y0, x1, y1 = y0, upright_w - x1, y1, upright_w - x0
        upright_w, upright_h = upright_h, upright_w
    if clip.turn.mirrored:
        x0, x1 = width - x1, width - x0
    return x0, y0, x1, y1
