"""Measures pixels compressed by deflate: no more bytes than the picture has, none behind them.

Parts of a stream come in as they are met; leaks go out. Used for PNG and TIFF.
"""

import zlib
from collections.abc import Iterator

from crowdveil.evidence.leaks.leak import Data, Leak, broken

_PART_BYTES = 1 << 18
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_LAST_PASS = (0, 1, 1, 2)


def inflated_size(width: int, height: int, bits: int, interlaced: bool) -> int:
    """Bytes of a PNG's pixels, with the byte before each row that names its filter.

    Args:
        width, height: of the picture.
        bits: of a pixel.
        interlaced: whether it comes in seven passes (Adam7).
    """
    passes = (*_PASSES, _LAST_PASS) if interlaced else ((0, 0, 1, 1),)
    total = 0
    for x, y, across, down in passes:
        columns, rows = -(-max(width - x, 0) // across), -(-max(height - y, 0) // down)
        if columns and rows:
            total += rows * (1 + -(-columns * bits // 8))
    return total


class Inflated:
    """One compressed picture: what lies behind the end of its pixels or its stream is none."""

    def __init__(self, data: Data, size: int, place: str) -> None:
        """The whole file, bytes of the pixels, and where they lie in it."""
        self._data, self._stream = data, zlib.decompressobj()
        self._wanted, self._name = size, place
        self._got, self._behind, self._place = 0, 0, 0

    def add(self, start: int, end: int) -> None:
        """One more part of the stream.

        Raises:
            UnreadableMedia: it cannot be unpacked.
        """
        for at in range(start, end, _PART_BYTES):
            part = bytes(self._data[at : min(at + _PART_BYTES, end)])
            if not self._stream.eof:
                # Only lengths are of interest: nothing of the picture is kept.
                while part and not self._stream.eof:
                    try:
                        self._got += len(self._stream.decompress(part, _PART_BYTES))
                    except zlib.error as error:
                        raise broken("its picture cannot be unpacked") from error
                    part = self._stream.unconsumed_tail
                part = self._stream.unused_data
                at = min(at + _PART_BYTES, end) - len(part)
            if part:
                self._place = self._place or at
                self._behind += len(part)

    def leaks(self) -> Iterator[Leak]:
        """What was found."""
        if self._behind:
            where = f"{self._name}, byte {self._place:,}"
            told = f"{self._behind:,} bytes behind the picture's own data"
            yield Leak(told, where, self._behind)
        if self._got > self._wanted:
            more = self._got - self._wanted
            yield Leak(f"{more:,} bytes more than the picture has pixels", self._name, more)
