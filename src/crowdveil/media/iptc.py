"""Reads four datasets out of an IPTC-IIM block, and writes a block that holds nothing else.

The older of the two standards for captions and credits, still what many picture desks read.
Wrapping the block into a file is left to the format modules.
Source: IPTC-NAA Information Interchange Model 4.2; Metadata Working Group 2.0 on lengths.
"""

import struct
from collections.abc import Mapping
from typing import Final

CREATOR: Final = 80
CREDIT: Final = 110
COPYRIGHT: Final = 116
CAPTION: Final = 120

_MAX_BYTES = {CREATOR: 32, CREDIT: 32, COPYRIGHT: 128, CAPTION: 2000}
"""Lengths that the standard allows. XMP carries the whole text; readers compare the two."""
_SET = (1, 90)
_UTF8 = b"\x1b%G"
"""The value of dataset 1:90 that announces UTF-8 (ISO 2022)."""
_EXTENDED = 0x8000
"""Lengths from here on are the length of a longer length."""


def values(block: bytes | None) -> dict[int, list[str]]:
    """The values of the datasets of record 2 named above.

    Args:
        block: datasets one after the other; what follows a damaged one is ignored.
    """
    found: dict[int, list[bytes]] = {}
    utf8 = False
    for record, number, data in _datasets(block or b""):
        if (record, number) == _SET:
            utf8 = data == _UTF8
        elif record == 2 and number in _MAX_BYTES:
            found.setdefault(number, []).append(data)
    texts = {
        k: [decode(data, utf8=utf8).strip("\0 \t\r\n") for data in v] for k, v in found.items()
    }
    return {k: kept for k, v in texts.items() if (kept := [text for text in v if text])}


def block(datasets: Mapping[int, list[str]]) -> bytes:
    """A block in UTF-8 that holds these datasets, each cut to the length that is allowed.

    Args:
        datasets: those named above to their values; only the creator may have several.
    """
    out = _dataset(*_SET, _UTF8) + _dataset(2, 0, b"\0\x04")
    for number in sorted(datasets):
        for text in datasets[number]:
            cut = text.encode("utf-8", "ignore")[: _MAX_BYTES[number]]
            # Never half a character at the end.
            out += _dataset(2, number, cut.decode("utf-8", "ignore").encode())
    return out


def decode(data: bytes, *, utf8: bool = False) -> str:
    """Text of an encoding that the file may or may not tell.

    Args:
        data: the text.
        utf8: whether the file says that it is UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace") if utf8 else data.decode("cp1252", "replace")


def _dataset(record: int, number: int, data: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(data)) + data


def _datasets(block: bytes) -> list[tuple[int, int, bytes]]:
    found, at = [], 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if size & _EXTENDED:
            width = size & ~_EXTENDED
            size = int.from_bytes(block[at : at + width], "big")
            at += width
        if at + size > len(block):
            break
        found.append((record, number, block[at : at + size]))
        at += size
    return found
