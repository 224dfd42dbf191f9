"""Takes a GIF file apart into blocks and puts frames together to a file.

Bytes come in; a file of nothing but frames and loop comes out, with the XMP packet beside
it. Which colours a frame needs is left to `gif`; packing pixels is left to Pillow.
Source: CompuServe, Graphics Interchange Format 89a (1990).
"""

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crowdveil.errors import UnreadableMedia
from crowdveil.media.notes import Notes

PLACES = 256
"""Colours of one table."""

_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_XMP = b"XMP DataXMP"
_XMP_END = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\0"
"""Leads a reader who takes the packet for sub-blocks to its end. Source: XMP part 3, 1.1.2."""


@dataclass(slots=True)
class GifFile:
    """What is in a GIF file.

    Attributes:
        clean: the same frames without anything else.
        size_wh: width and height in pixels.
        frames: how many there are.
        loop: how often the animation plays, 0 for ever, None if the file does not say.
        notes: metadata blocks.
    """

    clean: bytes = b""
    size_wh: tuple[int, int] = (0, 0)
    frames: int = 0
    loop: int | None = None
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class GifFrame:
    """One frame to write.

    Attributes:
        indices: (h, w) uint8 places in the table, h and w >= 1.
        corner_xy: where its upper left corner goes.
        table: (n, 3) uint8 colours, n <= 256.
        clear: the place that stands for "leave what is there", None if there is none.
        duration_ms: how long it is shown; GIF counts in hundredths of a second.
        wipe: whether its rectangle becomes transparent afterwards.
    """

    indices: NDArray[np.uint8]
    corner_xy: tuple[int, int]
    table: NDArray[np.uint8]
    clear: int | None
    duration_ms: int
    wipe: bool


def parse(data: bytes, where: str) -> GifFile:
    """Take a file apart; what follows its trailer is ignored.

    Raises:
        UnreadableMedia: it ends too early or its blocks make no sense.
    """
    file = GifFile()
    if len(data) < 13:
        raise _damaged(where)
    file.size_wh = struct.unpack_from("<HH", data, 6)
    at = 13 + _table_bytes(data[10])
    parts = [data[:at]]
    while True:
        start = at
        kind = data[at] if at < len(data) else None
        if kind == _TRAILER:
            break
        if kind == _FRAME:
            if at + 10 > len(data):
                raise _damaged(where)
            at = _past_sub_blocks(data, at + 11 + _table_bytes(data[at + 9]), where)
            parts.append(data[start:at])
            file.frames += 1
        elif kind == _EXTENSION and at + 2 < len(data):
            label = data[at + 1]
            at = _past_sub_blocks(data, at + 2, where)
            if label == _CONTROL:
                parts.append(data[start:at])
            elif label == _APPLICATION:
                _read_application(file, data[start:at])
        else:
            raise _damaged(where)
    if not file.frames:
        raise _damaged(where)
    file.clean = b"".join(parts) + bytes([_TRAILER])
    return file


def _damaged(where: str) -> UnreadableMedia:
    return UnreadableMedia(
        f"{where}: is damaged or not finished (its blocks make no sense); "
        "fetch it again from the camera or the sender"
    )


def _table_bytes(flags: int) -> int:
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


def _past_sub_blocks(data: bytes, at: int, where: str) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    if at >= len(data):
        raise _damaged(where)
    return at + 1


def _read_application(file: GifFile, block: bytes) -> None:
    name, body = block[3:14], block[14:]
    if name in _LOOPS and len(body) >= 4 and body[:2] == b"\x03\x01":
        file.loop = int.from_bytes(body[2:4], "little")
    elif name == _XMP and len(body) > len(_XMP_END):
        file.notes = Notes(xmp=body[: -len(_XMP_END)])


def build(
    size_wh: tuple[int, int],
    frames: Iterable[GifFrame],
    *,
    loop: int | None = None,
    xmp: bytes | None = None,
) -> bytes:
    """Put frames together.

    Args:
        size_wh: of the whole picture.
        frames: in order; each on top of what the ones before have left.
        loop: as in `GifFile`.
        xmp: a packet to embed.
    """
    parts = [b"GIF89a" + struct.pack("<HHBBB", *size_wh, 0x70, 0, 0)]
    if loop is not None:
        parts.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loop, 0))
    if xmp is not None:
        parts.append(b"\x21\xff\x0b" + _XMP + xmp + _XMP_END)
    for frame in frames:
        parts += _frame_blocks(frame)
    return b"".join([*parts, bytes([_TRAILER])])


def _frame_blocks(frame: GifFrame) -> list[bytes]:
    height, width = frame.indices.shape
    hundredths = min(round(frame.duration_ms / 10), 0xFFFF)
    flags = (2 if frame.wipe else 1) << 2 | (frame.clear is not None)
    table = np.zeros((PLACES, 3), np.uint8)
    table[: len(frame.table)] = frame.table
    return [
        struct.pack("<BBBBHBB", 0x21, _CONTROL, 4, flags, hundredths, frame.clear or 0, 0),
        struct.pack("<BHHHHB", _FRAME, *frame.corner_xy, width, height, 0x87),
        table.tobytes(),
        _packed(frame.indices),
    ]


def _packed(indices: NDArray[np.uint8]) -> bytes:
    """LZW-compressed pixels in sub-blocks, as Pillow writes them for a grey picture."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(indices)).save(out, "GIF", interlace=False, optimize=False)
    single = out.getvalue()
    at = 13 + _table_bytes(single[10])
    while single[at] == _EXTENSION:
        at = _past_sub_blocks(single, at + 2, "")
    start = at + 10 + _table_bytes(single[at + 9])
    return single[start : _past_sub_blocks(single, start + 1, "")]
