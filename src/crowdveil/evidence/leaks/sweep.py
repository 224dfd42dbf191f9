"""Looks over all bytes of a file for pictures and telling texts, wherever they lie.

Walkers know what each block may hold; this knows nothing of blocks. It is the net under them: a
picture or a position that someone put where a walker takes bytes for coded pixels is found all
the same. A file comes in, with the places where pictures are expected; leaks go out.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.leaks.credits import credit_in_xmp
from crowdveil.evidence.leaks.exif import STRUCTURAL
from crowdveil.evidence.leaks.leak import Data, Leak
from crowdveil.evidence.leaks.telling import surely_told_by

_PART_BYTES, _OVERLAP_BYTES = 1 << 23, 4_096
_LEAST_TEXT_BYTES, _MOST_TEXT_BYTES = 10, 65_536
_MOST_FIELDS = 200
_XMP_END = re.compile(rb'<\?xpacket end="[rw]"\?>')
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{60}")
_BRANDS = re.compile(rb"hei[cxms]|hev[cxms]|mif1|msf1|avi[fs]|isom|iso[2-9m]|mp4[12]|qt  |MSNV")
_SOF = frozenset({*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)})
_MARKERS = _SOF | {0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}
_PRINTABLE = np.zeros(256, np.bool_)
_PRINTABLE[[9, 10, 13, *range(0x20, 0x7F)]] = True


def sweep(data: Data, expected: Sequence[tuple[int, int]] = ()) -> Iterator[Leak]:
    """Pictures, archives and telling texts anywhere in a file but at its first byte.

    Args:
        data: the whole file.
        expected: first byte and end of coded pictures that begin as files do, as those of
            Motion JPEG; what begins within is not handed out.
    """
    told: dict[str, int] = {}
    for start in range(0, len(data), _PART_BYTES):
        part = bytes(data[start : start + _PART_BYTES + _OVERLAP_BYTES])
        for magic, name, is_one in _PICTURES:
            at = part.find(magic, 0 if start else 1)
            while at >= 0 and at < _PART_BYTES:
                place = start + at
                if not any(a <= place < b for a, b in expected) and is_one(data, place):
                    told.setdefault(f"{name} within other data", place)
                at = part.find(magic, at + 1)
        for text, at in _texts(part):
            for name in surely_told_by(text):
                told.setdefault(f"{name} in a text within other data", start + at)
    for what, at in told.items():
        yield Leak(what, f"byte {at:,}", 0)


def _texts(part: bytes) -> Iterator[tuple[str, int]]:
    """Printable runs of one byte a character, and of two, with their first byte."""
    whole = np.frombuffer(part, np.uint8)
    plain, zero = _PRINTABLE[whole], whole == 0
    for first, last in _runs(plain, 1):
        yield part[first:last].decode("ascii"), first
    for low, wide in ((0, plain[:-1] & zero[1:]), (1, zero[:-1] & plain[1:])):
        for first, last in _runs(wide, 2):
            yield part[first + low : last : 2].decode("ascii"), first


def _runs(mask: NDArray[np.bool_], step: int) -> Iterator[tuple[int, int]]:
    """First and end of each run of ten and more places, so far apart, that are true."""
    two = mask[:-step] & mask[step:]
    four = two[: -2 * step] & two[2 * step :]
    eight = four[: -4 * step] & four[4 * step :]
    # Nearly all runs of coded pictures are shorter, so that few are looked at one by one.
    found = np.flatnonzero(eight[: -2 * step] & two[8 * step :][: len(eight[: -2 * step])])
    end = -1
    for first in found.tolist():
        if first >= end:
            end = first + _LEAST_TEXT_BYTES * step
            while end < len(mask) and mask[end] and end - first < _MOST_TEXT_BYTES:
                end += step
            yield first, end


def _always(data: Data, at: int) -> bool:
    return True


def _is_jpeg(data: Data, at: int) -> bool:
    return _has_segments(bytes(data[at : at + 131_072]))


def _is_stuffed_jpeg(data: Data, at: int) -> bool:
    """A JPEG with a zero behind each 255, as the pixels of another JPEG would hold it."""
    return _has_segments(bytes(data[at : at + 131_072]).replace(b"\xff\0", b"\xff"))


def _has_segments(head: bytes) -> bool:
    """Whether segments follow as in a JPEG until its frame: three bytes alone are an accident."""
    at, seen = 2, 0
    while at + 10 <= len(head):
        marker, (size,) = head[at + 1], struct.unpack_from(">H", head, at + 2)
        if head[at] != 0xFF or marker not in _MARKERS or size < 2:
            return False
        if marker in _SOF:
            parts = head[at + 9]
            return size == 8 + 3 * parts and parts in (1, 3, 4) and head[at + 4] in (8, 12)
        seen, at = seen + 1, at + 2 + size
    # Long blocks of a camera may push its frame out of sight.
    return seen > 2


def _is_tiff(data: Data, at: int) -> bool:
    """Whether a directory follows that holds more than how to show a picture."""
    order = "<" if data[at : at + 1] == b"I" else ">"
    try:
        (count,) = struct.unpack_from(order + "H", data, at + 8)
        tags = [struct.unpack_from(order + "HH", data, at + 10 + 12 * k) for k in range(count)]
    except struct.error:
        return False
    sorted_tags = [tag for tag, _ in tags] == sorted(tag for tag, _ in tags)
    if not 0 < count < _MOST_FIELDS or not sorted_tags or not all(0 < k < 14 for _, k in tags):
        return False
    return any(tag not in STRUCTURAL for tag, _ in tags)


def _is_xmp(data: Data, at: int) -> bool:
    """Whether a packet holds more than a credit."""
    head = bytes(data[at : at + 100_000])
    end = _XMP_END.search(head)
    return not (end and credit_in_xmp(head[: end.end()]))


def _is_webp(data: Data, at: int) -> bool:
    return bytes(data[at + 8 : at + 15]) == b"WEBPVP8"


def _is_film(data: Data, at: int) -> bool:
    return at > 8 and bool(_BRANDS.fullmatch(bytes(data[at + 4 : at + 8])))


def _is_zip(data: Data, at: int) -> bool:
    head = bytes(data[at : at + 30])
    return len(head) == 30 and head[4] in (10, 20, 45) and head[5] == 0 and 0 < head[26] < 200


def _is_written_out(data: Data, at: int) -> bool:
    return bool(_BASE64.match(bytes(data[at : at + 80])))


_PICTURES: tuple[tuple[bytes, str, Callable[[Data, int], bool]], ...] = (
    (b"\xff\xd8\xff", "a JPEG picture", _is_jpeg),
    (b"\xff\0\xd8\xff\0", "a JPEG picture", _is_stuffed_jpeg),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _always),
    (b"GIF89a", "a GIF picture", _always),
    (b"GIF87a", "a GIF picture", _always),
    (b"RIFF", "a WebP picture", _is_webp),
    (b"ftyp", "a video or picture", _is_film),
    (b"II*\0\x08\0\0\0", "a TIFF picture or EXIF metadata", _is_tiff),
    (b"MM\0*\0\0\0\x08", "a TIFF picture or EXIF metadata", _is_tiff),
    (b"<?xpacket begin", "an XMP packet", _is_xmp),
    (b"%PDF-1", "a PDF document", _always),
    (b"PK\x03\x04", "a ZIP archive", _is_zip),
    (b"/9j/4", "a JPEG picture, written as text", _is_written_out),
    (b"iVBORw0KGgo", "a PNG picture, written as text", _is_written_out),
)
"""First bytes, a name, and what must follow so that it is no accident."""
