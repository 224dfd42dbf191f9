"""Counts the pictures of an MP4 or QuickTime track that its list of edits keeps players from
showing: whoever cuts a video without coding it anew leaves them in the file.

A track comes in, a number goes out. Source: ISO/IEC 14496-12, 8.6.1, 8.6.6 and 8.6.1.3.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.leaks.boxes import Box, boxes, full
from crowdveil.evidence.leaks.leak import Data, broken


def find(data: Data, holder: Box, path: Sequence[str]) -> Box | None:
    """The first box at a path of names inside another, None if there is none."""
    for box in boxes(data, holder.start, holder.end):
        if box.kind == path[0]:
            return box if len(path) == 1 else find(data, box, path[1:])
    return None


def never_shown(data: Data, movie: Box, track: Box) -> int:
    """How many pictures of a track lie outside all of its edits.

    Raises:
        UnreadableMedia: a table is cut off.
    """
    edits = find(data, track, ("edts", "elst"))
    table = find(data, track, ("mdia", "minf", "stbl"))
    head, media = find(data, movie, ("mvhd",)), find(data, track, ("mdia", "mdhd"))
    if edits is None or table is None or head is None or media is None:
        return 0
    try:
        starts, lengths = _times(data, table)
        shown = np.zeros(len(starts), np.bool_)
        ratio = _scale(data, media) / _scale(data, head)
        for duration, begin in _edits(data, edits):
            if begin < 0:
                continue
            end = begin + duration * ratio if duration else np.inf
            # The scale of the movie is coarse: what is half in an edit counts as shown.
            shown |= (starts + lengths > begin) & (starts < end + lengths)
    except struct.error as error:
        raise broken("a list of edits is cut off") from error
    return int((~shown).sum())


def _scale(data: Data, box: Box) -> int:
    version, _ = full(data, box)
    (scale,) = struct.unpack_from(">I", data, box.start + (20 if version else 12))
    return max(int(scale), 1)


def _edits(data: Data, box: Box) -> list[tuple[int, int]]:
    """How long each edit plays, in units of the movie, and where it begins, in the track's."""
    version, _ = full(data, box)
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    layout, size = (">Qq", 20) if version else (">Ii", 12)
    return [
        (duration, begin)
        for duration, begin in (
            struct.unpack_from(layout, data, box.start + 8 + size * k) for k in range(count)
        )
    ]


def _times(data: Data, table: Box) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) when each picture is shown, and for how long, in units of the track."""
    lengths = _run_lengths(data, find(data, table, ("stts",)), ">II")
    shifts = _run_lengths(data, find(data, table, ("ctts",)), ">Ii")
    starts = np.cumsum(lengths) - lengths
    if len(shifts) == len(starts):
        starts = starts + shifts
    return starts, lengths


def _run_lengths(data: Data, box: Box | None, layout: str) -> NDArray[np.int64]:
    if box is None:
        return np.empty(0, np.int64)
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    if 8 + 8 * count > box.size:
        raise broken("a table of times is cut off")
    pairs = [struct.unpack_from(layout, data, box.start + 8 + 8 * k) for k in range(count)]
    runs = np.array(pairs, np.int64).reshape(-1, 2)
    if runs[:, 0].sum() > box.end * 8:
        raise broken("a table of times makes no sense")
    return np.repeat(runs[:, 1], runs[:, 0])
