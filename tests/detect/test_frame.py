"""Large photos are measured as what they are: one view with more pixels, or many photos at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.detect.candidates import join
from crowdveil.detect.features import candidate_table
from crowdveil.detect.frame import LEARNED_PX2, USUAL_FACES, Frame
from crowdveil.detect.fusion import HOPE
from crowdveil.detect.sightings import Sightings

SIDE = st.integers(1, 12_000)
FACES = st.integers(0, 5_000)


@given(SIDE, SIDE, FACES)
def test_pictures_of_the_learned_size_are_measured_against_themselves(
    width: int, height: int, faces: int
) -> None:
    frame = Frame.of_photo((width, height), faces)
    if width * height <= LEARNED_PX2:
        assert frame == Frame((width, height))
        assert frame.window_wh == (width, height)
        assert frame.closer == 0


@given(SIDE, SIDE, FACES, FACES)
def test_more_faces_never_make_a_doubt_cheaper(
    width: int, height: int, some: int, more: int
) -> None:
    few, many = (Frame.of_photo((width, height), n) for n in sorted((some, more)))
    assert many.window <= few.window
    assert 1 <= many.pixel <= few.pixel
    assert many.closer >= few.closer
    box = np.array([[0, 0, 40, 40]], np.float32)
    assert HOPE.threshold(box, many.window_wh) >= HOPE.threshold(box, few.window_wh)


@pytest.mark.parametrize("across", [3, 4, 6, 8])
def test_a_face_in_a_mosaic_costs_what_it_costs_in_its_photo(across: int) -> None:
    """Photos of 1,024 x 768 with the usual number of faces, `across` a side."""
    whole = Frame.of_photo((1024 * across, 768 * across), USUAL_FACES * across**2)
    box = np.array([[100, 100, 140, 150]], np.float32)
    alone = HOPE.threshold(box, (1024, 768))
    np.testing.assert_allclose(HOPE.threshold(box, whole.window_wh), alone, rtol=0.01)


@pytest.mark.parametrize("enlarged", [2, 4, 8])
def test_a_face_in_an_enlarged_photo_costs_what_it_costs_in_the_small_one(enlarged: int) -> None:
    whole = Frame.of_photo((1024 * enlarged, 768 * enlarged), USUAL_FACES // 2)
    box = np.array([[100, 100, 140, 150]], np.float32)
    alone = HOPE.threshold(box, (1024, 768))
    np.testing.assert_allclose(HOPE.threshold(box * enlarged, whole.window_wh), alone, rtol=0.01)


def test_the_trees_see_the_same_numbers_in_a_mosaic_of_one_photo_as_in_the_photo() -> None:
    random = np.random.default_rng(0)
    across, size = 4, np.array([1024, 768], np.float32)
    near = random.uniform(0, size - 60, (USUAL_FACES, 2)).astype(np.float32)
    boxes = np.concatenate([near, near + random.uniform(20, 60, (USUAL_FACES, 1))], axis=1)
    scores = np.full(USUAL_FACES, 0.9, np.float32)
    shifts = [np.tile(size * (x, y), 2) for y in range(across) for x in range(across)]
    tables = []
    for places in ([np.zeros(4)], shifts):
        every = np.concatenate([boxes + shift for shift in places]).astype(np.float32)
        seen = Sightings(
            every, np.tile(scores, len(places)), np.zeros((len(every), 5, 2), np.float32)
        )
        large = tuple(int(side) for side in (size if len(places) == 1 else size * across))
        candidates = join([seen], [1.0])
        table = candidate_table(candidates, Frame.of_photo((large[0], large[1]), len(every)))
        tables.append(table[:, [0, 1, 7]])  # size, share of the photo, how many others
    alone, mosaic = (np.unique(table[:, :2].round(3), axis=0) for table in tables)
    np.testing.assert_allclose(mosaic, alone, atol=2e-3)
    np.testing.assert_allclose(tables[1][:, 2], tables[0][0, 2], rtol=0.1)


@given(SIDE, SIDE, FACES)
def test_large_faces_count_at_any_coarse_scale_and_small_ones_at_any_fine_one(
    width: int, height: int, faces: int
) -> None:
    frame = Frame.of_photo((width, height), faces)
    large = np.array([[0, 0, 200, 200]], np.float32) * np.float32(frame.pixel)
    small = np.array([[0, 0, 20, 20]], np.float32) * np.float32(frame.pixel)
    assert frame.counts(large, 0.01, 1024).all()
    assert frame.counts(small, 1.0, 1024).all()
