"""PNG: every colour type from 1 to 16 bits, interlaced or not, and animations (APNG).

Samples come out and go in without loss. Pillow reads pictures of up to 8 bits; it has no
16-bit colour, so OpenCV reads that. Every file is written here, of nothing but named chunks.
Telling the picture from everything else in a file is left to `png_file`.
"""

import itertools
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
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
from crowdveil.media.opencv import quiet_opencv
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture, Samples
from crowdveil.media.png_file import INCH_M, Chunk, PngFile

_STILL = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_ANIMATED = (*_STILL, b"acTL", b"fcTL", b"fdAT")
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels to PNG's colour type."""
_SPREAD = {0: (0,), 2: (0, 1, 2), 4: (0, 3), 6: (0, 1, 2, 3)}
"""Colour type to the channels of the file among red, green, blue, alpha."""
_PACKING = (3, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_FILTERED)
"""Level and strategy: photos within 5 % of the usual level 6 in size, in a third of its time."""
_MAX_NUMERATOR = 65_535
_HDR_CURVES = frozenset({16, 18})
"""Transfer functions PQ and HLG. Source: ITU-T H.273, table 3."""
_PACKED_BYTES = 1 << 16
_ROWS_BYTES = 1 << 22
"""Bytes of rows that are filtered at a time."""
# fmt: off
_INTERLACING = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)
# fmt: on
"""Adam7: first column, first row, column step, row step."""


@dataclass(frozen=True, slots=True)
class PngEncoding:
    """What a PNG file says about its colours in numbers.

    Attributes:
        numbers: the chunks that say it (`cICP`, `sRGB`, `gAMA`, `cHRM`).
        profiled: whether it has a profile as well; else one made of the numbers serves other
            formats only.
        hdr: whether the samples are of high dynamic range.
    """

    numbers: tuple[Chunk, ...] = ()
    profiled: bool = False
    hdr: bool = False


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
        if file.plays:
            frames, durations, loop = _animation(file, where)
        elif file.depth == 16:
            frames = (_deep(file),)
        else:
            image = pillow.open_image(_for_pillow(file, _STILL), ("PNG",), where)
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
        encoding=PngEncoding(png_file.colour_numbers(file), b"iCCP" in file.others, _is_hdr(file)),
    )


def notes(data: bytes) -> Notes:
    """Metadata blocks of a PNG file."""
    with suppress(Exception):
        return png_file.notes_of(png_file.parse(data, ""))
    return Notes()


def _is_hdr(file: PngFile) -> bool:
    coded = file.others.get(b"cICP", b"")
    return len(coded) == 4 and coded[1] in _HDR_CURVES


def _animation(file: PngFile, where: str) -> tuple[tuple[Picture, ...], tuple[int, ...], int]:
    """Frames as shown, their durations in milliseconds, and how often they play."""
    if file.depth == 16:
        raise UnsupportedMedia(
            f"{where}: is an animated PNG of 16 bits a channel, which is not read; "
            "save it with 8 bits first"
        )
    image = pillow.open_image(_for_pillow(file, _ANIMATED), ("PNG",), where, animated=True)
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


def _for_pillow(file: PngFile, kinds: tuple[bytes, ...]) -> bytes:
    """A file of these chunks, with the transparent grey as Pillow shows it.

    Pillow widens grey of fewer than 8 bits, but not the one that is declared transparent.
    """
    if file.colour != 0 or file.depth >= 8:
        return file.only(kinds)
    factor = 255 // ((1 << file.depth) - 1)
    wanted = ((kind, body) for kind, body in file.chunks if kind in kinds)
    return png_file.build(
        (kind, struct.pack(">H", 255 & factor * int.from_bytes(body[:2], "big")))
        if kind == b"tRNS"
        else (kind, body)
        for kind, body in wanted
    )


def _deep(file: PngFile) -> Picture:
    """Decode 16 bits a sample."""
    spread = _SPREAD[file.colour]
    _require_whole(file, 2 * len(spread))
    bare = file.only((b"IHDR", b"IDAT"))
    with quiet_opencv():
        found: Any = cv2.imdecode(np.frombuffer(bare, np.uint8), cv2.IMREAD_UNCHANGED)
    del bare
    if found is None or found.dtype != np.uint16:
        raise ValueError("its rows make no sense")
    if found.ndim == 3:
        _swap_red_and_blue(found)
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


def _swap_red_and_blue(samples: NDArray[np.uint16]) -> None:
    """In place and a few rows at a time, so that no second copy of a large photo is made."""
    rows = max(1, _ROWS_BYTES // samples[0].nbytes)
    for y in range(0, len(samples), rows):
        part = samples[y : y + rows]
        part[..., :3] = part[..., 2::-1].copy()


def _pieces(file: PngFile) -> Iterator[bytes | memoryview]:
    """The compressed rows, little by little: what zlib leaves of its input is a copy."""
    for kind, body in file.chunks:
        if kind == b"IDAT":
            for at in range(0, len(body), _PACKED_BYTES):
                yield body[at : at + _PACKED_BYTES]


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
    for packed in _pieces(file):
        while packed and count <= whole:
            count += len(unpacking.decompress(packed, _ROWS_BYTES))
            packed = unpacking.unconsumed_tail
    if count <= whole:
        count += len(unpacking.flush())
    if count < whole or (count == whole and not unpacking.eof):
        raise ValueError("its rows end too early")


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a photo or animation without loss.

    Args:
        photo: grey or RGB, with or without alpha, 8 or 16 bits; several frames need durations.
        xmp: a packet to embed.

    Raises:
        ValueError: several frames without durations; PNG holds no pages.
    """
    first = photo.frames[0].samples
    height, width, channels = first.shape
    colour = _COLOUR_TYPES[channels]
    depth = 8 * first.itemsize
    chunks: list[Chunk] = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    ]
    how = photo.encoding if isinstance(photo.encoding, PngEncoding) else PngEncoding()
    chunks += how.numbers
    if photo.icc and (how.profiled or not how.numbers):
        chunks.append((b"iCCP", b"icc\0\0" + zlib.compress(photo.icc)))
    if photo.density is not None:
        x, y = (round(v / INCH_M) for v in photo.density)
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if xmp:
        chunks.append(png_file.xmp_text(xmp))
    if len(photo.frames) > 1:
        chunks += _played(photo)
    else:
        chunks.append((b"IDAT", _packed(first)))
    return png_file.build(chunks)


def _played(photo: Photo) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of an animation, whose every frame replaces all of the one before."""
    if len(photo.durations_ms) != len(photo.frames):
        raise ValueError("PNG holds one page or an animation")
    yield b"acTL", struct.pack(">II", len(photo.frames), photo.loop or 0)
    count = itertools.count()
    for number, (frame, ms) in enumerate(zip(photo.frames, photo.durations_ms, strict=True)):
        whole = (*frame.size_wh, 0, 0, *_ratio(ms), Disposal.OP_NONE, Blend.OP_SOURCE)
        yield b"fcTL", struct.pack(">IIIIIHHBB", next(count), *whole)
        packed = _packed(frame.samples)
        if number == 0:
            yield b"IDAT", packed
        else:
            yield b"fdAT", struct.pack(">I", next(count)) + packed


def _ratio(ms: int) -> tuple[int, int]:
    """A duration as a fraction of seconds of 16 bits each; above 18 hours the longest."""
    for parts in (1000, 100, 10):
        if ms * parts // 1000 <= _MAX_NUMERATOR:
            return max(0, ms * parts // 1000), parts
    return min(ms // 1000, _MAX_NUMERATOR), 1


def _packed(samples: Samples) -> bytes:
    """Rows filtered by the row above, which suits photos well, and compressed."""
    height = samples.shape[0]
    bytes_a_row = samples[0].size * samples.itemsize
    stored = samples.dtype.newbyteorder(">")
    rows = max(1, _ROWS_BYTES // bytes_a_row)
    packing = zlib.compressobj(*_PACKING)
    parts = []
    above: NDArray[np.uint8] = np.zeros((1, bytes_a_row), np.uint8)
    for y in range(0, height, rows):
        part = samples[y : y + rows]
        plain = part.astype(stored, copy=False).reshape(len(part), -1).view(np.uint8)
        filtered = np.full((len(plain), bytes_a_row + 1), 2, np.uint8)
        filtered[:, 1:] = plain - np.concatenate([above, plain[:-1]])
        parts.append(packing.compress(filtered.data))
        above = plain[-1:]
    return b"".join([*parts, packing.flush()])
