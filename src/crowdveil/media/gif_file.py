"""Takes a GIF file apart into its frames and puts frames together to a file.

Bytes come in; frames that are still packed come out, with loop count and XMP packet beside
them, and everything else is left behind. What frames show one after the other, and which
colours they need, is left to `gif`; packing and unpacking pixels to Pillow.
Source: CompuServe, Graphics Interchange Format 89a (1990).
"""

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crowdveil.media.limits import check_frames, check_size
from crowdveil.media.notes import Notes
from crowdveil.media.pillow import damaged

PLACES = 256
"""Colours of one table."""

_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_INTERLACED = 0x40
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_SHORT = "it ends too early"
_XMP = b"XMP DataXMP"
_XMP_END = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\0"
"""Leads a reader who takes the packet for sub-blocks to its end. Source: XMP part 3, 1.1.2."""
_GREYS = np.repeat(np.arange(PLACES, dtype=np.uint8)[:, None], 3, axis=1)

Table = NDArray[np.uint8]
"""(n, 3) uint8 colours, n <= 256."""


class Disposal(IntEnum):
    """What becomes of a frame's rectangle before the next frame is drawn."""

    UNSAID = 0
    LEAVE = 1
    WIPE = 2
    RESTORE = 3


@dataclass(frozen=True, slots=True)
class Control:
    """How a frame is shown.

    Attributes:
        clear: the place in the table that stands for "leave what is there", None if there
            is none.
        duration_ms: how long; GIF counts in hundredths of a second.
        disposal: what becomes of it.
    """

    clear: int | None = None
    duration_ms: int = 0
    disposal: Disposal = Disposal.UNSAID


@dataclass(frozen=True, slots=True)
class GifFrame:
    """One frame, unpacked.

    Attributes:
        indices: (h, w) uint8 places in the table.
        corner_xy: where its upper left corner goes.
        table: its colours.
        control: how it is shown.
    """

    indices: NDArray[np.uint8]
    corner_xy: tuple[int, int]
    table: Table
    control: Control


@dataclass(frozen=True, slots=True)
class PackedFrame:
    """One frame as it lies in the file; `indices` are still compressed.

    Attributes:
        corner_xy, table, control: as in `GifFrame`.
        size_wh: width and height in pixels; may reach outside the picture.
        interlaced: the order of its rows.
        packed: LZW code size and sub-blocks.
    """

    corner_xy: tuple[int, int]
    size_wh: tuple[int, int]
    interlaced: bool
    table: Table
    control: Control
    packed: bytes


@dataclass(slots=True)
class GifFile:
    """What is in a GIF file.

    Attributes:
        size_wh: width and height in pixels.
        frames: in order, at least one.
        repeats: how often the animation is repeated after the first time, 0 for ever, None
            if the file does not say.
        notes: metadata blocks.
        end: where it ends.
    """

    size_wh: tuple[int, int] = (0, 0)
    frames: list[PackedFrame] = field(default_factory=list)
    repeats: int | None = None
    notes: Notes = field(default_factory=Notes)
    end: int = 0


def parse(data: bytes, where: str) -> GifFile:
    """Take a file apart; what follows its trailer is ignored.

    Raises:
        UnreadableMedia: it ends too early, its blocks make no sense, or they are too many.
    """
    file = GifFile()
    if len(data) < 13:
        raise damaged(where, _SHORT)
    file.size_wh = struct.unpack_from("<HH", data, 6)
    shared = _table(data, 13, data[10])
    at = 13 + _table_bytes(data[10])
    control = Control()
    while True:
        kind = data[at] if at < len(data) else None
        if kind == _TRAILER:
            file.end = at + 1
            break
        if kind == _FRAME and at + 10 < len(data):
            left, top, width, height, flags = struct.unpack_from("<HHHHB", data, at + 1)
            start = at + 10 + _table_bytes(flags)
            own = _table(data, at + 10, flags)
            at = _past_sub_blocks(data, start + 1, where)
            check_frames(len(file.frames) + 1, where)
            file.frames.append(
                PackedFrame(
                    (left, top),
                    (width, height),
                    bool(flags & _INTERLACED),
                    own if len(own) else shared,
                    control,
                    data[start:at],
                )
            )
            control = Control()
        elif kind == _EXTENSION and at + 2 < len(data):
            start, at = at, _past_sub_blocks(data, at + 2, where)
            if data[start + 1] == _CONTROL:
                control = _control(data[start:at])
            elif data[start + 1] == _APPLICATION:
                _read_application(file, data[start:at])
        else:
            known = kind in (None, _FRAME, _EXTENSION)
            raise damaged(where, _SHORT if known else "its blocks make no sense")
    if not file.frames:
        raise damaged(where, "it holds no picture")
    return file


def _table_bytes(flags: int) -> int:
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


def _table(data: bytes, at: int, flags: int) -> Table:
    colours = np.frombuffer(data[at : at + _table_bytes(flags)], np.uint8)
    return colours[: len(colours) // 3 * 3].reshape(-1, 3)


def _past_sub_blocks(data: bytes, at: int, where: str) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    if at >= len(data):
        raise damaged(where, _SHORT)
    return at + 1


def _control(block: bytes) -> Control:
    if len(block) < 8:
        return Control()
    flags, hundredths, clear = struct.unpack_from("<BHB", block, 3)
    disposal = flags >> 2 & 7
    return Control(
        clear=clear if flags & 1 else None,
        duration_ms=hundredths * 10,
        disposal=Disposal(disposal) if disposal <= Disposal.RESTORE else Disposal.UNSAID,
    )


def _read_application(file: GifFile, block: bytes) -> None:
    name, body = block[3:14], block[14:]
    if name in _LOOPS and len(body) >= 4 and body[:2] == b"\x03\x01":
        file.repeats = int.from_bytes(body[2:4], "little")
    elif name == _XMP and len(body) > len(_XMP_END):
        file.notes = Notes(xmp=body[: -len(_XMP_END)])


def unpack(frame: PackedFrame, where: str) -> GifFrame:
    """Decompress one frame.

    Raises:
        UnreadableMedia: it is larger than the limits, or what Pillow raises over bad data.
    """
    width, height = frame.size_wh
    table = frame.table if len(frame.table) else _GREYS
    if not width or not height:
        nothing = np.empty((height, width), np.uint8)
        return GifFrame(nothing, frame.corner_xy, table, frame.control)
    check_size(width, height, 1, where)
    # With a table of greys in order, Pillow hands out the places themselves.
    single = (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + _GREYS.tobytes()
    ) + struct.pack("<BHHHHB", _FRAME, 0, 0, width, height, _INTERLACED * frame.interlaced)
    whole = io.BytesIO(single + frame.packed + bytes([_TRAILER]))
    with Image.open(whole, formats=["GIF"]) as image:
        return GifFrame(np.array(image), frame.corner_xy, table, frame.control)


def build(
    size_wh: tuple[int, int],
    frames: Iterable[GifFrame],
    *,
    repeats: int | None = None,
    xmp: bytes | None = None,
) -> bytes:
    """Put frames together.

    Args:
        size_wh: of the whole picture.
        frames: in order, each side >= 1; each on top of what the ones before have left.
        repeats: as in `GifFile`.
        xmp: a packet to embed.
    """
    parts = [b"GIF89a" + struct.pack("<HHBBB", *size_wh, 0x70, 0, 0)]
    if repeats is not None:
        parts.append(b"\x21\xff\x0b" + _LOOPS[0] + struct.pack("<BBHB", 3, 1, repeats, 0))
    if xmp is not None:
        parts.append(b"\x21\xff\x0b" + _XMP + xmp + _XMP_END)
    for frame in frames:
        parts += _frame_blocks(frame)
    return b"".join([*parts, bytes([_TRAILER])])


def _frame_blocks(frame: GifFrame) -> list[bytes]:
    height, width = frame.indices.shape
    control = frame.control
    hundredths = min(round(control.duration_ms / 10), 0xFFFF)
    flags = control.disposal << 2 | (control.clear is not None)
    table = np.zeros((PLACES, 3), np.uint8)
    table[: len(frame.table)] = frame.table
    return [
        struct.pack("<BBBBHBB", 0x21, _CONTROL, 4, flags, hundredths, control.clear or 0, 0),
        struct.pack("<BHHHHB", _FRAME, *frame.corner_xy, width, height, 0x87),
        table.tobytes(),
        _packed(frame.indices),
    ]


def _packed(indices: NDArray[np.uint8]) -> bytes:
    """LZW-compressed pixels in sub-blocks, as Pillow writes them for a grey picture."""
    out = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(indices))
    # Optimising would number the places anew.
    image.save(out, "GIF", interlace=False, optimize=False)
    (frame,) = parse(out.getvalue(), "").frames
    return frame.packed
