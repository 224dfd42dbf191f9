"""Writes a veiled video: encodes frames, passes sound and subtitles on, and nothing else.

Frames come in, in the order of showing; a file with the same picture size, pixel aspect, time
stamps, colours and orientation goes out. Tags, chapters, attachments, timed data and the
encoder's own notes are not written. The path is the caller's, who makes it appear whole.
"""

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from crowdveil.errors import OutputRefused, UnsupportedMedia
from crowdveil.media.video.clip import AudioChoice, Clip, Span, Turn, VideoFormat
from crowdveil.media.video.headers import bare_header
from crowdveil.media.video.probe import display_matrix, opened
from crowdveil.media.video.reader import StoredFrame, hdr_side_data
from crowdveil.media.video.rotate import write_matrix

H264_CRF, HEVC_CRF, VP9_CRF = 18, 18, 20
"""Rate factors at which eyes see no difference; docs/video.md tells what was measured."""

_PRESET = "superfast"
"""Half the time of "veryfast" for half as many bytes more, at no less quality: encoding must
keep up with real time on two cores."""

_BIT_EXACT, _GLOBAL_HEADER = 1 << 23, 1 << 22
"""Flags of libavcodec: no encoder's name in the stream; headers in front, not in between."""

_FORMATS = {
    VideoFormat.MP4: "mp4",
    VideoFormat.MOV: "mov",
    VideoFormat.MKV: "matroska",
    VideoFormat.WEBM: "webm",
    VideoFormat.AVI: "avi",
}

_ISO = (VideoFormat.MP4, VideoFormat.MOV)

_SEI = 6
"""Type of H.264 units in which an encoder writes its name and settings."""


class ClipWriter:
    """A video in writing. Use as a context manager; call `finish` when all frames are written."""

    def __init__(
        self,
        path: Path,
        clip: Clip,
        *,
        audio: AudioChoice = AudioChoice.KEEP,
        crf: int | None = None,
        span: Span | None = None,
    ) -> None:
        """Begin a file.

        Args:
            path: where to write; its name is not looked at.
            clip: the source, whose sound and subtitles are passed on.
            audio: what becomes of the sound.
            crf: rate factor, 0-51 (0 loses nothing), or None for the usual one.
            span: the part of the source that the frames are of.
        """
        self._path, self._clip, self._span = path, clip, span or Span()
        self._audio, self._crf = audio, crf
        self._scope = ExitStack()
        self._source: InputContainer | None = None
        self._out: OutputContainer | None = None
        self._context: Any = None
        self._cleaner: BitStreamFilterContext | None = None
        self._others: _Others | None = None
        self._durations: dict[int, int] = {}
        self._shift = 0
        self.frames = 0

    def __enter__(self) -> Self:
        """Nothing is opened before the first frame."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open; a file that was not finished is of no use."""
        self._close()

    def write(self, frame: StoredFrame) -> None:
        """Encode the next frame, as it was painted.

        Raises:
            OutputRefused: it cannot be written.
            UnsupportedMedia: the container cannot hold what the source has.
        """
        picture = frame.writable()
        try:
            if self._out is None:
                self._begin(frame, picture)
            picture.pts = frame.pts - self._shift
            picture.pict_type = 0  # the encoder's choice, not the source's
            self._durations[picture.pts] = frame.duration
            if self._others is not None:
                self._others.copy_until(float(frame.pts * self._clip.time_base))
            self._mux(self._context.encode(picture))
        except (av.error.FFmpegError, OSError) as error:
            raise self._refused(error) from error
        self.frames += 1

    def finish(self) -> None:
        """Write what is left, and make the file whole.

        Raises:
            OutputRefused: it cannot be written, or came out other than it should.
        """
        try:
            self._mux(self._context.encode(None))
            if self._others is not None:
                self._others.copy_until(None)
            self._close()
            if self._clip.format in _ISO and self._clip.turn != Turn():
                write_matrix(self._path, display_matrix(self._clip.turn), self._clip.stored_wh)
        except (av.error.FFmpegError, OSError) as error:
            raise self._refused(error) from error

    def _begin(self, first: StoredFrame, picture: VideoFrame) -> None:
        """Open the file; only now is it known what the frames are like."""
        clip = self._clip
        if self._span.start_s > 0:
            self._shift = first.pts
        options = {"movflags": "+faststart"} if clip.format in _ISO else {}
        self._out = out = av.open(
            str(self._path),
            "w",
            format=_FORMATS[clip.format],
            container_options={"fflags": "+bitexact", **options},
        )
        codec, settings = self._codec(first, picture)
        stream: Any = out.add_stream(codec, rate=clip.rate or Fraction(30), options=settings)
        context = stream.codec_context
        context.width, context.height = picture.width, picture.height
        context.pix_fmt = picture.format.name
        context.time_base = stream.time_base = clip.time_base
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(context, name, getattr(picture, name))
        stored_aspect = clip.pixel_aspect
        if clip.turn.quarter_turns % 2:
            stored_aspect = 1 / stored_aspect
        context.sample_aspect_ratio = stored_aspect
        context.flags |= _BIT_EXACT
        if clip.format is not VideoFormat.AVI:
            context.flags |= _GLOBAL_HEADER
        if codec == "libx265" and clip.format in _ISO:
            context.codec_tag = "hvc1"  # what Apple's players ask for
        self._context = context
        self._stream = stream
        if codec == "libx264":
            self._cleaner = BitStreamFilterContext(f"filter_units=remove_types={_SEI}", "h264")
        self._source = self._scope.enter_context(opened(clip.path))
        self._others = _Others(self._source, out, self._audio, self._span, clip.format)

    def _codec(self, first: StoredFrame, picture: VideoFrame) -> tuple[str, dict[str, str]]:
        """Which encoder, and its settings."""
        deep = picture.format.components[0].bits > 8
        if self._clip.format is VideoFormat.WEBM:
            crf = VP9_CRF if self._crf is None else self._crf
            lossless = {"lossless": "1"} if crf == 0 else {}
            return "libvpx-vp9", {
                "crf": str(crf), "b": "0", "deadline": "realtime", "cpu-used": "6",
                "row-mt": "1", **lossless,
            }  # fmt: skip
        if deep:
            crf = HEVC_CRF if self._crf is None else self._crf
            wanted = ["info=0", "log-level=none", *_hdr10(first.source)]
            if crf == 0:
                wanted.append("lossless=1")
            return "libx265", {
                "crf": str(crf),
                "preset": "superfast",
                "x265-params": ":".join(wanted),
            }
        crf = H264_CRF if self._crf is None else self._crf
        # Veils are the one thing that must not be starved of bits beside moving crowds.
        settings = {"crf": str(crf), "preset": _PRESET, "a53cc": "0"}
        if self._clip.format is VideoFormat.AVI:
            settings["x264-params"] = "bframes=0"  # AVI knows no order of showing
        return "libx264", settings

    def _mux(self, packets: list[Any]) -> None:
        if self._out is None:
            return
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0) or packet.duration
            cleaned = self._cleaner.filter(packet) if self._cleaner else [packet]
            for one in cleaned:
                one.stream = self._stream
                self._out.mux_one(one)

    def _close(self) -> None:
        out, self._out = self._out, None
        self._scope.close()
        if out is not None:
            out.close()

    def _refused(self, error: Exception) -> OutputRefused:
        reason = getattr(error, "strerror", None) or str(error)
        return OutputRefused(
            f"{self._clip.path}: its veiled copy cannot be written ({reason}); "
            "check that there is space left, or choose another folder"
        )


class _Others:
    """Sound and subtitles of the source, passed on in step with the picture."""

    def __init__(
        self,
        source: InputContainer,
        out: OutputContainer,
        audio: AudioChoice,
        span: Span,
        format: VideoFormat,
    ) -> None:
        self._out, self._span = out, span
        self._targets: dict[int, Any] = {}
        self._disguised: dict[int, Any] = {}
        first = [
            s.start_time * s.time_base for s in source.streams.video if s.start_time and s.time_base
        ]
        self._zero = float(first[0]) if first else 0.0
        for stream in source.streams:
            if stream.codec_context is None:
                continue
            if stream.type == "audio" and audio is AudioChoice.KEEP:
                self._targets[stream.index] = _passed_on(stream, out)
            elif stream.type == "audio" and audio is AudioChoice.DISGUISE:
                from crowdveil.media.video.sound import Disguised  # only for those who ask

                self._disguised[stream.index] = Disguised(stream, out, format, span)
            elif stream.type == "subtitle" and format is not VideoFormat.AVI:
                self._targets[stream.index] = _passed_on(stream, out)
        wanted = [source.streams[index] for index in (*self._targets, *self._disguised)]
        self._packets = self._read(source, wanted)
        self._waiting: Any = None

    def copy_until(self, time_s: float | None) -> None:
        """Pass on what is due up to a time in the source, or all of it."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._packets, None)
            packet = self._waiting
            if packet is None:
                break
            at = _time_s(packet)
            if time_s is not None and at is not None and at > time_s:
                return
            self._waiting = None
            self._pass_on(packet)
        if time_s is None:
            for disguised in self._disguised.values():
                disguised.finish()
            self._disguised = {}

    def _read(self, source: InputContainer, wanted: list[Any]) -> Iterator[Any]:
        if not wanted:
            return
        try:
            for packet in source.demux(wanted):
                if packet.size:
                    yield packet
        except av.error.FFmpegError:
            return  # the file ends in damage, which the reader of the picture tells of

    def _pass_on(self, packet: Any) -> None:
        at = _time_s(packet)
        since = None if at is None else at - self._zero
        span = self._span
        if since is not None and span.start_s > 0 and since < span.start_s:
            return
        if since is not None and span.end_s is not None and since >= span.end_s:
            return
        index = packet.stream.index
        shift = self._zero + span.start_s if span.start_s > 0 else 0.0
        if index in self._disguised:
            self._disguised[index].take(packet, shift)
            return
        if shift:
            ticks = round(shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - ticks
            packet.dts = None if packet.dts is None else packet.dts - ticks
        if packet.dts is None and packet.pts is None:
            return
        packet.stream = self._targets[index]
        self._out.mux_one(packet)


def _passed_on(stream: Any, out: OutputContainer) -> Any:
    try:
        target: Any = out.add_stream_from_template(stream, opaque=True)
    except (ValueError, av.error.FFmpegError) as error:
        kind = "sound" if stream.type == "audio" else "subtitles"
        raise UnsupportedMedia(
            f"its {kind} ({stream.codec_context.name}) cannot be kept in a {out.format.name} "
            "file; leave the sound out with --audio drop, or convert the file first"
        ) from error
    target.metadata.clear()
    bare = bare_header(stream.codec_context.name, stream.codec_context.extradata)
    if bare is not None:
        target.codec_context.extradata = bare
    target.time_base = stream.time_base
    return target


def _time_s(packet: Any) -> float | None:
    ticks = packet.dts if packet.dts is not None else packet.pts
    return None if ticks is None else float(ticks * packet.time_base)


def _hdr10(frame: VideoFrame) -> list[str]:
    """x265's way of writing mastering display and content light level."""
    told = hdr_side_data(frame)
    parts = []
    if (data := told.get(Type.MASTERING_DISPLAY_METADATA)) is not None and len(data) >= 88:
        numbers = struct.unpack("=22i", data[:88])
        rational = [Fraction(n, d or 1) for n, d in zip(numbers[::2], numbers[1::2], strict=True)]
        xy = [round(value * 50_000) for value in rational[:8]]
        least, most = (round(value * 10_000) for value in rational[8:10])
        red, green, blue, white = (xy[k : k + 2] for k in (0, 2, 4, 6))
        parts.append(
            f"master-display=G({green[0]},{green[1]})B({blue[0]},{blue[1]})"
            f"R({red[0]},{red[1]})WP({white[0]},{white[1]})L({most},{least})"
        )
    if (data := told.get(Type.CONTENT_LIGHT_LEVEL)) is not None and len(data) >= 8:
        most, average = struct.unpack("=2I", data[:8])
        parts.append(f"max-cll={most},{average}")
    return ["hdr10=1", "repeat-headers=0", *parts] if parts else []
