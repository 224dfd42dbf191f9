"""Converts photos to what another format can hold, where nothing surprising is lost.

A photo and a format come in, a photo that this format's encoder takes comes out: fewer bits,
paper under transparency, sRGB for press colours. What would surprise (an animation as a
still, pages as one) is refused in one sentence. Encoding is left to the format modules.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from crowdveil.errors import UnsupportedMedia
from crowdveil.media import avif, gif, jpeg, webp
from crowdveil.media.picture import CHANNELS, ColourSpace, Photo, PhotoFormat, Picture, Samples
from crowdveil.media.pillow import same_kind

_STRIP_PX = 4_000_000
"""Pixels converted at a time, so that no wide copy of the whole picture is made."""
_GREY_RGB = frozenset({ColourSpace.GREY, ColourSpace.RGB})
_MODES = {ColourSpace.GREY: "L", ColourSpace.RGB: "RGB", ColourSpace.CMYK: "CMYK"}


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format can hold.

    Attributes:
        spaces: colour spaces.
        alpha: transparency.
        deep: 16 bits a sample (or what comes near them).
        animation, pages: more than one frame, with and without durations.
        icc: a profile.
        credit: an XMP packet.
        side_px: longest side in pixels, None if no photo reaches it.
    """

    spaces: frozenset[ColourSpace] = _GREY_RGB
    alpha: bool = True
    deep: bool = False
    animation: bool = False
    pages: bool = False
    icc: bool = True
    credit: bool = True
    side_px: int | None = None


HOLDS: dict[PhotoFormat, Holds] = {
    PhotoFormat.JPEG: Holds(spaces=frozenset(ColourSpace), alpha=False, side_px=jpeg.MAX_SIDE_PX),
    PhotoFormat.PNG: Holds(deep=True, animation=True),
    PhotoFormat.WEBP: Holds(
        spaces=frozenset({ColourSpace.RGB}), animation=True, side_px=webp.MAX_SIDE_PX
    ),
    PhotoFormat.TIFF: Holds(spaces=frozenset(ColourSpace), deep=True, pages=True),
    PhotoFormat.HEIF: Holds(deep=True),
    PhotoFormat.AVIF: Holds(deep=True, animation=True, side_px=avif.MAX_SIDE_PX),
    PhotoFormat.GIF: Holds(animation=True, icc=False, side_px=gif.MAX_SIDE_PX),
    PhotoFormat.BMP: Holds(icc=False, credit=False),
}


def fit(photo: Photo, target: PhotoFormat) -> Photo:
    """Convert a photo to what `target` can hold; the same object if it can hold it as it is.

    Animations of 16 bits, CMYK, transparency and profiles are converted: to 8 bits, to sRGB
    through their profile, onto white paper, to sRGB where a format has no profiles.

    Raises:
        UnsupportedMedia: the format has no place for the frames, the size or the dynamic
            range of the photo.
    """
    can = HOLDS[target]
    _require_room(photo, target, can)
    steps = list(_steps(photo, can))
    if not steps:
        return photo
    frames = []
    for picture in photo.frames:
        for step in steps:
            picture = step(picture)
        frames.append(picture)
    same_colours = frames[0].space is photo.frames[0].space and can.icc
    return replace(photo, frames=same_kind(frames), icc=photo.icc if same_colours else None)


def _require_room(photo: Photo, target: PhotoFormat, can: Holds) -> None:
    name = target.value.upper()
    if getattr(photo.encoding, "hdr", False) and target is not photo.format:
        raise UnsupportedMedia(
            f"is of high dynamic range, which is not converted to {name}; "
            f"leave --format out or choose {photo.format}"
        )
    if len(photo.frames) > 1 and photo.durations_ms and not can.animation:
        raise UnsupportedMedia(f"{name} holds no animation; choose --format {_able('animation')}")
    if len(photo.frames) > 1 and not photo.durations_ms and not can.pages:
        raise UnsupportedMedia(f"{name} holds one page only; choose --format {_able('pages')}")
    longest = max(max(picture.size_wh) for picture in photo.frames)
    if can.side_px is not None and longest > can.side_px:
        raise UnsupportedMedia(
            f"{name} holds at most {can.side_px} pixels a side, not {longest}; "
            "choose --format png or tiff"
        )


def _able(what: str) -> str:
    names = [kind.value for kind, can in HOLDS.items() if getattr(can, what)]
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _steps(photo: Photo, can: Holds) -> Iterator[Callable[[Picture], Picture]]:
    """What has to be done to every frame, in order."""
    picture = photo.frames[0]
    many = len(photo.frames) > 1
    recolour = picture.space not in can.spaces or (photo.icc is not None and not can.icc)
    # Colour management works on 8 bits, and no format here plays 16-bit animations.
    shallow = not can.deep or (many and not can.pages) or recolour
    if picture.samples.dtype == np.uint16 and shallow:
        yield eight_bit
    if any(frame.alpha for frame in photo.frames) and not can.alpha:
        yield on_paper
    if recolour:
        yield lambda frame: to_srgb(frame, photo.icc)


def eight_bit(picture: Picture) -> Picture:
    """The picture with 8 bits a sample, rounded; the same object if it has them."""
    if picture.samples.dtype == np.uint8:
        return picture
    out = np.empty(picture.samples.shape, np.uint8)
    for rows in _strips(picture):
        out[rows] = (picture.samples[rows].astype(np.uint32) + 128) // 257
    return replace(picture, samples=out)


def on_paper(picture: Picture) -> Picture:
    """The picture on white paper, without alpha; the same object if it has none."""
    if not picture.alpha:
        return picture
    samples = picture.samples
    top = int(np.iinfo(samples.dtype).max)
    # Paper is all light, or no ink.
    paper = 0 if picture.space is ColourSpace.CMYK else top
    out = np.empty((*samples.shape[:2], CHANNELS[picture.space]), samples.dtype)
    for rows in _strips(picture):
        alpha = samples[rows][..., -1:].astype(np.uint64)
        mixed = samples[rows][..., :-1] * alpha + paper * (top - alpha)
        out[rows] = (mixed + top // 2) // top
    return Picture(out, picture.space)


def to_srgb(picture: Picture, icc: bytes | None) -> Picture:
    """An 8-bit picture in sRGB, through its profile if it has one that works.

    Alpha stays. Without a profile grey is repeated, RGB stays, and CMYK is taken for ideal
    inks, as detectors see it.
    """
    colours = CHANNELS[picture.space]
    samples: Samples = np.empty((*picture.samples.shape[:2], 3 + picture.alpha), np.uint8)
    convert = _through(icc, picture.space)
    for rows in _strips(picture):
        strip = np.ascontiguousarray(picture.samples[rows][..., :colours])
        samples[rows][..., :3] = convert(strip)
        if picture.alpha:
            samples[rows][..., 3:] = picture.samples[rows][..., colours:]
    return Picture(samples, ColourSpace.RGB, picture.alpha)


def _through(icc: bytes | None, space: ColourSpace) -> Callable[[Any], Any]:
    """How to make sRGB of (h, w, c) samples."""
    if icc is not None:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            # Little CMS would put 33 points of greys in a table, too few for the shadows.
            exact = ImageCms.Flags(0)
            if space is ColourSpace.GREY:
                exact = ImageCms.Flags.NOOPTIMIZE
            transform = ImageCms.buildTransform(
                source, ImageCms.createProfile("sRGB"), _MODES[space], "RGB", flags=exact
            )
        except (ImageCms.PyCMSError, OSError):
            # A profile that no colour management takes is ignored, as viewers do.
            pass
        else:
            return lambda strip: np.asarray(transform.apply(_image(strip, space)))
    return lambda strip: Picture(strip, space).rgb()


def _image(strip: Any, space: ColourSpace) -> Image.Image:
    return Image.fromarray(strip[..., 0] if space is ColourSpace.GREY else strip, _MODES[space])


def _strips(picture: Picture) -> Iterator[slice]:
    width, height = picture.size_wh
    rows = max(1, _STRIP_PX // max(1, width))
    return (slice(y, y + rows) for y in range(0, height, rows))
