"""Walks a GIF file, block by block and past its end. Source: CompuServe, GIF89a (1990)."""

from collections.abc import Iterator

from crowdveil.evidence.leaks.exif import xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, leftover
from crowdveil.evidence.leaks.tails import tail_is_used

_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_LOOP_BYTES = 1 + 11 + 1 + 3 + 1
_BUFFER_BYTES = 1 + 11 + 1 + 5 + 1
"""The other extension that Netscape read: how much of a file to hold in memory."""
_CONTROL_BYTES = 6
_XMP = b"XMP DataXMP"
_XMP_END_BYTES = 257
_MOST_ASKED = 64
"""Frames whose last bytes are tried out; animations may have thousands."""


def gif_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a GIF file but its frames and how often they play."""
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 14:
        raise broken("it does not begin like a GIF")
    at = 13 + _table(data[10])
    head, frames = bytes(data[:at]), 0
    pictures: list[tuple[int, int]] = []
    while True:
        kind = data[at : at + 1]
        place = f"byte {at:,}"
        if kind == b"\x3b":
            at += 1
            break
        if kind == b"\x2c":
            first = at
            at = _past(data, at + 11 + _table(data[at + 9 : at + 10]))
            frames += 1
            pictures.append((first, at))
        elif kind == b"\x21":
            label, start = data[at + 1 : at + 2], at + 2
            at = _past(data, start)
            yield from _extension(label, data, start, at, place)
        else:
            raise broken("a block makes no sense" if kind else "it ends too early")
    step = max(1, len(pictures) // _MOST_ASKED)
    for start, end in pictures[::step]:
        yield from _frame(head, bytes(data[start:end]), start)
    if step > 1:
        yield doubt("frames whose last bytes were not all tried out", "frames", 0)
    yield from leftover(data, at, len(data), "after the end of the picture", f"byte {at:,}")


def _frame(head: bytes, block: bytes, at: int) -> Iterator[Leak]:
    """Bytes behind the pixels of one frame."""
    first = 10 + _table(block[9:10])
    coded, place = b"", first + 1
    while block[place : place + 1] not in (b"", b"\0"):
        coded += block[place + 1 : place + 1 + block[place]]
        place += 1 + block[place]

    def whole(data: bytes) -> bytes:
        # A screen of the frame's own size, so that no more is decoded than it has.
        screen = head[:6] + block[5:9] + head[10:]
        described = b"\x2c" + bytes(4) + block[5 : first + 1]
        parts = b"".join(
            bytes([len(data[k : k + 255])]) + data[k : k + 255] for k in range(0, len(data), 255)
        )
        return screen + described + parts + b"\0\x3b"

    if not tail_is_used(coded, whole):
        yield Leak("bytes behind the pixels of a frame", f"byte {at:,}", 0)


def _extension(label: bytes, data: Data, start: int, end: int, place: str) -> Iterator[Leak]:
    size = end - start
    if label == b"\xf9":
        if size != _CONTROL_BYTES:
            yield Leak("more in a block of times than it needs", place, size)
    elif label == b"\xfe":
        yield Leak("a comment", place, size)
    elif label == b"\x01":
        yield Leak("a text", place, size)
    elif label == b"\xff":
        name = bytes(data[start + 1 : start + 12])
        if name in _LOOPS and size in (_LOOP_BYTES, _BUFFER_BYTES):
            return
        if name == _XMP:
            yield from xmp_leaks(bytes(data[start + 12 : end - _XMP_END_BYTES - 1]), place)
        elif name == b"ICCRGBG1012":
            yield Leak("a colour profile", place, size)
        else:
            told = "".join(chr(c) for c in name if chr(c).isalnum() or c in b" .")
            yield Leak(f"a block of a program ({told})", place, size)
    else:
        yield Leak("an unknown block", place, size)


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
