"""Which pixels of a picture are hidden: the outlines of its masks, rasterised.

Regions come in, boolean masks come out, for the whole picture or for a window of it. A
mask holds every pixel that its continuous outline touches, so rounding can only hide more.
Knows nothing of what the pixels show or what replaces them.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Box, Boxes, SizeWH
from crowdveil.plan import Action, Region, Shape
from crowdveil.redact.look import Look

Mask: TypeAlias = NDArray[np.bool_]
"""(h, w) bool, true where a pixel is hidden."""

Window: TypeAlias = tuple[int, int, int, int]
"""`x0, y0, x1, y1` in whole pixels of the upright picture, half-open, inside it."""

DOUBTFUL_RIM = 5 / 6
"""What a mask adds around a box where it is doubtful whether that is a face, over what it adds
elsewhere: most of these are none, and hair tells who it is only around a face."""

_LEAST_HALF_PX = 0.5
"""Smallest half axis, so that even a vanishing box hides the pixels about its centre."""

_FAR_PX = 1e6
"""Stands for a depth that needs no exact figure."""

_AT_ONCE = 64
"""Outlines whose rows and columns are worked out together, which bounds the memory."""

_ROUNDING = 1e-9
"""How far past its edge an outline still counts as touching, against float rounding."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """The continuous outlines of `n` masks, n may be 0.

    Attributes:
        centre: (n, 2) float64 `x, y` in pixels of the upright picture.
        half: (n, 2) float64 half width and half height in pixels, at least 0.5.
        round: (n,) bool, true for an ellipse, false for a box.
        face_px: (n,) float64, the shorter side of each face's own box, without the margin.
    """

    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    round: NDArray[np.bool_]
    face_px: NDArray[np.float64]

    def __len__(self) -> int:
        """How many outlines there are."""
        return len(self.centre)

    @classmethod
    def of(
        cls,
        regions: Sequence[Region],
        look: Look,
        *,
        place: Callable[[Box], Box] | None = None,
    ) -> Self:
        """The outlines of the regions that are veiled, in any order the regions come in.

        Args:
            regions: any number; those with action `keep` are passed over.
            look: gives the margin and, unless None, the shape of all masks.
            place: where a region's box lies in the picture that is drawn into; None if there.
        """
        veiled = [region for region in regions if region.action is Action.VEIL]
        placed = [region.box if place is None else place(region.box) for region in veiled]
        return cls.of_boxes(
            np.array(placed, np.float64).reshape(-1, 4),
            np.array([region.shape is Shape.ELLIPSE for region in veiled], np.bool_),
            look,
            doubtful=np.array([region.uncertain for region in veiled], np.bool_),
        )

    @classmethod
    def of_boxes(
        cls,
        boxes: Boxes | NDArray[np.float64],
        ellipse: NDArray[np.bool_],
        look: Look,
        *,
        doubtful: NDArray[np.bool_],
    ) -> Self:
        """The outlines of `n` boxes.

        Args:
            boxes: (n, 4) `x0, y0, x1, y1` of the faces themselves in pixels, half-open; all
                of them are veiled.
            ellipse: (n,) bool, each mask's own shape, which `look.shape` overrules.
            look: gives the margin and, unless None, the shape of all masks.
            doubtful: (n,) bool, whose margin adds only `DOUBTFUL_RIM` as much.

        Raises:
            ValueError: wrong shapes, or a box that is not finite or has no area: it would
                hide nothing, silently.
        """
        boxes = np.asarray(boxes, np.float64)
        one_each = ellipse.shape == doubtful.shape == (len(boxes),)
        if boxes.ndim != 2 or boxes.shape[1] != 4 or not one_each:
            raise ValueError(
                f"boxes {boxes.shape}, shapes {ellipse.shape} and doubts {doubtful.shape} do not "
                "match (n, 4)"
            )
        if not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
            raise ValueError("every box must be finite with x0 < x1 and y0 < y1")
        # Halved before they are added, because a drawn box may be absurdly large.
        near, far = boxes[:, :2] / 2, boxes[:, 2:] / 2
        with np.errstate(over="ignore"):
            margin = np.where(doubtful, 1 + (look.margin - 1) * DOUBTFUL_RIM, look.margin)
            half = np.maximum((far - near) * margin[:, None], _LEAST_HALF_PX)
            face_px = 2 * (far - near).min(axis=1, initial=np.inf)
        if look.shape is not None:
            ellipse = np.full(len(boxes), look.shape is Shape.ELLIPSE)
        return cls(near + far, half, ellipse, face_px)

    def select(self, chosen: NDArray[np.intp]) -> Self:
        """The outlines at the indices `chosen`, (m,)."""
        return type(self)(
            self.centre[chosen], self.half[chosen], self.round[chosen], self.face_px[chosen]
        )

    def bounds(self, size_wh: SizeWH) -> NDArray[np.int64]:
        """Bounding windows, (n, 4) int64, clipped to the picture; empty if wholly outside."""
        limit = np.array(size_wh, np.float64)
        near = np.clip(np.floor(self.centre - self.half), 0, limit)
        far = np.clip(np.ceil(self.centre + self.half), 0, limit)
        return np.concatenate([near, np.maximum(near, far)], axis=1).astype(np.int64)


def mask_of(regions: Sequence[Region], size_wh: SizeWH, look: Look) -> Mask:
    """Every pixel that rendering replaces.

    Args:
        regions: any number of regions of one frame; those with action `keep` are passed
            over; boxes may reach past the border or lie outside the picture.
        size_wh: width and height of the picture in pixels.
        look: gives the margin and, unless None, the shape of all masks.

    Returns:
        (h, w) bool: the union of the masks. A pixel is in as soon as an outline touches
        any part of it; the order of the regions does not matter.
    """
    width, height = size_wh
    return mask_in((0, 0, width, height), Outlines.of(regions, look))


def mask_in(window: Window, outlines: Outlines) -> Mask:
    """The union of the masks within a window, (h, w) bool of the window's size."""
    x0, y0, x1, y1 = window
    mask = np.zeros((y1 - y0, x1 - x0), np.bool_)
    near = np.clip(np.floor(outlines.centre - outlines.half), (x0, y0), (x1, y1)).astype(np.intp)
    far = np.clip(np.ceil(outlines.centre + outlines.half), (x0, y0), (x1, y1)).astype(np.intp)
    here = np.flatnonzero((near < far).all(axis=1))
    # The rows and columns of many outlines at once: one by one they cost ten times as much.
    for some in np.split(here, range(_AT_ONCE, len(here), _AT_ONCE)):
        across = _share(np.arange(x0, x1), outlines, some, axis=0)
        down = _share(np.arange(y0, y1), outlines, some, axis=1)
        room = np.where(outlines.round[some, None], 1 + _ROUNDING - down, np.inf)
        for k, (left, top), (right, bottom) in zip(
            range(len(some)), (near[some] - (x0, y0)).tolist(), (far[some] - (x0, y0)).tolist(),
            strict=True,
        ):  # fmt: skip
            part = mask[top:bottom, left:right]
            part |= across[k, left:right] <= room[k, top:bottom, None]
    return mask


def _share(
    pixels: NDArray[np.intp], outlines: Outlines, which: NDArray[np.intp], *, axis: int
) -> NDArray[np.float64]:
    """What columns (axis 0) or rows (1) add to the equation of each ellipse, (n, pixels).

    The point of a pixel's square that is nearest to the centre decides whether the ellipse
    touches the pixel; both axes can be judged apart.
    """
    away = np.abs(pixels + 0.5 - outlines.centre[which, axis, None])
    away -= 0.5
    np.maximum(away, 0, out=away)
    away /= outlines.half[which, axis, None]
    return np.square(away, out=away)


def coverage_in(window: Window, outlines: Outlines, *, inset_px: float) -> NDArray[np.float32]:
    """How much of each pixel lies inside the outlines, drawn a little smaller.

    Painting with this coverage gives smooth edges within the mask.

    Args:
        window: the part of the picture to draw.
        outlines: what to draw.
        inset_px: how far inside each outline its drawn edge runs, in pixels.

    Returns:
        (h, w) float32, 0-1, rising over about one pixel.
    """
    coverage = np.zeros((window[3] - window[1], window[2] - window[0]), np.float32)
    for one in _placed(window, outlines):
        half = [max(length - inset_px, _LEAST_HALF_PX) for length in one.half_wh]
        if one.ellipse:
            across, down = one.across_px / half[0], one.down_px / half[1]
            reach = np.sqrt(down[:, None] ** 2 + across[None, :] ** 2)
            slope = np.hypot((down / half[1])[:, None], (across / half[0])[None, :])
            # First-order distance to an implicit curve: Taubin (1991), IEEE Trans. Pattern
            # Analysis and Machine Intelligence 13(11), 1115-1138.
            depth_px = (1 - reach) * reach / np.maximum(slope, 1 / _FAR_PX)
            depth_px[reach < 0.5] = _FAR_PX
        else:
            depth_px = np.minimum((half[1] - one.down_px)[:, None], half[0] - one.across_px)
        inside = np.clip(depth_px + 0.5, 0, 1).astype(np.float32)
        np.maximum(coverage[one.here], inside, out=coverage[one.here])
    return coverage


@dataclass(frozen=True, slots=True)
class _Placed:
    """One outline on the pixels of a window that its bounding window shares."""

    here: tuple[slice, slice]
    """Rows and columns of the window."""
    across_px: NDArray[np.float64]
    """(w,) distance of those columns' pixel centres from the outline's centre."""
    down_px: NDArray[np.float64]
    """(h,) the same for rows."""
    half_wh: tuple[float, float]
    ellipse: bool


def _placed(window: Window, outlines: Outlines) -> Iterator[_Placed]:
    x0, y0, x1, y1 = window
    # Plain numbers: NumPy takes ten times as long for a handful of outlines.
    for (x, y), (half_w, half_h), ellipse in zip(
        outlines.centre.tolist(), outlines.half.tolist(), outlines.round.tolist(), strict=True
    ):
        # Clipped before they are rounded, because an outline may be larger than any integer.
        left, right = math.floor(max(x - half_w, x0)), math.ceil(min(x + half_w, x1))
        top, bottom = math.floor(max(y - half_h, y0)), math.ceil(min(y + half_h, y1))
        if left < right and top < bottom:
            yield _Placed(
                here=(slice(top - y0, bottom - y0), slice(left - x0, right - x0)),
                across_px=np.abs(np.arange(left + 0.5, right) - x),
                down_px=np.abs(np.arange(top + 0.5, bottom) - y),
                half_wh=(half_w, half_h),
                ellipse=ellipse,
            )
