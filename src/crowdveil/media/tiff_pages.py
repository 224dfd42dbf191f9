"""What the directory of one TIFF page says, checked before anything is decoded.

Tags come in as Pillow reads them, a description of the page goes out. Pixels are left to
`tiff` and `tiff_deep`. Source: TIFF revision 6.0 (1992); Adobe, TIFF Technical Notes (2002).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.limits import check_size
from crowdveil.media.picture import ColourSpace


class Tag(IntEnum):
    """Tags of a directory."""

    KIND = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    CHANNELS = 277
    ROWS_PER_STRIP = 278
    STRIP_BYTES = 279
    X_DENSITY = 282
    Y_DENSITY = 283
    PLANES = 284
    DENSITY_UNIT = 296
    PREDICTOR = 317
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    INKS = 332
    EXTRA_CHANNELS = 338
    SAMPLE_FORMAT = 339
    XMP = 700
    IPTC = 33723
    ICC = 34675
    RAW_VERSION = 50706


_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR = range(7)
_SPACES = {
    _WHITE_IS_ZERO: ColourSpace.GREY,
    _BLACK_IS_ZERO: ColourSpace.GREY,
    _RGB: ColourSpace.RGB,
    _PALETTE: ColourSpace.RGB,
    _SEPARATED: ColourSpace.CMYK,
    _YCBCR: ColourSpace.RGB,
}
_REDUCED, _IS_MASK = 1, 4
_CMYK_INKS = 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        size_wh: width and height in pixels, as stored.
        bits: bits a sample, 1-8 or 16.
        channels: samples a pixel, extra ones included.
        space: what the first of them mean.
        inverted: whether 0 is white.
        extra: meanings of the extra channels: 0 unknown, 1 associated, 2 straight alpha.
        preview: whether it is a smaller copy of another page.
    """

    size_wh: tuple[int, int]
    bits: int
    channels: int
    space: ColourSpace
    inverted: bool
    extra: tuple[int, ...]
    preview: bool


def page_of(tags: Any, where: str) -> Page:
    """Describe a page.

    Args:
        tags: number to value, as Pillow's directories are.
        where: what to call the file in messages.

    Raises:
        UnreadableMedia: sizes that are missing or too large.
        UnsupportedMedia: camera raw data, masks, floating point, depths or colours that are
            not known.
    """
    width, height = number(tags, Tag.WIDTH, 0), number(tags, Tag.HEIGHT, 0)
    check_size(width, height, 1, where)
    photometric = number(tags, Tag.PHOTOMETRIC, _BLACK_IS_ZERO)
    channels = number(tags, Tag.CHANNELS, 1)
    bits = set(numbers(tags, Tag.BITS, (1,)))
    formats = set(numbers(tags, Tag.SAMPLE_FORMAT, (1,)))
    kind = number(tags, Tag.KIND, 0)
    if Tag.RAW_VERSION in tags:
        raise _unsupported(where, "a camera raw file")
    if photometric == _MASK or kind & _IS_MASK:
        raise _unsupported(where, "a TIFF with a separate transparency mask")
    if photometric not in _SPACES:
        raise _unsupported(where, f"a TIFF of colour kind {photometric}")
    if formats != {1}:
        raise _unsupported(where, "a TIFF of floating point or signed samples")
    if len(bits) != 1 or not bits <= {1, 2, 4, 8, 16} or not 1 <= channels <= 16:
        shown = ", ".join(str(b) for b in sorted(bits))
        raise _unsupported(where, f"a TIFF with {channels} samples of {shown} bits")
    if photometric == _SEPARATED and number(tags, Tag.INKS, _CMYK_INKS) != _CMYK_INKS:
        raise _unsupported(where, "a TIFF of other inks than CMYK")
    return Page(
        size_wh=(width, height),
        bits=bits.pop(),
        channels=channels,
        space=_SPACES[photometric],
        inverted=photometric == _WHITE_IS_ZERO,
        extra=numbers(tags, Tag.EXTRA_CHANNELS, ()),
        preview=bool(kind & _REDUCED),
    )


def _unsupported(where: str, what: str) -> UnsupportedMedia:
    return UnsupportedMedia(
        f"{where}: is {what}, which is not read; export it as a TIFF of 8 or 16 bits first"
    )


def numbers(tags: Any, tag: Tag, default: tuple[int, ...]) -> tuple[int, ...]:
    """The whole numbers of a tag.

    Raises:
        ValueError: it holds something else.
    """
    value = tags.get(tag, default)
    values = value if isinstance(value, tuple) else (value,)
    if not values and default:
        return default
    if not all(isinstance(v, int) for v in values):
        raise ValueError(f"its tag {tag.value} holds no whole number")
    return values


def number(tags: Any, tag: Tag, default: int) -> int:
    """The one whole number of a tag.

    Raises:
        ValueError: it holds something else.
    """
    return numbers(tags, tag, (default,))[0]
