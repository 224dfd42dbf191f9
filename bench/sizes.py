"""Protest photos in the sizes that phones take, put together from photos of 1,024 pixels.

`phone-12`, `-24` and `-48` are single photos of so many megapixels: enlarged, sharpened, with a
sensor's noise and JPEG. They have as many pixels as a phone's, but no more detail than the small
ones. `mosaic-12`, `-24` and `-48` are 16, 32 and 64 photos side by side at their own size: true
detail everywhere, and faces as small beside the picture as in a photo of a large crowd. Neither is
a phone's photo; what holds for both should hold for one. Where each face went is kept, so that both
are judged face by face and part by part, as the photos alone are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from protest import Annotated

ALONE = "1024"
SIZES = (ALONE, *(f"{kind}-{mp}" for kind in ("phone", "mosaic") for mp in (12, 24, 48)))
PHOTO_MP = 0.75
"""Megapixels of a usual photo of 1,024 pixels."""
SEED = 0

BGR = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """Where a photo is in a picture.

    Attributes:
        photo: the photo.
        corner_xy: its upper left corner, pixels of the picture.
        size_wh: its size there, pixels.
        enlarged: its size there over its own.
    """

    photo: Annotated
    corner_xy: tuple[int, int]
    size_wh: tuple[int, int]
    enlarged: float = 1.0


@dataclass(frozen=True)
class Composed:
    """A picture on disk and the photos that it shows."""

    path: Path
    parts: tuple[Part, ...]


def compose(photos: Sequence[Annotated], size: str, folder: Path) -> list[Composed]:
    """Pictures of one of `SIZES` that show each photo once, written to `folder`.

    Photos alone are not written again. Mosaics take photos in a shuffled order, always the same.
    """
    if size == ALONE:
        return [_alone(photo) for photo in photos]
    kind, megapixels = size.split("-")
    if kind == "phone":
        return [_phone(photo, float(megapixels), k, folder) for k, photo in enumerate(photos)]
    count = round(float(megapixels) / PHOTO_MP)
    order = np.random.default_rng(SEED).permutation(len(photos))
    groups = [order[start : start + count] for start in range(0, len(order), count)]
    columns = int(np.ceil(np.sqrt(count)))
    return [
        _mosaic([photos[i] for i in group], columns, folder / f"{size}-{k:03d}.png")
        for k, group in enumerate(groups)
    ]


def read(path: Path) -> BGR:
    """A picture as (h, w, 3) uint8 BGR."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path}: cannot be read")
    return np.asarray(picture, np.uint8)


def _alone(photo: Annotated) -> Composed:
    height, width = read(photo.path).shape[:2]
    return Composed(photo.path, (Part(photo, (0, 0), (width, height)),))


def _phone(photo: Annotated, megapixels: float, seed: int, folder: Path) -> Composed:
    """A photo enlarged to so many megapixels, sharpened and grained, as JPEG."""
    picture = read(photo.path)
    enlarged = float(np.sqrt(megapixels * 1e6 / (picture.shape[0] * picture.shape[1])))
    height, width = (round(side * enlarged) for side in picture.shape[:2])
    grown = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LANCZOS4)
    soft = cv2.GaussianBlur(grown, (0, 0), 0.6 * enlarged)
    random = np.random.default_rng(seed)
    light = 3 * random.standard_normal((height, width, 1), dtype=np.float32)
    # What noise reduction leaves of colour noise is coarser than a pixel.
    coarse = random.standard_normal((height // 2 + 1, width // 2 + 1, 3), dtype=np.float32)
    colour = 2 * cv2.resize(coarse, (width, height))
    sharp = grown.astype(np.float32) * 1.5 - soft.astype(np.float32) * 0.5 + light + colour
    path = folder / f"{photo.path.stem}-{megapixels:.0f}.jpg"
    taken = np.clip(sharp, 0, 255).astype(np.uint8)
    if not cv2.imwrite(str(path), taken, [cv2.IMWRITE_JPEG_QUALITY, 90]):
        raise SystemExit(f"{path}: cannot be written")
    return Composed(path, (Part(photo, (0, 0), (width, height), enlarged),))


def _mosaic(photos: Sequence[Annotated], columns: int, path: Path) -> Composed:
    """Photos side by side, each below the shortest column; what stays free is grey."""
    pictures = [read(photo.path) for photo in photos]
    wide = max(picture.shape[1] for picture in pictures)
    filled = [0] * min(columns, len(pictures))
    parts = []
    for photo, picture in zip(photos, pictures, strict=True):
        column = int(np.argmin(filled))
        size_wh = (picture.shape[1], picture.shape[0])
        parts.append(Part(photo, (column * wide, filled[column]), size_wh))
        filled[column] += picture.shape[0]
    whole = np.full((max(filled), wide * len(filled), 3), 128, np.uint8)
    for part, picture in zip(parts, pictures, strict=True):
        x, y = part.corner_xy
        whole[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    if not cv2.imwrite(str(path), whole, [cv2.IMWRITE_PNG_COMPRESSION, 1]):
        raise SystemExit(f"{path}: cannot be written")
    return Composed(path, tuple(parts))
