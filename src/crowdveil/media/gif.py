"""GIF, still and animated.

A GIF frame has 256 colours. Pixels that were not changed keep exactly theirs: each frame is
written with the source frame's colours, and new colours take the free places or the nearest.
"""

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crowdveil.errors import UnsupportedMedia
from crowdveil.media.jpeg import eight_bit, opaque
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture
from crowdveil.media.pillow import decoding, open_image, to_image, to_picture

_PLACES = 256


@dataclass(frozen=True, slots=True)
class GifEncoding:
    """The colours of each source frame: for each an (n, 3) uint8 array, n <= 256."""

    colours: tuple[NDArray[np.uint8], ...]


def decode(data: bytes, where: str) -> Photo:
    """Decode a GIF, frames composited; raises `UnreadableMedia`, beginning with `where`."""
    image = open_image(data, ("GIF",), where, animated=True)
    frames, durations, colours = [], [], []
    with decoding(where):
        count = int(getattr(image, "n_frames", 1))
        for k in range(count):
            image.seek(k)
            image.load()
            picture = to_picture(image.convert("RGBA"), where)
            frames.append(picture)
            durations.append(round(float(image.info.get("duration", 0))))
        loop = image.info.get("loop")
    if all((frame.samples[..., 3] == 255).all() for frame in frames):
        frames = [
            replace(f, samples=np.ascontiguousarray(f.samples[..., :3]), alpha=False)
            for f in frames
        ]
    colours = [_colours(frame) for frame in frames]
    animated = count > 1
    return Photo(
        PhotoFormat.GIF,
        tuple(frames),
        durations_ms=tuple(durations) if animated else (),
        loop=int(loop) if animated and loop is not None else None,
        encoding=GifEncoding(tuple(colours)),
    )


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode; `xmp` has no lasting place in a GIF and is left out.

    Raises:
        UnsupportedMedia: several pages that are no animation.
    """
    if len(photo.frames) > 1 and not photo.durations_ms:
        raise UnsupportedMedia("GIF holds no pages; choose --format tiff")
    known = photo.encoding.colours if isinstance(photo.encoding, GifEncoding) else ()
    images = [
        _indexed(frame, known[k] if k < len(known) else None)
        for k, frame in enumerate(photo.frames)
    ]
    see_through = any("transparency" in image.info for image in images)
    options: dict[str, object] = {"optimize": False}
    if photo.durations_ms:
        options |= {
            "save_all": True,
            "append_images": images[1:],
            "duration": list(photo.durations_ms),
            "disposal": 2 if see_through else 1,
        }
        if photo.loop is not None:
            options["loop"] = photo.loop
    out = io.BytesIO()
    images[0].save(out, "GIF", **options)
    return out.getvalue()


def notes(data: bytes) -> Notes:
    """GIF keeps XMP in a way few programs read; none is looked for."""
    return Notes()


def _colours(picture: Picture) -> NDArray[np.uint8]:
    """The distinct colours of the visible pixels, (n, 3) uint8, sorted."""
    samples = picture.samples.reshape(-1, picture.samples.shape[2])
    if picture.alpha:
        samples = samples[samples[:, 3] > 0]
    return _unpack(np.unique(_pack(samples[:, :3])))


def _pack(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    wide = rgb.astype(np.int32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2], np.int32)


def _unpack(packed: NDArray[np.int32]) -> NDArray[np.uint8]:
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1).astype(np.uint8)


def _indexed(picture: Picture, known: NDArray[np.uint8] | None) -> Image.Image:
    """A frame with a palette that holds the known colours exactly if they fit."""
    if picture.space is ColourSpace.CMYK:
        picture = to_picture(to_image(opaque(picture)).convert("RGB"), "frame")
    rgba = np.asarray(to_image(eight_bit(picture)).convert("RGBA"))
    clear = rgba[..., 3] < 128
    places = _PLACES - int(clear.any())
    rgb = rgba[..., :3]
    packed = _pack(rgb)
    palette = _palette(rgb[~clear], known, places)
    keys = _pack(palette)
    order = np.argsort(keys)
    different, back = np.unique(packed, return_inverse=True)
    spot = np.clip(np.searchsorted(keys[order], different), 0, len(keys) - 1)
    exact = keys[order][spot] == different
    index = order[spot]
    if not exact.all():
        gap = _unpack(different[~exact]).astype(np.int32)[:, None] - palette.astype(np.int32)
        index[~exact] = (gap**2).sum(axis=2).argmin(axis=1)
    indices = index[back].reshape(packed.shape).astype(np.uint8)
    table = palette
    if clear.any():
        indices[clear] = len(palette)
        table = np.concatenate([palette, np.zeros((1, 3), np.uint8)])
    image = Image.fromarray(indices)
    image.putpalette(table.tobytes())
    if clear.any():
        image.info["transparency"] = len(palette)
    return image


def _palette(
    rgb: NDArray[np.uint8], known: NDArray[np.uint8] | None, places: int
) -> NDArray[np.uint8]:
    """At most `places` colours for the (n, 3) visible pixels."""
    if len(rgb) == 0:
        return np.zeros((1, 3), np.uint8)
    packed = np.unique(_pack(rgb))
    if known is None or len(known) > places:
        kept = np.empty(0, np.int32)
    else:
        kept = _pack(known)
    new = np.setdiff1d(packed, kept)
    free = places - len(kept)
    if len(new) > free:
        if free < 1:
            return _unpack(kept)
        pixels = rgb[np.isin(_pack(rgb), new)]
        strip = Image.fromarray(pixels[None]).quantize(free, Image.Quantize.MEDIANCUT)
        used = strip.getcolors(_PLACES) or []
        entries = np.frombuffer(strip.palette.tobytes(), np.uint8).reshape(-1, 3)
        new = _pack(entries[[int(k) for _, k in used]])  # type: ignore[call-overload]
    return _unpack(np.unique(np.concatenate([kept, new])))
