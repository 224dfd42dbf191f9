"""Says whether a TIFF is a camera's raw file: DNG, NEF, ARW, PEF, SRW and their kin.

An open file comes in. Such a file shows a small preview first, so reading it as a TIFF would
veil that and lose the picture. Only directories are read. Sources: TIFF 6.0, TIFF/EP, DNG 1.7.
"""

import struct
from typing import BinaryIO

_PHOTOMETRIC, _COMPRESSION, _SUB_DIRECTORIES, _DNG_VERSION = 262, 259, 330, 50706
_MOSAIC = frozenset({32803, 34892})
"""Photometric interpretations of a sensor's samples: behind a colour filter, and linear."""
_SENSOR_CODINGS = frozenset({32767, 32769, 34713, 65000, 65535})
"""Compressions of Sony, Epson, Nikon, Kodak and Pentax."""
_MOST_DIRECTORIES = 32


def is_camera_raw(file: BinaryIO) -> bool:
    """Whether any directory of a TIFF holds what a sensor saw.

    Args:
        file: a TIFF, open for reading; its position is changed. A damaged one is none.
    """
    try:
        return _is_raw(file)
    except (OSError, struct.error, ValueError, OverflowError):
        return False


def _is_raw(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    waiting = [struct.unpack_from(f"{order}{'Q' if big else 'I'}", head, 8 if big else 4)[0]]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        at = waiting.pop(0)
        if at == 0 or at in seen:
            continue
        seen.add(at)
        entries, after = _directory(file, at, order, big=big)
        if _DNG_VERSION in entries or _MOSAIC & set(entries.get(_PHOTOMETRIC, ())):
            return True
        if _SENSOR_CODINGS & set(entries.get(_COMPRESSION, ())):
            return True
        waiting += [*entries.get(_SUB_DIRECTORIES, ()), after]
    return False


def _directory(
    file: BinaryIO, at: int, order: str, *, big: bool
) -> tuple[dict[int, tuple[int, ...]], int]:
    """Whole numbers by tag, at most 16 of each, and where the next directory is."""
    word, entry = ("Q", 20) if big else ("I", 12)
    width = struct.calcsize(f"{order}{word}")
    file.seek(at)
    count = struct.unpack(f"{order}{'Q' if big else 'H'}", file.read(8 if big else 2))[0]
    if count > 4096:
        raise ValueError("no directory")
    data = file.read(count * entry + width)
    found: dict[int, tuple[int, ...]] = {}
    for k in range(count):
        tag, kind = struct.unpack_from(f"{order}HH", data, k * entry)
        number = struct.unpack_from(f"{order}{word}", data, k * entry + 4)[0]
        letter = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
        if letter is None:
            continue
        layout = f"{order}{min(number, 16)}{letter}"
        size = struct.calcsize(layout)
        value = data[k * entry + 4 + width : (k + 1) * entry]
        if size > width:
            file.seek(struct.unpack(f"{order}{word}", value)[0])
            value = file.read(size)
        found[tag] = struct.unpack_from(layout, value)
    after: int = struct.unpack_from(f"{order}{word}", data, count * entry)[0]
    return found, after
