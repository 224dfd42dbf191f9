"""TIFF: grey, colour and CMYK of 8 or 16 bits, alpha, tiles, BigTIFF and several pages.

Pages of one kind become the frames of a photo without durations; smaller copies of a page
are previews and left behind. What the tags say is read in `tiff_pages`, samples that Pillow
cannot hold in `tiff_samples`, and files are written in `tiff_file`.
"""

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import orientation, pillow, tiff_file
from crowdveil.media.icc import neutral_profile
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import CHANNELS, ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.tiff_pages import Page, Tag, number, page_of
from crowdveil.media.tiff_samples import decode_samples

MAX_PAGES = 1000
"""Directories are linked lists; nobody has albums of this length."""


def decode(data: bytes, where: str) -> Photo:
    """Decode all pages of a TIFF file.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: pages of different kinds; colours, depths or compressions that are
            not known; camera raw files.
    """
    with pillow.decoding(where):
        directories = _directories(data, where)
        pages = [page_of(tags, where) for tags in directories]
        kept = [k for k, page in enumerate(pages) if k == 0 or not page.preview]
        for k in kept:
            check_size(*pages[k].size_wh, len(kept), where)
        opened: list[Any] = []
        frames = tuple(_frame(data, directories, k, pages[k], opened, where) for k in kept)
        _require_one_kind(frames, where)
        first = directories[0]
        turned = number(first, Tag.ORIENTATION, 1) in orientation.TRANSPOSING
        density = orientation.tag_density(first)
        return Photo(
            PhotoFormat.TIFF,
            frames,
            icc=neutral_profile(_bytes(first, Tag.ICC), frames[0].space),
            density=density[::-1] if density and turned else density,
        )


def notes(data: bytes) -> Notes:
    """Metadata blocks of the first page; its tags are EXIF's."""
    with suppress(Exception):
        first = _directories(data, "")[0]
        return Notes(exif=data, xmp=_bytes(first, Tag.XMP), iptc=_bytes(first, Tag.IPTC))
    return Notes()


def _directories(data: bytes, where: str) -> list[Any]:
    """The tags of every page, number to value."""
    header = data[:16] if data[2:3] == b"+" or data[3:4] == b"+" else data[:8]
    file = io.BytesIO(data)
    directories: list[Any] = []
    at = ImageFileDirectory_v2(header).next
    seen: set[int] = set()
    while at:
        if at in seen:
            raise ValueError("its pages go in circles")
        if len(seen) == MAX_PAGES:
            raise UnsupportedMedia(f"{where}: has more than {MAX_PAGES} pages; split it first")
        seen.add(at)
        file.seek(at)
        tags = ImageFileDirectory_v2(header)
        tags.load(file)
        directories.append(tags)
        at = tags.next
    if not directories:
        raise ValueError("it has no page")
    return directories


def _frame(
    data: bytes, directories: list[Any], at: int, page: Page, opened: list[Any], where: str
) -> Picture:
    """One page, upright. `opened` keeps Pillow's image of the file from page to page."""
    tags = directories[at]
    if page.bits == 16 or page.channels > CHANNELS[ColourSpace.CMYK]:
        picture = decode_samples(data, tags, page, where)
        turn = number(tags, Tag.ORIENTATION, 1)
        return replace(picture, samples=orientation.upright(picture.samples, turn))
    if not opened:
        opened.append(pillow.open_image(data, ("TIFF",), where))
    image = opened[0]
    image.seek(at)
    image.load()
    # Pillow turns a TIFF upright while it loads.
    return pillow.to_picture(image, where)


def _require_one_kind(frames: Sequence[Picture], where: str) -> None:
    kinds = {(f.size_wh, f.space, f.alpha, f.samples.dtype) for f in frames}
    if len(kinds) > 1:
        raise UnsupportedMedia(
            f"{where}: has {len(frames)} pages of different sizes or kinds; "
            "split it into one file for each first"
        )


def _bytes(tags: Any, tag: Tag) -> bytes | None:
    value = tags.get(tag)
    if isinstance(value, tuple) and all(isinstance(v, int) and v >= 0 for v in value):
        # IPTC is often declared as 32-bit numbers.
        return np.array(value, "<u4").tobytes()
    return pillow.text_or_bytes(value)


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode pages without loss.

    Args:
        photo: one or more frames, all of one kind.
        xmp: a packet to embed.
    """
    beside = tiff_file.Surroundings(density=photo.density, icc=photo.icc, xmp=xmp)
    return tiff_file.build(photo.frames, beside)
