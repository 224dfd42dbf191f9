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
from crowdveil.media.gif_file import PLACES, Control, Disposal, GifFile, GifFrame
from crowdveil.media.limits import check_size
from crowdveil.media.notes import Notes
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture, contiguous

MAX_SIDE_PX = 65_535
_OPAQUE, _HALF = 255, 127
_COLOURS_AT_A_TIME = 1 << 14

Colours: TypeAlias = NDArray[np.uint32]
"""Colours as one number each, red first."""
_NONE: Colours = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class GifEncoding:
    """The colours that each source frame brought, sorted."""

    colours: tuple[Colours, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """What a frame draws: (h, w) colours, which of them are drawn, and which are seen."""

    numbers: Colours
    drawn: NDArray[np.bool_]
    opaque: NDArray[np.bool_]


def decode(data: bytes, where: str) -> Photo:
    """Decode a GIF file or animation, as browsers show it.

    Raises:
        UnreadableMedia: damaged, truncated or too large.
    """
    with pillow.decoding(where):
        file = gif_file.parse(data, where)
        width, height = file.size_wh
        check_size(width, height, len(file.frames), where)
        pictures = _without_idle_alpha(list(_shown(file, where)))
        animated = len(pictures) > 1
        return Photo(
            PhotoFormat.GIF,
            pictures,
            durations_ms=tuple(f.control.duration_ms for f in file.frames) if animated else (),
            # GIF counts repetitions, and 0 stands for ever.
            loop=file.repeats and file.repeats + 1 if animated else None,
            encoding=GifEncoding(tuple(_brought(pictures))),
        )


def _shown(file: GifFile, where: str) -> Iterator[Picture]:
    """What is seen at each frame, (h, w, 4) uint8; nothing is where nothing was drawn."""
    width, height = file.size_wh
    canvas = np.zeros((height, width, 4), np.uint8)
    for packed in file.frames:
        frame = gif_file.unpack(packed, where)
        disposal = frame.control.disposal
        before = canvas.copy() if disposal is Disposal.RESTORE else canvas
        x, y = frame.corner_xy
        # Slices end at the border by themselves.
        area = canvas[y : y + frame.indices.shape[0], x : x + frame.indices.shape[1]]
        indices = frame.indices[: area.shape[0], : area.shape[1]]
        colours = np.zeros((PLACES, 4), np.uint8)
        colours[: len(frame.table), :3] = frame.table
        colours[:, 3] = _OPAQUE
        drawn = np.ones(indices.shape, np.bool_)
        if frame.control.clear is not None:
            drawn = indices != frame.control.clear
        area[drawn] = colours[indices[drawn]]
        yield Picture(canvas.copy(), ColourSpace.RGB, alpha=True)
        if disposal is Disposal.WIPE:
            area[:] = 0
        canvas = before


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
    """Encode a still or an animation of 8-bit grey or RGB.

    Args:
        photo: at most `MAX_SIDE_PX` a side; what is less than half opaque becomes
            transparent. Of another format, it gets the 256 colours that suit each frame best.
        xmp: a packet to embed.
    """
    known = photo.encoding.colours if isinstance(photo.encoding, GifEncoding) else ()
    repeats = None if photo.loop in (None, 1) else max(0, (photo.loop or 0) - 1)
    frames = _frames(photo.frames, known, _whole_hundredths(photo))
    return gif_file.build(photo.frames[0].size_wh, frames, repeats=repeats, xmp=xmp)


def _whole_hundredths(photo: Photo) -> list[int]:
    """Durations in ms that GIF can tell, so that the sum of many does not drift."""
    ends = np.cumsum((0, *(photo.durations_ms or [0] * len(photo.frames))))
    return [int(d) for d in np.diff(np.rint(ends / 10).astype(np.int64) * 10)]


def _frames(
    pictures: tuple[Picture, ...], known: tuple[Colours, ...], durations: list[int]
) -> Iterator[GifFrame]:
    numbers, opaque = _numbers(pictures[0])
    before, shown, so_far = numbers, np.zeros_like(opaque), _NONE
    for k, duration_ms in enumerate(durations):
        following = _numbers(pictures[k + 1]) if k + 1 < len(pictures) else None
        # Only wiping makes a pixel transparent again.
        wipe = following is not None and bool((opaque & ~following[1]).any())
        drawn = opaque & (~shown | (numbers != before))
        # Readers differ over what lies outside of the first frame.
        whole = wipe or k == 0
        inside = (slice(None), slice(None)) if whole else _bounds(drawn)
        view = _View(numbers[inside], drawn[inside], opaque[inside])
        brought = known[k] if k < len(known) else _NONE
        so_far = np.union1d(so_far, brought)
        exact = brought if shown.any() else so_far
        indices, table, clear = _indexed(view, exact, so_far, holes=pictures[k].alpha)
        control = Control(clear, duration_ms, Disposal.WIPE if wipe else Disposal.LEAVE)
        corner = inside[1].start or 0, inside[0].start or 0
        yield GifFrame(indices, corner, _channels(table), control)
        before, shown = numbers, np.zeros_like(opaque) if wipe else opaque
        if following is not None:
            numbers, opaque = following


def _indexed(
    view: _View, exact: Colours, so_far: Colours, *, holes: bool
) -> tuple[NDArray[np.uint8], Colours, int | None]:
    """Places, sorted colours, and the place for "leave what is there" if it is used.

    Args:
        view: what to draw.
        exact: the colours of the source that are drawn now.
        so_far: all colours of the source up to now.
        holes: whether something is transparent now or later. Some readers wipe to nothing
            only if every frame has such a place, and to some colour if not.
    """
    inked = view.drawn
    needed = np.unique(view.numbers[inked])
    crowded = int(np.isin(needed, exact, assume_unique=True).sum()) >= PLACES
    if crowded and not inked.all() and view.opaque.all():
        # No place is left for "leave what is there": draw all of it again.
        inked, exact, needed = view.opaque, so_far, np.unique(view.numbers)
    with_clear = not inked.all() or (holes and not crowded)
    table = _table(view.numbers[inked], needed, exact, PLACES - with_clear)
    indices = np.full(view.numbers.shape, len(table) % PLACES, np.uint8)
    indices[inked] = _nearest(view.numbers[inked], table)
    return indices, table, len(table) if with_clear else None


def _bounds(drawn: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle around these pixels, one pixel if none."""
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _table(pixels: Colours, needed: Colours, exact: Colours, places: int) -> Colours:
    """At most `places` sorted colours: all that are needed, else the exact ones and the best."""
    if len(needed) <= places:
        return needed
    kept = needed[np.isin(needed, exact, assume_unique=True)]
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
