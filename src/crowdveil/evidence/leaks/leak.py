"""One thing in a file that is not its picture, and small helpers to describe it.

Walkers of every container hand out leaks. They share none of the code that writes veiled
files: what a writer forgets, a walker must not forget with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import TypeAlias

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.findings import Verdict

Data: TypeAlias = bytes | mmap
"""A whole file, in memory or mapped into it."""

_PICTURES = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"<?xp", "an XMP packet"),
    (b"<x:x", "an XMP packet"),
)
_SEARCHED_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that is not needed to show the picture.

    Attributes:
        what: a plain clause; names of fields, never their contents.
        place: where in the container, as "APP1 at byte 2".
        size: bytes that it takes.
        verdict: exposed, or doubtful for what hardly tells of a person.
    """

    what: str
    place: str
    size: int
    verdict: Verdict = Verdict.EXPOSED


def doubt(what: str, place: str, size: int) -> Leak:
    """A leak that hardly tells of a person."""
    return Leak(what, place, size, Verdict.DOUBTFUL)


def leftover(data: Data, start: int, end: int, what: str, place: str) -> Iterator[Leak]:
    """Bytes that nothing refers to: padding if all are zero, else a leak that says what it is.

    Args:
        data: the whole file.
        start, end: the bytes; nothing is handed out if there are none.
        what: what they are, as "after the end of the picture".
        place: where.
    """
    size = end - start
    if size <= 0:
        return
    if is_blank(data, start, end):
        return
    head = bytes(data[start : min(end, start + _SEARCHED_BYTES)])
    named = next((name for magic, name in _PICTURES if magic in head), None)
    if head[4:8] == b"ftyp" or b"ftyp" in head:
        named = "a video or picture"
    yield Leak(f"{named or f'{size:,} bytes'} {what}", place, size)


def is_blank(data: Data, start: int, end: int) -> bool:
    """Whether bytes are all zero or all 255, as padding is; also if there are none."""
    for value in (0, 255):
        block = bytes([value]) * 65_536
        at = start
        while at < end:
            size = min(end - at, len(block))
            if data[at : at + size] != block[:size]:
                break
            at += size
        else:
            return True
    return False


def words(text: str) -> frozenset[str]:
    """The words of a text, as a list of names is easiest to read."""
    return frozenset(text.split())


def name_of(kind: bytes) -> str:
    """A four-letter name of a chunk or box, readable whatever it holds."""
    return "".join(chr(c) if 32 <= c < 127 else f"\\x{c:02x}" for c in kind)


def broken(reason: str) -> UnreadableMedia:
    """What to raise where a container cannot be walked to its end; the caller adds the file."""
    return UnreadableMedia(f"cannot be walked through ({reason}), so it was not searched")
