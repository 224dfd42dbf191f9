"""Walks a BMP file: its header, its palette, its pixels and what lies between and behind.

Source: Microsoft, BITMAPINFOHEADER to BITMAPV5HEADER.
"""

import struct
from collections.abc import Iterator

import numpy as np

from crowdveil.evidence.leaks.leak import Data, Leak, broken, is_blank, leftover
from crowdveil.evidence.leaks.tails import tail_is_used

_V5_BYTES, _EMBEDDED, _LINKED = 124, b"DEBM", b"KNIL"
_PLAIN, _FIELDS = (0, 3, 6), (3, 6)


def bmp_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a BMP file but its pixels."""
    if data[:2] != b"BM" or len(data) < 26:
        raise broken("it does not begin like a BMP")
    pixels, header = struct.unpack_from("<II", data, 10)
    bits, packed, told, colours = 0, 0, 0, 0
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        entry = 3
    elif header >= 40 and len(data) >= 54:
        width, height, _, bits, packed, told, _, _, colours = struct.unpack_from(
            "<iiHHIIiiI", data, 18
        )
        entry = 4
    else:
        raise broken("its header makes no sense")
    if bits <= 8 and colours > 1 << bits:
        yield Leak(f"{colours - (1 << bits):,} colours too many in the palette", "palette", colours)
    if bits > 8 and colours:
        yield Leak("a palette that no pixel needs", "palette", entry * colours)
    palette = entry * (colours or (1 << bits if bits <= 8 else 0))
    masks = 12 if packed == 3 and header == 40 else 16 if packed == 6 and header == 40 else 0
    before = 14 + header + masks + palette
    row = -(-abs(width) * bits // 32) * 4
    size = row * abs(height) if packed in _PLAIN else told
    if pixels + size > len(data):
        raise broken("it ends too early")
    if any(data[6:10]):
        yield Leak("something in bytes that are kept free", "header", 4)
    yield from leftover(data, before, pixels, "before the pixels", f"byte {before:,}")
    end = pixels + size
    if header >= _V5_BYTES and bytes(data[14 + 56 : 14 + 60]) in (_EMBEDDED, _LINKED):
        yield Leak("a colour profile, or the path of one", "header", header)
    if packed in _PLAIN and width and height:
        yield from _between(data, pixels, (abs(width), abs(height)), bits, packed)
    elif size and not tail_is_used(
        bytes(data[pixels:end]), lambda coded: bytes(data[:pixels]) + coded
    ):
        yield Leak("bytes behind the pixels", f"byte {pixels:,}", 0)
    yield from leftover(data, end, len(data), "after the end of the picture", f"byte {end:,}")


def _between(
    data: Data, start: int, size_wh: tuple[int, int], bits: int, packed: int
) -> Iterator[Leak]:
    """What hides in the bytes that fill rows, or in a fourth byte that nobody shows."""
    width, height = size_wh
    row, own = -(-width * bits // 32) * 4, -(-width * bits // 8)
    # A copy: a mapped file cannot be closed while an array looks into it.
    whole = bytes(data[start : start + row * height])
    rows = np.frombuffer(whole, np.uint8).reshape(height, row)
    if own < row and rows[:, own:].any():
        yield Leak("something in the bytes that fill the rows", "pixels", (row - own) * height)
    if bits == 32 and packed not in _FIELDS:
        fourth = rows[:, 3::4].tobytes()
        if not is_blank(fourth, 0, len(fourth)):
            yield Leak("something in a byte of each pixel that is not shown", "pixels", len(fourth))
