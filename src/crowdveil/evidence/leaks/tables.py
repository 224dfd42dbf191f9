"""Compares the tables of samples of an MP4 or QuickTime track with its number of samples.

A table may be as long as its count says and still hold something else than times, places and
sizes: then its numbers make no sense. Tables come in, leaks go out.
Source: ISO/IEC 14496-12 (2022), 8.6, 8.7, 8.9 and 8.16.3.
"""

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.leaks.box_sizes import size_leaks
from crowdveil.evidence.leaks.boxes import Box, boxes, full
from crowdveil.evidence.leaks.leak import Data, Leak

TABLES = frozenset({"stts", "ctts", "stss", "stps", "stsc", "stco", "co64", "sbgp", "sdtp"})
"""Those that are compared."""
_WORD = np.dtype(">u4")


def table_leaks(data: Data, holder: Box, box: Box, path: str) -> Iterator[Leak]:
    """What a table holds beyond what the track's samples need.

    Args:
        data: the whole file.
        holder: the box of all tables of the track.
        box: one of `TABLES` in it.
        path: where it is.

    Raises:
        UnreadableMedia: a table is cut off.
    """
    samples = _count(data, holder)
    if box.kind == "sdtp":
        if box.size > 4 + samples:
            yield Leak(f"{box.size - 4 - samples:,} bytes that no sample needs", path, box.size)
        return
    yield from size_leaks(data, box, path)
    if not _makes_sense(data, box, samples):
        yield Leak("a table with other numbers than the samples need", path, box.size)


def index_leaks(data: Data, box: Box) -> Iterator[Leak]:
    """What an index of segments holds that is no index of this file."""
    version, _ = full(data, box)
    head = box.start + 4 + 8 + (16 if version else 8) + 4
    (count,) = struct.unpack_from(">H", data, head - 2)
    words = _words(data, head, min(count, (box.end - head) // 12) * 3).reshape(-1, 3)
    if (words[:, 0] & 0x7FFFFFFF).astype(np.int64).sum() > len(data) or words[:, 2].astype(
        bool
    ).sum() < len(words) * (not version):
        yield Leak("an index of other data", "sidx", box.size)


def _makes_sense(data: Data, box: Box, samples: int) -> bool:
    version, _ = full(data, box)
    more = (8 if version else 4) if box.kind == "sbgp" else 0
    (count,) = struct.unpack_from(">I", data, box.start + 4 + more)
    start = box.start + 8 + more
    each = {"stts": 2, "ctts": 2, "sbgp": 2, "stsc": 3, "co64": 2}.get(box.kind, 1)
    words = _words(data, start, min(count * each, (box.end - start) // 4)).reshape(-1, each)
    if not len(words):
        return True
    if box.kind in ("stts", "ctts", "sbgp"):
        return int(words[:, 0].sum()) <= samples
    if box.kind in ("stss", "stps"):
        return bool((np.diff(words[:, 0]) > 0).all()) and int(words[-1, 0]) <= samples
    if box.kind == "stsc":
        rising = bool((np.diff(words[:, 0]) > 0).all())
        return rising and int(words[:, 1].max()) <= samples and int(words[:, 2].max()) < 256
    places = words[:, 0] * 2**32 + words[:, 1] if box.kind == "co64" else words[:, 0]
    return int(places.max()) <= len(data)


def _count(data: Data, holder: Box) -> int:
    """How many samples a track has."""
    for box in boxes(data, holder.start, holder.end):
        if box.kind in ("stsz", "stz2"):
            (count,) = struct.unpack_from(">I", data, box.start + 8)
            return int(count)
    return 0


def _words(data: Data, start: int, count: int) -> NDArray[np.int64]:
    return np.frombuffer(bytes(data[start : start + 4 * count]), _WORD).astype(np.int64)
