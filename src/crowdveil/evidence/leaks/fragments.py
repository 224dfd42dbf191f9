"""Finds the samples of fragmented MP4 files: where each run of each movie fragment lies.

Movie and fragments come in; first byte and end of every run go out, so that `tracks` can tell
which media data belong to no stream. Source: ISO/IEC 14496-12, 8.8.7 and 8.8.8.
"""

import struct
from collections.abc import Iterator

from crowdveil.evidence.leaks.boxes import Box, boxes, full
from crowdveil.evidence.leaks.leak import Data, broken

_BASE, _ENTRY, _DURATION, _SIZE, _FROM_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20000
"""Flags of a track fragment's header: what it gives, and that places count from its fragment."""
_PLACE, _FIRST, _EACH = 0x1, 0x4, (0x100, 0x200, 0x400, 0x800)
"""Flags of a run: where it begins, flags of its first sample, and what it gives for each."""


def fragment_spans(data: Data, movie: Box, fragments: list[Box]) -> Iterator[tuple[int, int]]:
    """First byte and end of every run of samples.

    Args:
        data: the whole file.
        movie: its movie box, which gives usual sizes.
        fragments: its movie fragments, in their order.

    Raises:
        UnreadableMedia: a table is cut off.
    """
    usual = dict(_usual(data, movie))
    for fragment in fragments:
        at = fragment.head
        for part in boxes(data, fragment.start, fragment.end):
            if part.kind == "traf":
                for start, end in _runs(data, part, fragment.head, at, usual):
                    at = end
                    yield start, end


def _usual(data: Data, movie: Box) -> Iterator[tuple[int, int]]:
    """Number of each track, and the usual size of its samples."""
    for holder in boxes(data, movie.start, movie.end):
        if holder.kind == "mvex":
            for box in boxes(data, holder.start, holder.end):
                if box.kind == "trex":
                    number, _, _, size = struct.unpack_from(">4I", data, box.start + 4)
                    yield number, size


def _runs(
    data: Data, traf: Box, moof: int, before: int, usual: dict[int, int]
) -> Iterator[tuple[int, int]]:
    base, each, at = moof, 0, before
    for box in boxes(data, traf.start, traf.end):
        if box.kind == "tfhd":
            _, flags = full(data, box)
            (number,) = struct.unpack_from(">I", data, box.start + 4)
            place, each = box.start + 8, usual.get(number, 0)
            if flags & _BASE:
                (base,) = struct.unpack_from(">Q", data, place)
                place += 8
            elif not flags & _FROM_MOOF:
                base = before
            place += 4 * bool(flags & _ENTRY) + 4 * bool(flags & _DURATION)
            if flags & _SIZE:
                (each,) = struct.unpack_from(">I", data, place)
            at = base
        elif box.kind == "trun":
            _, flags = full(data, box)
            (count,) = struct.unpack_from(">I", data, box.start + 4)
            place = box.start + 8
            if flags & _PLACE:
                (offset,) = struct.unpack_from(">i", data, place)
                at, place = base + offset, place + 4
            place += 4 * bool(flags & _FIRST)
            length = _length(data, box, place, flags, count, each)
            yield at, at + length
            at += length


def _length(data: Data, run: Box, place: int, flags: int, count: int, each: int) -> int:
    """Bytes of all samples of a run."""
    if not flags & _EACH[1]:
        return count * each
    fields = sum(bool(flags & flag) for flag in _EACH)
    if place + 4 * fields * count > run.end:
        raise broken("a run of samples is cut off")
    numbers = struct.unpack_from(f">{fields * count}I", data, place)
    return sum(numbers[bool(flags & _EACH[0]) :: fields])
