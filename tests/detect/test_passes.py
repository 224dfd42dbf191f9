"""Scales and tiles: all of a picture is looked at, whatever its size."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crowdveil.detect.passes import TILE_PX, Reach, sight, tiles
from crowdveil.detect.sightings import Sightings

REACH = Reach("spots", 0.5, 1.0, finest_px=8192, coarsest_px=8192)


class Spots:
    """Finds white spots: a detector simple enough to know the truth."""

    name = "spots"

    def see(self, batch: NDArray[np.uint8], *, min_score: float) -> list[Sightings]:
        found = []
        for picture in batch:
            assert picture.shape[0] % 32 == 0
            assert picture.shape[1] % 32 == 0
            rows, columns = np.nonzero(picture[..., 0] == 255)
            corner = np.stack([columns, rows], axis=1).astype(np.float32)
            n = len(rows)
            found.append(
                Sightings(
                    np.concatenate([corner, corner + 1], axis=1),
                    np.full(n, 0.9, np.float32),
                    np.zeros((n, 5, 2), np.float32),
                )
            )
        return found

    def rest(self) -> None:
        pass


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4000), st.integers(1, 4000))
def test_tiles_cover_every_pixel_and_stay_small(width: int, height: int) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    covered = np.zeros((height, width), np.bool_)
    for tile in tiles(picture, 1.0, REACH):
        h, w = tile.part.shape[:2]
        assert max(h, w) <= TILE_PX
        x, y = tile.corner_xy
        covered[y : y + h, x : x + w] = True
    assert covered.all()


@pytest.mark.parametrize("mirrored", [False, True], ids=["straight", "mirrored"])
def test_what_a_tile_sees_comes_back_in_pixels_of_the_picture(mirrored: bool) -> None:
    picture = np.zeros((1700, 3300, 3), np.uint8)
    places = {(5, 3), (1600, 800), (3299, 1699), (1500, 1)}
    for x, y in places:
        picture[y, x] = 255
    reach = Reach("spots", 0.5, 1.0, finest_px=8192, coarsest_px=8192, mirrored=mirrored)
    with ThreadPoolExecutor(2) as pool:
        (seen,) = sight(picture, [reach], {"spots": Spots()}, pool=pool)
    assert {(round(x), round(y)) for x, y, _, _ in seen.boxes.tolist()} == places


@pytest.mark.parametrize(
    ("reach", "size_wh", "expected"),
    [
        (Reach("d", 0.1, 1.0, 2048, 1024), (1024, 680), (1.0,)),
        (Reach("d", 0.1, 1.0, 2048, 1024), (4096, 3072), (0.5, 0.25)),
        (Reach("d", 0.1, 1.0, 4096, 512), (1024, 680), (1.0, 0.5)),
        (Reach("d", 0.1, 1.0, 4096, 0, enlarge=2), (1024, 680), (2.0,)),
        (Reach("d", 0.1, 1.0, 4096, 0, enlarge=2), (4000, 3000), ()),
    ],
    ids=["small", "reduced", "two octaves", "enlarged", "too large to enlarge"],
)
def test_scales(reach: Reach, size_wh: tuple[int, int], expected: tuple[float, ...]) -> None:
    assert reach.scales(size_wh) == expected


@pytest.mark.parametrize(
    ("reach", "size_wh", "doublings", "expected"),
    [
        (Reach("d", 0.1, 1.0, 2048, 1024), (4096, 3072), 1, (1.0,)),
        (Reach("d", 0.1, 1.0, 2048, 1024), (8192, 6144), 2, (0.5, 1.0)),
        (Reach("d", 0.1, 1.0, 2048, 1024), (3072, 2048), 1, (1.0,)),
        (Reach("d", 0.1, 1.0, 4096, 512), (4096, 3072), 1, ()),
        (Reach("d", 0.1, 1.0, 2048, 1024), (4096, 3072), 0, ()),
        (Reach("d", 0.1, 1.0, 4096, 0, enlarge=2), (4096, 3072), 1, ()),
    ],
    ids=["once", "twice", "to its own size", "already there", "not", "never enlarged"],
)
def test_closer_scales_end_at_the_size_of_the_picture(
    reach: Reach, size_wh: tuple[int, int], doublings: int, expected: tuple[float, ...]
) -> None:
    assert reach.closer(size_wh, doublings) == expected
