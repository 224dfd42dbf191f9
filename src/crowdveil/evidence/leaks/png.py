"""Walks a PNG file, chunk by chunk and past its end. Source: W3C PNG, third edition (2025)."""

import zlib
from collections.abc import Iterator

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


def png_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a PNG file but its picture, colour profile and density."""
    if data[:8] != _SIGNATURE:
        raise broken("it does not begin like a PNG")
    at, name = 8, ""
    while name != "IEND":
        if at + 12 > len(data):
            raise broken("it ends too early")
        size = int.from_bytes(data[at : at + 4], "big")
        name, place = name_of(data[at + 4 : at + 8]), f"{name_of(data[at + 4 : at + 8])} at {at:,}"
        end = at + 12 + size
        if end > len(data):
            raise broken("a chunk reaches past the end")
        if name not in _PICTURE:
            yield from _chunk(name, bytes(data[at + 8 : end - 4]), place)
        at = end
    yield from leftover(data, at, len(data), "after the end of the picture", f"byte {at:,}")


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
