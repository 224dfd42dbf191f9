"""WebP: lossy and lossless stills and animations.

What was lossless is written without loss, what was lossy with quality to spare. Only the
chunks that make up the picture are shown to the decoder.
Source: RFC 9649, WebP Image Format.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from crowdveil.media import orientation, pillow
from crowdveil.media.icc import neutral_profile
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat

MAX_SIDE_PX = 16_383
QUALITY = 95
"""Of lossy output: 45 dB from a lossy source for 1.4 times its bytes (98: 46 dB for 1.8)."""
_METHOD = 4
_LOSSLESS_EFFORT = 50
_PICTURE = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"})
_CODED = frozenset({b"VP8 ", b"VP8L"})
_FRAME_HEADER = 16
_FEATURES_KEPT = 0x12
"""Alpha and animation; the bits of profile, EXIF and XMP go with their chunks."""
_LOSSLESS_SOURCES = frozenset({PhotoFormat.PNG, PhotoFormat.GIF, PhotoFormat.BMP, PhotoFormat.TIFF})


@dataclass(frozen=True, slots=True)
class WebpEncoding:
    """Whether any frame of the source was lossless."""

    lossless: bool


def decode(data: bytes, where: str) -> Photo:
    """Decode a WebP file or animation.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
    """
    with pillow.decoding(where):
        chunks = dict(reversed(list(_chunks(data))))
        frame_count = sum(name == b"ANMF" for name, _ in _chunks(data))
        image: Any = pillow.open_image(_clean(data), ("WEBP",), where)
        # The decoder counts frames only after it has made room for one.
        check_size(image.width, image.height, max(1, frame_count), where)
        turn = orientation.exif_orientation(chunks.get(b"EXIF"))
        frames, durations = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            picture = pillow.to_picture(image, where)
            frames.append(replace(picture, samples=orientation.upright(picture.samples, turn)))
            durations.append(int(image.info.get("duration", 0)))
        animated = len(frames) > 1
        return Photo(
            PhotoFormat.WEBP,
            pillow.same_kind(frames),
            durations_ms=tuple(durations) if animated else (),
            loop=int(image.info.get("loop", 0)) if animated else None,
            icc=neutral_profile(chunks.get(b"ICCP"), ColourSpace.RGB),
            density=_upright_density(chunks.get(b"EXIF"), turn),
            encoding=WebpEncoding(b"VP8L" in _coded_kinds(data)),
        )


def notes(data: bytes) -> Notes:
    """Metadata blocks of a WebP file."""
    with suppress(Exception):
        chunks = dict(reversed(list(_chunks(data))))
        return Notes(exif=chunks.get(b"EXIF"), xmp=chunks.get(b"XMP "))
    return Notes()


def _upright_density(exif: bytes | None, turn: int) -> tuple[float, float] | None:
    """Dots per inch; kept for other formats, as WebP itself has no place for it."""
    density = orientation.exif_density(exif)
    return density[::-1] if density and turn in orientation.TRANSPOSING else density


def _chunks(data: bytes, start: int = 12, end: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Chunks by name; those of a file end where its header says."""
    if end is None:
        end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("it ends too early")
    at = start
    while at + 8 <= end:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise ValueError("it ends too early")
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _clean(data: bytes) -> bytes:
    """The same picture without anything else."""
    parts = []
    for name, body in _chunks(data):
        if name not in _PICTURE:
            continue
        if name == b"VP8X" and body:
            body = bytes([body[0] & _FEATURES_KEPT]) + body[1:]
        parts.append(name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2))
    whole = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _coded_kinds(data: bytes) -> set[bytes]:
    """How the frames are coded: VP8 with loss, VP8L without."""
    kinds = set()
    for name, body in _chunks(data):
        kinds.add(name)
        if name == b"ANMF":
            kinds.update(inner for inner, _ in _chunks(body, _FRAME_HEADER, len(body)))
    return kinds & _CODED


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a photo or animation, without loss if its source had none.

    Neighbouring frames that are equal may become one that is shown for as long as both.

    Args:
        photo: 8-bit RGB with or without alpha, at most `MAX_SIDE_PX` a side.
        xmp: a packet to embed.
    """
    images = [pillow.to_image(frame) for frame in photo.frames]
    if isinstance(photo.encoding, WebpEncoding):
        lossless = photo.encoding.lossless
    else:
        lossless = photo.format in _LOSSLESS_SOURCES
    settings: dict[str, Any] = {
        "lossless": lossless,
        "quality": _LOSSLESS_EFFORT if lossless else QUALITY,
        "alpha_quality": 100,
        "method": _METHOD,
        # Colours under full transparency stay what they were.
        "exact": True,
        "icc_profile": photo.icc or b"",
        "xmp": xmp or b"",
    }
    if len(images) > 1:
        settings |= {
            "save_all": True,
            "append_images": images[1:],
            "duration": list(photo.durations_ms),
            # A file that does not say how often plays once.
            "loop": 1 if photo.loop is None else photo.loop,
            "background": (0, 0, 0, 0),
        }
    out = io.BytesIO()
    images[0].save(out, "WEBP", **settings)
    return out.getvalue()
