import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from crowdveil.evidence.likeness import likeness
from crowdveil.evidence.residual import OPEN_FROM, PARTLY_FROM
from crowdveil.media.photos import read_photo
from crowdveil.media.picture import RGB

from .conftest import Veiled


def rgb(people: Veiled) -> RGB:
    return read_photo(people.original).frames[0].rgb()


@pytest.mark.parametrize("quality", [95, 75, 50])
def test_saving_a_photo_anew_leaves_its_faces_unchanged(people: Veiled, quality: int) -> None:
    before = rgb(people)
    out = io.BytesIO()
    Image.fromarray(before).save(out, "JPEG", quality=quality)
    after = np.asarray(Image.open(out))
    found = likeness(before, after, people.boxes())
    assert (found.unchanged >= OPEN_FROM).all()
    assert (found.structure > 0.9).all()


def test_a_veiled_face_has_nothing_in_common_with_itself(people: Veiled) -> None:
    after = read_photo(people.copy).frames[0].rgb()
    found = likeness(rgb(people), after, people.boxes())
    assert (found.unchanged < PARTLY_FROM).all()


def test_a_weak_blur_keeps_the_structure_that_it_hides_from_the_eye(people: Veiled) -> None:
    before = rgb(people)
    found = likeness(before, np.asarray(cv2.GaussianBlur(before, (0, 0), 4)), people.boxes())
    assert (found.structure > 0.75).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.integers(-60, 60))
def test_noise_is_never_unchanged_and_itself_always_is(seed: int, shift: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 256, (60, 80, 3), np.uint8)
    other = rng.integers(0, 256, (60, 80, 3), np.uint8)
    boxes = np.array([[10 + shift / 4, 5, 60, 55]], np.float32)
    assert likeness(before, before, boxes).unchanged[0] == 1
    assert likeness(before, other, boxes).unchanged[0] < PARTLY_FROM


def test_no_boxes_boxes_outside_and_sizes_that_differ() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    assert len(likeness(picture, picture, np.empty((0, 4), np.float32)).unchanged) == 0
    outside = np.array([[100, 100, 120, 120], [-50, -50, -10, -10]], np.float32)
    assert likeness(picture, picture, outside).unchanged.tolist() == [0, 0]
    with pytest.raises(ValueError, match="sizes differ"):
        likeness(picture, picture[:10], outside)
