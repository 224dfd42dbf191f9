"""Walks a GIF file, block by block and past its end. Source: CompuServe, GIF89a (1990)."""

from collections.abc import Iterator

from crowdveil.evidence.leaks.exif import xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover

_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_XMP = b"XMP DataXMP"
_XMP_END_BYTES = 257


def gif_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a GIF file but its frames and how often they play."""
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 14:
        raise broken("it does not begin like a GIF")
    at = 13 + _table(data[10])
    while True:
        kind = data[at : at + 1]
        place = f"byte {at:,}"
        if kind == b"\x3b":
            at += 1
            break
        if kind == b"\x2c":
            at = _past(data, at + 11 + _table(data[at + 9 : at + 10]))
        elif kind == b"\x21":
            label, start = data[at + 1 : at + 2], at + 2
            at = _past(data, start)
            yield from _extension(label, data, start, at, place)
        else:
            raise broken("a block makes no sense" if kind else "it ends too early")
    yield from leftover(data, at, len(data), "after the end of the picture", f"byte {at:,}")


def _extension(label: bytes, data: Data, start: int, end: int, place: str) -> Iterator[Leak]:
    if label == b"\xf9":
        return
    if label == b"\xfe":
        yield Leak("a comment", place, end - start)
    elif label == b"\x01":
        yield Leak("a text", place, end - start)
    elif label == b"\xff":
        name = bytes(data[start + 1 : start + 12])
        if name in _LOOPS and end - start <= 12 + 5 + 1:
            return
        if name == _XMP:
            yield from xmp_leaks(bytes(data[start + 12 : end - _XMP_END_BYTES - 1]), place)
        elif name == b"ICCRGBG1012":
            yield Leak("a colour profile", place, end - start)
        else:
            told = name.decode("ascii", "replace")
            yield Leak(f"a block of a program ({told})", place, end - start)
    else:
        yield Leak("an unknown block", place, end - start)


def _table(flags: bytes | int) -> int:
    value = flags if isinstance(flags, int) else flags[0] if flags else 0
    return 3 << (1 + (value & 7)) if value & 0x80 else 0


def _past(data: Data, at: int) -> int:
    """Where a chain of sub-blocks ends."""
    while True:
        size = data[at : at + 1]
        if not size:
            raise broken("it ends too early")
        at += 1 + size[0]
        if size == b"\0":
            return at
