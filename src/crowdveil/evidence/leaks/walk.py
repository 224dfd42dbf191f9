"""Chooses the walker of a file's container and puts together all that lies in it.

A path comes in; leaks go out, those of the file's own name and date too. Which tools of others
agree is left to `witnesses`.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.evidence.leaks.bmp import bmp_leaks
from crowdveil.evidence.leaks.gif import gif_leaks
from crowdveil.evidence.leaks.items import heif_leaks
from crowdveil.evidence.leaks.jpeg import jpeg_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, doubt
from crowdveil.evidence.leaks.matroska import matroska_leaks
from crowdveil.evidence.leaks.png import png_leaks
from crowdveil.evidence.leaks.riff import avi_leaks, webp_leaks
from crowdveil.evidence.leaks.tiff import tiff_leaks
from crowdveil.evidence.leaks.tracks import film_leaks
from crowdveil.evidence.leaks.units import unit_leaks
from crowdveil.media.formats import HEAD_BYTES, identify
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import VideoFormat
from crowdveil.media.video.containers import written_as

_PHOTOS: dict[PhotoFormat, Callable[[Data], Iterator[Leak]]] = {
    PhotoFormat.JPEG: jpeg_leaks,
    PhotoFormat.PNG: png_leaks,
    PhotoFormat.WEBP: webp_leaks,
    PhotoFormat.TIFF: tiff_leaks,
    PhotoFormat.HEIF: heif_leaks,
    PhotoFormat.AVIF: heif_leaks,
    PhotoFormat.GIF: gif_leaks,
    PhotoFormat.BMP: bmp_leaks,
}
_VIDEOS: dict[VideoFormat, Callable[[Data], Iterator[Leak]]] = {
    VideoFormat.MP4: film_leaks,
    VideoFormat.MOV: film_leaks,
    VideoFormat.MKV: matroska_leaks,
    VideoFormat.WEBM: matroska_leaks,
    VideoFormat.AVI: avi_leaks,
}
_OTHER_CONTAINERS = (b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"OggS", b"0&\xb2u")
_DATE = re.compile(r"(?<!\d)(19|20)\d\d[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


def leaks_of(path: Path) -> tuple[Leak, ...]:
    """As `walk`, all at once."""
    return tuple(walk(path))


def walk(path: Path) -> Iterator[Leak]:
    """Everything in a file that is not its picture, sound or subtitles, as it is found.

    Raises:
        UnreadableMedia: it cannot be opened, or its container is damaged.
        UnsupportedMedia: it is in a container that is not walked.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                raise UnreadableMedia(f"{path}: is empty, so there is nothing to check")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield from _named(path)
                yield from _walked(path, data)
    except OSError as error:
        raise UnreadableMedia(f"{path}: cannot be read ({error.strerror})") from error


def _walked(path: Path, data: mmap.mmap) -> Iterator[Leak]:
    head = bytes(data[:HEAD_BYTES])
    photo, video = identify(head), written_as(head)
    if head.startswith(_OTHER_CONTAINERS) or (photo is None and video is None):
        raise UnsupportedMedia(
            f"{path}: is in a container that is not searched for leaks; publish JPEG, PNG, WebP, "
            "TIFF, HEIC, AVIF, GIF, BMP, MP4, MOV, MKV, WebM or AVI"
        )
    try:
        if photo is not None:
            yield from _PHOTOS[photo](data)
        elif video is not None:
            yield from _VIDEOS[video](data)
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{path}: {error}") from error
    except (IndexError, ValueError, OverflowError, RecursionError, struct.error) as error:
        raise UnreadableMedia(
            f"{path}: cannot be walked through (its structure makes no sense), so it was not "
            "searched"
        ) from error
    if photo is None:
        yield from unit_leaks(path)


def _named(path: Path) -> Iterator[Leak]:
    if _DATE.search(path.stem):
        yield doubt("a date in the file's own name", "file name", len(path.name))
