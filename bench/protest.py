"""Annotated protest photos, and how hidden faces are judged on them.

Reads the folder that `CROWDVEIL_EVAL` names (or `../shared/eval`): photos and `faces.csv` of
the WIDER FACE validation set, which are not part of this project. A face is hidden when at
least 80 % of the pixels of the ellipse inscribed in its box changed; over-redaction is the
share of all pixels that changed outside every annotated ellipse scaled by 1.69.
"""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

HIDDEN_FROM = 0.8
FREE_SCALE = 1.69
HALVES = ("even", "odd")
CLASSES_PX = (8, 16, 24, 48, 96, 10_000)
GROUPS = ("perceived_gender", "perceived_age", "perceived_skin")


def eval_dir() -> Path:
    """The folder with evaluation data; raises `SystemExit` with one sentence if absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "eval"
    folder = Path(os.environ.get("CROWDVEIL_EVAL", default))
    if not (folder / "wider_protest").is_dir():
        raise SystemExit(f"{folder}: no evaluation data there; set CROWDVEIL_EVAL")
    return folder


@dataclass(frozen=True)
class Annotated:
    """One photo with its n annotated faces.

    Attributes:
        path: the photo.
        boxes: (n, 4) float32 `x0, y0, x1, y1`, pixels, half-open.
        occlusion: (n,) int, 0 none, 1 partial, 2 heavy.
        valid: (n,) bool.
        groups: for each of `GROUPS` n labels, empty where nobody was sure.
    """

    path: Path
    boxes: NDArray[np.float32]
    occlusion: NDArray[np.int_]
    valid: NDArray[np.bool_]
    groups: Mapping[str, tuple[str, ...]]


def load(folder: Path) -> list[Annotated]:
    """All photos of `folder` (with `faces.csv` and `images/`), sorted by name."""
    rows = defaultdict(list)
    with (folder / "faces.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            rows[row["image"]].append(row)
    photos = []
    for name in sorted(rows):
        faces = rows[name]
        xywh = np.array([[float(f[k]) for k in ("x", "y", "width", "height")] for f in faces])
        photos.append(
            Annotated(
                folder / "images" / name,
                np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], 1).astype(np.float32),
                np.array([int(f["occlusion"]) for f in faces]),
                np.array([f["invalid"] == "0" for f in faces]),
                {group: tuple(f[group] for f in faces) for group in GROUPS},
            )
        )
    return photos


def half(photos: Sequence[Annotated], which: str | None) -> list[Annotated]:
    """Every second photo, the first or the second of each two (`HALVES`); all if None."""
    return list(photos if which is None else photos[HALVES.index(which) :: 2])


def paint_into(mask: NDArray[np.uint8], boxes: NDArray[np.float32], scale: float) -> None:
    """Set the ellipses inscribed in `boxes`, `scale` times as large, to 1."""
    unit = 16  # OpenCV takes coordinates in sixteenths of a pixel
    for x0, y0, x1, y1 in boxes.astype(np.float64):
        centre = round(((x0 + x1) / 2 - 0.5) * unit), round(((y0 + y1) / 2 - 0.5) * unit)
        axes = (
            max(round((x1 - x0) / 2 * scale * unit), 1),
            max(round((y1 - y0) / 2 * scale * unit), 1),
        )
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1, cv2.LINE_8, 4)


def share_hidden(changed: NDArray[np.bool_], box: NDArray[np.float32]) -> float:
    """Share of the pixels of a box's inscribed ellipse that changed, 0-1; outside: 1."""
    height, width = changed.shape
    x0, y0, x1, y1 = (float(v) for v in box)
    left, top = max(int(np.floor(x0)), 0), max(int(np.floor(y0)), 0)
    right, bottom = min(int(np.ceil(x1)), width), min(int(np.ceil(y1)), height)
    if right <= left or bottom <= top:
        return 1.0
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    rx, ry = max((x1 - x0) / 2, 0.5), max((y1 - y0) / 2, 0.5)
    inside = ((x - (x0 + x1) / 2) / rx) ** 2 + ((y - (y0 + y1) / 2) / ry) ** 2 <= 1
    return float(changed[top:bottom, left:right][inside].mean()) if inside.any() else 1.0


@dataclass
class Tally:
    """Adds up judged photos; ask it for shares at any time."""

    hidden: list[bool] = field(default_factory=list)
    side_px: list[float] = field(default_factory=list)
    occlusion: list[int] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=lambda: {g: [] for g in GROUPS})
    over_px: int = 0
    all_px: int = 0

    def add(self, photo: Annotated, changed: NDArray[np.bool_], enlarged: float = 1.0) -> None:
        """Judge one photo from its changed pixels, (h, w) bool.

        Args:
            photo: with its faces as annotated.
            changed: what changed in it, perhaps in an enlarged copy.
            enlarged: the copy's size over the photo's; faces count by their size in the photo.
        """
        free = np.zeros(changed.shape, np.uint8)
        boxes = photo.boxes * np.float32(enlarged)
        paint_into(free, boxes, FREE_SCALE)
        self.over_px += int((changed & (free == 0)).sum())
        self.all_px += changed.size
        for i in np.nonzero(photo.valid)[0]:
            box = photo.boxes[i]
            self.hidden.append(share_hidden(changed, boxes[i]) >= HIDDEN_FROM)
            self.side_px.append(float(max(box[2] - box[0], box[3] - box[1])))
            self.occlusion.append(int(photo.occlusion[i]))
            for group in GROUPS:
                self.groups[group].append(photo.groups[group][i])

    @property
    def over(self) -> float:
        """Over-redaction, 0-1."""
        return self.over_px / max(self.all_px, 1)

    def headline(self) -> dict[str, tuple[int, int]]:
        """For each headline figure how many faces are hidden, and of how many."""
        side, occlusion = np.array(self.side_px), np.array(self.occlusion)
        return {
            "not occluded >= 24 px": self._count((occlusion == 0) & (side >= 24)),
            "valid >= 16 px": self._count(side >= 16),
            "all valid": self._count(side >= 0),
        }

    def by_size(self) -> dict[str, tuple[int, int]]:
        """The same over valid faces by their longer side in the photo, in pixels."""
        side = np.array(self.side_px)
        return {
            f"valid {low}-{high} px": self._count((side >= low) & (side < high))
            for low, high in pairwise(CLASSES_PX)
        }

    def by_group(self) -> dict[str, dict[str, tuple[int, int]]]:
        """The same over all valid faces for each label of each of `GROUPS`."""
        return {
            group: {
                label: self._count(np.array(labels) == label)
                for label in sorted(set(labels) - {""})
            }
            for group, labels in self.groups.items()
        }

    def _count(self, which: NDArray[np.bool_]) -> tuple[int, int]:
        return int(np.array(self.hidden)[which].sum()), int(which.sum())


def interval(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a share, 0-1. Source: Biometrika (1934) 26, 404-413."""
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def simulate(
    photos: Iterable[tuple[Annotated, tuple[int, int]]],
    boxes: Iterable[NDArray[np.float32]],
    scales: Iterable[NDArray[np.float64]],
) -> Tally:
    """Judge ellipses about boxes, without rendering anything.

    Args:
        photos: each photo with its width and height.
        boxes: for each photo the (n, 4) boxes that would be veiled.
        scales: for each photo the (n,) sides of the masks over the sides of their boxes.
    """
    tally = Tally()
    for (photo, (width, height)), veiled, scale in zip(photos, boxes, scales, strict=True):
        mask = np.zeros((height, width), np.uint8)
        for one in np.unique(scale):
            paint_into(mask, veiled[scale == one], float(one))
        tally.add(photo, mask > 0)
    return tally
