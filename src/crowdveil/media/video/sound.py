"""Disguises the sound of a video on its way into the copy: decodes, changes, encodes."""

from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer

from crowdveil.media.video.clip import Span, VideoFormat
from crowdveil.media.video.disguise import Disguise

_ENCODER = {VideoFormat.WEBM: "libopus"}
_BIT_RATE = 128_000
_RATES = (48_000, 44_100, 32_000, 24_000, 16_000, 8_000)


class Disguised:
    """One stream of sound in disguise."""

    def __init__(self, stream: Any, out: OutputContainer, format: VideoFormat, span: Span) -> None:
        """Prepare the stream of the copy; `span` is the part of the source that is copied."""
        context = stream.codec_context
        encoder = _ENCODER.get(format, "aac")
        self._rate = 48_000 if encoder == "libopus" else _near(context.sample_rate)
        self._layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        self._channels = 1 if self._layout == "mono" else 2
        self._out, self._span = out, span
        target: Any = out.add_stream(encoder, rate=self._rate)
        self._target = target
        self._target.codec_context.layout = self._layout
        self._target.codec_context.bit_rate = _BIT_RATE
        self._resampler = AudioResampler(format="flt", layout=self._layout, rate=self._rate)
        self._disguise = Disguise(self._rate, self._channels)
        self._at: int | None = None

    def take(self, packet: Any, shift_s: float) -> None:
        """Disguise a packet of the source, which begins `shift_s` later than the copy."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            return
        for frame in frames:
            if self._at is None:
                begin = float((frame.pts or 0) * frame.time_base) - shift_s
                self._at = round(begin * self._rate)
            self._write(self._disguise.process(self._samples(frame)))

    def finish(self) -> None:
        """Write what is left."""
        if self._at is None:
            return
        self._write(self._disguise.process(self._samples(None)))
        self._write(self._disguise.flush())
        for packet in self._target.codec_context.encode(None):
            packet.stream = self._target
            self._out.mux_one(packet)

    def _samples(self, frame: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        parts = [
            np.asarray(part.to_ndarray(), np.float32).reshape(-1, self._channels)
            for part in self._resampler.resample(frame)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self._channels), np.float32)

    def _write(self, samples: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        if not len(samples) or self._at is None:
            return
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.reshape(1, -1)), format="flt", layout=self._layout
        )
        frame.sample_rate = self._rate
        frame.pts = self._at
        self._at += len(samples)
        for packet in self._target.codec_context.encode(frame):
            packet.stream = self._target
            self._out.mux_one(packet)


def _near(rate: int) -> int:
    return min(_RATES, key=lambda known: abs(known - rate))
