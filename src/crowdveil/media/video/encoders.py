"""Chooses how the picture of a copy is encoded: which codec, and with what settings.

H.264 for 8 bits, HEVC for more, which play wherever the source did; in WebM, which can hold
neither, VP9 for 8 bits and AV1 for more; in AVI, which has no HEVC, H.264 for all.
"""

import os
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

from crowdveil.media.video.clip import Clip, VideoFormat

H264_CRF, HEVC_CRF, VP9_CRF, AV1_CRF = 18, 16, 20, 20
"""Rate factors at which eyes see no difference: 42 to 43 dB between the brightness of a
hand-held 720p street scene and that of its copy, and no frame below 38.9 dB."""

_H264 = {"preset": "superfast", "x264-params": "b-adapt=0"}
"""Two thirds of the time of "veryfast" for half as many bytes more, at 1 dB more: encoding must
keep up with real time on two cores. B-frames that are placed evenly take another sixth of the
time off, at 6 to 8 % fewer bytes and between 0.2 dB less and 0.5 dB more."""

_HEVC_PRESET = "ultrafast"
"""Three quarters of the time of "superfast" (80 ms of one core) for as good a picture, at a rate
factor lower by two."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to encode.

    Attributes:
        codec: name of the encoder.
        options: its settings.
        cleaner: bit stream filter that takes the encoder's own notes out, None if it leaves none.
    """

    codec: str
    options: dict[str, str]
    cleaner: tuple[str, str] | None = None


def encoding(clip: Clip, picture: VideoFrame, source: VideoFrame, crf: int | None) -> Encoding:
    """The way to encode frames like `picture`.

    Args:
        clip: what they are of, which tells the container.
        picture: the first frame as it will be encoded.
        source: the same as it was decoded, which tells of its light.
        crf: rate factor, 0-51, where 0 loses nothing; None for the usual one.
    """
    deep = picture.format.components[0].bits > 8
    container = clip.target
    # In AVI all packets are in the order of showing. MP4 adds up how long packets last in their
    # own order, so that uneven times would make it end before its last frames are shown.
    in_order = container is VideoFormat.AVI or (
        clip.uneven and container in (VideoFormat.MP4, VideoFormat.MOV)
    )
    if container is VideoFormat.WEBM:
        return _av1(source, crf) if deep else _vp9(crf)
    if deep and container is not VideoFormat.AVI:
        return _hevc(source, crf, in_order=in_order)
    return _h264(crf, in_order=in_order)


def _h264(crf: int | None, *, in_order: bool) -> Encoding:
    options = {"crf": str(H264_CRF if crf is None else crf), **_H264, "a53cc": "0"}
    if in_order:
        options["bf"] = "0"
    # Units of type 6 (SEI) hold the encoder's name and settings.
    return Encoding("libx264", options, ("filter_units=remove_types=6", "h264"))


def _hevc(source: VideoFrame, crf: int | None, *, in_order: bool) -> Encoding:
    params = ["info=0", "log-level=none"]
    light = _light_of(source)
    if light.master:
        params.append(f"master-display={_mastering(light.master, xy=50_000, light=10_000)}")
    if light.levels:
        params.append("max-cll={},{}".format(*light.levels))
    if light.master or light.levels:
        params += ["hdr10=1", "repeat-headers=0"]
    if in_order:
        params.append("bframes=0")
    if crf == 0:
        params.append("lossless=1")
    options = {
        "crf": str(HEVC_CRF if crf is None else crf),
        "preset": _HEVC_PRESET,
        "x265-params": ":".join(params),
    }
    return Encoding("libx265", options)


def _vp9(crf: int | None) -> Encoding:
    options = {
        "crf": str(VP9_CRF if crf is None else crf),
        "b": "0",
        "deadline": "realtime",
        "cpu-used": "6",
        "row-mt": "1",
    }
    if crf == 0:
        options["lossless"] = "1"
    return Encoding("libvpx-vp9", options)


def _av1(source: VideoFrame, crf: int | None) -> Encoding:
    os.environ.setdefault("SVT_LOG", "0")  # it writes to the terminal, and can be told no other way
    # The quickest, and frames that wait for few others: memory must not grow with the picture.
    params = ["pred-struct=1", "lookahead=0"]
    light = _light_of(source)
    if light.master:
        params.append(f"mastering-display={_mastering(light.master, xy=None, light=None)}")
    if light.levels:
        params.append("content-light={},{}".format(*light.levels))
    if crf == 0:
        params.append("lossless=1")
    options = {
        "crf": str(AV1_CRF if crf is None else crf),
        "preset": "10",
        "svtav1-params": ":".join(params),
    }
    return Encoding("libsvtav1", options)


@dataclass(frozen=True, slots=True)
class _Light:
    """What HDR10 tells: ten numbers on the display it was made on, and two light levels."""

    master: tuple[Fraction, ...] = ()
    levels: tuple[int, ...] = ()


def _light_of(frame: VideoFrame) -> _Light:
    """Source: AVMasteringDisplayMetadata and AVContentLightMetadata of libavutil."""
    master: tuple[Fraction, ...] = ()
    levels: tuple[int, ...] = ()
    every: Any = frame.side_data
    for side in every:
        data = bytes(side)
        if side.type == Type.MASTERING_DISPLAY_METADATA and len(data) >= 88:
            *numbers, has_primaries, has_luminance = struct.unpack("=22i", data[:88])
            if has_primaries and has_luminance:
                pairs = zip(numbers[::2], numbers[1::2], strict=True)
                master = tuple(Fraction(n, d or 1) for n, d in pairs)
        elif side.type == Type.CONTENT_LIGHT_LEVEL and len(data) >= 8:
            levels = struct.unpack("=2I", data[:8])
    return _Light(master, levels)


def _mastering(master: tuple[Fraction, ...], *, xy: int | None, light: int | None) -> str:
    """As encoders want it told: in units of 1/xy and 1/light, or as decimal numbers."""

    def told(value: Fraction, units: int | None) -> str:
        return str(round(value * units)) if units else f"{float(value):.5f}"

    red, green, blue, white = (
        ",".join(told(value, xy) for value in master[k : k + 2]) for k in (0, 2, 4, 6)
    )
    least, most = (told(value, light) for value in master[8:10])
    return f"G({green})B({blue})R({red})WP({white})L({most},{least})"
