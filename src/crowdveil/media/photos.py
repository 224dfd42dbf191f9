"""Reads and writes photos of every format that crowdveil knows.

Chooses the format module by the file's own bytes and says what each format cannot hold. How
a format works is left to its module; writing to disk is left to `atomic`.
"""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media import avif, bmp, credit, gif, heif, jpeg, png, tiff, webp
from crowdveil.media.credit import Credit
from crowdveil.media.formats import HEAD_BYTES, identify
from crowdveil.media.picture import Photo, PhotoFormat

__all__ = ["Credit", "encode_photo", "read_credit", "read_photo"]

MAX_FILE_BYTES = 2_000_000_000

_MODULES: dict[PhotoFormat, ModuleType] = {
    PhotoFormat.JPEG: jpeg,
    PhotoFormat.PNG: png,
    PhotoFormat.WEBP: webp,
    PhotoFormat.TIFF: tiff,
    PhotoFormat.HEIF: heif,
    PhotoFormat.AVIF: avif,
    PhotoFormat.GIF: gif,
    PhotoFormat.BMP: bmp,
}


def read_photo(path: Path) -> Photo:
    """Decode a photo, upright, with nothing but what is needed to show it.

    Args:
        path: the file; its name is not believed.

    Raises:
        UnreadableMedia: it cannot be read, is empty, damaged or too large.
        UnsupportedMedia: it is no photo of a known format.
    """
    data = _read(path)
    photo: Photo = _module(data, path).decode(data, str(path))
    return photo


def read_credit(path: Path) -> Credit:
    """Creator, credit, copyright and caption of a photo; raises as `read_photo`."""
    data = _read(path)
    return credit.read(_module(data, path).notes(data))


def encode_photo(
    photo: Photo, *, format: PhotoFormat | None = None, credit: Credit | None = None
) -> bytes:
    """Encode a photo from its pixels.

    Args:
        photo: what to encode; fully transparent or not, animated or not.
        format: the output's format; the photo's own if None.
        credit: written into the output where its format can hold it.

    Returns:
        The whole file.

    Raises:
        UnsupportedMedia: the format cannot hold the photo.
    """
    target = format or photo.format
    if target is not PhotoFormat.JPEG and target is not photo.format:
        # How another format was encoded says nothing here, except whether it lost.
        photo = replace(photo, encoding=None)
    packet = _xmp(credit)
    if target is PhotoFormat.JPEG:
        return jpeg.encode(photo, packet, iptc=_iptc(credit))
    data: bytes = _MODULES[target].encode(photo, packet)
    return data


def _xmp(kept: Credit | None) -> bytes | None:
    return credit.xmp_packet(kept) if kept else None


def _iptc(kept: Credit | None) -> bytes | None:
    return credit.iptc_block(kept) if kept else None


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableMedia(f"{path}: is larger than 2 GB; crowdveil reads no such photos")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableMedia(f"{path}: cannot be read ({error.strerror})") from error
    if not data:
        raise UnreadableMedia(f"{path}: is empty; copy it again from the camera or the sender")
    return data


def _module(data: bytes, path: Path) -> ModuleType:
    kind = identify(data[:HEAD_BYTES])
    if kind is None:
        raise UnsupportedMedia(
            f"{path}: is not a photo that crowdveil reads (JPEG, PNG, WebP, TIFF, HEIC, AVIF, "
            "GIF, BMP), whatever its name says"
        )
    return _MODULES[kind]
