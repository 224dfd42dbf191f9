"""HEIF and HEIC of 8, 10 and 12 bits.

Decodes the primary picture and encodes pictures as HEVC, both with libheif, which applies
rotation and mirroring itself: EXIF orientation is ignored, as the standard wants it. Other
pictures of the file (bursts, thumbnails, depth and gain maps) are left behind.
Source: ISO/IEC 23008-12.
"""

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import iso_file, pillow
from crowdveil.media.icc import HDR_CURVES, coded_profile, neutral_profile
from crowdveil.media.iso_file import IsoFile
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture

QUALITY = 75
"""48 dB from a lossy source for twice its bytes (85: 51 dB for three times)."""
_PRESET = "ultrafast"
"""Of x265: a fifth of the time of its usual preset, for files as large and 2 dB less."""
_DEEP_BITS = 10
"""For 16-bit pictures that were no HEIF."""
_CHROMAS = (420, 422, 444)
_KINDS = {
    "L": (ColourSpace.GREY, False),
    "I": (ColourSpace.GREY, False),
    "LA": (ColourSpace.GREY, True),
    "RGB": (ColourSpace.RGB, False),
    "RGBA": (ColourSpace.RGB, True),
}
_CODED = ("color_primaries", "transfer_characteristics", "matrix_coefficients", "full_range_flag")


@dataclass(frozen=True, slots=True)
class HeifEncoding:
    """How the source was encoded.

    Attributes:
        bits: a sample, 8-12.
        chroma: 420, 422 or 444.
        coded: primaries, curve, matrix and range as ITU-T H.273 numbers them.
    """

    bits: int
    chroma: int
    coded: tuple[int, int, int, int] | None

    @property
    def hdr(self) -> bool:
        """Whether the samples mean nothing without the curve that only this format names."""
        return self.coded is not None and self.coded[1] in HDR_CURVES


def decode(data: bytes, where: str) -> Photo:
    """Decode the primary picture of a HEIF file; 10 and 12 bits come out as 16.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: an image sequence, or pixels of a kind that is not known.
    """
    file = iso_file.parse(data)
    if file.primary is None and file.tracks:
        raise UnsupportedMedia(
            f"{where}: is a HEIF image sequence, which is not read; export its pictures as JPEG, "
            "or all of it as a video, first"
        )
    data = _still(data, file)
    file.require_room(where)
    with pillow.decoding(where, cut=file.cut):
        file.require_whole(len(data))
        image = _primary(data, where)
        bits = int(image.info.get("bit_depth", 8))
        # A copy: some versions of pillow-heif free what their pictures only lend.
        samples: Any = np.array(image)
        # Decoding may correct the size.
        width, height = image.size
        check_size(width, height, 1, where)
        mode, _, deep = image.mode.partition(";")
        if mode not in _KINDS:
            raise UnsupportedMedia(
                f"{where}: has pixels of kind {image.mode}, which crowdveil does not know; "
                "export it as JPEG first"
            )
        samples = samples.reshape(height, -1, len(mode))[:, :width]
        samples = np.ascontiguousarray(_full_scale(samples, bits) if deep else samples)
        space, alpha = _KINDS[mode]
        encoding = _encoding(image.info, bits)
        icc = neutral_profile(image.info.get("icc_profile"), space)
        if icc is None and encoding.coded and space is ColourSpace.RGB:
            icc = coded_profile(*encoding.coded[:2])
    return Photo(PhotoFormat.HEIF, (Picture(samples, space, alpha),), icc=icc, encoding=encoding)


def _still(data: bytes, file: IsoFile) -> bytes:
    """The file without its tracks, which libheif would judge too, and nothing behind it."""
    whole = data[: file.end or None]
    for box in file.boxes:
        if box.kind == b"moov":
            # The name stands before the content, or before a size of 64 bits.
            name = whole.rindex(box.kind, box.start - 12, box.start)
            whole = whole[:name] + b"free" + whole[name + 4 :]
    return whole


def notes(data: bytes) -> Notes:
    """Metadata blocks of the primary picture."""
    with suppress(Exception):
        info = _primary(data, "").info
        return Notes(exif=info.get("exif"), xmp=info.get("xmp"))
    return Notes()


def _primary(data: bytes, where: str) -> Any:
    """The primary picture, its pixels not yet decoded."""
    file: Any = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    image = file[file.primary_index]
    width, height = image.size
    check_size(width, height, 1, where)
    return image


def _full_scale(samples: NDArray[np.uint16], bits: int) -> NDArray[np.uint16]:
    """libheif leaves the low bits empty, so that white would be a little grey."""
    return np.asarray(samples | (samples >> bits), np.uint16)


def _encoding(info: dict[str, Any], bits: int) -> HeifEncoding:
    coded = info.get("nclx_profile")
    numbers = tuple(int(coded[name]) for name in _CODED) if coded else None
    chroma = int(info.get("chroma", 420) or 420)
    return HeifEncoding(
        bits=bits,
        chroma=chroma if chroma in _CHROMAS else 420,
        coded=(numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None,
    )


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a photo of one frame, grey or RGB, with or without alpha, 8 or 16 bits.

    Args:
        photo: 16 bits are written as the source's 10 or 12, grey with alpha as RGB.
        xmp: a packet to embed.
    """
    (picture,) = photo.frames
    how = photo.encoding if isinstance(photo.encoding, HeifEncoding) else None
    deep = picture.samples.dtype == np.uint16
    mode = next(m for m, kind in _KINDS.items() if kind == (picture.space, picture.alpha))
    settings: dict[str, Any] = {
        "quality": QUALITY,
        # Phones and Windows show nothing else.
        "chroma": how.chroma if how else 420,
        "enc_params": {"preset": _PRESET},
        "bit_depth": how.bits if how and how.bits > 8 else _DEEP_BITS,
        "exif": None,
        "xmp": xmp,
    }
    if how and how.coded:
        settings["nclx_profile"] = dict(zip(_CODED, how.coded, strict=True))
    if photo.icc:
        settings["icc_profile"] = photo.icc
    out = io.BytesIO()
    pixels: Any = np.ascontiguousarray(picture.samples).tobytes()
    pillow_heif.encode(mode + (";16" if deep else ""), picture.size_wh, pixels, out, **settings)
    return out.getvalue()
