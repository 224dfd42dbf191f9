"""Reads the frames of a video one after the other, and remembers what was damaged.

A clip comes in, frames in the order of showing go out; never more than a few are in memory.
Two readings of the same file give the same frames, damaged or not: decoding uses no threads
whose timing could matter. What is done with the frames is left to others.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from crowdveil.errors import UnreadableMedia
from crowdveil.geometry import SizeWH
from crowdveil.media.picture import RGB
from crowdveil.media.video.clip import Clip, Plane, Span, Turn
from crowdveil.media.video.colour import rgb_of
from crowdveil.media.video.probe import main_video, opened, unreadable

EARLY_S, EARLY_SHARED_S = 0.25, 1.0
"""A video that ends so much before the length it claims was cut off; the second where the
claim is for picture and sound together, as sound often lasts longer."""

EVEN = 0.9
"""Share of equal steps in time from which a longer step is a gap and not the video's way."""

GAP_FRAMES = 2
"""Cameras drop so many frames in a row without harm; more is damage."""

_PQ = 16
"""Number of the transfer function of HDR10 (SMPTE ST 2084)."""

_SUBSAMPLED = {(0, 0): "444", (1, 0): "422", (1, 1): "420", (2, 0): "422", (2, 2): "420"}
"""What is written for each subsampling that is read, as powers of two."""


@dataclass(slots=True)
class Damage:
    """What could not be read.

    Attributes:
        packets: pieces of the file that could not be decoded.
        frames: decoded frames that the decoder calls damaged.
        first_s: when the first of these was due, in seconds, None if there was none.
        missing: frames that the file's index or its even times tell of and that never came.
        longest: most of these in a row, as far as times tell.
        early_s: how much earlier than announced the video ended, 0 if it did not.
    """

    packets: int = 0
    frames: int = 0
    first_s: float | None = None
    missing: int = 0
    longest: int = 0
    early_s: float = 0.0

    def at(self, time_s: float | None) -> None:
        """Remember when something was first amiss."""
        if self.first_s is None and time_s is not None:
            self.first_s = time_s

    @property
    def loud(self) -> bool:
        """Whether more is amiss than a camera's own dropped frames."""
        return bool(self.packets or self.frames or self.early_s or self.missing > self.longest) or (
            self.longest > GAP_FRAMES
        )

    def sentence(self) -> str | None:
        """What to tell the user, None if the whole video could be read."""
        parts = []
        if self.packets or self.frames:
            since = "" if self.first_s is None else f" from {self.first_s:.1f} s on"
            parts.append(f"{self.packets + self.frames} damaged pieces{since}")
        if self.missing:
            parts.append(f"{self.missing} frames missing")
        if self.early_s:
            parts.append(f"it ends {self.early_s:.1f} s early")
        if not parts:
            return None
        return (
            f"the file is damaged ({', '.join(parts)}); what could be decoded is veiled, "
            "the rest is not in the copy"
        )


class StoredFrame:
    """One decoded frame; see `clip.Frame`."""

    def __init__(self, source: VideoFrame, clip: Clip, number: int, time_s: float) -> None:
        """Wrap what the decoder gave."""
        self.number = number
        self.time_s = time_s
        self.pts = int(source.pts or 0)
        self.duration = int(source.duration or 0)
        self.source = source
        self._clip = clip
        self._copy: VideoFrame | None = None

    def rgb(self, size_wh: SizeWH) -> RGB:
        """As `clip.Frame.rgb`."""
        width, height = size_wh
        if self._clip.turn.quarter_turns % 2:
            width, height = height, width
        samples = rgb_of(self._read(), (width, height), int(self.source.colorspace))
        if self.source.color_trc == _PQ:
            samples = np.asarray(cv2.LUT(samples, _tone_curve()), np.uint8)
        return _upright(samples, self._clip.turn)

    def _read(self) -> tuple[Plane, ...]:
        """Planes to look at only: the decoder's own, if their layout is one that is written."""
        if self._copy is None and written_layout(self.source) != self.source.format.name:
            self._copy = _bare_copy(self.source)
        return planes_of(self._copy or self.source)

    def writable(self) -> VideoFrame:
        """The frame that is painted into and encoded: samples and colours, nothing else."""
        if self._copy is None:
            self._copy = _bare_copy(self.source)
        return self._copy

    def planes(self) -> tuple[Plane, ...]:
        """As `clip.Frame.planes`."""
        return planes_of(self.writable())


class FrameReader:
    """The frames of a clip, to be read once, from first to last."""

    def __init__(self, clip: Clip, span: Span | None = None) -> None:
        """Read `span` of a clip, or all of it."""
        self._clip = clip
        self._span = span or Span()
        self.damage = Damage()
        self._steps: Counter[int] = Counter()

    def __iter__(self) -> Iterator[StoredFrame]:
        """The frames, in the order of showing.

        Raises:
            UnreadableMedia: there is none, or the picture changes its size or kind.
        """
        number = 0
        for source, time_s in self._decoded():
            if time_s < self._span.start_s - 1e-9:
                continue
            if self._span.end_s is not None and time_s >= self._span.end_s - 1e-9:
                break
            if (source.width, source.height) != self._clip.stored_wh:
                raise UnreadableMedia(
                    f"{self._clip.path}: its picture changes size after {time_s:.1f} s; "
                    "cut it there (--to), or convert it first"
                )
            yield StoredFrame(source, self._clip, number, time_s - self._span.start_s)
            number += 1
        if number == 0:
            raise UnreadableMedia(
                f"{self._clip.path}: no frame could be decoded in the part that was asked for"
            )

    def _decoded(self) -> Iterator[tuple[VideoFrame, float]]:
        """Frames with rising time stamps, and seconds since the first."""
        base = self._clip.time_base
        usual = self._usual_step()
        first: int | None = None
        last: int | None = None
        count = 0
        with opened(self._clip.path) as container:
            stream = main_video(container)
            if stream is None:
                return
            stream.thread_type = "SLICE"  # frame threads make damaged files come out differently
            announced = stream.frames
            end = 0.0
            packets = iter(container.demux(stream))
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    break
                except av.error.FFmpegError as error:
                    # What lies behind a broken place cannot be reached.
                    self.damage.packets += 1
                    self.damage.at(None if last is None else float(last * base))
                    if count == 0:
                        raise unreadable(self._clip.path, error) from error
                    break
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self.damage.packets += 1
                    self.damage.at(None if last is None else float(last * base))
                    continue
                if packet.is_corrupt and packet.size:
                    self.damage.packets += 1
                for frame in frames:
                    pts = frame.pts if frame.pts is not None else frame.dts
                    if pts is None:
                        pts = 0 if last is None else last + usual
                    elif last is not None and pts <= last:
                        pts = last + 1  # no two frames are shown at once
                    frame.pts = pts
                    frame.time_base = base
                    first = pts if first is None else first
                    if last is not None:
                        self._steps[pts - last] += 1
                    last = pts
                    count += 1
                    time_s = float((pts - first) * base)
                    if frame.is_corrupt:
                        self.damage.frames += 1
                        self.damage.at(time_s)
                    end = time_s
                    yield frame, time_s
            self._judge(announced, count, end)

    def _judge(self, announced: int, count: int, end: float) -> None:
        """Compare what came with what the file announced."""
        if announced and count < announced - 1 and self.damage.early_s == 0:
            self.damage.missing = announced - count
        else:
            self._count_gaps()
        seconds = self._clip.duration_s
        if seconds and self._clip.rate:
            early = seconds - end - float(1 / self._clip.rate)
            if early > (EARLY_S if self._clip.own_duration else EARLY_SHARED_S):
                self.damage.early_s = early

    def _count_gaps(self) -> None:
        """Frames that are missing where all others follow each other evenly."""
        if not self._steps:
            return
        usual = self._steps.most_common(1)[0][0]
        # Containers that count in milliseconds cannot tell even times exactly.
        even = sum(n for step, n in self._steps.items() if abs(step - usual) <= 1)
        if even < EVEN * self._steps.total():
            return
        for step, n in self._steps.items():
            lost = round(step / usual) - 1
            if lost > 0:
                self.damage.missing += lost * n
                self.damage.longest = max(self.damage.longest, lost)

    def _usual_step(self) -> int:
        rate = self._clip.rate or Fraction(30)
        return max(round(1 / (rate * self._clip.time_base)), 1)


def planes_of(frame: VideoFrame) -> tuple[Plane, ...]:
    """Writable views of the planes of a frame in one of the layouts that are written."""
    format = frame.format
    bits = format.components[0].bits
    limited = frame.color_range != 2 and not format.name.startswith("yuvj")
    grey = len(frame.planes) == 1
    planes = []
    for number, plane in enumerate(frame.planes):
        samples = _view(plane, np.uint16 if bits > 8 else np.uint8)
        step = (1, 1)
        if number:
            step = (
                -(-frame.width // plane.width) if plane.width < frame.width else 1,
                -(-frame.height // plane.height) if plane.height < frame.height else 1,
            )
        planes.append(
            Plane(
                samples[..., None],
                step,
                (1 << bits) - 1,
                None if grey or number == 0 else 1 << (bits - 1),
                limited,
            )
        )
    return tuple(planes)


def _view(plane: Any, dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    item = np.dtype(dtype).itemsize
    row = plane.line_size // item
    flat = np.frombuffer(plane, dtype)[: row * plane.height]
    return flat.reshape(plane.height, row)[:, : plane.width]


def _bare_copy(source: VideoFrame) -> VideoFrame:
    """A frame of a layout that is written, with samples, colours and times and nothing else."""
    layout = written_layout(source)
    plain = source
    if layout != source.format.name:
        plain = VideoReformatter().reformat(source, format=layout)
    copy = VideoFrame(source.width, source.height, layout)
    bits = plain.format.components[0].bits
    dtype = np.uint16 if bits > 8 else np.uint8
    for target, given in zip(copy.planes, plain.planes, strict=True):
        _view(target, dtype)[...] = _view(given, dtype)
    copy.pts, copy.time_base, copy.duration = source.pts, source.time_base, source.duration
    for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
        setattr(copy, name, getattr(plain if name == "color_range" else source, name))
    return copy


def written_layout(frame: VideoFrame) -> str:
    """The layout of samples in which a frame is written: planes, no alpha, up to 12 bits.

    Pictures of odd width or height get colour for every pixel, as no encoder takes a half one.
    """
    format = frame.format
    bits = max(component.bits for component in format.components if not component.is_alpha)
    depth = "" if bits <= 8 else "10le" if bits <= 10 else "12le"
    luma = [c for c in format.components if c.is_luma]
    colours = [c for c in format.components if c.is_chroma]
    if format.name.startswith("gray"):
        return f"gray{depth}"
    odd_wide, odd_high = frame.width % 2, frame.height % 2
    if not colours or not luma:
        return f"yuv{'444' if odd_wide or odd_high else '420'}p{depth}"
    across = round(np.log2(frame.width / colours[0].width)) if frame.width > 1 else 0
    down = round(np.log2(frame.height / colours[0].height)) if frame.height > 1 else 0
    full = "j" if format.name.startswith("yuvj") and not depth else ""
    subsampled = _SUBSAMPLED.get((across, down), "444")
    if (odd_wide and subsampled != "444") or (odd_high and subsampled == "420"):
        subsampled = "444"  # encoders share colour between whole pairs of pixels only
    return f"yuv{full}{subsampled}p{depth}"


def hdr_side_data(frame: VideoFrame) -> dict[Type, bytes]:
    """Mastering display and content light level of a frame, if it has them."""
    wanted = (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL)
    every: Any = frame.side_data
    return {side.type: bytes(side) for side in every if side.type in wanted}


def _upright(samples: RGB, turn: Turn) -> RGB:
    if turn.mirrored:
        samples = samples[:, ::-1]
    if turn.quarter_turns:
        samples = np.rot90(samples, -turn.quarter_turns)
    return np.ascontiguousarray(samples)


def _tone_curve() -> NDArray[np.uint8]:
    """Turns PQ code values into ones that look as pictures usually do, so that faces are found.

    Source: SMPTE ST 2084 for the curve, ITU-R BT.2408 for white at 203 cd/m2.
    """
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    code = np.linspace(0, 1, 256) ** (1 / m2)
    nits = 10_000 * (np.maximum(code - c1, 0) / (c2 - c3 * code)) ** (1 / m1)
    return np.asarray(np.clip((nits / 203) ** (1 / 2.2), 0, 1) * 255, np.uint8)
