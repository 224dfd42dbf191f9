"""Measures the strips and tiles of a TIFF page: whether they hold more than its pixels.

Places of strips and a page's description come in; leaks go out.
Source: TIFF revision 6.0 (1992), sections 3, 9, 13 and 15; Adobe Photoshop TIFF Technical Notes.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt

_NONE, _LZW, _JPEG, _PACKED = 1, 5, 7, 32773
_DEFLATE = (8, 32946)
_YCBCR = 6
_TAIL_BYTES = 8
"""Of LZW: what an encoder may leave behind the code that ends a strip."""


@dataclass(frozen=True, slots=True)
class Page:
    """How the pixels of a page are laid out.

    Attributes:
        size_wh: in pixels.
        tile_wh: of a tile, None for strips.
        rows: of a strip.
        bits: of each sample.
        samples: a pixel.
        apart: whether each sample has strips of its own.
        halved: how much colours are reduced, across and down, where they are.
        compression: its number.
        photometric: the kind of colours, by its number.
    """

    size_wh: tuple[int, int]
    tile_wh: tuple[int, int] | None
    rows: int
    bits: tuple[int, ...]
    samples: int
    apart: bool
    halved: tuple[int, int]
    compression: int
    photometric: int

    @property
    def planes(self) -> int:
        """How often the picture is covered."""
        return self.samples if self.apart else 1

    def size_of(self, number: int) -> int:
        """Bytes of a strip or tile before compression, by its number."""
        width, height = self.size_wh
        if self.tile_wh is not None:
            width, rows = self.tile_wh
        else:
            rows = min(self.rows, height) or height
            each = -(-height // rows)
            rows = min(rows, height - rows * (number % each))
        bits = self.bits[0] if self.apart else sum(self.bits * (self.samples // len(self.bits)))
        if self.photometric == _YCBCR and not self.apart and self.compression != _JPEG:
            across, down = self.halved
            blocks = -(-width // across) * -(-rows // down)
            return blocks * (across * down + 2) * self.bits[0] // 8
        return -(-width * bits // 8) * rows

    @property
    def count(self) -> int:
        """How many strips or tiles the picture needs."""
        width, height = self.size_wh
        if self.tile_wh is not None:
            across, down = self.tile_wh
            return -(-width // across) * -(-height // down) * self.planes
        return -(-height // (min(self.rows, height) or height)) * self.planes


def strip_leaks(
    data: Data, parts: Sequence[tuple[int, int]], page: Page, place: str
) -> Iterator[Leak]:
    """What strips or tiles hold beside pixels.

    Args:
        data: the whole file.
        parts: first byte and end of each.
        page: how their pixels are laid out.
        place: the page's name.

    Raises:
        UnreadableMedia: the page has no size, or a strip cannot be unpacked.
    """
    if min(page.size_wh) < 1 or (page.tile_wh is not None and min(page.tile_wh) < 1):
        raise broken("a page has no size")
    if len(parts) > page.count:
        yield Leak(f"{len(parts) - page.count:,} strips that no pixel needs", place, 0)
    more = 0
    measure = _MEASURES.get(page.compression)
    if measure is None:
        if page.compression != _JPEG:
            yield doubt(f"pixels whose compression ({page.compression}) is not measured", place, 0)
        return
    for number, (start, end) in enumerate(parts[: page.count]):
        more += max(measure(bytes(data[start:end]), page.size_of(number)), 0)
    if more:
        yield Leak(f"{more:,} bytes beside the pixels of a strip", place, more)


def _plain(coded: bytes, size: int) -> int:
    return len(coded) - size


def _deflated(coded: bytes, size: int) -> int:
    """Bytes behind the stream, or more of them than pixels need."""
    stream = zlib.decompressobj()
    try:
        got = len(stream.decompress(coded, size + 1))
        if not stream.eof:
            got += len(stream.decompress(stream.unconsumed_tail, 1 << 20))
    except zlib.error as error:
        raise broken("a strip cannot be unpacked") from error
    return max(got - size, 0) + len(stream.unused_data) + len(stream.unconsumed_tail)


def _packed(coded: bytes, size: int) -> int:
    at = got = 0
    while at < len(coded) and got < size:
        head = coded[at]
        if head < 128:
            got, at = got + head + 1, at + head + 2
        else:
            got, at = got + (257 - head) * (head != 128), at + (2 if head != 128 else 1)
    # One byte fills up to an even length.
    return max(len(coded) - at - 1, 0)


def _lzw(coded: bytes, size: int) -> int:
    """Bytes behind the code that ends a strip, or behind its last pixel.

    Only the lengths of what codes stand for are kept, not the pixels.
    """
    lengths = [1] * 256 + [0, 0]
    width, got, before = 9, 0, 0
    word = have = at = place = 0
    while got < size:
        while have < width:
            if at >= len(coded):
                return 0
            word, have, at = (word << 8 | coded[at]) & 0xFFFFFFFF, have + 8, at + 1
        have -= width
        code = word >> have & ((1 << width) - 1)
        place += width
        if code == 257:
            break
        if code == 256:
            lengths, width, before = [1] * 256 + [0, 0], 9, 0
            continue
        if code < len(lengths):
            long = lengths[code]
        elif before:
            long = before + 1
        else:
            return 0
        if before:
            lengths.append(before + 1)
        got, before = got + long, long
        width = 9 + (len(lengths) >= 511) + (len(lengths) >= 1023) + (len(lengths) >= 2047)
    return max(len(coded) - place // 8 - _TAIL_BYTES, 0)


_MEASURES: dict[int, Callable[[bytes, int], int]] = {
    _NONE: _plain,
    _LZW: _lzw,
    _PACKED: _packed,
    **dict.fromkeys(_DEFLATE, _deflated),
}
