"""Says what of a photo's file a veiled copy will lack, so that nothing disappears quietly.

The file comes in; names of the pictures, maps, videos and sounds that it holds besides the
picture that is copied go out. They are found by what they are, not by what a list of contents
or a size says. Thumbnails and other metadata are not named: leaving them out is the purpose.
What else is in a JPEG is found in `jpeg_besides`, in HEIF and AVIF in `iso_besides`.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from crowdveil.media import bmp, gif_file, iso_besides, jpeg_besides
from crowdveil.media.besides import Besides, named
from crowdveil.media.embedded import embedded
from crowdveil.media.picture import CHANNELS, PhotoFormat
from crowdveil.media.tiff_pages import is_preview, page_of
from crowdveil.media.tiff_tags import Tag, read_directories, read_sub_directories

_PNG_GAIN = frozenset({b"gdAT"})
_WEBP_CHUNKS = frozenset(
    {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "}
)
_LAYERS = (b"Layr", b"ryaL", b"Lr16", b"61rL", b"Lr32", b"23rL")
"""Keys of Photoshop's blocks of layers, in either order of bytes."""


def left_out(data: bytes, format: PhotoFormat, *, frames: int) -> tuple[str, ...]:
    """What a copy of a photo will lack, such as "a gain map"; nothing twice.

    Args:
        data: the whole file, which has been decoded.
        format: what it is.
        frames: how many pictures of it are copied.
    """
    found: Counter[Besides] = Counter()
    # Whatever a list of contents makes of itself must not cost the photo.
    with suppress(Exception):
        for one in _besides(data, format, frames):
            found[one] += 1
    return named(found)


def _besides(data: bytes, format: PhotoFormat, frames: int) -> Iterator[Besides]:
    match format:
        case PhotoFormat.JPEG:
            yield from jpeg_besides.find(data)
        case PhotoFormat.HEIF | PhotoFormat.AVIF:
            yield from iso_besides.find(data, plays=frames > 1)
        case PhotoFormat.TIFF:
            yield from _of_tiff(data)
        case PhotoFormat.PNG:
            yield from _of_png(data)
        case PhotoFormat.WEBP:
            yield from _of_webp(data)
        case PhotoFormat.GIF:
            yield from embedded(data, gif_file.parse(data, "").end)
        case PhotoFormat.BMP:
            yield from embedded(data, bmp.pixels_end(data))


def _of_png(data: bytes) -> Iterator[Besides]:
    at, kinds = 8, []
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        kinds.append(kind)
        at += 12 + size
        if kind == b"IEND":
            break
    if _PNG_GAIN & set(kinds):
        yield Besides.GAIN_MAP
    if b"acTL" in kinds and b"fcTL" in kinds and kinds.index(b"IDAT") < kinds.index(b"fcTL"):
        yield Besides.STILL
    yield from embedded(data, at)


def _of_webp(data: bytes) -> Iterator[Besides]:
    at, end = 12, min(8 + int.from_bytes(data[4:8], "little"), len(data))
    while at + 8 <= end:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name not in _WEBP_CHUNKS:
            yield from embedded(data, at + 8, at + 8 + size)
        at += 8 + size + size % 2
    yield from embedded(data, end)


def _of_tiff(data: bytes) -> Iterator[Besides]:
    for tags in read_directories(data):
        if is_preview(tags):
            continue
        page = page_of(tags, "")
        colours = CHANNELS[page.space]
        shown = colours + (page.channels > colours and page.extra[:1] in ((1,), (2,)))
        yield from [Besides.CHANNEL] * max(0, page.channels - shown)
        if any(key in (tags.raw(Tag.LAYERS) or b"") for key in _LAYERS):
            yield Besides.LAYERS
        for below in read_sub_directories(data, tags):
            if not is_preview(below) and Tag.WIDTH in below:
                yield Besides.PICTURE
