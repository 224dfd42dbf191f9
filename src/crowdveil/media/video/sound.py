"""Encodes the sound of a video anew on its way into the copy, in disguise if asked."""

from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from numpy.typing import NDArray

from crowdveil.media.video.clip import VideoFormat
from crowdveil.media.video.disguise import Disguise

_ENCODER = {VideoFormat.WEBM: "libopus", VideoFormat.AVI: "libmp3lame"}
_NAMES = {"aac": "AAC", "libopus": "Opus", "libmp3lame": "MP3"}
_BIT_RATE = 128_000
_RATES = (48_000, 44_100, 32_000, 24_000, 16_000, 8_000)

_GAP_S = 0.1
"""Sound that comes so much too late was interrupted; less is the inexactness of clocks."""
_MOST_GAP_S = 60.0
"""A clock that jumps further is broken, as in damaged files; its jump is undone."""

_BIT_EXACT, _GLOBAL_HEADER = 1 << 23, 1 << 22
"""Flags of libavcodec: no encoder's name in the stream; headers in front, not in between."""


class _AsItIs:
    """Changes nothing; in the place of a `Disguise`."""

    def process(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return samples

    def flush(self) -> NDArray[np.float32]:
        return np.empty((0, 1), np.float32)


class Encoded:
    """One stream of sound that is encoded anew.

    Attributes:
        told: what it becomes, for people, as "AAC, stereo".
    """

    def __init__(
        self, stream: Any, out: OutputContainer, format: VideoFormat, *, disguised: bool
    ) -> None:
        """Prepare the stream of the copy; voices are another's if `disguised`."""
        self._decoder = stream.codec_context
        encoder = _ENCODER.get(format, "aac")
        self._rate = 48_000 if encoder == "libopus" else _near(self._decoder.sample_rate)
        self._layout = "mono" if self._decoder.layout.nb_channels == 1 else "stereo"
        self._channels = 1 if self._layout == "mono" else 2
        self._out = out
        target: Any = out.add_stream(encoder, rate=self._rate)
        self._target = target
        self._encoder = target.codec_context
        self._encoder.layout = self._layout
        self._encoder.bit_rate = _BIT_RATE
        self._encoder.flags |= _BIT_EXACT
        if format is not VideoFormat.AVI:
            self._encoder.flags |= _GLOBAL_HEADER
        self._resampler = AudioResampler(format="flt", layout=self._layout, rate=self._rate)
        self._disguise: Disguise | _AsItIs = (
            Disguise(self._rate, self._channels) if disguised else _AsItIs()
        )
        self.told = f"{_NAMES[encoder]}, {self._layout}"
        # Where the next sample belongs that is heard and that is written, and by how much the
        # source's clock has jumped ahead; in samples.
        self._taken = 0
        self._written: int | None = None
        self._ahead = 0

    def take(self, packet: Any, shift_s: float) -> None:
        """Encode a packet of the source, whose clock is ahead of the copy's by `shift_s`."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            return  # the gap that this leaves is filled with silence
        for frame in frames:
            if frame.pts is not None:
                self._wait_until(round((float(frame.pts * frame.time_base) - shift_s) * self._rate))
            self._hear(self._samples(frame))

    def finish(self) -> bool:
        """Write what is left; tell whether there was any sound."""
        try:
            for frame in self._decoder.decode(None):
                self._hear(self._samples(frame))
        except av.error.FFmpegError:
            pass  # nothing was left
        if self._written is None:
            return False
        self._hear(self._samples(None))
        self._write(self._disguise.flush())
        self._mux(self._encoder.encode(None))
        return True

    def _wait_until(self, due: int) -> None:
        """Fill an interruption with silence, or begin."""
        if self._written is None:
            self._taken = self._written = due
        gap = due - self._ahead - self._taken
        if abs(gap) > _MOST_GAP_S * self._rate:
            self._ahead, gap = due - self._taken, 0
        if gap < _GAP_S * self._rate:
            return
        while gap > 0:
            silence = np.zeros((min(gap, self._rate), self._channels), np.float32)
            self._hear(silence)
            gap -= len(silence)

    def _hear(self, samples: NDArray[np.float32]) -> None:
        if self._written is None:
            self._written = 0
        self._taken += len(samples)
        self._write(self._disguise.process(samples))

    def _samples(self, frame: Any) -> NDArray[np.float32]:
        parts = [
            np.asarray(part.to_ndarray(), np.float32).reshape(-1, self._channels)
            for part in self._resampler.resample(frame)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self._channels), np.float32)

    def _write(self, samples: NDArray[np.float32]) -> None:
        if not len(samples) or self._written is None:
            return
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.reshape(1, -1)), format="flt", layout=self._layout
        )
        frame.sample_rate = self._rate
        frame.pts = self._written
        self._written += len(samples)
        self._mux(self._encoder.encode(frame))

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            packet.stream = self._target
            self._out.mux_one(packet)


def _near(rate: int) -> int:
    return min(_RATES, key=lambda known: abs(known - rate))
