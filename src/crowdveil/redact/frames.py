"""Paints the veils of one video frame into its planes, as they are stored.

Planes and outlines come in, the planes' samples are overwritten where they are hidden;
every other sample stays the same bit for bit. What `render` promises of photos holds here
for each frame: for the styles that are not in `LOSSY` the result is a function of the
samples outside the masks, of the masks and the seed, and of no other frame. No colours are
converted: a fill is a weighted mean, so each plane is filled by itself. Finding the faces
and keeping them hidden through the frames is left to others.

Grain stands still from frame to frame. The encoders of phones freeze the noise of what does
not move: measured on such clips, luminance around still veils changes by 0.4 of 255 from a
frame to the next; grain that moves makes the veils swarm by 1.8 and the file 8 to 12 %
larger, grain that stands still costs 0 to 3 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.media.picture import Samples
from crowdveil.media.video.clip import Plane
from crowdveil.redact.fill import Field, Fill, fill
from crowdveil.redact.flat import Shade, pattern, solid
from crowdveil.redact.grain import Grain, grain_of
from crowdveil.redact.holes import Hole, grounds_of, holes_of, occupied_cells
from crowdveil.redact.look import LOSSY, Look, Style
from crowdveil.redact.lossy import blurred, grid_block_px, pixelated_on_grid
from crowdveil.redact.masks import Mask, Outlines, Window, coverage_in, mask_in
from crowdveil.redact.sheets import STEPS, Meaning, Sheet, sheets_of

_GRID_PX = 32
"""Windows begin and end on a grid this wide, a multiple of every step of a plane. The levels
of the fill's pyramid then lie on the same pixels whatever the window: a veil does not
flicker when holes are filled apart in one frame and together in the next."""

_WHOLE_PX = max(STEPS)
"""Pixels that are whole samples of any plane."""

_START_PX = 1 << 17
"""What beginning another window costs, in pixels of a larger one. A fill takes about 0.25 ms
and 4.5 ns a pixel, which is half of this; but windows are joined one at a time, and often
pay only once several are. Fastest of six values for 2 to 20 faces at 720p and 1080p."""

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
    grain: Grain | None = None,
) -> None:
    """Veil one frame, in place.

    Args:
        planes: every plane of the stored picture; their samples are overwritten. A colour
            sample is hidden as soon as one pixel that it stands for is.
        outlines: the masks in pixels of the stored picture, made by `Outlines.of` or
            `Outlines.of_boxes` with the same `look`; none leaves the frame as it is.
        look: style and seed.
        grain: what `measure_grain` found at the beginning of the shot; None measures it in
            this frame, so that it may change a little from frame to frame. Only `soft`
            has grain.

    Raises:
        ValueError: sizes or steps of the planes do not belong to one picture.
    """
    if not len(outlines):
        return
    sheets, size_wh = sheets_of(planes)
    holes = holes_of(outlines, size_wh, grid_px=_GRID_PX)
    if look.style is Style.SOFT and holes and grain is None:
        grain = measure_grain(planes, outlines, look)
    if look.style in LOSSY:
        _distort(sheets, holes, look.style)
        return
    brush = _Brush(look, size_wh, grain)
    for window, within in grounds_of(holes, start_px=_START_PX):
        unknown = mask_in(window, outlines)
        grounds = [_ground(sheet, window, unknown) for sheet in sheets]
        for hole in within:
            brush.paint(hole, grounds)


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
class _Ground:
    """What could be seen in a window of a sheet if nothing were hidden there.

    Attributes:
        sheet: the planes.
        around: the window, in samples.
        hidden: the samples that are hidden, (h, w).
        filled: the surroundings, continued.
    """

    sheet: Sheet
    around: Window
    hidden: Mask
    filled: Fill


def _ground(sheet: Sheet, window: Window, unknown: Mask) -> _Ground:
    around, hidden = sheet.window(window), sheet.hidden(unknown)
    return _Ground(sheet, around, hidden, fill(sheet.channels(around), hidden, blank=sheet.blank))


@dataclass(frozen=True, slots=True)
class _Brush:
    """What is the same for all veils of a frame, under the styles that let nothing through."""

    look: Look
    size_wh: SizeWH
    grain: Grain | None

    def paint(self, hole: Hole, grounds: Sequence[_Ground]) -> None:
        """Paint one hole into the planes of all sheets."""
        flat = None if self.look.style is Style.SOFT else self._flat(hole)
        for ground in grounds:
            sheet, around = ground.sheet, ground.around
            at = sheet.window(hole.window)
            field = np.ascontiguousarray(ground.filled.part(_within(at, around)))
            if flat is not None:
                field = flat.over(field, sheet, at)
            elif self.grain is not None and sheet.meaning is Meaning.LIGHT:
                self.grain.add_to(field, at)
            # Pixels of another hole that lie in this window come out the same from either.
            mask = _cut(ground.hidden, around, at)
            for target, drawn in zip(sheet.channels(at), _samples(field, sheet), strict=True):
                np.copyto(target, drawn, where=mask)

    def _flat(self, hole: Hole) -> "_Flat":
        """The grey of a hole and its edge, in a window that is whole samples of every plane."""
        x0, y0, x1, y1 = (edge // _WHOLE_PX * _WHOLE_PX for edge in hole.window)
        window = x0, y0, min(x1 + _WHOLE_PX, self.size_wh[0]), min(y1 + _WHOLE_PX, self.size_wh[1])
        if self.look.style is Style.SOLID:
            shade = solid(window)
        else:
            shade = pattern(window, strand_px=min(self.size_wh) * _STRAND)
        return _Flat(window, shade, coverage_in(window, hole.neighbours, inset_px=_INSET_PX))


@dataclass(frozen=True, slots=True)
class _Flat:
    """A grey that covers a window, (h, w) each."""

    window: Window
    shade: Shade
    cover: NDArray[np.float32]

    def over(self, field: Field, sheet: Sheet, at: Window) -> Field:
        """A fill of the planes' window `at` under the grey."""
        whole = sheet.window(self.window)
        cover = _cut(sheet.means(self.cover), whole, at)[..., None]
        grey = _cut(sheet.grey(self.shade), whole, at)
        covered: Field = field + (grey - field) * cover
        return covered


def _distort(sheets: Sequence[Sheet], holes: Sequence[Hole], style: Style) -> None:
    """Paint by the styles that are made of the faces themselves."""
    draw = _mosaic if style is Style.MOSAIC else _blur
    paints = []
    for hole in holes:
        own = mask_in(hole.around, hole.outlines)
        for sheet in sheets:
            at, around = sheet.window(hole.window), sheet.window(hole.around)
            mask = _cut(sheet.hidden(own), around, at)
            paints += [(plane, at, draw(plane, hole, at, around), mask) for plane in sheet.planes]
    # All is drawn before anything is written, so that no hole sees another's paint.
    for plane, (x0, y0, x1, y1), drawn, mask in paints:
        np.copyto(plane.samples[y0:y1, x0:x1, 0], drawn[..., 0], where=mask)


def _mosaic(plane: Plane, hole: Hole, at: Window, _around: Window) -> Samples:
    block_px = grid_block_px(_visible_px(hole))
    across, down = block_px // plane.step_xy[0], block_px // plane.step_xy[1]
    x0, y0, x1, y1 = at
    left, right = x0 // across * across, -(-x1 // across) * across
    top, bottom = y0 // down * down, -(-y1 // down) * down
    blocks = pixelated_on_grid(plane.samples[top:bottom, left:right], block_wh=(across, down))
    return _cut(blocks, (left, top, right, bottom), at)


def _blur(plane: Plane, hole: Hole, at: Window, around: Window) -> Samples:
    x0, y0, x1, y1 = around
    face_px, step_xy = _visible_px(hole), plane.step_xy
    smooth = blurred(plane.samples[y0:y1, x0:x1], face_px=face_px, step_xy=step_xy)
    return _cut(smooth, around, at)


def _visible_px(hole: Hole) -> float:
    """Side of the largest face of a hole, or of its window if a drawn box is larger still."""
    x0, y0, x1, y1 = hole.window
    return min(hole.face_px, float(max(x1 - x0, y1 - y0)))


def _samples(field: Field, sheet: Sheet) -> Sequence[NDArray[Any]]:
    """A field (h, w, c), rounded to what the planes can hold; overwrites it."""
    np.rint(field, out=field)
    np.maximum(field, 0, out=field)
    np.minimum(field, sheet.full_scale, out=field)
    whole: NDArray[Any] = field.astype(sheet.planes[0].samples.dtype)
    return [whole[..., channel] for channel in range(whole.shape[2])]


def _cut(values: NDArray[Any], window: Window, part: Window) -> NDArray[Any]:
    """What lies in `part` of values (h, w, ...) that fill `window`."""
    x0, y0, x1, y1 = _within(part, window)
    return values[y0:y1, x0:x1]


def _within(part: Window, window: Window) -> Window:
    """A part of a window, counted from the window's corner."""
    x0, y0 = window[:2]
    return part[0] - x0, part[1] - y0, part[2] - x0, part[3] - y0
