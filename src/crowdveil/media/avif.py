"""AVIF, still and animated, through Pillow (libavif).

Pillow decodes to 8 bits; deeper sources are reduced, which docs/formats.md says. Rotation
and mirroring are turned into EXIF orientation by Pillow and baked in here.
"""

import io
from dataclasses import replace

import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.icc import neutral_profile
from crowdveil.media.notes import Notes
from crowdveil.media.orientation import exif_orientation, upright
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat
from crowdveil.media.pillow import decoding, open_image, same_kind, text_or_bytes, to_image, to_picture

_QUALITY = 88


def decode(data: bytes, where: str) -> Photo:
    """Decode an AVIF; raises `UnreadableMedia`, its message beginning with `where`."""
    image = open_image(data, ("AVIF",), where, animated=True)
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
    animated = count > 1
    return Photo(
        PhotoFormat.AVIF,
        same_kind(frames),
        durations_ms=tuple(durations) if animated else (),
        icc=icc,
    )


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode; raises `UnsupportedMedia` for CMYK, more than 8 bits, or pages."""
    picture = photo.frames[0]
    if picture.space is ColourSpace.CMYK or picture.samples.dtype == np.uint16:
        raise UnsupportedMedia("crowdveil writes AVIF with 8-bit RGB only; choose --format tiff")
    if len(photo.frames) > 1 and not photo.durations_ms:
        raise UnsupportedMedia("AVIF holds no pages; choose --format tiff")
    options: dict[str, object] = {"quality": _QUALITY, "speed": 7}
    if photo.durations_ms:
        rest = [to_image(frame) for frame in photo.frames[1:]]
        options |= {"save_all": True, "append_images": rest, "duration": list(photo.durations_ms)}
    if photo.icc:
        options["icc_profile"] = photo.icc
    if xmp:
        options["xmp"] = xmp
    out = io.BytesIO()
    to_image(picture).save(out, "AVIF", **options)
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """The metadata blocks of the file, for reading a credit; never raises."""
    try:
        info = open_image(data, ("AVIF",), "photo").info
        return Notes(text_or_bytes(info.get("exif")), text_or_bytes(info.get("xmp")))
    # A damaged block means no credit, not a lost photo.
    except Exception:
        return Notes()
