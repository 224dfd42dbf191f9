"""JPEG: baseline and progressive, grey, RGB and CMYK.

Decodes the first image of the file only, so that embedded previews, gain maps, depth maps
and whatever follows the end marker stay behind. Encodes with the source's quantisation
tables and subsampling, so that a second generation costs next to nothing.
"""

import io
import struct
from dataclasses import dataclass, replace

import numpy as np
from PIL import JpegImagePlugin

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.icc import neutral_profile
from crowdveil.media.notes import Notes
from crowdveil.media.orientation import TRANSPOSING, exif_orientation, upright
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.pillow import (
    decoding,
    density_of,
    open_image,
    text_or_bytes,
    to_image,
    to_picture,
)

MAX_SIDE_PX = 65_500
_QUALITY = 95
"""For pictures that come from another format."""
_SWAPPED = {0: 0, 2: 2}
"""Subsampling after a transposition; 4:2:2 would become 4:4:0, which is written as 4:4:4."""


@dataclass(frozen=True, slots=True)
class JpegEncoding:
    """How a JPEG was encoded.

    Attributes:
        tables: quantisation tables, 64 values each in natural order.
        subsampling: 0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0.
        progressive: whether it was progressive.
    """

    tables: tuple[tuple[int, ...], ...]
    subsampling: int
    progressive: bool


def decode(data: bytes, where: str) -> Photo:
    """Decode a JPEG; raises `UnreadableMedia`, its message beginning with `where`."""
    image = open_image(data, ("JPEG", "MPO"), where)
    with decoding(where):
        turn = exif_orientation(text_or_bytes(image.info.get("exif")))
        sampling = JpegImagePlugin.get_sampling(image)
        encoding = JpegEncoding(
            tuple(tuple(table) for _, table in sorted(image.quantization.items())),
            sampling if sampling in (0, 1, 2) else 0,
            bool(image.info.get("progressive")),
        )
        density, profile = density_of(image), image.info.get("icc_profile")
        picture = to_picture(image, where)
        image.close()
        picture = replace(picture, samples=upright(picture.samples, turn))
    if turn in TRANSPOSING:
        encoding = _transposed(encoding)
        density = (density[1], density[0]) if density else None
    return Photo(PhotoFormat.JPEG, (picture,), icc=neutral_profile(profile, picture.space), density=density,
        encoding=encoding)


def encode(photo: Photo, xmp: bytes | None = None, *, iptc: bytes | None = None) -> bytes:
    """Encode a still picture without transparency.

    Args:
        photo: one frame without alpha; 16-bit samples are reduced to 8.
        xmp: a packet to embed.
        iptc: IPTC-IIM datasets to embed.

    Raises:
        UnsupportedMedia: larger than JPEG allows, animated, or not opaque.
    """
    picture = photo.frames[0]
    if max(picture.size_wh) > MAX_SIDE_PX:
        raise UnsupportedMedia(
            f"JPEG holds at most {MAX_SIDE_PX} pixels a side; choose another --format"
        )
    if len(photo.frames) > 1:
        raise UnsupportedMedia("JPEG holds no animation; choose --format webp or png")
    options: dict[str, object] = {"quality": _QUALITY, "subsampling": 0}
    known = photo.encoding
    if isinstance(known, JpegEncoding) and _fits(known, picture):
        options = {
            "qtables": [list(table) for table in known.tables],
            "subsampling": known.subsampling,
            "progressive": known.progressive,
        }
    if photo.icc:
        options["icc_profile"] = photo.icc
    if photo.density:
        options["dpi"] = tuple(round(v) for v in photo.density)
    if xmp:
        options["xmp"] = xmp
    out = io.BytesIO()
    to_image(eight_bit(opaque(picture))).save(out, "JPEG", **options)
    return _with_iptc(out.getvalue(), iptc) if iptc else out.getvalue()


def opaque(picture: Picture) -> Picture:
    """The picture over white paper, without alpha; the same object if it has none."""
    if not picture.alpha:
        return picture
    top = float(np.iinfo(picture.samples.dtype).max)
    weight = picture.samples[..., -1:].astype(np.float32) / top
    colour = picture.samples[..., :-1] * weight + top * (1 - weight)
    return Picture(np.rint(colour).astype(picture.samples.dtype), picture.space)


def eight_bit(picture: Picture) -> Picture:
    """The picture with the high byte of its samples; the same object if it has 8 bits."""
    if picture.samples.dtype == np.uint8:
        return picture
    return replace(picture, samples=(picture.samples >> 8).astype(np.uint8))


def notes(data: bytes) -> Notes:
    """The metadata blocks of the file, for reading a credit; never raises."""
    try:
        image = open_image(data, ("JPEG", "MPO"), "photo")
        photoshop = image.info.get("photoshop") or {}
        return Notes(
            text_or_bytes(image.info.get("exif")),
            text_or_bytes(image.info.get("xmp")),
            text_or_bytes(photoshop.get(0x0404)),
        )
    # A damaged block means no credit, not a lost photo.
    except Exception:
        return Notes()


def _fits(encoding: JpegEncoding, picture: Picture) -> bool:
    """Whether the source's tables can be written for this picture."""
    count = len(encoding.tables)
    plain = all(1 <= v <= 255 for table in encoding.tables for v in table)
    return plain and (1 <= count <= 4 if picture.space is not ColourSpace.GREY else count >= 1)


def _transposed(encoding: JpegEncoding) -> JpegEncoding:
    """The encoding for the picture turned by 90 degrees."""
    tables = tuple(
        tuple(int(v) for v in np.reshape(table, (8, 8)).T.ravel()) for table in encoding.tables
    )
    return JpegEncoding(tables, _SWAPPED.get(encoding.subsampling, 0), encoding.progressive)


def _with_iptc(data: bytes, iptc: bytes) -> bytes:
    """Insert an APP13 segment in Photoshop's wrapping after the JFIF header."""
    padded = iptc + bytes(len(iptc) % 2)
    resource = b"8BIM" + struct.pack(">H", 0x0404) + bytes(2) + struct.pack(">I", len(iptc))
    body = b"Photoshop 3.0\0" + resource + padded
    segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    after = 2
    if data[2:4] == b"\xff\xe0":
        after += 2 + int.from_bytes(data[4:6], "big")
    return data[:after] + segment + data[after:]
