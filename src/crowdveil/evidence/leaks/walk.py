"""Chooses the walker of a file's container and puts together all that lies in it.

A path comes in; leaks go out, those of the file's own name and date too. Which tools of others
agree is left to `witnesses`.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.avi import avi_leaks
from crowdveil.evidence.leaks.bmp import bmp_leaks
from crowdveil.evidence.leaks.gif import gif_leaks
from crowdveil.evidence.leaks.items import heif_leaks
from crowdveil.evidence.leaks.jpeg import jpeg_leaks
from crowdveil.evidence.leaks.kinds import HEAD_BYTES, VIDEOS, Container, container_of
from crowdveil.evidence.leaks.leak import Data, Leak, doubt
from crowdveil.evidence.leaks.matroska import matroska_leaks
from crowdveil.evidence.leaks.png import png_leaks
from crowdveil.evidence.leaks.streams import stream_leaks
from crowdveil.evidence.leaks.sweep import sweep
from crowdveil.evidence.leaks.tiff import coded_spans, tiff_leaks
from crowdveil.evidence.leaks.tracks import film_leaks
from crowdveil.evidence.leaks.units import picture_spans, unit_leaks
from crowdveil.evidence.leaks.webp import webp_leaks

_WALKERS: dict[Container, Callable[[Data], Iterator[Leak]]] = {
    Container.JPEG: jpeg_leaks,
    Container.PNG: png_leaks,
    Container.WEBP: webp_leaks,
    Container.TIFF: tiff_leaks,
    Container.HEIF: heif_leaks,
    Container.GIF: gif_leaks,
    Container.BMP: bmp_leaks,
    Container.ISO: film_leaks,
    Container.MATROSKA: matroska_leaks,
    Container.AVI: avi_leaks,
}
_DATE = re.compile(r"(?<!\d)(19|20)\d\d[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


def leaks_of(path: Path) -> tuple[Leak, ...]:
    """As `walk`, all at once."""
    return tuple(walk(path))


def walk(path: Path) -> Iterator[Leak]:
    """Everything in a file that is not its picture or sound, as it is found.

    Streams of text are read: that they are there is a doubt, what they tell of places and times
    an exposure.

    Raises:
        UnreadableMedia: it cannot be opened, or its container is damaged.
        UnsupportedMedia: it is in a container that is not walked; what its streams and its bytes
            tell has been handed out.
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
    container = container_of(bytes(data[:HEAD_BYTES]))
    exposed, damage = False, None
    try:
        for leak in _of_container(path, data, container):
            exposed |= leak.verdict is Verdict.EXPOSED
            yield leak
    except UnreadableMedia as error:
        damage = error
    if not exposed:
        # What has been named already need not be found once more.
        yield from sweep(data, _expected(path, data, container))
    if damage is not None:
        raise damage
    if container is None:
        raise UnsupportedMedia(
            f"{path}: is in a container that is not searched for leaks; publish JPEG, PNG, WebP, "
            "TIFF, HEIC, AVIF, GIF, BMP, MP4, MOV, MKV, WebM or AVI"
        )


def _of_container(path: Path, data: mmap.mmap, container: Container | None) -> Iterator[Leak]:
    if container is None:
        # Whatever plays, as a transport stream, may be full of texts all the same.
        with suppress(UnreadableMedia):
            yield from stream_leaks(path)
        return
    try:
        yield from _WALKERS[container](data)
    except UnreadableMedia as error:
        raise UnreadableMedia(f"{path}: {error}") from error
    except (IndexError, ValueError, OverflowError, RecursionError, struct.error) as error:
        raise UnreadableMedia(
            f"{path}: cannot be walked through (its structure makes no sense), so it was not "
            "searched"
        ) from error
    if container in VIDEOS:
        yield from unit_leaks(path)
        yield from stream_leaks(path)


def _expected(path: Path, data: mmap.mmap, container: Container | None) -> list[tuple[int, int]]:
    """Where pictures that begin as files do are expected."""
    # Where the file is damaged nothing is expected, so that more is named rather than less.
    with suppress(UnreadableMedia, struct.error):
        if container is Container.TIFF:
            return coded_spans(data)
        if container in VIDEOS:
            return picture_spans(path)
    return []


def _named(path: Path) -> Iterator[Leak]:
    if _DATE.search(path.stem):
        yield doubt("a date in the file's own name", "file name", len(path.name))
