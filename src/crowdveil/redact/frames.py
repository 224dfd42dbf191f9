"""Paints the veils of one video frame into its planes, as they are stored.

Planes and outlines come in, the planes' samples are overwritten where they are hidden;
every other sample stays the same bit for bit. What `render` promises of photos holds here
for each frame: for the styles that are not in `LOSSY` the result is a function of the
samples outside the masks, of the masks, the frame's number and the seed, and of no other
frame. No colours are converted: a fill is a weighted mean, so each plane is filled by
itself. Finding the faces and keeping them hidden through the frames is left to others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.media.video.clip import Plane
from crowdveil.redact.fill import Channel, Field, fill
from crowdveil.redact.flat import pattern, solid
from crowdveil.redact.grain import TILE_PX, Grain, grain_of
from crowdveil.redact.holes import Hole, holes_of, occupied_cells
from crowdveil.redact.look import Look, Style
from crowdveil.redact.lossy import blurred, grid_block_px, pixelated_on_grid
from crowdveil.redact.masks import Mask, Outlines, Window, coverage_in, mask_in
from crowdveil.redact.sheets import STEPS, Meaning, Sheet, sheets_of

_GRID_PX = 16
"""Windows begin on a grid this wide, so that a mask that moves by a pixel is filled from the
same samples of the pyramid and does not flicker; a multiple of every step of a plane."""

_STRAND = 1 / 120
"""Width of a strand of `pattern` over the shorter side of the picture. The same for all
faces of a clip, because a weave that grows with its face would crawl."""

_INSET_PX = 1.0
"""How far inside the mask the drawn edge of `solid` and `pattern` runs, to be smooth."""


def paint_into(
    planes: Sequence[Plane],
    outlines: Outlines,
    look: Look,
    *,
    number: int = 0,
    grain: Grain | None = None,
) -> None:
    """Veil one frame, in place.

    Args:
        planes: every plane of the stored picture; their samples are overwritten. A colour
            sample is hidden as soon as one pixel that it stands for is.
        outlines: the masks in pixels of the stored picture, made by `Outlines.of` or
            `Outlines.of_boxes` with the same `look`; none leaves the frame as it is.
        look: style and seed.
        number: the frame's number, which moves the grain.
        grain: what `measure_grain` found at the beginning of the shot; None measures it in
            this frame, so that it may change a little from frame to frame. Only `soft`
            has grain.

    Raises:
        ValueError: sizes or steps of the planes do not belong to one picture.
    """
    if not len(outlines):
        return
    sheets, size_wh = sheets_of(planes)
    holes = holes_of(outlines, size_wh)
    if look.style is Style.SOFT and holes and grain is None:
        grain = measure_grain(planes, outlines, look)
    brush = _Brush(look, size_wh, grain, _drift_px(look.seed, number))
    spots = [_spot(hole, outlines, size_wh) for hole in holes]
    # All is drawn before anything is written, so that no hole sees another's paint.
    paints = [brush.paint(spot, sheet) for spot in spots for sheet in sheets]
    for paint in paints:
        for target, drawn in zip(paint.targets, paint.drawn, strict=True):
            np.copyto(target, drawn, where=paint.mask)


def measure_grain(planes: Sequence[Plane], outlines: Outlines, look: Look) -> Grain:
    """The grain of a frame outside its masks, to be given to `paint_into` for a whole shot.

    Raises:
        ValueError: sizes or steps of the planes do not belong to one picture.
    """
    sheets, size_wh = sheets_of(planes)
    light = next(sheet for sheet in sheets if sheet.meaning is Meaning.LIGHT)
    return grain_of(
        light.channels((0, 0, *size_wh)),
        occupied_cells(outlines, size_wh),
        full_scale=light.full_scale,
        tinted=len(light.planes) == 3,
        seed=look.seed,
    )


@dataclass(frozen=True, slots=True)
class _Spot:
    """A hole with the masks that all sheets share, in pixels of the stored picture."""

    hole: Hole
    around: Window
    """The hole's surroundings, beginning on the grid."""
    unknown: Mask
    """Every hidden pixel of `around`, (h, w)."""
    own: Mask
    """What the hole itself covers of `around`, (h, w)."""

    @property
    def face_px(self) -> float:
        """Side of the largest face, or of the window if a drawn box is larger still."""
        x0, y0, x1, y1 = self.hole.window
        return min(self.hole.face_px, float(max(x1 - x0, y1 - y0)))


def _spot(hole: Hole, outlines: Outlines, size_wh: SizeWH) -> _Spot:
    around = _snapped(hole.around, size_wh)
    unknown = mask_in(around, outlines)
    alone = len(hole.neighbours) == len(hole.outlines)
    return _Spot(hole, around, unknown, unknown if alone else mask_in(around, hole.outlines))


@dataclass(frozen=True, slots=True)
class _Paint:
    """What is to be written: `drawn` into `targets` where `mask` is true, all of them (h, w)."""

    targets: Sequence[Channel]
    drawn: Sequence[Channel]
    mask: Mask


@dataclass(frozen=True, slots=True)
class _Brush:
    """What is the same for all veils of a frame."""

    look: Look
    size_wh: SizeWH
    grain: Grain | None
    drift_px: tuple[int, int]

    def paint(self, spot: _Spot, sheet: Sheet) -> _Paint:
        """What to write into the planes of a sheet for one hole."""
        at, around = sheet.window(spot.hole.window), sheet.window(spot.around)
        drawn: Sequence[Channel]
        if self.look.style is Style.MOSAIC:
            drawn = [_mosaic(spot, plane, at) for plane in sheet.planes]
        elif self.look.style is Style.BLUR:
            drawn = [_blur(spot, plane, at, around) for plane in sheet.planes]
        else:
            filled = fill(sheet.channels(around), sheet.hidden(spot.unknown), blank=sheet.blank)
            field = np.ascontiguousarray(_cut(filled.rows(0, filled.height), around, at))
            drawn = _samples(self._finished(field, spot, sheet, at), sheet)
        return _Paint(sheet.channels(at), drawn, _cut(sheet.hidden(spot.own), around, at))

    def _finished(self, field: Field, spot: _Spot, sheet: Sheet, at: Window) -> Field:
        """A fill with its grain, or under what is painted over it."""
        if self.look.style is Style.SOFT:
            if self.grain is not None and sheet.meaning is Meaning.LIGHT:
                across, down = self.drift_px
                moved = at[0] + across, at[1] + down, at[2] + across, at[3] + down
                self.grain.add_to(field, moved)
            return field
        pixels = sheet.pixels(at, self.size_wh)
        if self.look.style is Style.SOLID:
            shade = solid(pixels)
        else:
            shade = pattern(pixels, strand_px=min(self.size_wh) * _STRAND)
        cover = coverage_in(pixels, spot.hole.outlines, inset_px=_INSET_PX)
        painted = sheet.grey(sheet.means(shade)) - field
        return field + painted * sheet.means(cover)[..., None]


def _mosaic(spot: _Spot, plane: Plane, at: Window) -> Channel:
    block_px = grid_block_px(spot.face_px)
    block_wh = block_px // plane.step_xy[0], block_px // plane.step_xy[1]
    x0, y0, x1, y1 = at
    left, top = x0 // block_wh[0] * block_wh[0], y0 // block_wh[1] * block_wh[1]
    right, bottom = -(-x1 // block_wh[0]) * block_wh[0], -(-y1 // block_wh[1]) * block_wh[1]
    blocks = pixelated_on_grid(plane.samples[top:bottom, left:right], block_wh=block_wh)
    return _cut(blocks, (left, top, right, bottom), at)[..., 0]


def _blur(spot: _Spot, plane: Plane, at: Window, around: Window) -> Channel:
    x0, y0, x1, y1 = around
    smooth = blurred(plane.samples[y0:y1, x0:x1], face_px=spot.face_px, step_xy=plane.step_xy)
    return _cut(smooth, around, at)[..., 0]


def _samples(field: Field, sheet: Sheet) -> Sequence[Channel]:
    """A field (h, w, c), rounded to what the planes can hold; overwrites it."""
    np.rint(field, out=field)
    np.clip(field, 0, sheet.full_scale, out=field)
    whole: NDArray[Any] = field.astype(sheet.planes[0].samples.dtype)
    return [whole[..., channel] for channel in range(whole.shape[2])]


def _cut(values: NDArray[Any], window: Window, part: Window) -> NDArray[Any]:
    """What lies in `part` of values (h, w, ...) that fill `window`."""
    left, top = window[:2]
    return values[part[1] - top : part[3] - top, part[0] - left : part[2] - left]


def _snapped(window: Window, size_wh: SizeWH) -> Window:
    """A window that begins on the grid and ends with whole samples of every plane."""
    x0, y0, x1, y1 = window
    width, height = size_wh
    most = max(STEPS)
    right, bottom = min(-(-x1 // most) * most, width), min(-(-y1 // most) * most, height)
    return x0 // _GRID_PX * _GRID_PX, y0 // _GRID_PX * _GRID_PX, right, bottom


def _drift_px(seed: int, number: int) -> tuple[int, int]:
    """How far the grain of a frame is shifted, anywhere within its period.

    Taken from a bit generator's raw output, whose stream NumPy keeps stable (NEP 19).
    """
    drift = int(np.random.PCG64([seed, number]).random_raw())
    return drift % TILE_PX, drift // TILE_PX % TILE_PX
