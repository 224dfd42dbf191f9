"""GIF: stills and animations whose untouched pixels keep their exact colours.

Every frame comes out fully composited. It goes in as what changed since the frame before,
with a table of its own: first the colours that its source used there, which stay exact, then
in the places left the nearest to what is new. Blocks are left to `gif_file`.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crowdveil.media import gif_file, pillow
from crowdveil.media.gif_file import PLACES, GifFrame
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture, contiguous

MAX_SIDE_PX = 65_535
_OPAQUE, _HALF = 255, 127
_COLOURS_AT_A_TIME = 1 << 14

Colours: TypeAlias = NDArray[np.uint32]
"""Colours as one number each, red first."""


@dataclass(frozen=True, slots=True)
class GifEncoding:
    """The colours that each source frame brought, sorted."""

    colours: tuple[Colours, ...]


def decode(data: bytes, where: str) -> Photo:
    """Decode a GIF file or animation.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
    """
    with pillow.decoding(where):
        file = gif_file.parse(data, where)
        check_size(*file.size_wh, file.frames, where)
        image: Any = pillow.open_image(file.clean, ("GIF",), where, animated=True)
        frames, durations = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            frames.append(pillow.to_picture(image.convert("RGBA"), where))
            durations.append(int(image.info.get("duration", 0)))
        pictures = _without_idle_alpha(frames)
        animated = len(pictures) > 1
    return Photo(
        PhotoFormat.GIF,
        pictures,
        durations_ms=tuple(durations) if animated else (),
        loop=file.loop if animated else None,
        encoding=GifEncoding(tuple(_brought(pictures))),
    )


def notes(data: bytes) -> Notes:
    """Metadata blocks of a GIF file."""
    with suppress(Exception):
        return gif_file.parse(data, "").notes
    return Notes()


def _without_idle_alpha(frames: list[Picture]) -> tuple[Picture, ...]:
    if any((frame.samples[..., 3] != _OPAQUE).any() for frame in frames):
        return tuple(frames)
    return tuple(Picture(contiguous(frame.samples[..., :3]), ColourSpace.RGB) for frame in frames)


def _brought(frames: tuple[Picture, ...]) -> Iterator[Colours]:
    """The colours of the pixels that each frame changed."""
    before: tuple[Colours, NDArray[np.bool_]] | None = None
    for frame in frames:
        numbers, opaque = _numbers(frame)
        changed = opaque
        if before is not None:
            changed = opaque & ((numbers != before[0]) | ~before[1])
        yield np.unique(numbers[changed])
        before = numbers, opaque


def _numbers(picture: Picture) -> tuple[Colours, NDArray[np.bool_]]:
    """(h, w) colours as numbers, and (h, w) whether the pixel is seen."""
    samples: Any = picture.samples
    if picture.space is ColourSpace.GREY:
        samples = samples[..., [0, 0, 0, 1] if picture.alpha else [0, 0, 0]]
    numbers = _joined(samples)
    opaque = samples[..., 3] > _HALF if picture.alpha else np.ones(numbers.shape, np.bool_)
    return numbers, opaque


def encode(photo: Photo, xmp: bytes | None = None) -> bytes:
    """Encode a still or an animation of 8-bit grey or RGB; what is less than
    half opaque becomes transparent.

    Args:
        photo: at most `MAX_SIDE_PX` a side. Of another format, it gets the 256 colours that
            suit each frame best.
        xmp: a packet to embed.
    """
    known = photo.encoding.colours if isinstance(photo.encoding, GifEncoding) else ()
    durations = photo.durations_ms or (0,) * len(photo.frames)
    written = _frames(photo.frames, known, durations)
    return gif_file.build(photo.frames[0].size_wh, written, loop=photo.loop, xmp=xmp)


def _frames(
    pictures: tuple[Picture, ...], known: tuple[Colours, ...], durations: tuple[int, ...]
) -> Iterator[GifFrame]:
    numbers, opaque = _numbers(pictures[0])
    shown = np.zeros_like(opaque)
    before = numbers
    for k, _ in enumerate(pictures):
        following = _numbers(pictures[k + 1]) if k + 1 < len(pictures) else None
        # Only wiping all makes a pixel transparent again.
        wipe = following is not None and bool((opaque & ~following[1]).any())
        drawn = opaque & (~shown | (numbers != before))
        exact = known[: k + 1] if not shown.any() else known[k : k + 1]
        yield _frame(numbers, drawn, opaque, exact, durations[k], wipe=wipe)
        before, shown = numbers, np.zeros_like(opaque) if wipe else opaque
        if following is not None:
            numbers, opaque = following


def _frame(
    numbers: Colours,
    drawn: NDArray[np.bool_],
    opaque: NDArray[np.bool_],
    exact: tuple[Colours, ...],
    duration_ms: int,
    *,
    wipe: bool,
) -> GifFrame:
    """One frame that draws these pixels."""
    height, width = numbers.shape
    # What is wiped is the frame's own rectangle.
    top, bottom, left, right = (0, height, 0, width) if wipe else _bounds(drawn)
    inside = slice(top, bottom), slice(left, right)
    part, inked, visible = numbers[inside], drawn[inside], opaque[inside]
    needed = np.unique(part[inked])
    if not inked.all() and len(needed) == PLACES and visible.all():
        # No place is left for "leave what is there": draw the rectangle in full if it fits.
        everything = np.unique(part)
        if len(everything) <= PLACES:
            inked, needed = visible, everything
    places = PLACES - (not inked.all())
    table = _table(part[inked], needed, exact, places)
    indices = np.zeros(part.shape, np.uint8)
    indices[inked] = _nearest(part[inked], table)
    clear = None
    if not inked.all():
        clear = len(table)
        indices[~inked] = clear
    return GifFrame(indices, (left, top), _channels(table), clear, duration_ms, wipe)


def _bounds(drawn: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The smallest rectangle around these pixels, of one pixel if there are none."""
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        return 0, 1, 0, 1
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _table(pixels: Colours, needed: Colours, exact: tuple[Colours, ...], places: int) -> Colours:
    """At most `places` sorted colours: all that are needed, else the exact ones and the best."""
    if len(needed) <= places:
        return needed
    brought = np.unique(np.concatenate(exact)) if exact else np.empty(0, np.uint32)
    kept = needed[np.isin(needed, brought, assume_unique=True)]
    if len(kept) > places:
        colours, counts = np.unique(pixels[np.isin(pixels, kept)], return_counts=True)
        return np.sort(colours[np.argsort(counts)[-places:]])
    if len(kept) == places:
        return kept
    new = pixels[~np.isin(pixels, kept)]
    return np.unique(np.concatenate([kept, _best(new, places - len(kept))]))


def _best(pixels: Colours, places: int) -> Colours:
    """At most `places` colours that stand well for these pixels."""
    row = Image.fromarray(_channels(pixels)[None])
    reduced = row.quantize(places, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat: Any = np.asarray(reduced.convert("RGB")).reshape(-1, 3)
    return np.unique(_joined(flat))


def _nearest(pixels: Colours, table: Colours) -> NDArray[np.uint8]:
    """For each pixel the place of its colour in a sorted table, or of the nearest."""
    colours, back = np.unique(pixels, return_inverse=True)
    places = np.minimum(np.searchsorted(table, colours), len(table) - 1)
    off = np.flatnonzero(table[places] != colours)
    to = _channels(table).astype(np.int32)
    for k in range(0, len(off), _COLOURS_AT_A_TIME):
        some = off[k : k + _COLOURS_AT_A_TIME]
        away = _channels(colours[some]).astype(np.int32)[:, None] - to
        places[some] = (away**2).sum(axis=2).argmin(axis=1)
    return np.asarray(places[back], np.uint8)


def _channels(colours: Colours) -> NDArray[np.uint8]:
    """(n,) numbers to (n, 3) channels."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1).astype(np.uint8)


def _joined(channels: Any) -> Colours:
    """(..., 3) or more channels to numbers."""
    wide = channels.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2], np.uint32)
