"""How much memory a photo will take, judged by its header before it is decoded.

Keeps two huge photos from being in memory at once. A wrong guess costs speed or memory,
never a photo: what cannot be judged is worked on alone, and decoding has its own limits.
"""

from pathlib import Path

from crowdveil.media.formats import HEAD_BYTES, identify
from crowdveil.media.picture import PhotoFormat

BUDGET_PX = 64_000_000
"""Pixels that may be in work at once. Two photos of 24 megapixels go together, two of 45 do
not; one that is heavier goes alone."""

_DEEP = frozenset({PhotoFormat.PNG, PhotoFormat.TIFF, PhotoFormat.HEIF, PhotoFormat.AVIF})
"""Formats that may hold 16 bits a channel, so that a pixel may take twice the memory."""

_PILLOW = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")


def weight_px(path: Path, *, video: bool = False) -> int:
    """Pixels of all frames of a photo, twice where they may be deep.

    Returns:
        At least 0; `BUDGET_PX` if the header cannot be read, and for a video, which keeps
        all cores busy by itself.
    """
    if video:
        return BUDGET_PX
    try:
        with path.open("rb") as file:
            format = identify(file.read(HEAD_BYTES))
        if format is None:
            return 0  # will be refused before anything is decoded
        return _pixels(path, format) * (2 if format in _DEEP else 1)
    except Exception:
        # Damaged headers make decoders raise almost anything; decoding will say what it is.
        return BUDGET_PX


def _pixels(path: Path, format: PhotoFormat) -> int:
    from PIL import Image

    if format is PhotoFormat.HEIF:
        import pillow_heif

        width, height = pillow_heif.open_heif(path).size
        return int(width * height)
    with Image.open(path, formats=_PILLOW) as image:
        # The second image of a multi-picture JPEG is never decoded.
        frames = 1 if format is PhotoFormat.JPEG else getattr(image, "n_frames", 1)
        return image.size[0] * image.size[1] * int(frames)
