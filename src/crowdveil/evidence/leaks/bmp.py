"""Walks a BMP file: its header, its palette, its pixels and what lies between and behind.

Source: Microsoft, BITMAPINFOHEADER to BITMAPV5HEADER.
"""

import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover

_V5_BYTES, _EMBEDDED, _LINKED = 124, b"DEBM", b"KNIL"


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
    palette = entry * (colours or (1 << bits if bits <= 8 else 0))
    masks = 12 if packed == 3 and header == 40 else 16 if packed == 6 and header == 40 else 0
    before = 14 + header + masks + palette
    size = -(-abs(width) * bits // 32) * 4 * abs(height) if packed in (0, 3, 6) else told
    if pixels + size > len(data):
        raise broken("it ends too early")
    yield from leftover(data, before, pixels, "before the pixels", f"byte {before:,}")
    end = pixels + size
    if header >= _V5_BYTES and bytes(data[14 + 56 : 14 + 60]) in (_EMBEDDED, _LINKED):
        yield Leak("a colour profile, or the path of one", "header", header)
    yield from leftover(data, end, len(data), "after the end of the picture", f"byte {end:,}")
