"""TIFF: grey, colour and CMYK of 8 or 16 bits, alpha, tiles, BigTIFF and several pages.

Pages of one kind become the frames of a photo without durations; smaller copies of a page
are previews and left behind. Tags are read in `tiff_tags` and understood in `tiff_pages`;
most samples are decoded in `tiff_samples`, the rest by Pillow; files are written in `tiff_file`.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import orientation, pillow, tiff_file
from crowdveil.media.icc import neutral_profile
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import CHANNELS, ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.tiff_pages import Page, is_preview, page_of
from crowdveil.media.tiff_samples import can_decode, decode_samples, require_whole
from crowdveil.media.tiff_tags import Tag, Tags, credit_block, read_directories, relisted

CMYK = ColourSpace.CMYK
_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946})
"""None, fax, LZW, both JPEGs, Deflate and PackBits: what every libtiff unpacks."""
_DATASET = b"\x1c"
"""What each dataset of IPTC-IIM begins with."""


def decode(data: bytes, where: str) -> Photo:
    """Decode all pages of a TIFF file.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: pages of different kinds; colours, depths or compressions that are
            not known; camera raw files.
    """
    with pillow.decoding(where):
        kept = _shown(data, where)
        first = kept[0][0]
        frames = _frames(data, kept, where)
        _require_one_kind(frames, where)
        density = _density(first)
        turned = first.number(Tag.ORIENTATION, 1) in orientation.TRANSPOSING
        return Photo(
            PhotoFormat.TIFF,
            frames,
            icc=neutral_profile(first.raw(Tag.ICC), frames[0].space),
            density=density[::-1] if density and turned else density,
        )


def notes(data: bytes) -> Notes:
    """Metadata blocks of the first page; those of its tags that name an author are EXIF's."""
    with suppress(Exception):
        first = read_directories(data)[0]
        return Notes(
            exif=credit_block(first), xmp=first.raw(Tag.XMP), iptc=_iptc(first.raw(Tag.IPTC))
        )
    return Notes()


def _shown(data: bytes, where: str) -> list[tuple[Tags, Page]]:
    """The pages that are no smaller copies of others."""
    shown = [tags for tags in read_directories(data, where) if not is_preview(tags)]
    if not shown:
        raise UnsupportedMedia(
            f"{where}: holds only a preview, as camera raw files do; export it as TIFF or JPEG"
        )
    pages = [page_of(tags, where) for tags in shown]
    for page in pages:
        check_size(*page.size_wh, len(pages), where)
    return list(zip(shown, pages, strict=True))


def _frames(data: bytes, kept: Sequence[tuple[Tags, Page]], where: str) -> tuple[Picture, ...]:
    """Every page, upright."""
    image = None
    frames = []
    for number, (tags, page) in enumerate(kept):
        if can_decode(tags, page):
            picture = decode_samples(data, tags, page)
        elif _is_packed_oddly(tags) or page.bits == 16 or page.channels > CHANNELS[CMYK]:
            raise UnsupportedMedia(
                f"{where}: is a TIFF packed in a way that is not read (compression "
                f"{tags.number(Tag.COMPRESSION, 1)}); save it without compression first"
            )
        else:
            require_whole(data, tags, page)
            if image is None:
                listed = relisted(data, [tags for tags, _ in kept])
                image = pillow.open_image(listed, ("TIFF",), where)
            image.seek(number)
            picture = pillow.to_picture(image, where)
        turn = tags.number(Tag.ORIENTATION, 1)
        frames.append(replace(picture, samples=orientation.upright(picture.samples, turn)))
    return tuple(frames)


def _is_packed_oddly(tags: Tags) -> bool:
    return tags.number(Tag.COMPRESSION, 1) not in _COMPRESSIONS


def _require_one_kind(frames: Sequence[Picture], where: str) -> None:
    kinds = {(f.size_wh, f.space, f.alpha, f.samples.dtype) for f in frames}
    if len(kinds) > 1:
        raise UnsupportedMedia(
            f"{where}: has {len(frames)} pages of different sizes or kinds; "
            "split it into one file for each first"
        )


def _density(tags: Tags) -> tuple[float, float] | None:
    inch = orientation.INCH_PER_UNIT.get(tags.number(Tag.DENSITY_UNIT, 2))
    x, y = tags.fraction(Tag.X_DENSITY), tags.fraction(Tag.Y_DENSITY)
    if inch is None or x is None or y is None:
        return None
    return pillow.sound_density(float(x) * inch, float(y) * inch)


def _iptc(block: bytes | None) -> bytes | None:
    """Datasets in their order; some writers declare them as 32-bit numbers and turn those."""
    if block is not None and block[:1] != _DATASET and block[3:4] == _DATASET:
        return np.frombuffer(block[: len(block) // 4 * 4], ">u4").astype("<u4").tobytes()
    return block


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode pages without loss.

    Args:
        photo: one or more frames, all of one kind.
        xmp: a packet to embed.
    """
    beside = tiff_file.Surroundings(density=photo.density, icc=photo.icc, xmp=xmp)
    return tiff_file.build(photo.frames, beside)
