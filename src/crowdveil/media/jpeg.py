"""JPEG: baseline and progressive; grey, colour and CMYK.

Decodes the first picture of a file and encodes pictures with the source's own quantisation
tables and subsampling, so that a second generation costs next to nothing. Telling the
picture from everything else in the file is left to `jpeg_file`.
"""

import io
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from PIL import Image

from crowdveil.media import orientation, pillow
from crowdveil.media.icc import neutral_profile
from crowdveil.media.jpeg_file import Component, JpegFile, parse
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

MAX_SIDE_PX = 65_500
QUALITY = 95
"""For pictures that were no JPEG, at full chroma resolution."""

_SUBSAMPLING = {((1, 1), (1, 1)): 0, ((2, 1), (1, 1)): 1, ((2, 2), (1, 1)): 2}
"""Sampling of luma and chroma to what Pillow calls it."""
_FULL_CHROMA = 0
_SQUARE_PX = 8
_FINE_STEP = 4
"""Longest step for a picture whose squares have moved: 44 dB at worst, for about twice the bytes
(bench/formats.py turned)."""
_FILLED_IN = (127, 128)
"""What coefficients of zero mean, in light and in ink."""
_MORE = bytes((37 * k + 11) % 251 for k in range(4096))
"""Some bytes of picture data: anything without 255, which would begin a marker."""

Table: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JpegEncoding:
    """How the source was encoded, for its upright picture.

    Attributes:
        space: the colours that it was made for.
        tables: quantisation steps of each component, 64 each, row by row; the last one is for
            all components that follow too.
        subsampling: Pillow's number for it.
        progressive: whether it was.
        as_rgb: whether red, green and blue are stored instead of luma and chroma.
    """

    space: ColourSpace
    tables: tuple[Table, ...]
    subsampling: int
    progressive: bool
    as_rgb: bool


def decode(data: bytes, where: str) -> Photo:
    """Decode the first picture of a JPEG file; what else is in it is left behind.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: lossless, arithmetic or 12-bit coding.
    """
    with pillow.decoding(where):
        file = parse(data, where)
        check_size(*file.size_wh, 1, where)
        if len(file.clean) * 8 < _fewest_bits(file):
            raise ValueError("its picture ends too early")
        image = pillow.open_image(file.clean, ("JPEG",), where)
        picture = pillow.to_picture(image, where)
        image.close()
        _require_whole(file, picture, where)
        turn = orientation.exif_orientation(file.notes.exif)
        samples = orientation.upright(picture.samples, turn)
    density = file.density or orientation.exif_density(file.notes.exif)
    swapped = turn in orientation.TRANSPOSING
    return Photo(
        PhotoFormat.JPEG,
        (replace(picture, samples=samples),),
        icc=neutral_profile(file.icc, picture.space),
        density=density[::-1] if density and swapped else density,
        encoding=_encoding(file, picture.space, turn),
    )


def notes(data: bytes) -> Notes:
    """Metadata blocks of a JPEG file."""
    with suppress(Exception):
        return parse(data, "").notes
    return Notes()


def _fewest_bits(file: JpegFile) -> int:
    """How long the data of a picture are at least, however plain it is.

    Each square has a code of one bit or more for its mean, and unless a progressive file says
    so for many at once, another for its end.
    """
    width, height = file.size_wh
    most = [max(part.sampling[axis] for part in file.components) for axis in (0, 1)]
    squares = sum(
        -(-width * part.sampling[0] // max(1, _SQUARE_PX * most[0]))
        * -(-height * part.sampling[1] // max(1, _SQUARE_PX * most[1]))
        for part in file.components
    )
    return squares * (1 if file.progressive else 2)


def _require_whole(file: JpegFile, picture: Picture, where: str) -> None:
    """Refuse a picture whose end is only the grey that the decoder fills in for lost data.

    Pillow hides the decoder's warning. A grey end may also be true; then more data behind
    the last changes nothing, while a decoder that ran short goes on with them.
    """
    if file.progressive or not np.isin(picture.samples[-8:, -8:], _FILLED_IN).all():
        return
    longer = file.clean[:-2] + _MORE + file.clean[-2:]
    with pillow.open_image(longer, ("JPEG",), where) as image:
        if not np.array_equal(pillow.to_picture(image, where).samples, picture.samples):
            raise ValueError("its picture breaks off")


def _encoding(file: JpegFile, space: ColourSpace, turn: int) -> JpegEncoding | None:
    """How to encode the upright picture alike; None if a table is missing."""
    if any(part.table not in file.tables for part in file.components):
        return None
    swapped = turn in orientation.TRANSPOSING
    tables = [_table(file.tables[part.table], swapped=swapped) for part in file.components]
    off = [_is_off_grid(file, part, turn) for part in file.components]
    tables = [_fine(table) if moved else table for table, moved in zip(tables, off, strict=True)]
    sampling = [part.sampling[::-1] if swapped else part.sampling for part in file.components]
    as_rgb = space is ColourSpace.RGB and _stores_rgb(file)
    subsampling = _FULL_CHROMA
    if space is ColourSpace.CMYK:
        # YCCK comes back as CMYK, where every channel deserves the finest table.
        tables = [min(tables, key=sum)] * 4
    elif space is ColourSpace.RGB and not as_rgb:
        known = _SUBSAMPLING.get((sampling[0], sampling[1])) if sampling[1] == sampling[2] else None
        if known is None:
            # What Pillow cannot write (4:4:0, 4:1:1) gets full chroma, and steps of half the
            # size, since values on the old steps are no longer met: 51 dB instead of 47.
            tables[1:] = [tuple(max(1, step // 2) for step in table) for table in tables[1:]]
        elif not any(off):
            subsampling = known
    # Pillow gives the last table to all components that follow.
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    return JpegEncoding(space, tuple(tables), subsampling, file.progressive, as_rgb)


def _is_off_grid(file: JpegFile, part: Component, turn: int) -> bool:
    """Whether the squares in which a component was encoded are cut elsewhere after a turn.

    They are counted from the picture's left and top. Read from the right, a width that is no
    whole number of squares moves them all, and no value falls on its old step.
    """
    for axis, mirrored in enumerate((orientation.MIRRORED_X, orientation.MIRRORED_Y)):
        most = max(other.sampling[axis] for other in file.components)
        square = _SQUARE_PX * most // max(1, part.sampling[axis])
        if turn in mirrored and file.size_wh[axis] % max(1, square):
            return True
    return False


def _fine(table: Table) -> Table:
    return tuple(min(step, _FINE_STEP) for step in table)


def _table(steps: Table, *, swapped: bool) -> Table:
    """A table for the upright picture, in the range that every decoder reads."""
    square = np.clip(np.array(steps).reshape(8, 8), 1, 255)
    return tuple((square.T if swapped else square).ravel().tolist())


def _stores_rgb(file: JpegFile) -> bool:
    """As libjpeg decides: JFIF means luma and chroma, then Adobe's marker, then the names."""
    if b"JFIF\0" in file.clean[:20]:
        return False
    if file.adobe is not None:
        return file.adobe == 0
    return bytes(part.id for part in file.components) == b"RGB"


def encode(photo: Photo, xmp: bytes | None = None, iptc: bytes | None = None) -> bytes:
    """Encode a photo of one 8-bit frame without alpha, at most `MAX_SIDE_PX` a side.

    Args:
        photo: what to encode; like its source if that was a JPEG.
        xmp: a packet to embed.
        iptc: IPTC datasets to embed.
    """
    (picture,) = photo.frames
    how = photo.encoding
    image = pillow.to_image(picture)
    if not isinstance(how, JpegEncoding) or how.space is not picture.space:
        return _save(image, photo, xmp, iptc, quality=QUALITY, subsampling=_FULL_CHROMA)
    settings = {"qtables": list(how.tables), "subsampling": how.subsampling}
    try:
        return _save(image, photo, xmp, iptc, how, **settings)
    except OSError:
        # With very fine tables a progressive file outgrows Pillow's buffer.
        return _save(image, photo, xmp, iptc, replace(how, progressive=False), **settings)


def _save(
    image: Image.Image,
    photo: Photo,
    xmp: bytes | None,
    iptc: bytes | None,
    how: JpegEncoding | None = None,
    **settings: object,
) -> bytes:
    as_rgb = how is not None and how.as_rgb
    # Only files with JFIF's marker have a place for density, the others get Photoshop's.
    beyond_jfif = as_rgb or image.mode == "CMYK"
    density = photo.density
    out = io.BytesIO()
    image.save(
        out,
        "JPEG",
        progressive=how is not None and how.progressive,
        keep_rgb=as_rgb,
        icc_profile=photo.icc,
        xmp=xmp,
        extra=_photoshop(iptc, density if beyond_jfif else None),
        dpi=(0, 0) if density is None else density,
        **settings,
    )
    return out.getvalue()


def _photoshop(iptc: bytes | None, density: Sequence[float] | None) -> bytes:
    """An APP13 segment as picture desks read it; empty if there is nothing to put in."""
    resources = b""
    if density is not None:
        x, y = (round(v * 65536) for v in density)
        resources += _resource(0x03ED, struct.pack(">IHHIHH", x, 1, 1, y, 1, 1))
    if iptc:
        resources += _resource(0x0404, iptc)
    if not resources:
        return b""
    body = b"Photoshop 3.0\0" + resources
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def _resource(kind: int, data: bytes) -> bytes:
    """One Photoshop image resource without a name."""
    return struct.pack(">4sHHI", b"8BIM", kind, 0, len(data)) + data + bytes(len(data) % 2)
