"""Opens images with Pillow safely, and turns them into pictures and back.

Only the decoders that a format module names see the bytes; whatever goes wrong inside them
comes out as one of our errors. Formats themselves are left to their modules.
"""

import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.media.limits import MAX_FRAME_PX, check_size
from crowdveil.media.picture import ColourSpace, Picture

_SPACES = {
    "L": (ColourSpace.GREY, False),
    "LA": (ColourSpace.GREY, True),
    "RGB": (ColourSpace.RGB, False),
    "RGBA": (ColourSpace.RGB, True),
    "CMYK": (ColourSpace.CMYK, False),
}
_STRIP_PX = 4_000_000
"""Pixels copied out of Pillow at a time: it would otherwise hold the picture three times."""


_SHORT = (
    "runcated",
    "nexpected end of file",
    "end too early",
    "outside the file",
    "size too small",
)
"""What decoders and we say of data that end before the picture does."""
_BEYOND = ("ecurity limit", "exceeds the maximum")
"""What libheif says of files that ask for too much."""
_NOT_READ = {
    "Unsupported": "",
    "onversion from YUV": "its colours are coded in a rare way",
    "No codec available": "its coding is unknown here",
}
"""What decoders say of kinds that they do not know, and what to say instead."""
_SAYS_WHY = (ValueError, OSError, RuntimeError, SyntaxError, zlib.error)
"""Errors whose text is about the file; others only tell where a decoder stumbled."""


@contextmanager
def decoding(where: str, *, cut: bool = False) -> Iterator[None]:
    """Turn whatever a decoder raises over bad bytes into one of our errors.

    Args:
        where: what to call the file in messages.
        cut: whether the file is known to end too early, which explains any damage.
    """
    try:
        yield
    except CrowdveilError:
        raise
    except MemoryError as error:
        raise UnreadableMedia(f"{where}: does not fit into memory; reduce it first") from error
    except Image.DecompressionBombError as error:
        raise UnreadableMedia(
            f"{where}: says it has more pixels than the limit of {MAX_FRAME_PX // 1_000_000} "
            "million a frame; if that is true, split or reduce it first"
        ) from error
    # Decoders meet hostile bytes here and raise all kinds; none may end the batch.
    except Exception as error:
        raise _told(error, where, cut=cut) from error


def _told(error: Exception, where: str, *, cut: bool) -> CrowdveilError:
    """What a user should hear of a decoder's error."""
    reason = " ".join(str(error).split())
    for sign, instead in _NOT_READ.items():
        if sign in reason:
            return UnsupportedMedia(
                f"{where}: is of a kind that is not read ({instead or reason[:120]}); "
                "export it as JPEG, PNG or TIFF first"
            )
    if any(sign in reason for sign in _BEYOND):
        return UnreadableMedia(
            f"{where}: asks for more memory or parts than is safe; "
            "if it is sound, export it as JPEG first"
        )
    if cut or isinstance(error, EOFError) or any(sign in reason for sign in _SHORT):
        reason = "it ends too early"
    # Pillow names the buffer that it could not make sense of, which helps nobody.
    elif "BytesIO" in reason:
        reason = "its header makes no sense"
    elif not isinstance(error, _SAYS_WHY) or not reason or "decoder error" in reason:
        reason = "its parts make no sense"
    return damaged(where, reason[:120])


def damaged(where: str, reason: str) -> UnreadableMedia:
    """What to raise over a file that is broken."""
    return UnreadableMedia(
        f"{where}: is damaged or not finished ({reason}); "
        "fetch it again from the camera or the sender"
    )


def open_image(
    data: bytes,
    formats: tuple[str, ...],
    where: str,
    *,
    animated: bool = False,
    cut: bool = False,
) -> Image.Image:
    """Open an image without decoding its pixels yet.

    Args:
        data: the whole file.
        formats: Pillow's names of the only decoders allowed.
        where: what to call the file in messages.
        animated: whether all frames will be decoded, so that their sum must be small enough.
        cut: as for `decoding`.

    Raises:
        UnreadableMedia: damaged, or larger than the limits.
    """
    with decoding(where, cut=cut):
        # Pillow would warn of photos far below our own limit, which follows.
        if Image.MAX_IMAGE_PIXELS is not None and Image.MAX_IMAGE_PIXELS < MAX_FRAME_PX:
            Image.MAX_IMAGE_PIXELS = MAX_FRAME_PX
        image = Image.open(io.BytesIO(data), formats=list(formats))
        frames = int(getattr(image, "n_frames", 1)) if animated else 1
        check_size(image.width, image.height, frames, where)
    return image


def to_picture(image: Image.Image, where: str) -> Picture:
    """A decoded image as a picture, as stored (not turned upright).

    Palettes and bilevel images become the colours they stand for; a transparent colour
    becomes an alpha channel. 16-bit grey stays 16-bit.

    Raises:
        UnsupportedMedia: the mode has no counterpart (floating point, 32 bits).
    """
    image = _with_known_mode(image)
    if image.mode == "I;16":
        return Picture(_samples(image, np.uint16), ColourSpace.GREY)
    if image.mode not in _SPACES:
        raise UnsupportedMedia(
            f"{where}: has pixels of kind {image.mode}, which crowdveil does not know; "
            "export it as 8 or 16 bits a channel first"
        )
    space, alpha = _SPACES[image.mode]
    return Picture(_samples(image, np.uint8), space, alpha)


def _with_known_mode(image: Image.Image) -> Image.Image:
    see_through = "transparency" in image.info
    match image.mode:
        case "P":
            palette_alpha = image.palette is not None and image.palette.mode == "RGBA"
            return image.convert("RGBA" if see_through or palette_alpha else "RGB")
        case "1":
            return image.convert("LA" if see_through else "L")
        case "L" if see_through:
            return image.convert("LA")
        case "RGB" if see_through:
            return image.convert("RGBA")
        case "PA" | "RGBa":
            return image.convert("RGBA")
        case "La":
            return image.convert("LA")
        case "RGBX" | "YCbCr":
            return image.convert("RGB")
    return image


def _samples(image: Image.Image, dtype: type[np.uint8] | type[np.uint16]) -> Any:
    """Copy the pixels of an image out, a strip at a time."""
    width, height = image.size
    image.load()
    out = np.empty((height, width, len(image.getbands())), dtype)
    rows = max(1, _STRIP_PX // width)
    for y in range(0, height, rows):
        strip = np.asarray(image.crop((0, y, width, min(y + rows, height))))
        out[y : y + rows] = strip[..., None] if strip.ndim == 2 else strip
    return out


def to_image(picture: Picture) -> Image.Image:
    """An 8-bit picture as a Pillow image.

    Raises:
        ValueError: the picture has 16 bits or a kind that Pillow does not have.
    """
    samples = picture.samples
    mode = next((m for m, kind in _SPACES.items() if kind == (picture.space, picture.alpha)), None)
    if mode is None or samples.dtype != np.uint8:
        raise ValueError(f"no image mode for {picture.space} with dtype {samples.dtype}")
    # Buffers of any shape are taken; Pillow's type hints only know bytes.
    flat: Any = np.ascontiguousarray(samples).reshape(-1).data
    return Image.frombuffer(mode, picture.size_wh, flat, "raw", mode, 0, 1)


def same_kind(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    """Frames of an animation with one colour space and all with alpha if one has it."""
    alpha = any(picture.alpha for picture in pictures)
    grey = all(picture.space is ColourSpace.GREY for picture in pictures)
    return tuple(_as_kind(picture, grey=grey, alpha=alpha) for picture in pictures)


def _as_kind(picture: Picture, *, grey: bool, alpha: bool) -> Picture:
    samples: Any = picture.samples
    if not grey and picture.space is ColourSpace.GREY:
        spread = [0, 0, 0, 1] if picture.alpha else [0, 0, 0]
        samples = np.ascontiguousarray(samples[..., spread])
    if alpha and not picture.alpha:
        opaque = np.full_like(samples[..., :1], np.iinfo(samples.dtype).max)
        samples = np.concatenate([samples, opaque], axis=2)
    space = ColourSpace.GREY if grey else ColourSpace.RGB
    return picture if samples is picture.samples else Picture(samples, space, alpha)


def density_of(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch that an image says it has, if they make sense."""
    try:
        x, y = image.info["dpi"]
        return sound_density(float(x), float(y))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def sound_density(x: float, y: float) -> tuple[float, float] | None:
    """Dots per inch as a pair, None if they make no sense."""
    return (x, y) if 1 <= x <= 30_000 and 1 <= y <= 30_000 else None


def text_or_bytes(value: object) -> bytes | None:
    """A metadata block as bytes, however Pillow keeps it."""
    if isinstance(value, bytes):
        return value or None
    return value.encode() if isinstance(value, str) and value else None
