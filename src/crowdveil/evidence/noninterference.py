"""Proves for a file that crowdveil rendered that its veils hold nothing of what they hide.

The plan is rendered twice, once over the original and once over an original whose hidden samples
were replaced by noise; nothing of the results may differ. The first rendering is also compared
with the copy at hand, which ties the proof to it. Which file belongs to which plan is left to
`check`.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import Photo, Picture, contiguous
from crowdveil.media.video.clip import Clip, Plane, stored_box
from crowdveil.plan import Action, Plan, Region, Shape
from crowdveil.redact.frames import paint_into
from crowdveil.redact.look import Look, Style
from crowdveil.redact.masks import Mask, Outlines, mask_in, mask_of
from crowdveil.redact.render import render_picture
from crowdveil.redact.sheets import sheets_of
from crowdveil.track.timeline import Timeline

SAME_DB = 28.0
"""Agreement within the veils, between a rendering and a copy that was compressed since, from
which they count as the same drawing."""

_SEED = 4711


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether veils are independent of what they hide.

    Attributes:
        style: the style that was rendered.
        margin: its margin.
        seed: its seed.
        shape: its outline, None for each region's own.
        independent: whether noise under the masks changed nothing.
        pictures: how many pictures, or frames of a video, were rendered twice.
        agreement_db: peak signal-to-noise ratio within the veils between the rendering and the
            copy, the least of all pictures; None if they are the same to the bit.
        reproduced: whether the copy shows this rendering.
    """

    style: Style
    margin: float
    seed: int
    independent: bool
    pictures: int
    agreement_db: float | None
    reproduced: bool
    shape: Shape | None = None

    @property
    def look(self) -> Look:
        """What was rendered."""
        return Look(style=self.style, margin=self.margin, shape=self.shape, seed=self.seed)


def prove_photo(original: Photo, copy: Photo, plan: Plan, looks: Sequence[Look]) -> Proof | None:
    """Render a photo's plan twice and compare; None if the plan veils nothing.

    Args:
        original: of the plan.
        copy: of the same size.
        plan: what was veiled.
        looks: what the veils may look like, the likeliest first; the first that the copy shows
            is taken, or the one that comes nearest.
    """
    timeline = Timeline(plan)
    pages = [timeline.at(number) for number in range(len(original.frames))]
    veiled = [k for k, page in enumerate(pages) if any(r.action is Action.VEIL for r in page)]
    if not veiled:
        return None
    best: tuple[float, Look, list[Picture]] | None = None
    for look in looks:
        drawn = [render_picture(original.frames[k], pages[k], look) for k in veiled]
        worst = min(
            _agreement(d, copy.frames[k], mask_of(pages[k], d.size_wh, look))
            for d, k in zip(drawn, veiled, strict=True)
            if k < len(copy.frames)
        )
        if best is None or worst > best[0]:
            best = worst, look, drawn
        if worst >= SAME_DB:
            break
    if best is None:
        return None
    agreement, look, drawn = best
    independent = all(
        np.array_equal(
            d.samples,
            render_picture(_noisy(original.frames[k], pages[k], look), pages[k], look).samples,
        )
        for d, k in zip(drawn, veiled, strict=True)
    )
    return Proof(
        style=look.style,
        margin=look.margin,
        seed=look.seed,
        independent=independent,
        pictures=len(veiled),
        agreement_db=None if np.isinf(agreement) else round(agreement, 2),
        reproduced=agreement >= SAME_DB,
        shape=look.shape,
    )


def paint_twice(
    clip: Clip, planes: Sequence[Plane], regions: Sequence[Region], look: Look
) -> tuple[bool, tuple[Plane, ...], tuple[NDArray[np.bool_], ...]] | None:
    """Paint one frame of a video as it is and with noise under its veils.

    Args:
        clip: what it is of.
        planes: of the stored original; not changed.
        regions: of the plan in this frame.
        look: what a veil looks like.

    Returns:
        Whether both came out the same, the painted planes, and where each is painted; None if
        nothing is veiled in the frame.
    """
    outlines = Outlines.of(regions, look, place=lambda box: stored_box(box, clip))
    if not len(outlines):
        return None
    once, again = _copied(planes), _copied(planes)
    hidden = _hidden(again, outlines, clip)
    rng = np.random.default_rng(_SEED)
    for plane, mask in zip(again, hidden, strict=True):
        samples: Any = plane.samples
        samples[mask, 0] = rng.integers(0, plane.full_scale, int(mask.sum()), endpoint=True)
    paint_into(once, outlines, look)
    paint_into(again, outlines, look)
    same = all(np.array_equal(a.samples, b.samples) for a, b in zip(once, again, strict=True))
    return same, once, hidden


def plane_agreement(
    painted: Sequence[Plane], shown: Sequence[Plane], hidden: Sequence[NDArray[np.bool_]]
) -> float:
    """Peak signal-to-noise ratio of brightness within the veils, in dB; inf if nothing differs."""
    a, b, mask = painted[0].samples[..., 0], shown[0].samples[..., 0], hidden[0]
    if a.shape != b.shape or painted[0].full_scale != shown[0].full_scale or not mask.any():
        return -np.inf
    error = float(((a[mask].astype(np.float64) - b[mask]) ** 2).mean())
    return float(10 * np.log10(painted[0].full_scale ** 2 / error)) if error else np.inf


def _copied(planes: Sequence[Plane]) -> tuple[Plane, ...]:
    return tuple(
        dataclasses.replace(plane, samples=contiguous(plane.samples.copy())) for plane in planes
    )


def _hidden(
    planes: Sequence[Plane], outlines: Outlines, clip: Clip
) -> tuple[NDArray[np.bool_], ...]:
    """Which samples of each plane the veils hide."""
    width, height = clip.stored_wh
    mask = mask_in((0, 0, width, height), outlines)
    sheets, _ = sheets_of(planes)
    by_plane = {
        id(plane.samples): np.asarray(sheet.hidden(mask), np.bool_)
        for sheet in sheets
        for plane in sheet.planes
    }
    return tuple(by_plane[id(plane.samples)] for plane in planes)


def _over_noise(picture: Picture, regions: Sequence[Region], look: Look) -> Picture:
    """The picture rendered with noise under its veils."""
    return render_picture(_noisy(picture, regions, look), regions, look)


def _noisy(picture: Picture, regions: Sequence[Region], look: Look) -> Picture:
    """The picture with noise where it is hidden, in every channel."""
    mask = mask_of(regions, picture.size_wh, look)
    samples: Any = picture.samples.copy()
    full = int(np.iinfo(samples.dtype).max)
    rng = np.random.default_rng(_SEED)
    samples[mask] = rng.integers(0, full, (int(mask.sum()), samples.shape[2]), endpoint=True)
    return dataclasses.replace(picture, samples=samples)


def _agreement(drawn: Picture, copy: Picture, mask: Mask) -> float:
    """Peak signal-to-noise ratio within the mask, in dB; inf if nothing differs."""
    if drawn.size_wh != copy.size_wh or not mask.any():
        return -np.inf
    a, b = drawn.rgb()[mask].astype(np.float64), copy.rgb()[mask].astype(np.float64)
    error = float(((a - b) ** 2).mean())
    return float(10 * np.log10(255**2 / error)) if error else np.inf
