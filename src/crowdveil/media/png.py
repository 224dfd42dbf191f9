"""PNG: every colour type from 1 to 16 bits, interlaced or not, and animations (APNG).

Samples come out and go in without loss. Pictures of up to 8 bits go through Pillow; Pillow
has no 16-bit colour, so those are read with OpenCV and written here. Telling the picture
from everything else in the file is left to `png_file`.
"""

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import Blend, Disposal

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import orientation, pillow, png_file
from crowdveil.media.icc import neutral_profile
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture, Samples
from crowdveil.media.png_file import PngFile

_STILL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_ANIMATED = (*_STILL, b"acTL", b"fcTL", b"fdAT")
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels to PNG's colour type."""
_SPREAD = {0: (0,), 2: (0, 1, 2), 4: (0, 3), 6: (0, 1, 2, 3)}
"""Colour type to the channels of the file among red, green, blue, alpha."""
_LEVEL = 6
_END = png_file.build([])[len(png_file.SIGNATURE) :]
_ROWS_BYTES = 1 << 22
"""Bytes of rows that are filtered at a time."""
# fmt: off
_INTERLACING = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)
# fmt: on
"""Adam7: first column, first row, column step, row step."""


def decode(data: bytes, where: str) -> Photo:
    """Decode a PNG file or an animation.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: an animation of 16 bits.
    """
    with pillow.decoding(where):
        file = png_file.parse(data, where)
        check_size(*file.size_wh, max(1, file.frames), where)
        loop: int | None = None
        durations: tuple[int, ...] = ()
        if file.frames > 1:
            frames, durations, loop = _animation(file, where)
        elif file.depth == 16:
            frames = (_deep(file),)
        else:
            image = pillow.open_image(file.only(_STILL), ("PNG",), where)
            frames = (pillow.to_picture(image, where),)
        turn = orientation.exif_orientation(file.others.get(b"eXIf"))
        frames = tuple(replace(f, samples=orientation.upright(f.samples, turn)) for f in frames)
        density = png_file.density(file)
        icc = neutral_profile(png_file.profile(file), frames[0].space)
    return Photo(
        PhotoFormat.PNG,
        frames,
        durations_ms=durations,
        loop=loop,
        icc=icc,
        density=density[::-1] if density and turn in orientation.TRANSPOSING else density,
    )


def notes(data: bytes) -> Notes:
    """Metadata blocks of a PNG file."""
    with suppress(Exception):
        return png_file.notes_of(png_file.parse(data, ""))
    return Notes()


def _animation(file: PngFile, where: str) -> tuple[tuple[Picture, ...], tuple[int, ...], int]:
    """Frames as shown, their durations in milliseconds, and how often they play."""
    if file.depth == 16:
        raise UnsupportedMedia(
            f"{where}: is an animated PNG of 16 bits a channel, which is not read; "
            "save it with 8 bits first"
        )
    image = pillow.open_image(file.only(_ANIMATED), ("PNG",), where, animated=True)
    # A picture for viewers that cannot play is no part of the animation.
    first = 1 if image.info.get("default_image") else 0
    loop = int(image.info.get("loop", 0))
    frames, durations = [], []
    for number in range(first, int(getattr(image, "n_frames", 1))):
        image.seek(number)
        frames.append(pillow.to_picture(image.copy(), where))
        durations.append(round(float(image.info.get("duration", 0))))
    if len(frames) == 1:
        return tuple(frames), (), loop
    return pillow.same_kind(frames), tuple(durations), loop


def _deep(file: PngFile) -> Picture:
    """Decode 16 bits a sample."""
    spread = _SPREAD[file.colour]
    _require_whole(file, 2 * len(spread))
    bare = np.frombuffer(file.only((b"IHDR", b"IDAT")), np.uint8)
    found: Any = cv2.imdecode(bare, cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16:
        raise ValueError("its rows make no sense")
    if found.ndim == 3:
        to_rgb = cv2.COLOR_BGR2RGB if found.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        found = cv2.cvtColor(found, to_rgb)
        if len(spread) < found.shape[2]:
            found = found[..., spread]
    samples = np.ascontiguousarray(found.reshape(*found.shape[:2], -1))
    space = ColourSpace.GREY if file.colour in (0, 4) else ColourSpace.RGB
    key = file.joined(b"tRNS")
    if file.colour in (0, 2) and len(key) == 2 * len(spread):
        hidden = (samples == np.frombuffer(key, ">u2")).all(axis=2, keepdims=True)
        alpha = np.where(hidden, 0, 0xFFFF).astype(np.uint16)
        return Picture(np.concatenate([samples, alpha], axis=2), space, alpha=True)
    return Picture(samples, space, alpha=file.colour in (4, 6))


def _require_whole(file: PngFile, pixel_bytes: int) -> None:
    """OpenCV shows what it has of a truncated picture; count what is there first."""
    width, height = file.size_wh
    whole = 0
    for x, y, dx, dy in _INTERLACING if file.interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // dx), -(-(height - y) // dy)
        if columns > 0 and rows > 0:
            whole += rows * (1 + columns * pixel_bytes)
    unpacking = zlib.decompressobj()
    count = 0
    for kind, body in file.chunks:
        packed = body if kind == b"IDAT" else b""
        while packed and count <= whole:
            count += len(unpacking.decompress(packed, _ROWS_BYTES))
            packed = unpacking.unconsumed_tail
    if count < whole or (count == whole and not unpacking.eof):
        raise ValueError("its rows end too early")


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a photo or animation without loss.

    Args:
        photo: grey or RGB, with or without alpha; one frame of 8 or 16 bits, or an animation
            of 8 bits.
        xmp: a packet to embed.
    """
    if photo.frames[0].samples.dtype == np.uint16:
        return _encode_deep(photo, xmp)
    images = [pillow.to_image(frame) for frame in photo.frames]
    settings: dict[str, Any] = {"icc_profile": photo.icc, "compress_level": _LEVEL}
    if photo.density is not None:
        settings["dpi"] = photo.density
    if len(images) > 1:
        settings |= {
            "save_all": True,
            "append_images": images[1:],
            "duration": [_playable_ms(ms) for ms in photo.durations_ms],
            "loop": photo.loop or 0,
            "disposal": Disposal.OP_NONE,
            "blend": Blend.OP_SOURCE,
        }
    out = io.BytesIO()
    images[0].save(out, "PNG", **settings)
    data = out.getvalue()
    if xmp is None:
        return data
    return data[: -len(_END)] + png_file.build([png_file.xmp_text(xmp)])[len(png_file.SIGNATURE) :]


def _playable_ms(ms: int) -> int:
    return min(max(ms, 0), 65_535)


def _encode_deep(photo: Photo, xmp: bytes | None) -> bytes:
    (picture,) = photo.frames
    height, width, channels = picture.samples.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if photo.icc:
        chunks.append((b"iCCP", b"icc\0\0" + zlib.compress(photo.icc)))
    if photo.density is not None:
        x, y = (round(v / 0.0254) for v in photo.density)
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if xmp:
        chunks.append(png_file.xmp_text(xmp))
    chunks.append((b"IDAT", _packed(picture.samples)))
    return png_file.build(chunks)


def _packed(samples: Samples) -> bytes:
    """Rows filtered by the row above, which suits photos well, and compressed."""
    height = samples.shape[0]
    bytes_a_row = samples[0].size * 2
    rows = max(1, _ROWS_BYTES // bytes_a_row)
    packing = zlib.compressobj(_LEVEL)
    parts = []
    above: NDArray[np.uint8] = np.zeros((1, bytes_a_row), np.uint8)
    for y in range(0, height, rows):
        big_endian = samples[y : y + rows].astype(">u2")
        plain = big_endian.view(np.uint8).reshape(-1, bytes_a_row)
        filtered = np.full((len(plain), bytes_a_row + 1), 2, np.uint8)
        filtered[:, 1:] = plain - np.concatenate([above, plain[:-1]])
        parts.append(packing.compress(filtered.data))
        above = plain[-1:]
    return b"".join([*parts, packing.flush()])
