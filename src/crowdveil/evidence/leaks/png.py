"""Walks a PNG file, chunk by chunk and past its end: what each may hold, and no byte more.

Whether the compressed pixels are as long as the picture is left to `inflated`.
Source: W3C PNG, third edition (2025).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.inflated import Inflated, inflated_size
from crowdveil.evidence.leaks.leak import Data, Leak, broken, doubt, leftover, name_of, words
from crowdveil.evidence.leaks.profile import profile_leaks

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type to samples a pixel."""
_SIZES = {
    "IHDR": 13,
    "IEND": 0,
    "gAMA": 4,
    "cHRM": 32,
    "sRGB": 1,
    "pHYs": 9,
    "cICP": 4,
    "mDCV": 24,
    "mDCv": 24,
    "cLLI": 8,
    "cLLi": 8,
    "sTER": 1,
    "acTL": 8,
    "fcTL": 26,
}
"""Chunks that are always of one size."""
_COLOURS = words("PLTE tRNS sBIT bKGD hIST")
_PICTURE = _COLOURS | _SIZES.keys() | {"IDAT", "fdAT"}
_OFTEN = frozenset({"IDAT", "fdAT", "fcTL", "tEXt", "zTXt", "iTXt", "sPLT"})
_TEXTS = frozenset({"tEXt", "zTXt", "iTXt"})
_MOST_BYTES = 16_000_000


def png_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a PNG file but its picture, colour profile and density."""
    if data[:8] != _SIGNATURE:
        raise broken("it does not begin like a PNG")
    at, name = 8, ""
    seen: set[str] = set()
    header = bytes(data[16:29])
    frames = _Frames(data, header)
    colours = _Colours(header)
    while name != "IEND":
        if at + 12 > len(data):
            raise broken("it ends too early")
        size = int.from_bytes(data[at : at + 4], "big")
        name, place = name_of(data[at + 4 : at + 8]), f"{name_of(data[at + 4 : at + 8])} at {at:,}"
        end = at + 12 + size
        if end > len(data):
            raise broken("a chunk reaches past the end")
        if name in seen and name not in _OFTEN:
            yield Leak(f"a second {name}, which no viewer reads", place, size)
        seen.add(name)
        frames.note(name, at + 8, end - 4)
        if name in _SIZES and size != _SIZES[name]:
            yield Leak(f"{size:,} bytes in {name}, which needs {_SIZES[name]}", place, size)
        elif name in _COLOURS:
            yield from colours.leaks(name, bytes(data[at + 8 : end - 4]), place)
        elif name not in _PICTURE:
            yield from _chunk(name, bytes(data[at + 8 : end - 4]), place)
        if zlib.crc32(bytes(data[at + 4 : end - 4])) != int.from_bytes(data[end - 4 : end], "big"):
            yield doubt(f"a check sum of {name} that does not fit", place, 4)
        at = end
    yield from frames.leaks()
    yield from leftover(data, at, len(data), "after the end of the picture", f"byte {at:,}")
    if frames.broken is not None:
        raise frames.broken


@dataclass(slots=True)
class _Colours:
    """The chunks that belong to the kind of colours, and how long they may be."""

    header: bytes
    palette: int = 0

    def leaks(self, name: str, body: bytes, place: str) -> Iterator[Leak]:
        """What such a chunk holds beyond what the colours need."""
        depth, colour = self.header[8], self.header[9]
        channels = _CHANNELS.get(colour, 0)
        if name == "PLTE":
            self.palette = len(body) // 3
            wrong = len(body) % 3 or len(body) > 3 << min(depth, 8) or colour in (0, 4)
            if not wrong and colour != 3:
                yield Leak("a palette that no viewer needs", place, len(body))
                return
        elif name == "tRNS":
            sizes = {0: 2, 2: 6}.get(colour)
            wrong = len(body) != sizes if sizes else colour != 3 or len(body) > self.palette
        elif name == "sBIT":
            wrong = len(body) != (3 if colour == 3 else channels)
            wrong = wrong or any(not 0 < bits <= (8 if colour == 3 else depth) for bits in body)
        elif name == "bKGD":
            wrong = len(body) != {0: 2, 4: 2, 2: 6, 6: 6, 3: 1}.get(colour, -1)
        else:
            wrong = len(body) != 2 * self.palette
        if wrong:
            yield Leak(
                f"{len(body):,} bytes in {name}, which needs fewer or none", place, len(body)
            )


@dataclass(slots=True)
class _Frames:
    """The compressed pictures: the still one, and those of an animation."""

    data: Data
    header: bytes
    promised: int | None = None
    controls: int = 0
    still_plays: bool = False
    still: Inflated | None = None
    broken: UnreadableMedia | None = None
    frame: Inflated | None = None
    found: list[Leak] = field(default_factory=list)

    def note(self, name: str, start: int, end: int) -> None:
        """One more chunk, the body of which begins and ends at these bytes."""
        if name == "acTL":
            self.promised = int.from_bytes(self.data[start : start + 4], "big")
        elif name == "fcTL":
            self._close()
            self.controls += 1
            width, height = self._number(start + 4), self._number(start + 8)
            if self.still is None and self.controls == 1:
                self.still_plays = True
            else:
                self.frame = self._picture(width, height, "fdAT")
        elif name == "IDAT":
            if self.still is None:
                size = self._whole()
                self.still = self._picture(*size, "IDAT")
            self._add(self.still, start, end)
        elif name == "fdAT":
            if self.frame is None:
                self.found.append(
                    Leak("frames of an animation that are never shown", "fdAT", end - start)
                )
            else:
                self._add(self.frame, start + 4, end)

    def leaks(self) -> Iterator[Leak]:
        """Frames that no viewer shows, and what lies beside the pixels."""
        self._close()
        if self.still is not None:
            yield from self.still.leaks()
        if self.promised is not None and self.still is not None and not self.still_plays:
            yield Leak("a picture that is only shown where the animation is not", "IDAT", 0)
        if (self.promised or 0) < self.controls and not self.found:
            yield Leak("frames of an animation that are never shown", "fcTL", self.controls)
        yield from self.found[:1] if self.promised is None else self.found

    def _add(self, picture: Inflated, start: int, end: int) -> None:
        # What cannot be unpacked is told when all chunks have been looked at.
        try:
            picture.add(start, end)
        except UnreadableMedia as error:
            self.broken = error

    def _close(self) -> None:
        if self.frame is not None:
            self.found += self.frame.leaks()
            self.frame = None

    def _picture(self, width: int, height: int, place: str) -> Inflated:
        depth, colour, interlaced = self.header[8], self.header[9], self.header[12]
        bits = depth * _CHANNELS.get(colour, 0)
        return Inflated(self.data, inflated_size(width, height, bits, bool(interlaced)), place)

    def _whole(self) -> tuple[int, int]:
        return int.from_bytes(self.header[:4], "big"), int.from_bytes(self.header[4:8], "big")

    def _number(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 4], "big")


def _chunk(name: str, body: bytes, place: str) -> Iterator[Leak]:
    if name == "iCCP":
        label, _, packed = body.partition(b"\0")
        profile, behind = _unpacked(packed[1:])
        if profile is None:
            yield Leak("a colour profile that cannot be opened", place, len(body))
        else:
            yield from profile_leaks(profile, place)
        if behind:
            yield Leak("bytes behind a colour profile", place, behind)
        if label.lower() not in _PROFILE_NAMES:
            yield Leak("a name of the colour profile", place, len(label))
    elif name == "eXIf":
        yield from exif_leaks(body, place)
    elif name == "iTXt" and body.startswith(b"XML:com.adobe.xmp\0\0\0\0\0"):
        # Keyword, compressed or not, method, language and translated keyword come first.
        yield from xmp_leaks(body[22:], place)
    elif name in _TEXTS:
        keyword = body.split(b"\0")[0].decode("latin-1")
        printable = "".join(char for char in keyword if char.isprintable())
        yield Leak(f"a text ({printable[:40]})", place, len(body))
    elif name == "tIME":
        yield Leak("the date of its last change", place, len(body))
    elif name == "sPLT":
        yield Leak("a palette that no viewer needs", place, len(body))
    else:
        yield Leak(f"an unknown chunk ({name})", place, len(body))


_PROFILE_NAMES = frozenset({b"icc profile", b"icc", b"profile", b"srgb", b"neutral colour profile"})


def _unpacked(packed: bytes) -> tuple[bytes | None, int]:
    """What a compressed block holds, and how many bytes follow its end."""
    stream = zlib.decompressobj()
    try:
        return stream.decompress(packed, _MOST_BYTES), len(stream.unused_data)
    except zlib.error:
        return None, 0
