"""Measures what a veiled copy changed where no veil is.

Pictures of one size come in, and the veils if a plan tells them, else the veils are taken to be
the areas that changed beyond what saving anew explains. Out come figures that let an editor
say that only faces were altered, and the boxes of what else was. Files, lengths and times are
left to `check`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Box, Boxes
from crowdveil.media.picture import RGB
from crowdveil.redact.masks import Mask

VISIBLE = 8
"""Difference of a sample that a careful viewer could see, out of 255."""

NEAR_PX = 16
"""How far around a veil saving as JPEG, or as video, spreads its edge: one block."""

_STRONG = 20.0
"""Mean difference over a few pixels that no saving anew explains."""
_CLOSE_PX, _LEAST_PX = 7, 64
_MOST_PX = 2_000_000
"""Pixels at which structural similarity is measured at most."""
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_REACH = 2.2
"""How much larger than its face's box a veil may be, before it counts as elsewhere."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What one picture is like outside its veils.

    Attributes:
        share: of the picture that lies outside the veils and their edges, 0-1.
        identical: share of those pixels that are the same to the bit.
        visible: share of those pixels that differ by more than `VISIBLE`.
        psnr_db: peak signal-to-noise ratio there; None if nothing differs.
        ssim: mean structural similarity there, up to 1. Source: Wang et al. (2004), IEEE
            Transactions on Image Processing 13(4), 600-612.
        elsewhere: boxes that changed though no face is near.
    """

    share: float
    identical: float
    visible: float
    psnr_db: float | None
    ssim: float
    elsewhere: tuple[Box, ...]


def outside_veils(
    original: RGB,
    copy: RGB,
    faces: Boxes,
    veils: Mask | None = None,
    *,
    covered: Mask | None = None,
) -> Outside:
    """Compare two pictures where no veil is.

    Args:
        original: (h, w, 3) uint8.
        copy: the same size.
        faces: (n, 4) float32, everything that may be a face; what changed away from them is
            told. Not looked at if `veils` is given.
        veils: (h, w) bool, where the plan hides something, or None to judge by the pixels.
        covered: (h, w) bool, what the copy shows of the original; None for all.
    """
    changed = _changed(original, copy)
    if covered is not None:
        changed &= covered
    allowed = _near(faces, changed.shape) if veils is None else veils
    inside = changed | allowed if veils is None else veils
    near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * NEAR_PX + 1,) * 2, np.uint8))
    out = near == 0 if covered is None else (near == 0) & covered
    difference = cv2.absdiff(original, copy)
    worst = difference.max(axis=2)[out]
    error = float((difference[out].astype(np.float64) ** 2).mean()) if len(worst) else 0.0
    edge = NEAR_PX if veils is not None else 0
    around = cv2.dilate(allowed.astype(np.uint8), np.ones((2 * edge + 1,) * 2, np.uint8))
    return Outside(
        share=float(out.mean()),
        identical=float((worst == 0).mean()) if len(worst) else 1.0,
        visible=float((worst > VISIBLE).mean()) if len(worst) else 0.0,
        psnr_db=round(10 * float(np.log10(255**2 / error)), 2) if error else None,
        ssim=_ssim(original, copy, out),
        elsewhere=_apart(changed, around.astype(np.bool_)),
    )


def _changed(original: RGB, copy: RGB) -> Mask:
    """Where more changed than saving anew explains, without holes."""
    mean = cv2.absdiff(cv2.blur(original, (3, 3)), cv2.blur(copy, (3, 3))).max(axis=2)
    strong = (mean > _STRONG).astype(np.uint8)
    # Lone pixels are compression at sharp edges; what hangs together is paint.
    strong = cv2.morphologyEx(strong, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_CLOSE_PX, _CLOSE_PX))
    return np.asarray(cv2.morphologyEx(strong, cv2.MORPH_CLOSE, kernel) > 0)


def _near(faces: Boxes, shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.uint8)
    for x0, y0, x1, y1 in faces.tolist():
        across, down = (x1 - x0) * (_REACH - 1) / 2 + 4, (y1 - y0) * (_REACH - 1) / 2 + 4
        left, top = max(int(x0 - across), 0), max(int(y0 - down), 0)
        mask[top : max(int(y1 + down), 0), left : max(int(x1 + across), 0)] = 1
    return np.asarray(mask > 0)


def _apart(changed: Mask, allowed: Mask) -> tuple[Box, ...]:
    """Boxes of the changed areas that do not meet what is allowed, largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8))
    meets = np.zeros(count, np.bool_)
    meets[np.unique(labels[allowed])] = True
    apart = [
        stats[k].tolist() for k in range(1, count) if not meets[k] and stats[k][4] >= _LEAST_PX
    ]
    apart.sort(key=lambda stat: -stat[4])
    return tuple((float(x), float(y), float(x + w), float(y + h)) for x, y, w, h, _ in apart)


def _ssim(original: RGB, copy: RGB, out: NDArray[np.bool_]) -> float:
    scale = min(1.0, (_MOST_PX / (out.shape[0] * out.shape[1])) ** 0.5)
    size = max(round(out.shape[1] * scale), 1), max(round(out.shape[0] * scale), 1)
    a, b = (
        cv2.cvtColor(
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture,
            cv2.COLOR_RGB2GRAY,
        ).astype(np.float32)
        for picture in (original, copy)
    )
    where = cv2.resize(out.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not where.any():
        return 1.0
    mean_a, mean_b = _smooth(a), _smooth(b)
    var_a, var_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    shared = _smooth(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + _C1) * (2 * shared + _C2)
    ssim = top / ((mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2))
    return round(float(ssim[where].mean()), 5)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), 1.5), np.float32)
