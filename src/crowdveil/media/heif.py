"""HEIF and HEIC, 8 to 12 bits, through pillow-heif (libheif).

The primary image only: thumbnails, depth and gain maps and metadata items stay behind.
libheif applies rotation and mirroring itself, so EXIF orientation is not looked at.
"""

import io

import numpy as np

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.icc import neutral_profile
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.pillow import decoding, text_or_bytes, to_image

_QUALITY = 90
_MODES = {
    "L": (ColourSpace.GREY, False),
    "LA": (ColourSpace.GREY, True),
    "RGB": (ColourSpace.RGB, False),
    "RGBA": (ColourSpace.RGB, True),
}


def decode(data: bytes, where: str) -> Photo:
    """Decode the primary image; raises `UnreadableMedia`, its message beginning with `where`."""
    import pillow_heif  # slow to import, and most photos are no HEIF

    with decoding(where):
        opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
        image = opened[opened.primary_index]
        check_size(*image.size, 1, where)
        mode, _, depth = image.mode.partition(";")
        samples = np.asarray(image)
        if samples.ndim == 2:
            samples = samples[..., None]
        space, alpha = _MODES[mode]
        if depth and samples.dtype != np.uint16:
            samples = samples.view(np.uint16)
        profile = image.info.get("icc_profile")
        return Photo(
            PhotoFormat.HEIF,
            (Picture(np.ascontiguousarray(samples), space, alpha),),
            icc=neutral_profile(profile if isinstance(profile, bytes) else None, space),
        )


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode as HEVC; 16-bit samples are stored with 10 bits.

    Raises:
        UnsupportedMedia: CMYK or more than one frame.
    """
    import pillow_heif

    picture = photo.frames[0]
    if picture.space is ColourSpace.CMYK:
        raise UnsupportedMedia("HEIF holds no CMYK; choose --format jpeg or tiff")
    if len(photo.frames) > 1:
        raise UnsupportedMedia("crowdveil writes no moving HEIF; choose --format webp or png")
    options: dict[str, object] = {"quality": _QUALITY, "chroma": 420}
    if picture.samples.dtype == np.uint16:
        samples = picture.samples
        mode = {1: "L;16", 3: "RGB;16", 4: "RGBA;16"}.get(samples.shape[2])
        if mode is None:
            samples, mode = samples[..., [0, 0, 0, 1]], "RGBA;16"
        heif = pillow_heif.from_bytes(mode, picture.size_wh, samples.tobytes())
    else:
        image = to_image(picture)
        heif = pillow_heif.from_pillow(image.convert("RGBA") if image.mode == "LA" else image)
    if photo.icc:
        options["icc_profile"] = photo.icc
        heif[0].info["icc_profile"] = photo.icc
    if xmp:
        heif[0].info["xmp"] = xmp
    out = io.BytesIO()
    heif.save(out, **options)
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """The metadata blocks of the file, for reading a credit; never raises."""
    import pillow_heif

    try:
        opened = pillow_heif.open_heif(io.BytesIO(data))
        info = opened[opened.primary_index].info
        return Notes(text_or_bytes(info.get("exif")), text_or_bytes(info.get("xmp")))
    # A damaged block means no credit, not a lost photo.
    except Exception:
        return Notes()
