"""Measures how much of an area of a picture is left as it was, whatever file it went through.

Two pictures of one size and boxes come in, shares go out. Saving a picture anew changes nearly
every sample a little, and a veil may happen to have the brightness of the skin it hides; so
an area counts as unchanged where its *texture* is the same. What is a face is left to others.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Boxes
from crowdveil.media.picture import RGB
from crowdveil.redact.masks import Mask

WORK_PX = 56
"""Longer side to which larger areas are reduced: faces are told apart by features of this
scale, and compression shows less."""

_WINDOW_PX = 1.5
"""Standard deviation of the window in which textures are compared. Source: Wang et al. (2004),
IEEE Transactions on Image Processing 13(4), 600-612."""

_NOISE = 3.0
"""Variance below which a texture counts as none: what saving as JPEG leaves of a flat area."""

_ALIKE = 0.6
"""Structural similarity from which a place counts as unchanged."""

_TEXTURED = 5.0
"""Standard deviation of levels in a window from which there is something to see: the grain of a
soft veil stays below, the features of a face do not."""

_DRAWN_MORE, _DRAWN_NOISE = 1.25, 4.0
"""By how much, of the squared difference and beyond, a copy may lie farther from a veil as it
would be drawn than from the original and still be taken for the veil: saving as JPEG."""

_SHIFT = 16.0
"""Difference in level from which a place counts as changed, out of 255."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How areas compare between an original and its copy, n areas.

    Attributes:
        unchanged: (n,) float32, share of the ellipse inscribed in each box that has its own
            texture still, 0-1.
        structure: (n,) float32, correlation of light and shade within the ellipse, -1 to 1;
            near 1 also under a weak blur, near 0 where nothing is left.
        foreign: (n,) float32, share of the ellipse that shows something else than the original
            did, with a texture that no soft or solid veil has, 0-1.
    """

    unchanged: NDArray[np.float32]
    structure: NDArray[np.float32]
    foreign: NDArray[np.float32]

    def take(self, which: NDArray[np.bool_]) -> "Likeness":
        """Those that an (n,) boolean mask picks."""
        return Likeness(self.unchanged[which], self.structure[which], self.foreign[which])

    def but_for(self, unseen: NDArray[np.bool_]) -> "Likeness":
        """The same, with nothing open where (n,) places are not seen in the copy."""
        seen = (~unseen).astype(np.float32)
        return Likeness(self.unchanged * seen, self.structure * seen, self.foreign * seen)


@dataclass(frozen=True, slots=True)
class Drawing:
    """An original as a plan veils it.

    Attributes:
        picture: (h, w, 3) uint8.
        veils: (h, w) bool, where a veil is.
    """

    picture: RGB
    veils: Mask


def likeness(original: RGB, copy: RGB, boxes: Boxes, *, drawing: Drawing | None = None) -> Likeness:
    """Compare areas of two pictures.

    Args:
        original: (h, w, 3) uint8.
        copy: the same size.
        boxes: (n, 4) float32, half-open; what lies outside the picture does not count.
        drawing: what the copy should look like, the same size; where the copy is no farther from
            one of its veils than from the original, it is veiled, whatever the two have in common:
            a veil over a flat dark ground has the ground's own texture. None if that is unknown.

    Raises:
        ValueError: the pictures differ in size.
    """
    if original.shape != copy.shape:
        raise ValueError(f"sizes differ: {original.shape} and {copy.shape}")
    unchanged = np.zeros(len(boxes), np.float32)
    structure = np.zeros(len(boxes), np.float32)
    foreign = np.zeros(len(boxes), np.float32)
    height, width = original.shape[:2]
    for k, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        left, top = max(int(np.floor(x0)), 0), max(int(np.floor(y0)), 0)
        right, bottom = min(int(np.ceil(x1)), width), min(int(np.ceil(y1)), height)
        if right - left < 2 or bottom - top < 2:
            continue
        here = slice(top, bottom), slice(left, right)
        a, b = _reduced(original[here]), _reduced(copy[here])
        inside = _ellipse(a.shape[:2], (left, top, right, bottom), (x0, y0, x1, y1))
        if inside.any():
            alike = _alike(a, b)
            strange = ~alike & _textured(b)
            if drawing is not None:
                veiled = _as_drawn(a, b, _reduced(drawing.picture[here]), drawing.veils[here])
                alike, strange = alike & ~veiled, strange & ~veiled
            unchanged[k] = (alike & inside).sum() / inside.sum()
            structure[k] = _correlation(a, b, inside)
            foreign[k] = (strange & inside).sum() / inside.sum()
    return Likeness(unchanged, structure, foreign)


def _reduced(part: RGB) -> NDArray[np.float32]:
    scale = WORK_PX / max(part.shape[:2])
    if scale < 1:
        size = max(round(part.shape[1] * scale), 2), max(round(part.shape[0] * scale), 2)
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return part.astype(np.float32)


def _ellipse(
    shape: tuple[int, ...], window: tuple[int, int, int, int], box: tuple[float, ...]
) -> NDArray[np.bool_]:
    """The ellipse inscribed in a box, on the samples of a reduced window."""
    left, top, right, bottom = window
    x = left + (np.arange(shape[1]) + 0.5) * (right - left) / shape[1]
    y = top + (np.arange(shape[0]) + 0.5) * (bottom - top) / shape[0]
    across = (x - (box[0] + box[2]) / 2) / max((box[2] - box[0]) / 2, 0.5)
    down = (y - (box[1] + box[3]) / 2) / max((box[3] - box[1]) / 2, 0.5)
    return np.asarray(across[None] ** 2 + down[:, None] ** 2 <= 1)


def _alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where two reduced areas have the same texture and much the same level."""
    near = np.abs(_smooth(a - b)).max(axis=2) < _SHIFT
    grey_a, grey_b = a.mean(axis=2), b.mean(axis=2)
    mean_a, mean_b = _smooth(grey_a), _smooth(grey_b)
    var_a = np.maximum(_smooth(grey_a * grey_a) - mean_a * mean_a, 0)
    var_b = np.maximum(_smooth(grey_b * grey_b) - mean_b * mean_b, 0)
    shared = _smooth(grey_a * grey_b) - mean_a * mean_b
    similar = (2 * shared + _NOISE) / (var_a + var_b + _NOISE)
    return np.asarray(near & (similar >= _ALIKE))


def _textured(b: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where a reduced area has light and shade that follow each other closely."""
    grey = b.mean(axis=2)
    mean = _smooth(grey)
    return np.asarray(_smooth(grey * grey) - mean * mean > _TEXTURED**2)


def _as_drawn(
    a: NDArray[np.float32], b: NDArray[np.float32], drawn: NDArray[np.float32], veils: Mask
) -> NDArray[np.bool_]:
    """Where a reduced area of a copy is at least as near to its veil as to the original."""
    size = b.shape[1], b.shape[0]
    share = cv2.resize(veils.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    to_veil, to_original = (_smooth(((b - one) ** 2).mean(axis=2)) for one in (drawn, a))
    near = to_veil <= _DRAWN_MORE * to_original + _DRAWN_NOISE
    return np.asarray(near & (share > 0))


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred = cv2.GaussianBlur(values, (0, 0), _WINDOW_PX, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.float32)


def _correlation(
    a: NDArray[np.float32], b: NDArray[np.float32], inside: NDArray[np.bool_]
) -> float:
    """Of light and shade without their even slope, which a veil shares with its surroundings."""
    y, x = np.nonzero(inside)
    if len(x) < 8:
        return 0.0
    plane = np.stack([x, y, np.ones_like(x)], axis=1).astype(np.float32)
    levels = np.stack([a.mean(axis=2)[inside], b.mean(axis=2)[inside]], axis=1)
    levels = levels - plane @ np.linalg.lstsq(plane, levels, rcond=None)[0]
    spread = np.sqrt((levels**2).mean(axis=0))
    if spread.min() < 1.0:
        return 0.0
    return float((levels[:, 0] * levels[:, 1]).mean() / (spread[0] * spread[1]))
