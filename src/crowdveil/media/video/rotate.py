"""Writes into a finished MP4 or QuickTime file which way up its picture is.

The muxer has no way to be told, so the matrix in the header of the video track is replaced.
Source: ISO/IEC 14496-12, 8.3.2 (track header) and 8.4.3 (handler).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from crowdveil.geometry import SizeWH

_PERSPECTIVE = 1 << 30
"""1 in the last column of a matrix, which has 30 bits after the point."""

_MATRIX_AT = {0: 40, 1: 52}
"""Where the matrix lies in a track header of version 0 or 1, from after the box's own head."""


def write_matrix(path: Path, abcd: tuple[int, int, int, int], stored_wh: SizeWH) -> None:
    """Turn the picture of the video track of a finished file.

    Args:
        path: the file.
        abcd: the display matrix, 16 bits after the point: a stored point (x, y) is shown
            at (a x + c y, b x + d y), moved so that the picture begins at the origin.
        stored_wh: size of the stored picture in pixels.

    Raises:
        OSError: the file cannot be read or written, or has no video track.
    """
    a, b, c, d = abcd
    width, height = stored_wh
    # What falls left of or above the origin is moved back into view.
    left = min(0, a) * width + min(0, c) * height
    above = min(0, b) * width + min(0, d) * height
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, -left, -above, _PERSPECTIVE)
    with path.open("r+b") as file:
        for moov in _boxes(file, 0, path.stat().st_size, b"moov"):
            for trak in _boxes(file, *moov, b"trak"):
                if not _is_video(file, trak):
                    continue
                for start, _ in _boxes(file, *trak, b"tkhd"):
                    file.seek(start)
                    version = file.read(1)[0]
                    file.seek(start + _MATRIX_AT[version])
                    file.write(matrix)
                    return
    raise OSError("no video track to turn")


def _is_video(file: BinaryIO, trak: tuple[int, int]) -> bool:
    for mdia in _boxes(file, *trak, b"mdia"):
        for start, _ in _boxes(file, *mdia, b"hdlr"):
            file.seek(start + 8)
            return file.read(4) == b"vide"
    return False


def _boxes(file: BinaryIO, start: int, end: int, kind: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of what is inside the boxes of a kind between two places."""
    while start + 8 <= end:
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        elif size == 0:
            size = end - start
        if size < head:
            return
        if name == kind:
            yield start + head, start + size
        start += size
