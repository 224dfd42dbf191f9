"""Takes a PNG file apart into chunks and puts chunks together again.

Bytes come in; a file with nothing but the picture comes out, with what describes its colours
and the metadata beside it. Decoding and encoding pixels is left to `png`.
Source: Portable Network Graphics (Third Edition), W3C 2025.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.icc import (
    SRGB_PRIMARIES,
    Chromaticities,
    coded_profile,
    grey_profile_of,
    profile_of,
)
from crowdveil.media.notes import Notes
from crowdveil.media.pillow import damaged, sound_density

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"})
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Colour type to the depths it may have."""
_MAX_TEXT_BYTES = 16_000_000
"""How far a compressed profile or text may unpack."""
_SRGB_EXPONENT = 0.45455
_SCALE = 100_000
"""`gAMA` and `cHRM` count in parts of this."""
_NUMBERS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
"""The chunks that describe colours in numbers, and their lengths."""
_INTENTS = 4
_LARGEST_GAMMA, _LARGEST_CHROMATICITY = 10 * _SCALE, 2 * _SCALE
_GREYS = frozenset({0, 4})
INCH_M = 0.0254

Chunk: TypeAlias = tuple[bytes, bytes | memoryview]
"""Type and content."""


@dataclass(slots=True)
class PngFile:
    """What is in a PNG file.

    Attributes:
        size_wh: width and height in pixels.
        depth: bits a sample.
        colour: PNG's colour type.
        interlaced: whether it is.
        chunks: type and content of those that make the picture, in order.
        frames: how many frames the file says its animation has, 0 without one.
        others: the first of each other kind, by type.
        texts: the bodies of `iTXt`.
    """

    size_wh: tuple[int, int] = (0, 0)
    depth: int = 0
    colour: int = 0
    interlaced: bool = False
    chunks: list[Chunk] = field(default_factory=list)
    frames: int = 0
    others: dict[bytes, bytes] = field(default_factory=dict)
    texts: list[bytes] = field(default_factory=list)

    @property
    def plays(self) -> bool:
        """Whether it shows an animation rather than its still picture.

        The still picture is the first frame of an animation, or none of it.
        """
        order = [kind for kind, _ in self.chunks]
        lone = self.frames == 1 and b"fcTL" in order
        return self.frames > 1 or (lone and order.index(b"fcTL") > order.index(b"IDAT"))

    def only(self, kinds: Iterable[bytes]) -> bytes:
        """A file of the chunks of these kinds."""
        wanted = frozenset(kinds)
        return build(chunk for chunk in self.chunks if chunk[0] in wanted)

    def joined(self, kind: bytes) -> bytes:
        """The content of all chunks of a kind."""
        return b"".join(body for name, body in self.chunks if name == kind)


def parse(data: bytes, where: str) -> PngFile:
    """Take a file apart; what follows its end chunk is ignored.

    Raises:
        UnreadableMedia: it ends too early, or a chunk of the picture is damaged.
        UnsupportedMedia: it needs a chunk that is not known.
    """
    file = PngFile()
    whole = memoryview(data)
    at = len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise damaged(where, "it ends too early")
        size, kind = struct.unpack_from(">I4s", data, at)
        # The pixels of a large photo are not copied to take it apart.
        body = whole[at + 8 : at + 8 + size]
        check = data[at + 8 + size : at + 12 + size]
        if len(check) < 4:
            raise damaged(where, "it ends too early")
        sound = zlib.crc32(body, zlib.crc32(kind)) == int.from_bytes(check, "big")
        at += 12 + size
        if kind == b"IEND":
            break
        if kind in _PICTURE or not kind[0] & 0x20:
            if not sound:
                raise damaged(where, "its check sums do not fit")
            if kind not in _PICTURE:
                raise UnsupportedMedia(
                    f"{where}: is a PNG that needs a part of an unknown kind "
                    f"({kind.decode('latin-1')!r}) to be shown, which is not read; "
                    "save it as an ordinary PNG first"
                )
            _add(file, kind, body, where)
        elif sound and kind == b"iTXt":
            file.texts.append(bytes(body))
        elif sound:
            file.others.setdefault(kind, bytes(body))
    if not any(kind == b"IDAT" for kind, _ in file.chunks):
        raise damaged(where, "it holds no picture")
    return file


def _add(file: PngFile, kind: bytes, body: memoryview, where: str) -> None:
    if (kind == b"IHDR") == bool(file.chunks):
        raise damaged(where, "its header is not where it belongs")
    if kind == b"IHDR":
        if len(body) != 13:
            raise damaged(where, "its header makes no sense")
        width, height, file.depth, file.colour, *methods = struct.unpack(">IIBBBBB", body)
        if file.depth not in _DEPTHS.get(file.colour, ()) or methods not in ([0, 0, 0], [0, 0, 1]):
            raise damaged(where, "its header makes no sense")
        file.size_wh = width, height
        file.interlaced = methods[2] == 1
    elif kind == b"acTL" and len(body) == 8:
        file.frames = int.from_bytes(body[:4], "big")
    file.chunks.append((kind, body))


def build(chunks: Iterable[Chunk]) -> bytes:
    """Put chunks together to a file; the end chunk is added."""
    parts: list[bytes | memoryview] = [SIGNATURE]
    for kind, body in (*chunks, (b"IEND", b"")):
        parts += [struct.pack(">I4s", len(body), kind), body]
        parts.append(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))
    return b"".join(parts)


def profile(file: PngFile) -> bytes | None:
    """The profile of a PNG, or one made of the numbers that describe its colours or greys.

    Plain sRGB, said or assumed, needs none.
    """
    if packed := file.others.get(b"iCCP"):
        _, _, body = packed.partition(b"\0")
        return _inflated(body[1:])
    numbers = dict(colour_numbers(file))
    grey = file.colour in _GREYS
    if (coded := numbers.get(b"cICP")) and not grey:
        return coded_profile(coded[0], coded[1])
    if b"sRGB" in numbers:
        return None
    exponent = _SRGB_EXPONENT
    if gamma := numbers.get(b"gAMA"):
        exponent = int.from_bytes(gamma, "big") / _SCALE
    usual = abs(exponent - _SRGB_EXPONENT) < 0.005
    if not 0.05 < exponent < 5 or (grey and usual):
        return None
    if grey:
        return grey_profile_of(1 / exponent)
    primaries = SRGB_PRIMARIES
    if primary := numbers.get(b"cHRM"):
        flat = [v / _SCALE for v in struct.unpack(">8I", primary)]
        primaries = tuple(zip(flat[::2], flat[1::2], strict=True))
    if usual and _close(primaries, SRGB_PRIMARIES):
        return None
    try:
        return profile_of(primaries, 1 / exponent)
    except ValueError:
        return None


def colour_numbers(file: PngFile) -> tuple[tuple[bytes, bytes], ...]:
    """The chunks of a file that describe its colours in numbers that make sense."""
    found = ((kind, file.others.get(kind, b"")) for kind in _NUMBERS)
    return tuple((kind, body) for kind, body in found if len(body) and _makes_sense(kind, body))


def _makes_sense(kind: bytes, body: bytes) -> bool:
    """Whether it has the length and the range of its kind, so that nothing else hides in it."""
    if len(body) != _NUMBERS[kind]:
        return False
    match kind:
        case b"sRGB":
            return body[0] < _INTENTS
        case b"cICP":
            return body[3] <= 1
        case b"gAMA":
            return 0 < int.from_bytes(body, "big") <= _LARGEST_GAMMA
    return all(value <= _LARGEST_CHROMATICITY for value in struct.unpack(">8I", body))


def _close(a: Chromaticities, b: Chromaticities) -> bool:
    return bool(np.allclose(a, b, rtol=0, atol=0.002))


def _inflated(packed: bytes) -> bytes | None:
    try:
        unpacking = zlib.decompressobj()
        whole = unpacking.decompress(packed, _MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return whole if unpacking.eof else None


def density(file: PngFile) -> tuple[float, float] | None:
    """Dots per inch, if the file gives them and they make sense."""
    body = file.others.get(b"pHYs", b"")
    if len(body) != 9 or body[8] != 1:
        return None
    x, y = struct.unpack_from(">II", body)
    return sound_density(x * INCH_M, y * INCH_M)


def xmp_text(packet: bytes) -> tuple[bytes, bytes]:
    """The chunk that holds an XMP packet."""
    return b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet


def notes_of(file: PngFile) -> Notes:
    """The metadata blocks of a file."""
    xmp = None
    for text in file.texts:
        name, _, rest = text.partition(b"\0")
        if name == b"XML:com.adobe.xmp" and len(rest) > 2:
            _, _, after = rest[2:].partition(b"\0")
            _, _, packet = after.partition(b"\0")
            xmp = _inflated(packet) if rest[0] else packet
    return Notes(exif=file.others.get(b"eXIf"), xmp=xmp)
