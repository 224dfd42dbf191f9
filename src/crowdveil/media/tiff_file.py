"""Writes TIFF files of nothing but pictures.

Pages come in as samples with what is needed to show them; a file of the fewest tags goes
out, without loss, compressed by deflate after differencing. Reading is left to `tiff`.
Source: TIFF revision 6.0 (1992), sections 2, 8 and 14; Adobe Photoshop TIFF Technical Notes.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from crowdveil.media.picture import ColourSpace, Picture
from crowdveil.media.tiff_tags import Tag

_SHORT, _LONG, _RATIONAL, _UNDEFINED, _BYTE = 3, 4, 5, 7, 1
_SIZES = {_SHORT: 2, _LONG: 4, _RATIONAL: 8, _UNDEFINED: 1, _BYTE: 1}
_STRIP_BYTES = 1 << 20
"""About this much before compression in one strip."""
_PACKING = (3, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_FILTERED)
"""Level and strategy, as for PNG: nearly as small as the usual level 6, in a third of its time."""
_DEFLATE, _DIFFERENCES, _INCH, _STRAIGHT_ALPHA = 8, 2, 2, 2
_PHOTOMETRIC = {ColourSpace.GREY: 1, ColourSpace.RGB: 2, ColourSpace.CMYK: 5}

Entry = tuple[int, int, bytes]
"""Tag, type and values."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every page of a file gets beside its pixels.

    Attributes:
        density: dots per inch.
        icc: the ICC profile.
        xmp: a packet.
    """

    density: tuple[float, float] | None = None
    icc: bytes | None = None
    xmp: bytes | None = None


def build(pages: Sequence[Picture], beside: Surroundings) -> bytes:
    """Put pages together to a little-endian file of less than 4 GiB.

    Raises:
        struct.error: the file would be larger.
    """
    parts = [b"II*\0", b""]
    size = 8
    directories = []
    for picture in pages:
        strips, rows = _strips(picture)
        offsets = []
        for strip in strips:
            offsets.append(size)
            padded = strip + bytes(len(strip) % 2)
            parts.append(padded)
            size += len(padded)
        entries = _entries(picture, beside, rows, offsets, [len(strip) for strip in strips])
        directories.append(entries)
    at = size
    parts[1] = struct.pack("<I", at)
    for number, entries in enumerate(directories):
        block = directory(entries, at, last=number == len(directories) - 1)
        parts.append(block)
        at += len(block)
    return b"".join(parts)


def directory(entries: Sequence[Entry], at: int, *, last: bool) -> bytes:
    """A directory with its long values behind it, for position `at`; the next one follows."""
    table, values = [], b""
    start = at + 2 + 12 * len(entries) + 4
    for tag, kind, data in sorted(entries):
        count = len(data) // _SIZES[kind]
        if len(data) <= 4:
            field = data.ljust(4, b"\0")
        else:
            field = struct.pack("<I", start + len(values))
            values += data + bytes(len(data) % 2)
        table.append(struct.pack("<HHI", tag, kind, count) + field)
    following = 0 if last else start + len(values)
    return struct.pack("<H", len(table)) + b"".join(table) + struct.pack("<I", following) + values


def short(tag: int, *values: int) -> Entry:
    """An entry of 16-bit numbers."""
    return tag, _SHORT, struct.pack(f"<{len(values)}H", *values)


def long(tag: int, *values: int) -> Entry:
    """An entry of 32-bit numbers."""
    return tag, _LONG, struct.pack(f"<{len(values)}I", *values)


def _entries(
    picture: Picture, beside: Surroundings, rows: int, offsets: list[int], sizes: list[int]
) -> list[Entry]:
    width, height = picture.size_wh
    channels = picture.samples.shape[2]
    entries = [
        long(Tag.WIDTH, width),
        long(Tag.HEIGHT, height),
        short(Tag.BITS, *[8 * picture.samples.itemsize] * channels),
        short(Tag.COMPRESSION, _DEFLATE),
        short(Tag.PHOTOMETRIC, _PHOTOMETRIC[picture.space]),
        long(Tag.STRIP_OFFSETS, *offsets),
        short(Tag.CHANNELS, channels),
        long(Tag.ROWS_PER_STRIP, rows),
        long(Tag.STRIP_BYTES, *sizes),
        short(Tag.PLANES, 1),
        short(Tag.PREDICTOR, _DIFFERENCES),
    ]
    if picture.alpha:
        entries.append(short(Tag.EXTRA_CHANNELS, _STRAIGHT_ALPHA))
    if beside.density is not None:
        for tag, value in zip((Tag.X_DENSITY, Tag.Y_DENSITY), beside.density, strict=True):
            ratio = Fraction(value).limit_denominator(1000)
            parts = struct.pack("<II", ratio.numerator, ratio.denominator)
            entries.append((tag, _RATIONAL, parts))
        entries.append(short(Tag.DENSITY_UNIT, _INCH))
    if beside.icc is not None:
        entries.append((Tag.ICC, _UNDEFINED, beside.icc))
    if beside.xmp is not None:
        entries.append((Tag.XMP, _BYTE, beside.xmp))
    return entries


def _strips(picture: Picture) -> tuple[list[bytes], int]:
    """Compressed strips, and how many rows each has."""
    samples = picture.samples
    height = samples.shape[0]
    rows = min(height, max(1, _STRIP_BYTES // (samples[0].size * samples.itemsize)))
    strips = []
    for y in range(0, height, rows):
        strip = samples[y : y + rows]
        differences = strip.copy()
        np.subtract(strip[:, 1:], strip[:, :-1], out=differences[:, 1:])
        little_endian = differences.astype(differences.dtype.newbyteorder("<"), copy=False)
        packing = zlib.compressobj(*_PACKING)
        strips.append(packing.compress(little_endian.data) + packing.flush())
    return strips, rows
