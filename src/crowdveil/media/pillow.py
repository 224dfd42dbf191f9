"""Opens images with Pillow safely, and turns them into pictures and back.

Only the decoders that a format module names see the bytes; whatever goes wrong inside them
comes out as one of our errors. Formats themselves are left to their modules.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from crowdveil.errors import CrowdveilError, UnreadableMedia
from crowdveil.media.limits import check_size
from crowdveil.media.picture import ColourSpace, Picture, Samples

_SPACES = {
    "L": (ColourSpace.GREY, False),
    "LA": (ColourSpace.GREY, True),
    "RGB": (ColourSpace.RGB, False),
    "RGBA": (ColourSpace.RGB, True),
    "CMYK": (ColourSpace.CMYK, False),
}


@contextmanager
def decoding(where: str) -> Iterator[None]:
    """Turn whatever a decoder raises over bad bytes into `UnreadableMedia`."""
    try:
        yield
    except CrowdveilError:
        raise
    except MemoryError as error:
        raise UnreadableMedia(f"{where}: does not fit into memory; reduce it first") from error
    # Decoders meet hostile bytes here and raise all kinds; none may end the batch.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableMedia(
            f"{where}: is damaged or not finished ({reason[:120]}); "
            "fetch it again from the camera or the sender"
        ) from error


def open_image(data: bytes, formats: tuple[str, ...], where: str) -> Image.Image:
    """Open an image without decoding its pixels yet.

    Args:
        data: the whole file.
        formats: Pillow's names of the only decoders allowed.
        where: what to call the file in messages.

    Raises:
        UnreadableMedia: damaged, or larger than the limits.
    """
    # Pillow's own limit is lower than ours and warns once per process only.
    Image.MAX_IMAGE_PIXELS = None
    with decoding(where):
        image = Image.open(io.BytesIO(data), formats=list(formats))
        check_size(image.width, image.height, int(getattr(image, "n_frames", 1)), where)
    return image


def to_picture(image: Image.Image) -> Picture:
    """A decoded image as a picture, as stored (not turned upright).

    Palettes and bilevel images become the colours they stand for; a transparent colour
    becomes an alpha channel. 16-bit grey stays 16-bit.

    Raises:
        ValueError: the mode has no counterpart (floating point, 32 bits).
    """
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "TIFF")):
        grey = np.asarray(image)
        if grey.min(initial=0) < 0 or grey.max(initial=0) > 0xFFFF:
            raise ValueError("samples of more than 16 bits")
        return Picture(np.ascontiguousarray(grey, np.uint16)[..., None], ColourSpace.GREY)
    if mode == "P":
        see_through = "transparency" in image.info or image.palette.mode == "RGBA"
        image = image.convert("RGBA" if see_through else "RGB")
    elif mode == "1":
        image = image.convert("L")
    elif mode in ("L", "RGB") and "transparency" in image.info:
        image = image.convert("LA" if mode == "L" else "RGBA")
    elif mode == "PA":
        image = image.convert("RGBA")
    elif mode == "RGBX":
        image = image.convert("RGB")
    elif mode in ("YCbCr", "LAB", "HSV", "RGBa", "La"):
        image = image.convert({"RGBa": "RGBA", "La": "LA"}.get(mode, "RGB"))
    if image.mode not in _SPACES:
        raise ValueError(f"pixels of kind {mode}, which crowdveil does not know")
    space, alpha = _SPACES[image.mode]
    samples = np.asarray(image)
    return Picture(samples[..., None] if samples.ndim == 2 else samples, space, alpha)


def to_image(picture: Picture) -> Image.Image:
    """An 8-bit picture as a Pillow image; 16-bit samples are reduced to their high byte."""
    samples: Samples = picture.samples
    if samples.dtype == np.uint16:
        samples = (samples >> 8).astype(np.uint8)
    flat = samples[..., 0] if samples.shape[2] == 1 else samples
    mode = next(m for m, kind in _SPACES.items() if kind == (picture.space, picture.alpha))
    return Image.frombuffer(
        mode, picture.size_wh, np.ascontiguousarray(flat).tobytes(), "raw", mode, 0, 1
    )


def density_of(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch that the file gives, if they make sense."""
    try:
        x, y = (float(v) for v in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 1 <= x <= 30_000 and 1 <= y <= 30_000 else None


def text_or_bytes(value: object) -> bytes | None:
    """A metadata block as bytes, however Pillow keeps it."""
    if isinstance(value, bytes):
        return value or None
    return value.encode() if isinstance(value, str) and value else None
