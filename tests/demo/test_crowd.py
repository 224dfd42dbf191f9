from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from crowdveil.demo.crowd import Crowd, compose_crowd
from crowdveil.geometry import pairwise_intersection
from crowdveil.media.picture import RGB
from crowdveil.models.registry import portrait_path, weights_path


@pytest.fixture(scope="module")
def portrait() -> RGB:
    with Image.open(portrait_path()) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def crowd(portrait: RGB) -> Crowd:
    return compose_crowd(portrait)


def test_the_same_seed_gives_the_same_crowd(portrait: RGB, crowd: Crowd) -> None:
    again = compose_crowd(portrait)
    assert np.array_equal(again.picture, crowd.picture)
    assert np.array_equal(again.boxes, crowd.boxes)


def test_another_seed_gives_another_crowd(portrait: RGB, crowd: Crowd) -> None:
    other = compose_crowd(portrait, size_wh=(800, 500), seed=8)
    same = compose_crowd(portrait, size_wh=(800, 500))
    assert other.picture.shape == (500, 800, 3)
    assert not np.array_equal(other.picture, same.picture)


def test_faces_are_small_and_large_and_reach_both_sides_of_the_frame(crowd: Crowd) -> None:
    height_px = crowd.boxes[:, 3] - crowd.boxes[:, 1]
    assert len(crowd.boxes) >= 60
    assert height_px.min() <= 24
    assert height_px.max() >= 180
    centre_x = crowd.boxes[:, [0, 2]].mean(axis=1)
    assert centre_x.min() < 100
    assert centre_x.max() > 1500


def test_the_picture_is_eight_bits_of_colour_and_uses_their_range(crowd: Crowd) -> None:
    assert crowd.picture.dtype == np.uint8
    assert crowd.picture.shape == (1000, 1600, 3)
    assert crowd.picture.min() < 20
    assert crowd.picture.max() > 235


def test_an_independent_detector_finds_faces_where_the_truth_says_so(
    crowd: Crowd, tmp_path: Path
) -> None:
    height, width = crowd.picture.shape[:2]
    detector = cv2.FaceDetectorYN.create(
        str(weights_path("yunet")), "", (width, height), score_threshold=0.7
    )
    _, rows = detector.detect(cv2.cvtColor(crowd.picture, cv2.COLOR_RGB2BGR))
    found = rows[:, :4].astype(np.float32)
    found[:, 2:] += found[:, :2]
    centre = np.repeat((found[:, :2] + found[:, 2:]) / 2, 2, axis=0).reshape(-1, 4)
    centre = np.concatenate([centre[:, :2] - 0.5, centre[:, :2] + 0.5], axis=1)
    hit = pairwise_intersection(crowd.boxes, centre.astype(np.float32)) > 0.5
    large = crowd.boxes[:, 3] - crowd.boxes[:, 1] >= 40
    assert hit[large].any(axis=1).mean() > 0.9, "faces of the truth that are no faces"
    assert hit.any(axis=0).mean() > 0.8, "faces that the truth does not list"


@pytest.mark.parametrize(
    ("shape", "size_wh"),
    [((512, 512, 4), (1600, 1000)), ((511, 512, 3), (1600, 1000)), ((512, 512, 3), (1600, 199))],
    ids=["alpha", "cropped", "tiny"],
)
def test_what_cannot_be_composed_is_refused(
    shape: tuple[int, ...], size_wh: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match=r"portrait must have shape|at least 200"):
        compose_crowd(np.zeros(shape, np.uint8), size_wh=size_wh)
