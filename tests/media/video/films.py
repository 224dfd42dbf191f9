"""Small real videos for tests, made with PyAV: a moving picture, sound, and things that tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

SECRET = "SECRET-4711"
"""Planted in tags, which no veiled copy may hold."""


@dataclass(frozen=True)
class Film:
    """What a test video is made of."""

    name: str = "film.mp4"
    codec: str = "libx264"
    pixels: str = "yuv420p"
    size_wh: tuple[int, int] = (160, 96)
    frames: int = 24
    rate: int = 25
    times: Sequence[int] | None = None
    """Time stamps in 1/90000 s, None for an even rate."""
    audio: str | None = None
    tagged: bool = False
    aspect: Fraction | None = None
    colours: tuple[int, int, int, int] | None = None
    """Range, primaries, transfer and matrix, by ITU-T H.273."""
    options: dict[str, str] = field(default_factory=dict)
    turned: tuple[int, int, int, int] | None = None
    """The first two columns of a display matrix, in whole numbers: a, b, c, d."""


def picture(number: int, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A coloured gradient with a square that moves, (h, w, 3) RGB."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width]
    rows = np.stack([x * 255 // width, y * 255 // height, (x + y + 3 * number) % 256], axis=-1)
    rows[height // 4 : height // 2, 2 * number : 2 * number + height // 4] = (250, 240, 230)
    return np.asarray(rows, np.uint8)


def make(folder: Path, film: Film) -> Path:
    """Write a film into a folder."""
    path = folder / film.name
    with av.open(str(path), "w") as out:
        if film.tagged:
            out.metadata["title"] = SECRET
            out.metadata["comment"] = SECRET
            out.metadata["location"] = "+48.8584+002.2945/"
        video: Any = out.add_stream(film.codec, rate=film.rate, options=film.options)
        video.width, video.height = film.size_wh
        video.pix_fmt = film.pixels
        base = Fraction(1, 90_000) if film.times else Fraction(1, film.rate)
        video.time_base = video.codec_context.time_base = base
        if film.aspect:
            video.codec_context.sample_aspect_ratio = film.aspect
        if film.colours:
            names = ("color_range", "color_primaries", "color_trc", "colorspace")
            for name, value in zip(names, film.colours, strict=True):
                setattr(video.codec_context, name, value)
        if film.turned:
            a, b, c, d = (value << 16 for value in film.turned)
            video.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
        if film.tagged:
            video.metadata["handler_name"] = SECRET
        sound: Any = out.add_stream(film.audio, rate=48_000) if film.audio else None
        if sound is not None and film.tagged:
            sound.metadata["title"] = SECRET
        for number in range(film.frames):
            frame = av.VideoFrame.from_ndarray(picture(number, film.size_wh), format="rgb24")
            frame = frame.reformat(format=film.pixels)
            frame.pts = film.times[number] if film.times else number
            frame.time_base = base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound is not None:
            out.mux(_tone(sound, film.frames / film.rate))
    return path


def _tone(stream: Any, seconds: float) -> list[Any]:
    rate = 48_000
    time = np.arange(round(rate * seconds)) / rate
    tone = (np.sin(2 * np.pi * 440 * time) * 0.3).astype(np.float32)
    packets: list[Any] = []
    for start in range(0, len(tone), 1024):
        frame = av.AudioFrame.from_ndarray(
            np.tile(tone[start : start + 1024], (1, 1)), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = rate, start
        packets += stream.encode(frame)
    packets += stream.encode(None)
    return packets


def joined(
    path: Path,
    *sources: Path,
    told: dict[str, str] | None = None,
    only: str | None = None,
    extra: Callable[[OutputContainer], object] | None = None,
) -> Path:
    """Write all streams of some files into one.

    Args:
        path: what to write.
        sources: the files.
        told: tags for the streams of the last.
        only: the kind of stream to take from the last.
        extra: what else to do with the new file before packets are written.
    """
    files = [av.open(str(source)) for source in sources]
    with av.open(str(path), "w") as out:
        targets: dict[tuple[int, int], Any] = {}
        for number, file in enumerate(files):
            last = file is files[-1]
            for stream in file.streams:
                if last and only and stream.type != only:
                    continue
                target: Any = out.add_stream_from_template(stream, opaque=True)
                if told and last:
                    target.metadata.update(told)
                targets[number, stream.index] = target
        if extra is not None:
            extra(out)
        for number, file in enumerate(files):
            for packet in file.demux():
                if packet.size and (number, packet.stream_index) in targets:
                    packet.stream = targets[number, packet.stream_index]
                    out.mux_one(packet)
    for file in files:
        file.close()
    return path


def packets_of(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time in seconds and bytes of every packet of the first stream of a kind."""
    with av.open(str(path)) as file:
        stream = next(stream for stream in file.streams if stream.type == kind)
        return [
            (packet.pts * Fraction(packet.time_base), bytes(packet))
            for packet in file.demux(stream)
            if packet.size and packet.pts is not None and packet.time_base
        ]


def times_of(path: Path) -> list[Fraction]:
    """The times of all frames, in the order of showing, as decoded."""
    with av.open(str(path)) as file:
        return [
            frame.pts * Fraction(frame.time_base)
            for frame in file.decode(video=0)
            if frame.pts is not None and frame.time_base
        ]


def pictures_of(path: Path) -> list[NDArray[np.uint8]]:
    """All frames as (h, w, 3) RGB."""
    with av.open(str(path)) as file:
        return [np.asarray(frame.to_ndarray(format="rgb24")) for frame in file.decode(video=0)]
