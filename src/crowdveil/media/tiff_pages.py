"""What the directory of one TIFF page says, checked before anything is decoded.

The tags of a page come in, a description of it goes out. Pixels are left to `tiff` and
`tiff_samples`. Source: TIFF revision 6.0 (1992); Adobe, TIFF Technical Notes (2002).
"""

from dataclasses import dataclass

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.limits import check_size
from crowdveil.media.picture import ColourSpace
from crowdveil.media.tiff_tags import Tag, Tags

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
_OLD_REDUCED = 2
_CMYK_INKS = 1
_MAX_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        size_wh: width and height in pixels, as stored.
        bits: bits a sample: 8 or 16, or 1, 2 or 4 of a single channel.
        channels: samples a pixel, extra ones included.
        space: what the first of them mean.
        direct: whether samples are colours, rather than places in a palette or YCbCr.
        inverted: whether 0 is white.
        extra: meanings of the extra channels: 0 unknown, 1 associated, 2 straight alpha.
    """

    size_wh: tuple[int, int]
    bits: int
    channels: int
    space: ColourSpace
    direct: bool
    inverted: bool
    extra: tuple[int, ...]


def is_preview(tags: Tags) -> bool:
    """Whether a page is a smaller copy of another one."""
    old_kind = tags.number(Tag.OLD_KIND, 0)
    return bool(tags.number(Tag.KIND, 0) & _REDUCED) or old_kind == _OLD_REDUCED


def page_of(tags: Tags, where: str) -> Page:
    """Describe a page.

    Args:
        tags: its directory.
        where: what to call the file in messages.

    Raises:
        UnreadableMedia: sizes that are missing or too large.
        UnsupportedMedia: camera raw data, masks, floating point, depths or colours that are
            not known.
    """
    width, height = tags.number(Tag.WIDTH, 0), tags.number(Tag.HEIGHT, 0)
    check_size(width, height, 1, where)
    photometric = tags.number(Tag.PHOTOMETRIC, _BLACK_IS_ZERO)
    channels = tags.number(Tag.CHANNELS, 1)
    bits = set(tags.numbers(Tag.BITS, (1,)))
    formats = set(tags.numbers(Tag.SAMPLE_FORMAT, (1,)))
    kind = tags.number(Tag.KIND, 0)
    if Tag.RAW_VERSION in tags:
        raise _unsupported(where, "a camera raw file")
    if photometric == _MASK or kind & _IS_MASK:
        raise _unsupported(where, "a TIFF with a separate transparency mask")
    if photometric not in _SPACES:
        raise _unsupported(where, f"a TIFF of colour kind {photometric}")
    if formats != {1}:
        raise _unsupported(where, "a TIFF of floating point or signed samples")
    few = len(bits) == 1 and bits <= {1, 2, 4} and channels == 1
    if not few and (bits not in ({8}, {16}) or not 1 <= channels <= _MAX_CHANNELS):
        shown = ", ".join(str(b) for b in sorted(bits))
        raise _unsupported(where, f"a TIFF with {channels} samples of {shown} bits")
    if photometric == _SEPARATED and tags.number(Tag.INKS, _CMYK_INKS) != _CMYK_INKS:
        raise _unsupported(where, "a TIFF of other inks than CMYK")
    return Page(
        size_wh=(width, height),
        bits=bits.pop(),
        channels=channels,
        space=_SPACES[photometric],
        direct=photometric not in (_PALETTE, _YCBCR),
        inverted=photometric == _WHITE_IS_ZERO,
        extra=tags.numbers(Tag.EXTRA_CHANNELS, ()),
    )


def _unsupported(where: str, what: str) -> UnsupportedMedia:
    return UnsupportedMedia(
        f"{where}: is {what}, which is not read; export it as a TIFF of 8 or 16 bits first"
    )
