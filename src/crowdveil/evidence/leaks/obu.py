"""Takes coded pictures of AV1 apart into their units, and names those that hold no picture.

Source: AV1 Bitstream and Decoding Process Specification, 5.3, 5.8 and 6.2.
"""

from collections.abc import Iterator

from crowdveil.evidence.leaks.nal import CAPTIONS

_NEEDED = frozenset({1, 2, 3, 4, 6, 7, 8})
"""Sequence, time, frames and tiles."""
_METADATA, _PADDING, _LIGHT = 5, 15, frozenset({1, 2, 3})
_T35, _MOST_LIGHT_BYTES = 4, 64


def told_in_obus(data: bytes) -> Iterator[tuple[str, int]]:
    """What lies in and between the units of one picture, with sizes."""
    at = 0
    while at < len(data):
        head = data[at]
        kind, extended, sized = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
        at += 1 + extended
        size, shift = 0 if sized else len(data) - at, 0
        while sized and at < len(data):
            byte, at = data[at], at + 1
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        body = data[at : at + size]
        if kind == _METADATA:
            if body[:1] == bytes([_T35]):
                yield CAPTIONS, size
            elif not body or body[0] not in _LIGHT or size > _MOST_LIGHT_BYTES:
                yield "messages between the pictures", size
        elif kind == _PADDING:
            if body.strip(b"\0\x80"):
                yield "something in padding between the pictures", size
        elif kind not in _NEEDED:
            yield "units between the pictures that no decoder needs", size
        at += size
