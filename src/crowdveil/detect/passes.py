"""Which scales of a picture a detector looks at, and the tiles that keep memory bounded.

A picture and a reach (from the finest to the coarsest scale) come in, sightings in pixels of
the picture come out. What the sightings mean is left to `candidates` and `fusion`.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np

from crowdveil.detect.detector import Detector
from crowdveil.detect.sightings import Sightings, gather
from crowdveil.geometry import SizeWH
from crowdveil.media.picture import RGB

TILE_PX = 1536
"""Longest side of what a network sees at once; it bounds the memory of an inference."""
OVERLAP_PX = 128
"""How far tiles overlap; a larger face is seen whole at a coarser scale."""
GRID_PX = 64
"""Tiles are padded to multiples of this: a network is prepared anew for every new size."""


Level: TypeAlias = tuple[float, Sightings]
"""A scale of a picture and what was seen at it, in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The scales at which one detector looks at every picture.

    Attributes:
        detector: its name.
        min_score: lowest score of a sighting, 0-1.
        sharpness: exponent that turns its score into a belief, > 0; see `candidates.join`.
        finest_px: longest side of the finest scale, in pixels; larger pictures are reduced.
        coarsest_px: scales are halved until the longest side is at most this.
        enlarge: factor by which smaller pictures are enlarged at most, >= 1; a reach that
            enlarges looks at this one scale only, and not at all when the picture is
            too large to be enlarged.
        mirrored: whether it looks at the mirror image.
    """

    detector: str
    min_score: float
    sharpness: float
    finest_px: int
    coarsest_px: int
    enlarge: float = 1.0
    mirrored: bool = False

    def scales(self, size_wh: SizeWH) -> tuple[float, ...]:
        """The scales for a picture of this size, finest first; may be empty."""
        longest = max(size_wh)
        finest = min(self.enlarge, self.finest_px / longest)
        if self.enlarge > 1:
            return (finest,) if finest > 1.2 else ()
        scales = [finest]
        while longest * scales[-1] > self.coarsest_px * 1.01:
            scales.append(scales[-1] / 2)
        return tuple(scales)

    def closer(self, size_wh: SizeWH, doublings: int) -> tuple[float, ...]:
        """The finer scales for a picture whose faces are small, coarsest first; may be empty.

        Each is twice the one before, up to the picture's own size.
        """
        if self.enlarge > 1:
            return ()
        finest = self.scales(size_wh)[0]
        scales = [finest * 2**k for k in range(doublings + 1)]
        return tuple(min(scale, 1.0) for before, scale in pairwise(scales) if before < 1)


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a scaled picture, and how to find the way back.

    Attributes:
        part: (h, w, 3) uint8 RGB.
        corner_xy: where its upper left corner lies in the scaled picture, in pixels.
        scaled_wh: size of the scaled picture in pixels.
        reach: the reach for which it was cut.
    """

    part: RGB
    corner_xy: tuple[int, int]
    scaled_wh: SizeWH
    reach: Reach


def sight(
    picture: RGB,
    reaches: Sequence[Reach],
    detectors: Mapping[str, Detector],
    *,
    pool: Executor,
) -> list[Sightings]:
    """Look at a picture at all scales of several reaches.

    Args:
        picture: (h, w, 3) uint8 RGB, h and w >= 1.
        reaches: what to look at.
        detectors: by the names that the reaches use.
        pool: runs the tiles side by side.

    Returns:
        For each reach the sightings of all its scales, in pixels of the picture.
    """
    height, width = picture.shape[:2]
    scales = [reach.scales((width, height)) for reach in reaches]
    seen = sight_at(picture, reaches, scales, detectors, pool=pool)
    return [gather([part for _, part in parts]) for parts in seen]


def sight_at(
    picture: RGB,
    reaches: Sequence[Reach],
    scales: Sequence[Sequence[float]],
    detectors: Mapping[str, Detector],
    *,
    pool: Executor,
) -> list[list[Level]]:
    """Look at a picture at given scales, as `sight`.

    Args:
        picture: (h, w, 3) uint8 RGB, h and w >= 1.
        reaches: what to look at.
        scales: for each reach the scales, > 0.
        detectors: by the names that the reaches use.
        pool: runs the tiles side by side.

    Returns:
        For each reach what was seen at each of its scales.
    """
    height, width = picture.shape[:2]
    levels = [
        (k, scale, list(tiles(picture, scale, reach)))
        for k, reach in enumerate(reaches)
        for scale in scales[k]
    ]
    every = [tile for _, _, level in levels for tile in level]
    seen = pool.map(lambda tile: _see(tile, detectors[tile.reach.detector]), every)
    found: list[list[Level]] = [[] for _ in reaches]
    for k, scale, level in levels:
        parts = gather([next(seen) for _ in level])
        if len(level) > 1:
            parts = parts.suppressed(0.5)
        scaled_w, scaled_h = level[0].scaled_wh
        found[k].append((scale, parts.moved((width / scaled_w, height / scaled_h), (0, 0))))
    return found


def resize(picture: RGB, scale: float) -> RGB:
    """A picture `scale` times as large, at least 1 pixel a side; the same array for 1."""
    if scale == 1:
        return picture
    height, width = picture.shape[:2]
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def tiles(picture: RGB, scale: float, reach: Reach) -> Iterator[Tile]:
    """Scale a picture and cut it into tiles of at most `TILE_PX` that overlap by `OVERLAP_PX`."""
    scaled = resize(picture, scale)
    height, width = scaled.shape[:2]
    for y0, y1 in _spans(height):
        for x0, x1 in _spans(width):
            yield Tile(scaled[y0:y1, x0:x1], (x0, y0), (width, height), reach)


def _spans(length: int) -> list[tuple[int, int]]:
    """Evenly spread, overlapping, half-open spans that together cover `length`."""
    if length <= TILE_PX:
        return [(0, length)]
    count = -(-(length - OVERLAP_PX) // (TILE_PX - OVERLAP_PX))
    side = -(-(length + (count - 1) * OVERLAP_PX) // count)
    step = (length - side) / (count - 1)
    return [(start, start + side) for start in (round(i * step) for i in range(count))]


def _see(tile: Tile, detector: Detector) -> Sightings:
    """What a detector sees in a tile, in pixels of the scaled picture."""
    height, width = tile.part.shape[:2]
    padded = np.zeros((height + -height % GRID_PX, width + -width % GRID_PX, 3), np.uint8)
    padded[:height, :width] = tile.part[:, ::-1] if tile.reach.mirrored else tile.part
    (seen,) = detector.see(padded[None], min_score=tile.reach.min_score)
    if tile.reach.mirrored:
        seen = seen.mirrored(width)
    x, y = tile.corner_xy
    return seen.moved((1, 1), (x, y))
