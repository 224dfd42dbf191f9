"""Reads and writes photos of every format that crowdveil knows.

Chooses the format module by the file's own bytes and gives it what it needs. How a format
works is left to its module, what it cannot hold to `convert`, writing to disk to `atomic`.
"""

import struct
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.media import avif, bmp, convert, credit, gif, heif, jpeg, png, tiff, webp
from crowdveil.media.credit import Credit
from crowdveil.media.formats import HEAD_BYTES, identify
from crowdveil.media.left_out import left_out
from crowdveil.media.picture import Photo, PhotoFormat

__all__ = ["Credit", "encode_photo", "read_credit", "read_photo"]

MAX_FILE_BYTES = 2_000_000_000
"""The largest photos within the limit of pixels have 1.6 GB uncompressed."""

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
    besides = left_out(data, photo.format, frames=len(photo.frames))
    return replace(photo, left_out=photo.left_out + besides)


def read_credit(path: Path) -> Credit:
    """Creator, credit, copyright and caption of a photo; damaged metadata count as absent.

    Raises:
        UnreadableMedia: the file cannot be read or is empty.
        UnsupportedMedia: it is no photo of a known format.
    """
    data = _read(path)
    return credit.read(_module(data, path).notes(data))


def encode_photo(
    photo: Photo, *, format: PhotoFormat | None = None, credit: Credit | None = None
) -> bytes:
    """Encode a photo from its samples.

    Args:
        photo: what to encode.
        format: the output's format; the photo's own if None.
        credit: the only metadata that the output gets; none if None or empty.

    Returns:
        The whole file.

    Raises:
        UnsupportedMedia: the format cannot hold the photo or the credit; the message names
            no file.
    """
    target = format or photo.format
    packet, datasets = _blocks(credit)
    if packet and not convert.HOLDS[target].credit:
        raise UnsupportedMedia(
            f"has a credit to keep, which {target.value.upper()} cannot hold; "
            "choose --format png or leave the credit out"
        )
    fitting = convert.fit(photo, target)
    try:
        if target is PhotoFormat.JPEG:
            return jpeg.encode(fitting, packet, datasets)
        data: bytes = _MODULES[target].encode(fitting, packet)
    except (OSError, ValueError, RuntimeError, struct.error, MemoryError) as error:
        # Encoders have limits of size, memory and length that only they know.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnsupportedMedia(
            f"cannot be written as {target.value.upper()} ({reason[:120]}); choose another --format"
        ) from error
    return data


def _blocks(kept: Credit | None) -> tuple[bytes | None, bytes | None]:
    """The credit as XMP and as IPTC."""
    return (credit.xmp_packet(kept), credit.iptc_block(kept)) if kept else (None, None)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableMedia(f"{path}: is larger than 2 GB; reduce it first")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableMedia(
            f"{path}: cannot be read ({error.strerror}); check that it exists and may be opened"
        ) from error
    if not data:
        raise UnreadableMedia(f"{path}: is empty; copy it again from the camera or the sender")
    return data


def _module(data: bytes, path: Path) -> ModuleType:
    kind = identify(data[:HEAD_BYTES])
    if kind is None:
        raise UnsupportedMedia(
            f"{path}: is not a photo that is read (JPEG, PNG, WebP, TIFF, HEIC, AVIF, GIF, BMP), "
            "whatever its name says; export it as one of these"
        )
    return _MODULES[kind]
