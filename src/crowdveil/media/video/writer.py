"""Writes a veiled video: the encoded frames, sound and subtitles, and nothing else.

Frames come in, in the order of showing; a file with the same picture size, pixel aspect, time
stamps, colours and orientation goes out. Tags, chapters, attachments, timed data and the
encoder's own notes are not written. The path is the caller's, who makes it appear whole.
"""

from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame

from crowdveil.errors import CrowdveilError, OutputRefused, UnsupportedMedia
from crowdveil.media.video.clip import AudioChoice, Clip, Span, SubtitleChoice, VideoFormat
from crowdveil.media.video.encoders import encoding
from crowdveil.media.video.muxers import muxer_for
from crowdveil.media.video.passing import OtherStreams, Part, Passing
from crowdveil.media.video.probe import display_matrix, opened
from crowdveil.media.video.reader import StoredFrame
from crowdveil.media.video.verify import faults_of

_BIT_EXACT, _GLOBAL_HEADER = 1 << 23, 1 << 22
"""Flags of libavcodec: no encoder's name in the stream; headers in front, not in between."""

_ISO = (VideoFormat.MP4, VideoFormat.MOV)

_FAMILY = {
    VideoFormat.MP4: "mov",
    VideoFormat.MOV: "mov",
    VideoFormat.MKV: "matroska",
    VideoFormat.WEBM: "matroska",
    VideoFormat.AVI: "avi",
}
"""What the field's readers of containers have in their names."""

_RATES = (1, 240)
"""Frames a second that encoders believe; what is outside was guessed from odd time stamps."""
_USUAL_RATE = Fraction(30)

_TAGS = ("color_range", "colorspace", "color_primaries", "color_trc")


class ClipWriter:
    """A video in writing. Use as a context manager; call `finish` when all frames are written."""

    def __init__(
        self,
        path: Path,
        clip: Clip,
        *,
        audio: AudioChoice = AudioChoice.KEEP,
        subtitles: SubtitleChoice = SubtitleChoice.DROP,
        crf: int | None = None,
        span: Span | None = None,
    ) -> None:
        """Begin a file.

        Args:
            path: where to write; its name is not looked at.
            clip: the source, whose sound and subtitles are passed on.
            audio, subtitles: what becomes of them.
            crf: rate factor, 0-51 (0 loses nothing), or None for the usual one.
            span: the part of the source that the frames are of.
        """
        self._path, self._clip, self._span = path, clip, span or Span()
        self._audio, self._subtitles, self._crf = audio, subtitles, crf
        self._scope = ExitStack()
        self._out: OutputContainer | None = None
        self._stream: Any = None
        self._cleaner: BitStreamFilterContext | None = None
        self._others: OtherStreams | None = None
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
        with suppress(av.error.FFmpegError, OSError):  # what came first is what matters
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
            self._mux(self._stream.codec_context.encode(picture))
        except UnsupportedMedia as error:
            raise UnsupportedMedia(f"{self._clip.path}: {error}") from error
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._refused(error) from error
        self.frames += 1

    def finish(self) -> None:
        """Write what is left, make the file whole, and look at it once more.

        Raises:
            OutputRefused: it cannot be written, or came out other than it should.
        """
        if self._out is None or self._others is None:
            raise OutputRefused(f"{self._clip.path}: there is no frame to write a copy of")
        try:
            self._mux(self._stream.codec_context.encode(None))
            self._others.copy_until(None)
            self._close()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise self._refused(error) from error
        try:
            others = self._others.counts
            faults = faults_of(self._path, self._clip, frames=self.frames, others=others)
        except CrowdveilError as error:
            faults = (str(error),)
        if faults:
            raise OutputRefused(
                f"{self._clip.path}: its veiled copy came out other than it should "
                f"({'; '.join(faults)}), so it is not kept; please report this"
            )

    @property
    def notices(self) -> tuple[str, ...]:
        """What to say of the sound, once the first frame is written."""
        return () if self._others is None else tuple(dict.fromkeys(self._others.encoded_anew))

    def _begin(self, first: StoredFrame, picture: VideoFrame) -> None:
        """Open the file; only now is it known what the frames are like."""
        clip = self._clip
        source = self._scope.enter_context(opened(clip.path))
        foreign = _FAMILY[clip.target] not in source.format.name or clip.target != clip.format
        kept = self._audio == AudioChoice.KEEP and not foreign
        sounds = [s for s in source.streams.audio if s.codec_context is not None and kept]
        # If none holds the sound, it is the usual one that says so.
        muxer = muxer_for(clip.target, sounds) or muxer_for(clip.target, []) or ""
        options = {"movflags": "+faststart"} if clip.target in _ISO else {}
        self._out = av.open(
            str(self._path), "w", format=muxer, container_options={"fflags": "+bitexact", **options}
        )
        self._add_picture(self._out, first, picture)
        part = self._part(source, first)
        self._shift = round(part.shift_s / clip.time_base)
        how = Passing(self._audio, self._subtitles, part, clip.clock, clip.target, foreign)
        self._others = OtherStreams(source, self._out, how)

    def _part(self, source: InputContainer, first: StoredFrame) -> Part:
        """Which part of the source is copied, and where its clock begins."""
        clip = self._clip
        now_s = first.pts * clip.time_base
        shift_s = Fraction(0)
        if _FAMILY[clip.target] not in source.format.name:
            # Clocks of broadcasts run for hours before; only a container's own are kept.
            shift_s = Fraction(source.start_time or 0, av.time_base)
        if self._span == Span():
            return Part(shift_s, None, None)
        begin_s = float(now_s) - first.time_s - self._span.start_s  # of the whole source
        return Part(
            now_s if self._span.start_s else shift_s,
            float(now_s) if self._span.start_s else None,
            None if self._span.end_s is None else begin_s + self._span.end_s,
        )

    def _add_picture(self, out: OutputContainer, first: StoredFrame, picture: VideoFrame) -> None:
        clip = self._clip
        how = encoding(clip, picture, first.source, self._crf)
        rate = clip.rate if clip.rate and _RATES[0] <= clip.rate <= _RATES[1] else _USUAL_RATE
        stream: Any = out.add_stream(how.codec, rate=rate, options=how.options)
        self._stream, context = stream, stream.codec_context
        context.width, context.height = picture.width, picture.height
        context.pix_fmt = picture.format.name
        context.time_base = stream.time_base = clip.time_base
        for tag in _TAGS:
            setattr(context, tag, getattr(picture, tag))
        context.sample_aspect_ratio = (
            1 / clip.pixel_aspect if clip.turn.quarter_turns % 2 else clip.pixel_aspect
        )
        context.flags |= _BIT_EXACT
        if clip.target is not VideoFormat.AVI:
            context.flags |= _GLOBAL_HEADER
        if how.codec == "libx265" and clip.target in _ISO:
            context.codec_tag = "hvc1"  # what Apple's players ask for
        if clip.turn.quarter_turns or clip.turn.mirrored:
            stream.set_display_matrix(display_matrix(clip.turn, clip.stored_wh))
        if how.cleaner:
            self._cleaner = BitStreamFilterContext(*how.cleaner)

    def _mux(self, packets: list[Any]) -> None:
        if self._out is None:
            return
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0) or packet.duration
            for one in self._cleaner.filter(packet) if self._cleaner else [packet]:
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
