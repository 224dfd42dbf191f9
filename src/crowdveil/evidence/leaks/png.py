"""Walks a PNG file, chunk by chunk and past its end. Source: W3C PNG, third edition (2025)."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover, name_of, words
from crowdveil.evidence.leaks.profile import profile_leaks

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = words(
    "IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB pHYs sBIT bKGD cICP mDCV mDCv cLLI cLLi hIST "
    "sTER acTL fcTL fdAT"
)
_TEXTS = frozenset({"tEXt", "zTXt", "iTXt"})
_MOST_BYTES = 16_000_000
_PART_BYTES = 1 << 18


def png_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a PNG file but its picture, colour profile and density."""
    if data[:8] != _SIGNATURE:
        raise broken("it does not begin like a PNG")
    at, name = 8, ""
    picture, animation = _Inflated(data), _Animation()
    while name != "IEND":
        if at + 12 > len(data):
            raise broken("it ends too early")
        size = int.from_bytes(data[at : at + 4], "big")
        name, place = name_of(data[at + 4 : at + 8]), f"{name_of(data[at + 4 : at + 8])} at {at:,}"
        end = at + 12 + size
        if end > len(data):
            raise broken("a chunk reaches past the end")
        if name == "IDAT":
            picture.add(at + 8, end - 4)
        animation.note(name, data, at + 8)
        if name not in _PICTURE:
            yield from _chunk(name, bytes(data[at + 8 : end - 4]), place)
        at = end
    yield from picture.leaks()
    yield from animation.leaks()
    yield from leftover(data, at, len(data), "after the end of the picture", f"byte {at:,}")


class _Inflated:
    """The compressed picture: what lies behind the end of its stream is no picture."""

    def __init__(self, data: Data) -> None:
        self._data, self._stream = data, zlib.decompressobj()
        self._behind, self._place = 0, 0

    def add(self, start: int, end: int) -> None:
        """One more part of the stream."""
        for at in range(start, end, _PART_BYTES):
            part = bytes(self._data[at : min(at + _PART_BYTES, end)])
            if not self._stream.eof:
                # Only where it ends is of interest: nothing of the picture is kept.
                while part and not self._stream.eof:
                    try:
                        self._stream.decompress(part, _PART_BYTES)
                    except zlib.error as error:
                        raise broken("its picture cannot be unpacked") from error
                    part = self._stream.unconsumed_tail
                part = self._stream.unused_data
                at = min(at + _PART_BYTES, end) - len(part)
            if part.strip(b"\0"):
                self._place = self._place or at
                self._behind += len(part)

    def leaks(self) -> Iterator[Leak]:
        """What was found."""
        if self._behind:
            yield Leak(
                f"{self._behind:,} bytes behind the picture's own data",
                f"IDAT, byte {self._place:,}",
                self._behind,
            )


@dataclass(slots=True)
class _Animation:
    """How many frames were promised, and how many came."""

    promised: int | None = None
    frames: int = 0
    parts: int = 0

    def note(self, name: str, data: Data, at: int) -> None:
        """One more chunk, whose body begins at a byte."""
        if name == "acTL":
            self.promised = int.from_bytes(data[at : at + 4], "big")
        self.frames += name == "fcTL"
        self.parts += name == "fdAT"

    def leaks(self) -> Iterator[Leak]:
        """Frames that no viewer shows."""
        if (self.promised or 0) < self.frames or (self.parts and self.promised is None):
            yield Leak("frames of an animation that are never shown", "fdAT", self.parts)


def _chunk(name: str, body: bytes, place: str) -> Iterator[Leak]:
    if name == "iCCP":
        label, _, packed = body.partition(b"\0")
        profile = _inflated(packed[1:])
        if profile is None:
            yield Leak("a colour profile that cannot be opened", place, len(body))
        else:
            yield from profile_leaks(profile, place)
        if label.lower() not in _PROFILE_NAMES:
            yield Leak("a name of the colour profile", place, len(label))
    elif name == "eXIf":
        yield from exif_leaks(body, place)
    elif name == "iTXt" and body.startswith(b"XML:com.adobe.xmp\0"):
        # Keyword, compressed or not, method, language and translated keyword come first.
        packet = body.split(b"\0", 1)[1][2:].split(b"\0", 2)[-1]
        yield from xmp_leaks(packet, place)
    elif name in _TEXTS:
        keyword = body.split(b"\0")[0].decode("latin-1")
        printable = "".join(char for char in keyword if char.isprintable())
        yield Leak(f"a text ({printable[:40]})", place, len(body))
    elif name == "tIME":
        yield Leak("the date of its last change", place, len(body))
    else:
        yield Leak(f"an unknown chunk ({name})", place, len(body))


_PROFILE_NAMES = frozenset({b"icc profile", b"icc", b"profile", b"srgb", b"neutral colour profile"})


def _inflated(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except zlib.error:
        return None
