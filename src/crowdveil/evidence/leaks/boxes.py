"""Walks the boxes that HEIF, AVIF, MP4 and QuickTime files are made of.

Says which box lies where and hands out what may lie in any of these files: padding with
something in it, private boxes, data behind the end. What the boxes mean is left to `items` and
`tracks`. Source: ISO/IEC 14496-12, 4.2.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crowdveil.evidence.leaks.leak import (
    Data,
    Leak,
    broken,
    is_blank,
    leftover,
    name_of,
    words,
)

PADDING = frozenset({"free", "skip", "wide"})
USUAL = words("ftyp styp moov moof mdat meta free skip wide uuid sidx ssix mfra pdin udta")
"""Boxes that a whole file is made of."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box.

    Attributes:
        kind: its four letters.
        start: the first byte of its body.
        end: the byte after its last.
        head: the first byte of all.
    """

    kind: str
    start: int
    end: int
    head: int

    @property
    def size(self) -> int:
        """Bytes of its body."""
        return self.end - self.start


def boxes(data: Data, start: int, end: int) -> Iterator[Box]:
    """The boxes between two bytes.

    Raises:
        UnreadableMedia: a box reaches past the end.
    """
    at = start
    while at + 8 <= end:
        (size,) = struct.unpack_from(">I", data, at)
        kind, body = name_of(data[at + 4 : at + 8]), at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            body += 8
        elif size == 0:
            size = end - at
        if at + size > end or size < body - at:
            # QuickTime ends some lists with four zero bytes.
            if at + 8 > end or not is_blank(data, at, end):
                raise broken(f"box {kind} reaches past its end")
            return
        yield Box(kind, body, at + size, at)
        at += size


def top_boxes(data: Data, what: str) -> Iterator[Box | Leak]:
    """The boxes of a whole file, and what lies behind the last of them.

    Args:
        data: the whole file.
        what: what they would be behind the end of, as "video".

    Raises:
        UnreadableMedia: the file is cut off within a box.
    """
    at = 0
    while at < len(data):
        if at and not _is_box(data, at):
            yield from leftover(data, at, len(data), f"after the end of the {what}", f"byte {at:,}")
            return
        for box in boxes(data, at, len(data)):
            yield box
            at = box.end
            break
        else:
            return


def _is_box(data: Data, at: int) -> bool:
    """Whether a box begins at a byte: it fits into the file, or is cut off but of a usual kind."""
    if at + 8 > len(data):
        return False
    (size,) = struct.unpack_from(">I", data, at)
    kind = bytes(data[at + 4 : at + 8])
    if kind.decode("latin-1") in USUAL:
        return True
    return all(32 <= c < 127 for c in kind) and 8 <= size <= len(data) - at


def full(data: Data, box: Box) -> tuple[int, int]:
    """Version and flags of a full box."""
    (word,) = struct.unpack_from(">I", data, box.start)
    return word >> 24, word & 0xFFFFFF


def odd_box(data: Data, box: Box, path: str) -> Iterator[Leak]:
    """What a box that is not on the list of its place is."""
    place = f"{path}/{box.kind}" if path else box.kind
    if box.kind in PADDING:
        yield from leftover(data, box.start, box.end, "in padding", place)
    elif box.kind == "uuid":
        told = bytes(data[box.start : box.start + 16])
        what = _UUIDS.get(told, "a private box")
        yield Leak(f"{what} (uuid)", place, box.size)
    else:
        yield Leak(f"{_NAMES.get(box.kind, 'an unknown box')} ({box.kind})", place, box.size)


_UUIDS = {
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): "XMP metadata",
    bytes.fromhex("ffcc8263f8554a938814587a02521fdd"): "a panorama's description",
    bytes.fromhex("85c0b687820f11e08111f4ce462b6a48"): "a camera maker's private data",
}
_NAMES = {
    "udta": "user data",
    "meta": "metadata",
    "Exif": "EXIF metadata",
    "pnot": "a preview",
    "PICT": "a preview",
    "thmb": "a thumbnail",
    "mfra": "an index",
    "beam": "a private box",
    "emsg": "timed events",
    "prft": "the time of the recording",
    "pssh": "keys of a copy protection",
    "tmcd": "a time code",
}


def uncovered(
    data: Data, spaces: Sequence[tuple[int, int]], used: list[tuple[int, int]], what: str
) -> Iterator[Leak]:
    """Bytes of the media data that nothing refers to.

    Args:
        data: the whole file.
        spaces: first byte and end of the bodies of the media data boxes.
        used: first byte and end of what samples or items refer to, in any order.
        what: what they would belong to, as "stream".
    """
    used = sorted(used)
    for start, end in spaces:
        at = start
        for first, last in [*((a, b) for a, b in used if b > start and a < end), (end, end)]:
            gap = min(first, end) - at
            if gap > 0 and not is_blank(data, at, at + gap):
                what_of = f"{gap:,} bytes that belong to no {what}"
                yield Leak(what_of, f"mdat, byte {at:,}", gap)
            at = max(at, last)
