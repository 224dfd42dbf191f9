"""WebP: lossy, lossless and animated.

Whether the source was lossless is read from its chunks, and the output is of the same kind.
"""

import io
from dataclasses import dataclass, replace

import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.icc import neutral_profile
from crowdveil.media.notes import Notes
from crowdveil.media.orientation import exif_orientation, upright
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat
from crowdveil.media.pillow import decoding, open_image, same_kind, text_or_bytes, to_image, to_picture

MAX_SIDE_PX = 16_383
_QUALITY = 92


@dataclass(frozen=True, slots=True)
class WebpEncoding:
    """Whether a WebP was lossless throughout."""

    lossless: bool


def decode(data: bytes, where: str) -> Photo:
    """Decode a WebP; raises `UnreadableMedia`, its message beginning with `where`."""
    image = open_image(data, ("WEBP",), where, animated=True)
    frames, durations = [], []
    with decoding(where):
        turn = exif_orientation(text_or_bytes(image.info.get("exif")))
        count = int(getattr(image, "n_frames", 1))
        for k in range(count):
            image.seek(k)
            image.load()
            picture = to_picture(image, where)
            frames.append(replace(picture, samples=upright(picture.samples, turn)))
            durations.append(round(float(image.info.get("duration", 0))))
        icc = neutral_profile(image.info.get("icc_profile"), frames[0].space)
        loop = image.info.get("loop")
    animated = count > 1
    return Photo(
        PhotoFormat.WEBP,
        same_kind(frames),
        durations_ms=tuple(durations) if animated else (),
        loop=int(loop) if animated and loop is not None else None,
        icc=icc,
        encoding=WebpEncoding(b"VP8L" in _chunks(data) and b"VP8 " not in _chunks(data)),
    )


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode, losslessly if the source was.

    Raises:
        UnsupportedMedia: CMYK, more than 8 bits, several pages, or too large for WebP.
    """
    picture = photo.frames[0]
    if picture.space is ColourSpace.CMYK or picture.samples.dtype == np.uint16:
        raise UnsupportedMedia("WebP holds 8-bit grey and RGB only; choose --format tiff or png")
    if max(picture.size_wh) > MAX_SIDE_PX:
        raise UnsupportedMedia(f"WebP holds at most {MAX_SIDE_PX} pixels a side; use --format png")
    if len(photo.frames) > 1 and not photo.durations_ms:
        raise UnsupportedMedia("WebP holds no pages; choose --format tiff")
    lossless = not isinstance(photo.encoding, WebpEncoding) or photo.encoding.lossless
    if photo.format in (PhotoFormat.JPEG, PhotoFormat.HEIF, PhotoFormat.AVIF):
        lossless = False
    options: dict[str, object] = {"lossless": lossless, "exact": True, "method": 4}
    options["quality"] = 75 if lossless else _QUALITY
    if photo.durations_ms:
        rest = [to_image(frame) for frame in photo.frames[1:]]
        options |= {"save_all": True, "append_images": rest}
        options |= {"duration": list(photo.durations_ms), "loop": photo.loop or 0}
    if photo.icc:
        options["icc_profile"] = photo.icc
    if xmp:
        options["xmp"] = xmp
    out = io.BytesIO()
    to_image(picture).save(out, "WEBP", **options)
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """The metadata blocks of the file, for reading a credit; never raises."""
    try:
        info = open_image(data, ("WEBP",), "photo").info
        return Notes(text_or_bytes(info.get("exif")), text_or_bytes(info.get("xmp")))
    # A damaged block means no credit, not a lost photo.
    except Exception:
        return Notes()


def _chunks(data: bytes) -> set[bytes]:
    """Kinds of all chunks, those inside animation frames too."""
    kinds: set[bytes] = set()
    todo = [(12, len(data))]
    while todo:
        position, end = todo.pop()
        while position + 8 <= end:
            kind = data[position : position + 4]
            size = int.from_bytes(data[position + 4 : position + 8], "little")
            kinds.add(kind)
            if kind == b"ANMF":
                todo.append((position + 24, min(position + 8 + size, end)))
            position += 8 + size + size % 2
    return kinds
