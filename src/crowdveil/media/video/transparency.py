"""Shows transparent pictures on black, as a copy is written that knows no transparency.

What a picture hides must not show in its copy, and people in it must be found as they will be
seen. A decoded frame with transparency comes in, one without goes out: what is see-through is
black, what is half so is half as bright. Also tells which decoder gives transparency at all.
"""

from typing import Any, Literal

import av
import numpy as np
from av.codec.context import CodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Of codecs whose transparency is a second picture beside each packet, which the usual decoders
leave aside."""

_BESIDE: Literal["matroska_block_additional"] = "matroska_block_additional"

_PALETTE = "pal8"

_TWINS = {
    "gray": "ya8",
    "gray10le": "ya16le",
    "gray12le": "ya16le",
    "yuv420p12le": "yuva420p16le",
}
"""Layouts with transparency for those that are written and have no such twin of their own."""


def decoder_for(stream: VideoStream, packet: Any) -> str | None:
    """Name of the decoder that gives the transparency of a stream, None if the usual one does."""
    beside = packet.has_sidedata(_BESIDE) or stream.metadata.get("alpha_mode") == "1"
    return _DECODERS.get(stream.codec_context.codec.canonical_name) if beside else None


def alpha_decoder(name: str, stream: VideoStream) -> Any:
    """The decoder of that name, made ready for a stream."""
    decoder: Any = CodecContext.create(av.Codec(name, "r"), "r")
    decoder.extradata = stream.codec_context.extradata
    decoder.thread_count = 1
    return decoder


def has_alpha(frame: VideoFrame) -> bool:
    """Whether a frame says of its samples how transparent they are."""
    if frame.format.name == _PALETTE:
        alpha = _samples(frame.reformat(format="rgba").planes[0], np.uint8, 4)[..., 3]
        return bool((alpha < 255).any())
    return any(part.is_alpha for part in frame.format.components)


def on_black(frame: VideoFrame, layout: str, **colours: Any) -> VideoFrame:
    """The frame in a layout that is written, its transparent parts black.

    Args:
        frame: as it was decoded.
        layout: a planar one without transparency: light alone, or light and two colours.
        colours: how the reformatter must understand and write colours.
    """
    twin = _TWINS.get(layout) or layout.replace("yuvj", "yuv").replace("yuv", "yuva")
    rich = frame if frame.format.name == twin else frame.reformat(format=twin, **colours)
    bits = rich.format.components[0].bits
    dtype = np.uint16 if bits > 8 else np.uint8
    if layout.startswith("gray"):
        pairs = _samples(rich.planes[0], dtype, 2)
        planes, alpha = [pairs[..., 0]], pairs[..., 1]
    else:
        planes = [_samples(plane, dtype, 1)[..., 0] for plane in list(rich.planes)[:3]]
        alpha = _samples(list(rich.planes)[3], dtype, 1)[..., 0]
    written = VideoFrame(frame.width, frame.height, layout)
    out_bits = written.format.components[0].bits
    limited = colours.get("dst_color_range", 1) == 1 and not layout.startswith("yuvj")
    for number, (plane, target) in enumerate(zip(planes, written.planes, strict=True)):
        black = 1 << (bits - 1) if number else (16 << (bits - 8) if limited else 0)
        share = _shared(alpha, plane.shape).astype(np.int64)
        full = (1 << bits) - 1
        mixed = black + (plane.astype(np.int64) - black) * share // full
        _samples(target, np.uint16 if out_bits > 8 else np.uint8, 1)[..., 0] = mixed >> (
            bits - out_bits
        )
    return written


def _shared(alpha: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """How opaque each sample of a smaller plane of colour is: as its least opaque pixel."""
    across, down = -(-alpha.shape[1] // shape[1]), -(-alpha.shape[0] // shape[0])
    if (across, down) == (1, 1):
        return alpha
    padded = np.pad(
        alpha,
        ((0, shape[0] * down - alpha.shape[0]), (0, shape[1] * across - alpha.shape[1])),
        mode="edge",
    )
    return np.asarray(padded.reshape(shape[0], down, shape[1], across).min(axis=(1, 3)))


def _samples(plane: Any, dtype: Any, each: int) -> NDArray[Any]:
    """A view of a plane, (h, w, each)."""
    row = plane.line_size // np.dtype(dtype).itemsize
    flat = np.frombuffer(plane, dtype)[: row * plane.height].reshape(plane.height, row)
    return flat[:, : plane.width * each].reshape(plane.height, plane.width, each)
