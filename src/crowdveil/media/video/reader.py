"""Reads the frames of a video one after the other, and remembers what was damaged.

A clip comes in, frames in the order of showing go out; never more than a few are in memory.
Two readings of the same file give the same frames, damaged or not: decoding uses no threads
whose timing could matter. What is done with the frames is left to others.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from crowdveil.errors import UnreadableMedia
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.picture import RGB
from crowdveil.media.video.clip import Clip, Plane, Span, Turn, VideoFormat, stored_box
from crowdveil.media.video.clock import BEGINS
from crowdveil.media.video.colour import Part, matrix_of, part_of, rgb_of
from crowdveil.media.video.damage import Damage
from crowdveil.media.video.layouts import copied_to, planes_of, written_layout
from crowdveil.media.video.probe import main_video, opened, unreadable
from crowdveil.media.video.transparency import alpha_decoder

_SEEK_FROM_S = 10.0
"""Spans that begin earlier are reached by decoding all that lies before."""
_SEEK_FORMATS = (VideoFormat.MP4, VideoFormat.MOV, VideoFormat.MKV, VideoFormat.WEBM)

_MOST_WAITING = 16
"""Frames that a decoder keeps back at most before it shows the first of them."""

_GAP = 1.5
"""Share of a frame's usual time after which one is missing."""

_STANDS = 0.1
"""Share of a frame's usual time below which the clock stands still: writers that must count
upwards add a single tick."""

_DOUBT_PACKETS = 3
"""Within so many packets a key frame must come where streams were joined: parsers lag behind."""

_REACH_S = 0.2
"""How much earlier than a span damage may lie to be told of."""

_PQ = 16
"""Number of the transfer function of HDR10 (SMPTE ST 2084)."""

_TINY_S = 1e-9


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
        self._layout = written_layout(clip.pixels, clip.stored_wh, clip.target)
        self._copy: VideoFrame | None = None

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """As `clip.Frame.rgb`."""
        width, height = size_wh
        if self._clip.turn.quarter_turns % 2:
            width, height = height, width
        # The decoder's own planes will do to look at, if their layout is one that is written.
        as_is = self._copy is None and self._layout == self.source.format.name
        frame = self.source if as_is else self.writable()
        planes, matrix = planes_of(frame), matrix_of(int(frame.colorspace), frame.height)
        if only is None:
            samples = rgb_of(planes, (width, height), matrix)
        else:
            samples = np.zeros((height, width, 3), np.uint8)
            stored = np.array(self._clip.size_wh) / size_wh
            for x0, y0, x1, y1 in (only * np.tile(stored, 2)).tolist():
                part = part_of(planes, stored_box((x0, y0, x1, y1), self._clip))
                if part is not None:
                    _put(samples, part, self._clip.stored_wh, matrix)
        if self.source.color_trc == _PQ:
            samples = np.asarray(cv2.LUT(samples, _tone_curve()), np.uint8)
        return _upright(samples, self._clip.turn)

    def writable(self) -> VideoFrame:
        """The frame that is painted into and encoded: samples and colours, nothing else."""
        if self._copy is None:
            self._copy = copied_to(self.source, self._layout)
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
        self._packets = 0
        self._due: deque[int] = deque(maxlen=_MOST_WAITING)
        self._now_s: float | None = None
        self._end_s = 0.0
        self._doubt: _Doubt | None = None
        self.damage = Damage()

    def __iter__(self) -> Iterator[StoredFrame]:
        """The frames, in the order of showing.

        Raises:
            UnreadableMedia: there is none, or the picture changes its size or kind.
        """
        number = 0
        with closing(self._decoded()) as decoded:
            for source, time_s in decoded:
                if time_s < self._span.start_s - _TINY_S:
                    continue
                if self._span.end_s is not None and time_s >= self._span.end_s - _TINY_S:
                    break
                self._refuse_change(source, time_s)
                yield StoredFrame(source, self._clip, number, time_s - self._span.start_s)
                number += 1
        if number == 0:
            raise UnreadableMedia(
                f"{self._clip.path}: no frame could be decoded in the part that was asked for"
            )

    def _refuse_change(self, source: VideoFrame, time_s: float) -> None:
        for what, now, before in (
            ("size", (source.width, source.height), self._clip.stored_wh),
            ("kind of pixels", source.format.name, self._clip.pixels),
        ):
            if now != before:
                raise UnreadableMedia(
                    f"{self._clip.path}: its picture changes {what} after {time_s:.1f} s; "
                    "cut it there (--to), or convert it first"
                )

    def _decoded(self) -> Generator[tuple[VideoFrame, float], None, None]:
        """Frames with rising time stamps, and seconds since the first."""
        clip, base = self._clip, self._clip.time_base
        usual = max(round(1 / ((clip.rate or Fraction(30)) * base)), 1)
        first: int | None = None
        given: int | None = None
        last: int | None = None
        landing = _landing(clip, self._span.start_s)
        with opened(clip.path) as container:
            stream = main_video(container)
            if stream is None:
                return
            stream.thread_type = "SLICE"  # frame threads make damaged files come out differently
            announced = _announced(stream)
            if landing is not None:
                container.seek(landing.ticks, stream=stream)
            packets = clip.clock.mended(container)
            decoder = alpha_decoder(clip.alpha_decoder, stream) if clip.alpha_decoder else None
            for frames in self._pieces((p for p in packets if p.stream is stream), decoder):
                for frame in frames:
                    told = self._shown(frame)
                    if told is None and last is None and clip.clock.start_s is not None:
                        told = round(clip.clock.start_s / base)
                    pts = _next(told, given, last, usual)
                    given = pts if told is None else told
                    frame.pts, frame.time_base = pts, base
                    if first is None:
                        first = pts if landing is None else landing.first
                    last, self._now_s = pts, float((pts - first) * base)
                    self._end_s = self._now_s + float(max(frame.duration or 0, usual) * base)
                    if frame.is_corrupt:
                        self._note(frames=1)
                    yield frame, self._now_s
        if self._doubt is not None:
            self._note(packets=1)
        if landing is None:
            self._judge(announced - self._packets)

    def _pieces(self, packets: Iterator[Any], decoder: Any) -> Iterator[list[VideoFrame]]:
        """The frames that each packet yields."""
        count = 0
        while True:
            try:
                with _complaints() as complaints:
                    packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                # What lies behind a broken place cannot be reached.
                self._note(packets=1)
                if count == 0:
                    raise unreadable(self._clip.path, error) from error
                return
            # Of a file that breaks off it is said anyway.
            if complaints() and (packet.size or not self._clip.lacking):
                self._note(packets=1)
            self._packets += bool(packet.size)
            if packet.size and self._clip.format is VideoFormat.AVI and packet.dts is not None:
                self._due.append(packet.dts)
            self._settle(packet)
            with _complaints() as complaints:
                try:
                    frames = packet.decode() if decoder is None else decoder.decode(packet)
                except av.error.FFmpegError:
                    self._note(packets=1)
                    if self._due:
                        self._due.pop()
                    continue
            count += len(frames)
            if complaints():
                self._note(frames=1)
            elif packet.is_corrupt and packet.size:
                self._doubt = _Doubt(packet.dts)
            yield frames

    def _settle(self, packet: Any) -> None:
        """Decide by the next packets whether one that the container doubts was damaged.

        Broadcasts that were joined break off before a key frame, and nothing is lost.
        """
        doubt = self._doubt
        if doubt is None or not packet.size:
            return
        doubt.later += 1
        usual_s = 1 / (self._clip.rate or Fraction(30))
        step = None if None in (doubt.dts, packet.dts) else packet.dts - doubt.dts
        if packet.opaque == BEGINS:
            self._doubt = None
        elif step is not None and step * self._clip.time_base > _GAP * usual_s:
            self._doubt = None
            self._note(packets=1)
        elif packet.is_keyframe:
            self._doubt = None
        elif doubt.later > _DOUBT_PACKETS:
            self._doubt = None
            self._note(packets=1)
        else:
            doubt.dts = packet.dts

    def _shown(self, frame: VideoFrame) -> int | None:
        """When a frame is shown, in ticks, None if that is not told.

        AVI tells when packets are to be decoded; the next frame shown takes the earliest of
        these times that is left.
        """
        if self._due:
            return self._due.popleft()
        return frame.pts if frame.pts is not None else frame.dts

    def _note(self, *, packets: int = 0, frames: int = 0) -> None:
        """Remember damage, if it could reach into the span."""
        start_s = self._span.start_s
        if start_s == 0 or (self._now_s is not None and self._now_s >= start_s - _REACH_S):
            self.damage.packets += packets
            self.damage.frames += frames
            self.damage.at(self._now_s)

    def _judge(self, unread: int) -> None:
        """Compare what came with what the file announced."""
        clip = self._clip
        self.damage.missing = max(unread, 0)
        if clip.duration_s and clip.early_s is not None and self._now_s is not None:
            early = clip.duration_s - self._end_s
            if early > clip.early_s:
                self.damage.early_s = early


@dataclass(slots=True)
class _Doubt:
    """A packet that the container calls damaged and the decoder does not; `later` come after."""

    dts: int | None
    later: int = 0


@dataclass(frozen=True, slots=True)
class _Landing:
    """Where to begin reading for a span, both in units of the clip's time base.

    Attributes:
        first: when the first frame of all is shown.
        ticks: what to seek.
    """

    first: int
    ticks: int


def _landing(clip: Clip, start_s: float) -> _Landing | None:
    """How to reach a late span without decoding all before it; None if that cannot be trusted."""
    if start_s < _SEEK_FROM_S or clip.format not in _SEEK_FORMATS or clip.clock.moves:
        return None
    with opened(clip.path) as container:
        stream = main_video(container)
        try:
            first = _first_pts(container.demux(stream))
            if first is None:
                return None
            ticks = first + int((start_s - 1) / clip.time_base)
            container.seek(ticks, stream=stream)
            landed = _first_pts(container.demux(stream))
        except av.error.FFmpegError:
            return None
    trusted = landed is not None and first <= landed <= ticks
    return _Landing(first, ticks) if trusted else None


def _announced(stream: VideoStream) -> int:
    """How many packets there must be at least by the file's own index, 0 if it has none."""
    if not stream.frames:
        return 0
    # The index, not the count in the header, leaves out what was trimmed away, and the empty
    # packets with which AVI shows a frame once more.
    return sum(1 for entry in stream.index_entries if entry.size)


def _next(told: int | None, given: int | None, last: int | None, usual: int) -> int:
    """When the next frame is shown, in ticks, after the `last` one.

    Args:
        told: when by its own stamp, None if it has none.
        given: what that of the frame before said.
        last: when the frame before is shown, None if there is none.
        usual: how long frames usually last.
    """
    if last is None:
        return 0 if told is None else told
    if told is None or given is None:
        return last + usual
    stands = told - given < usual * _STANDS
    if told > last and not stands:
        return told
    # A clock that stands still or goes back a little: no frame is shown for less than half of
    # its time, until the clock is ahead again.
    return last + (usual if stands else max(usual // 2, 1))


def _first_pts(packets: Iterator[Any]) -> int | None:
    for packet in packets:
        try:
            for frame in packet.decode():
                return None if frame.pts is None else int(frame.pts)
        except av.error.FFmpegError:
            continue
    return None


@contextmanager
def _complaints() -> Iterator[Callable[[], bool]]:
    """Whether the decoder complained, which it does where it makes parts of a picture up.

    The field's libraries tell of that in their log alone, which is silent outside.
    """
    outside = av.logging.get_level()
    av.logging.set_level(av.logging.PANIC)
    before = av.logging.get_last_error()[0]
    try:
        yield lambda: av.logging.get_last_error()[0] > before
    finally:
        av.logging.set_level(outside)


def _put(samples: RGB, part: Part, stored_wh: SizeWH, matrix: int) -> None:
    """Show a part of a stored picture in `samples`, which stand for all of it at any size."""
    scale = np.array(samples.shape[1::-1]) / stored_wh
    corners = np.array([part.corner_xy, np.add(part.corner_xy, part.size_wh)])
    (x0, y0), (x1, y1) = np.rint(corners * scale).astype(int).tolist()
    if x1 > x0 and y1 > y0:
        samples[y0:y1, x0:x1] = rgb_of(part.planes, (x1 - x0, y1 - y0), matrix)


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
