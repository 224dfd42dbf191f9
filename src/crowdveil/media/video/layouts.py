"""How the samples of decoded frames lie in memory, and in which layouts they are written.

A decoded frame comes in; out come views of its planes, or a copy in a layout that can be
painted into and encoded. Colours of shrunken pictures are `colour`'s, decoding is `reader`'s.
"""

from typing import Any

import numpy as np
from av.video.format import VideoFormat as PixelFormat
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.media.video.clip import Plane, VideoFormat
from crowdveil.media.video.transparency import has_alpha, on_black

_MOST_BITS = {VideoFormat.WEBM: 10, VideoFormat.AVI: 10}
"""What the encoders of these containers take; all others take 12."""

_SUBSAMPLED = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "422", (4, 4): "420"}
"""What is written for each share of colour samples; never less colour than there was, but
that of tapes (4:1:1, 4:1:0) is spread out."""

_COLOURLESS = ("gray", "ya", "mono")

_LIMITED, _FULL = 1, 2
"""Ranges of samples, by number."""
_BT709 = 1
"""Matrix and primaries that are written for what had none, by ITU-T H.273."""
_RGB_MATRIX = 0

_TAGS = ("color_range", "colorspace", "color_primaries", "color_trc")


def written_layout(pixels: str, size_wh: SizeWH, container: VideoFormat) -> str:
    """The layout in which frames are written: planes of light and colour, without alpha.

    Args:
        pixels: the field's short name of the layout that the decoder gives.
        size_wh: of the stored picture. Odd sizes may get colour for every pixel, as most
            encoders share colour between whole pairs of pixels only.
        container: what it is written to.
    """
    format = PixelFormat(pixels, 64, 64)
    parts = [part for part in format.components if not part.is_alpha]
    bits = min(max(part.bits for part in parts), _MOST_BITS.get(container, 12))
    depth = "" if bits <= 8 else "10le" if bits <= 10 else "12le"
    colourless = pixels.startswith(_COLOURLESS)
    if container is VideoFormat.WEBM and (depth or colourless):
        return f"yuv420p{depth}"
    if colourless:
        return f"gray{depth}"
    if _has_no_light(format):
        shared = "444"
    else:
        across, down = 64 // format.chroma_width(64), 64 // format.chroma_height(64)
        shared = _SUBSAMPLED.get((across, down), "444")
    if container is not VideoFormat.WEBM and (
        (size_wh[0] % 2 and shared != "444") or (size_wh[1] % 2 and shared == "420")
    ):
        shared = "444"
    # The encoder of WebM knows full range by its tag alone.
    full = "j" if pixels.startswith("yuvj") and container is not VideoFormat.WEBM else ""
    return f"yuv{full}{shared}p{depth}"


def copied_to(source: VideoFrame, layout: str) -> VideoFrame:
    """A frame of a layout that is written, with samples, colours and times and nothing else.

    What is transparent becomes black. It shares no memory with `source`, which the decoder may
    still look at.
    """
    format = source.format
    mixed = _has_no_light(format)  # red, green and blue, or a palette of them
    plain = source
    if layout != format.name:
        colours = {"dst_colorspace": _BT709, "dst_color_range": _LIMITED}
        if not mixed:
            range_ = _LIMITED if limited(source) else _FULL
            colours = {"src_color_range": range_, "dst_color_range": range_}
        if has_alpha(source):
            plain = on_black(source, layout, **colours)
        else:
            plain = VideoReformatter().reformat(source, format=layout, **colours)
    copy = VideoFrame(source.width, source.height, layout)
    dtype = _dtype(plain)
    for target, given in zip(copy.planes, plain.planes, strict=True):
        _view(target, dtype)[...] = _view(given, dtype)
    copy.pts, copy.time_base, copy.duration = source.pts, source.time_base, source.duration
    for tag in _TAGS:
        setattr(copy, tag, getattr(source, tag))
    if mixed:
        copy.color_range, copy.colorspace = _LIMITED, _BT709
    elif copy.colorspace == _RGB_MATRIX:
        copy.colorspace = _BT709
    if not limited(source) and not mixed:
        copy.color_range = _FULL
    return copy


def limited(frame: VideoFrame) -> bool:
    """Whether black is 16/255; grey that does not say is taken for full, as decoders mean it."""
    if frame.format.name.startswith(_COLOURLESS):
        return bool(frame.color_range == _LIMITED)
    return bool(frame.color_range != _FULL and not frame.format.name.startswith("yuvj"))


def planes_of(frame: VideoFrame) -> tuple[Plane, ...]:
    """Writable views of the planes of a frame in one of the layouts that are written."""
    bits = frame.format.components[0].bits
    dtype, is_limited = _dtype(frame), limited(frame)
    planes = []
    for number, plane in enumerate(frame.planes):
        step = (1, 1)
        if number:
            step = (-(-frame.width // plane.width), -(-frame.height // plane.height))
        planes.append(
            Plane(
                _view(plane, dtype)[..., None],
                step,
                (1 << bits) - 1,
                1 << (bits - 1) if number else None,
                is_limited,
            )
        )
    return tuple(planes)


def _has_no_light(format: PixelFormat) -> bool:
    """Whether no part of it is brightness by itself."""
    return format.is_rgb or format.name.startswith(("pal8", "xyz"))


def _dtype(frame: VideoFrame) -> type[np.uint8] | type[np.uint16]:
    return np.uint16 if frame.format.components[0].bits > 8 else np.uint8


def _view(plane: Any, dtype: type[np.uint8] | type[np.uint16]) -> NDArray[Any]:
    row = plane.line_size // np.dtype(dtype).itemsize
    flat = np.frombuffer(plane, dtype)[: row * plane.height]
    return flat.reshape(plane.height, row)[:, : plane.width]
