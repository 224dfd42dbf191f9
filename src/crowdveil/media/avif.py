"""AVIF: stills and animations, at 8 bits.

Pillow decodes 10 and 12 bits to 8; the documentation says so. Rotation and mirroring that
the file asks for come out of Pillow as an EXIF orientation and are applied once.
"""

import io
from contextlib import suppress
from dataclasses import replace
from typing import Any

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import orientation, pillow
from crowdveil.media.icc import HDR_CURVES, coded_profile, neutral_profile
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat

MAX_SIDE_PX = 65_536
QUALITY = 85
_SPEED = 7
_SUBSAMPLING = "4:2:0"
_CODED_COLOURS = b"colrnclx"
"""Type and kind of the box that numbers primaries and curve."""


def decode(data: bytes, where: str) -> Photo:
    """Decode an AVIF file or animation; 10 and 12 bits are reduced to 8.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
        UnsupportedMedia: high dynamic range, which 8 bits cannot hold.
    """
    with pillow.decoding(where):
        primaries, curve = _coded_colours(data)
        if curve in HDR_CURVES:
            raise UnsupportedMedia(
                f"{where}: is an AVIF of high dynamic range, which is not read; "
                "export it with standard range first"
            )
        image: Any = pillow.open_image(data, ("AVIF",), where, animated=True)
        turn = orientation.exif_orientation(pillow.text_or_bytes(image.info.get("exif")))
        frames, durations = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            picture = pillow.to_picture(image, where)
            frames.append(replace(picture, samples=orientation.upright(picture.samples, turn)))
            durations.append(round(float(image.info.get("duration", 0))))
        pictures = pillow.same_kind(frames)
        icc = neutral_profile(image.info.get("icc_profile"), pictures[0].space)
        if icc is None and pictures[0].space is ColourSpace.RGB:
            icc = coded_profile(primaries, curve)
    animated = len(pictures) > 1
    return Photo(
        PhotoFormat.AVIF, pictures, durations_ms=tuple(durations) if animated else (), icc=icc
    )


def notes(data: bytes) -> Notes:
    """Metadata blocks of an AVIF file."""
    with suppress(Exception):
        info = pillow.open_image(data, ("AVIF",), "").info
        exif, xmp = (pillow.text_or_bytes(info.get(name)) for name in ("exif", "xmp"))
        return Notes(exif=exif, xmp=xmp)
    return Notes()


def _coded_colours(data: bytes) -> tuple[int, int]:
    """Numbers of primaries and curve after ITU-T H.273; unspecified if the file has none."""
    at = data.find(_CODED_COLOURS) + len(_CODED_COLOURS)
    if at < len(_CODED_COLOURS) or at + 4 > len(data):
        return 2, 2
    return int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a photo or animation of 8 bits, grey or RGB, with or without alpha.

    Args:
        photo: at most `MAX_SIDE_PX` a side.
        xmp: a packet to embed.
    """
    images = [pillow.to_image(frame) for frame in photo.frames]
    settings: dict[str, Any] = {"quality": QUALITY, "speed": _SPEED}
    settings |= {"icc_profile": photo.icc, "xmp": xmp}
    if photo.frames[0].space is ColourSpace.RGB:
        settings["subsampling"] = _SUBSAMPLING
    if len(images) > 1:
        settings |= {
            "save_all": True,
            "append_images": images[1:],
            "duration": list(photo.durations_ms),
        }
    out = io.BytesIO()
    images[0].save(out, "AVIF", **settings)
    return out.getvalue()
