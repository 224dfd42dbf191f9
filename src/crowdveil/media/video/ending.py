"""Tells whether a video file ends before its own sizes say, so that its end is missing.

Recordings that were broken off and copies that were not finished mostly play, up to a point.
Only sizes are looked at, by jumping from head to head; nothing is decoded. What cannot be told
from sizes (a broadcast that just stops) is left to the decoder.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_TS_PACKETS = (188, 192, 204)
"""Lengths of the packets of broadcasts, of Blu-ray discs and cameras, and with parity."""
_TS_SYNC = 0x47
_TS_PROBE = 5
_TS_TAIL = 10_000
"""Packets at the end among which every stream has one of its own."""

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_LIVE = 1

_OGG_TAIL = 66_000
"""More than the longest page of Ogg (27 + 255 + 255 * 255 bytes)."""

_MOST_HEADS = 2_000_000
"""More parts than any file has that one could want to copy; a guard against endless walks."""

_PS_LAST = b"\x00\x00\x01\xb9"
_PS_TAIL = 1 << 17


def missing_bytes(path: Path) -> int:
    """How many bytes are missing at the end at least, 0 if none or if that cannot be told.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(2048)
        file.seek(0)
        for known, end in _ENDS:
            if known(head):
                return max(end(file, size) - size, 0)
    return 0


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Source: ISO/IEC 14496-12, 4.2."""
    at = 0
    for _ in range(_MOST_HEADS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            # Some cameras fill up with a few zeros.
            return at if not head.strip(b"\0") else at + 8
        length = int.from_bytes(head[:4])
        if length == 0:  # to the end of the file
            return size
        if length == 1:
            if len(head) < 16:
                return at + 16
            length = int.from_bytes(head[8:16])
        if length < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in head[4:8]):
            return size  # something else is appended
        at += length
        if at >= size:
            return at
    return size


def _riff_end(file: BinaryIO, size: int) -> int:
    """Source: the AVI RIFF file reference; OpenDML files are several RIFFs in a row."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF":
            return at
        length = int.from_bytes(head[4:8], "little")
        if length in (0, 0xFFFFFFFF):  # was never ended
            return size
        at += 8 + length
        if at >= size:
            return at
        at += length % 2


def _ebml_end(file: BinaryIO, size: int) -> int:
    """Source: RFC 8794, section 6, and RFC 9559."""
    at = 0
    for _ in range(_MOST_HEADS):
        file.seek(at)
        head = file.read(12)
        identity, used = _number(head, keep_marker=True)
        length, more = _number(head[used:], keep_marker=False) if used else (None, 0)
        if not used or not more:
            return at + 2 if head else at
        at += used + more
        if length is None:
            if identity not in (_SEGMENT, _CLUSTER):
                return size
            continue  # of unknown length: go on inside
        at += length
        if at >= size:
            return at
    return size


def _number(data: bytes, *, keep_marker: bool) -> tuple[int | None, int]:
    """A number of variable length and how long it is; (None, n) if it says "unknown"."""
    if not data or data[0] == 0:
        return None, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return None, 0
    value = int.from_bytes(data[:length])
    if keep_marker:
        return value, length
    value &= (1 << (7 * length)) - 1
    return (None if value == (1 << (7 * length)) - 1 else value), length


def _ts_end(file: BinaryIO, size: int) -> int:
    """Source: ISO/IEC 13818-1, 2.4.3: packets of one length follow each other."""
    found = _ts_layout(file.read(4096))
    if found is None:
        return size
    first, length = found
    over = (size - first) % length
    if over:
        return size + length - over
    start = first + max((size - first) // length - _TS_TAIL, 0) * length
    file.seek(start)
    return size + _unfinished(file.read(), length)


def _unfinished(tail: bytes, length: int) -> int:
    """How many bytes the last PES packet of any stream lacks that says how long it is.

    Source: ISO/IEC 13818-1, 2.4.3.2 and 2.4.3.6.
    """
    left: dict[int, int] = {}
    for at in range(4 if length == _TS_PACKETS[1] else 0, len(tail) - 187, length):
        packet = tail[at : at + 188]
        if packet[0] != _TS_SYNC or not packet[3] & 0x10:
            continue
        stream = int.from_bytes(packet[1:3]) & 0x1FFF
        body = packet[5 + packet[4] if packet[3] & 0x20 else 4 :]
        if packet[1] & 0x40:  # a PES packet, or a table, begins
            left.pop(stream, None)
            claimed = int.from_bytes(body[4:6])
            if body[:3] == b"\0\0\1" and claimed:
                left[stream] = 6 + claimed - len(body)
        elif stream in left:
            left[stream] -= len(body)
    return max(max(left.values(), default=0), 0)


def _ts_layout(head: bytes) -> tuple[int, int] | None:
    for length in _TS_PACKETS:
        for first in range(length):
            syncs = head[first : first + length * _TS_PROBE : length]
            if len(syncs) == _TS_PROBE and set(syncs) == {_TS_SYNC}:
                # Blu-ray has its four bytes of time before each.
                return first - (4 if length == 192 and first >= 4 else 0), length
    return None


def _is_ts(head: bytes) -> bool:
    return _ts_layout(head) is not None


def _flv_end(file: BinaryIO, size: int) -> int:
    """Source: Adobe's FLV file format 10.1, E.3: each tag is followed by its own length."""
    if size < 13 + 15:
        return size
    file.seek(size - 4)
    length = int.from_bytes(file.read(4))
    if 11 <= length <= size - 17:
        file.seek(size - 4 - length)
        head = file.read(4)
        if head[0] & 0x1F in (8, 9, 18) and int.from_bytes(head[1:4]) == length - 11:
            return size
    at = 13
    for _ in range(_MOST_HEADS):
        file.seek(at)
        head = file.read(4)
        if len(head) < 4:
            return at if not head else at + 15
        if head[0] & 0x1F not in (8, 9, 18):
            return size
        at += 11 + int.from_bytes(head[1:4]) + 4
        if at >= size:
            return at
    return size


def _asf_end(file: BinaryIO, size: int) -> int:
    """Source: the Advanced Systems Format specification, 3.2 (file properties)."""
    file.seek(30)
    at = 30
    for _ in range(64):
        file.seek(at)
        head = file.read(24)
        length = int.from_bytes(head[16:24], "little")
        if len(head) < 24 or length < 24:
            return size
        if head[:16] == _ASF_FILE:
            body = file.read(80)
            live = int.from_bytes(body[64:68], "little") & _ASF_LIVE
            claimed = int.from_bytes(body[16:24], "little")
            return size if live else claimed
        at += length
    return size


def _ogg_end(file: BinaryIO, size: int) -> int:
    """Source: RFC 3533, section 6: the last page must be there as a whole."""
    start = max(size - _OGG_TAIL, 0)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return size if page < 0 else size + 1
    segments = tail[page + 26]
    lengths = tail[page + 27 : page + 27 + segments]
    if len(lengths) < segments:
        return size + 1
    return start + page + 27 + segments + sum(lengths)


def _ps_end(file: BinaryIO, size: int) -> int:
    """Source: ISO/IEC 13818-1, 2.5.3: the last packet of a program stream."""
    start = max(size - _PS_TAIL, 0)
    file.seek(start)
    tail = file.read()
    pack = tail.find(b"\x00\x00\x01\xba")
    at = pack
    while at >= 0:
        head = tail[at : at + 14]
        if len(head) < 4 or head.startswith(_PS_LAST):
            return start + at + 4
        if head[:3] != b"\0\0\1":
            return size  # padding, or video without packets
        if head[3] == 0xBA:
            if len(head) < 12:
                return start + at + 12
            modern = head[4] >> 6 == 1
            if modern and len(head) < 14:
                return start + at + 14
            at += 14 + (head[13] & 7) if modern else 12
        elif len(head) < 6:
            return start + at + 6
        else:
            at += 6 + int.from_bytes(head[4:6])
        if at >= len(tail):
            return start + at
    return size


def _dv_end(file: BinaryIO, size: int) -> int:
    """Source: IEC 61834-2: every frame has the same number of blocks of 80 bytes."""
    frame = 144_000 if file.read(4)[3] & 0x80 else 120_000
    over = size % frame
    return size if over == 0 else size + frame - over


def _klv_end(file: BinaryIO, size: int) -> int:
    """Source: SMPTE ST 336: key of 16 bytes, length, value."""
    at = 0
    for _ in range(_MOST_HEADS):
        file.seek(at)
        head = file.read(25)
        if not head:
            return at
        if len(head) < 17:
            return at + 17
        if head[:4] != b"\x06\x0e\x2b\x34":
            return size
        if head[16] < 0x80:
            at += 17 + head[16]
        else:
            count = head[16] & 0x7F
            at += 17 + count + int.from_bytes(head[17 : 17 + count])
        if at >= size:
            return at
    return size


def _heads() -> Iterator[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], int]]]:
    boxes = (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot")
    yield (lambda head: head[4:8] in boxes), _boxes_end
    yield (lambda head: head[:4] == b"RIFF"), _riff_end
    yield (lambda head: head[:4] == _EBML.to_bytes(4)), _ebml_end
    yield (lambda head: head[:3] == b"FLV"), _flv_end
    yield (lambda head: head[:16] == _ASF_HEADER), _asf_end
    yield (lambda head: head[:4] == b"OggS"), _ogg_end
    yield (lambda head: head[:4] == b"\x00\x00\x01\xba"), _ps_end
    yield (lambda head: head[:4] == b"\x06\x0e\x2b\x34"), _klv_end
    yield (lambda head: head[:3] == b"\x1f\x07\x00"), _dv_end
    yield _is_ts, _ts_end


_ENDS = tuple(_heads())
