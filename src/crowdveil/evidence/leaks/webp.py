"""Walks a WebP file: one picture or the frames of one animation, each with its transparency.

Source: Google, WebP Container Specification; RFC 6386 (VP8); WebP Lossless Bitstream.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from crowdveil.evidence.leaks.chunks import STRAYS, chunks, riff_end
from crowdveil.evidence.leaks.exif import exif_leaks, xmp_leaks
from crowdveil.evidence.leaks.leak import Data, Leak, broken, leftover
from crowdveil.evidence.leaks.profile import profile_leaks
from crowdveil.evidence.leaks.tails import tail_is_used

_SIZES = {"VP8X": 10, "ANIM": 6}
_FRAME_HEAD = 16
_ANIMATED = 0x02


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk that a picture is made of."""

    name: str
    start: int
    end: int

    def bytes_of(self, data: Data) -> bytes:
        return bytes(data[self.start : self.end])


def webp_leaks(data: Data) -> Iterator[Leak]:
    """Everything in a WebP file but its pictures and their colour profile."""
    end = riff_end(data, b"WEBP")
    picture: list[_Part] = []
    seen: set[str] = set()
    animated = frames = False
    for name, start, stop in chunks(data, 12, end):
        place = f"{name.strip()} at {start - 8:,}"
        if name == STRAYS:
            yield from leftover(data, start, stop, "where no chunk begins", f"byte {start:,}")
            continue
        if name in seen and name != "ANMF":
            yield Leak(f"a second chunk ({name.strip()})", place, stop - start)
        seen.add(name)
        if name in _SIZES:
            animated |= name == "VP8X" and bool(data[start] & _ANIMATED)
            if stop - start != _SIZES[name]:
                what = f"{stop - start:,} bytes in {name}, which needs {_SIZES[name]}"
                yield Leak(what, place, stop - start)
        elif name in ("VP8 ", "VP8L", "ALPH"):
            picture.append(_Part(name, start, stop))
        elif name == "ICCP":
            yield from profile_leaks(bytes(data[start:stop]), place)
        elif name == "ANMF":
            frames = True
            yield from _frame(data, start, stop, place)
        elif name == "EXIF":
            yield from exif_leaks(bytes(data[start:stop]).removeprefix(b"Exif\0\0"), place)
        elif name == "XMP ":
            yield from xmp_leaks(bytes(data[start:stop]), place)
        else:
            yield Leak(f"an unknown chunk ({name})", place, stop - start)
    if frames and picture:
        yield Leak("another picture beside the animation", picture[0].name, 0)
    elif frames and not animated:
        yield Leak("frames of an animation that are never shown", "ANMF", 0)
    elif picture:
        yield from _picture(data, picture, "")
    yield from leftover(data, end, len(data), "after the end of the picture", f"byte {end:,}")


def _frame(data: Data, start: int, stop: int, place: str) -> Iterator[Leak]:
    if stop - start < _FRAME_HEAD:
        raise broken("a frame is cut off")
    parts: list[_Part] = []
    for inner, first, last in chunks(data, start + _FRAME_HEAD, stop):
        if inner == STRAYS:
            yield from leftover(data, first, last, "where no chunk begins", f"byte {first:,}")
        elif inner in ("VP8 ", "VP8L", "ALPH"):
            parts.append(_Part(inner, first, last))
        else:
            yield Leak(f"an unknown chunk ({inner}) in a frame", place, last - first)
    if parts:
        yield from _picture(data, parts, f"{place}/")


def _picture(data: Data, parts: list[_Part], within: str) -> Iterator[Leak]:
    """What the chunks of one picture hold beyond its pixels."""
    coded = [part for part in parts if part.name != "ALPH"]
    alphas = [part for part in parts if part.name == "ALPH"]
    for more in [*coded[1:], *alphas[1:]]:
        place = f"{within}{more.name.strip()} at {more.start - 8:,}"
        yield Leak("another picture", place, more.end - more.start)
    if not coded:
        yield Leak("transparency of no picture", f"{within}ALPH", 0)
        return
    main, alpha = coded[0], alphas[0] if alphas else None
    own = main.bytes_of(data)
    place = f"{within}{main.name.strip()} at {main.start - 8:,}"
    if not tail_is_used(own, lambda body: _file([(main.name, body)])):
        yield Leak("bytes behind the picture's own data", place, 0)
    if alpha is None:
        return
    place = f"{within}ALPH at {alpha.start - 8:,}"
    transparency = alpha.bytes_of(data)
    width, height = _size(main.name, own)
    raw = transparency[:1] and not transparency[0] & 3
    if main.name == "VP8L" or (raw and len(transparency) != 1 + width * height):
        yield Leak(f"{len(transparency):,} bytes of transparency, more than it needs", place, 0)
        return
    head = ("VP8X", struct.pack("<B3x", 0x10) + _less(width) + _less(height))
    if not raw and not tail_is_used(
        transparency, lambda body: _file([head, ("ALPH", body), (main.name, own)])
    ):
        yield Leak("bytes behind the transparency's own data", place, 0)


def _less(side: int) -> bytes:
    return struct.pack("<I", max(side - 1, 0))[:3]


def _size(name: str, coded: bytes) -> tuple[int, int]:
    """Width and height that a coded picture begins with."""
    if name == "VP8L":
        (word,) = struct.unpack_from("<I", coded, 1)
        return (word & 0x3FFF) + 1, (word >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", coded, 6)
    return width & 0x3FFF, height & 0x3FFF


def _file(parts: list[tuple[str, bytes]]) -> bytes:
    """A file of these chunks."""
    body = b"WEBP" + b"".join(
        name.encode() + struct.pack("<I", len(part)) + part + bytes(len(part) % 2)
        for name, part in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body
