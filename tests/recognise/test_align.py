"""Landmarks go where a network expects them, whatever the face's place, size and turn."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.recognise.align import ARCFACE, DLIB, Frame, chip, similarity

FRAMES = pytest.mark.parametrize("frame", [ARCFACE, DLIB], ids=["arcface", "dlib"])


def moved(points: np.ndarray, *, scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(scale * points @ turn.T + (x, y), np.float64)


@given(
    scale=st.floats(0.05, 20),
    degrees=st.floats(-180, 180),
    x=st.floats(-2000, 2000),
    y=st.floats(-2000, 2000),
)
def test_a_moved_turned_and_scaled_face_is_brought_back_exactly(
    scale: float, degrees: float, x: float, y: float
) -> None:
    places = np.array(ARCFACE.places)
    points = moved(places, scale=scale, degrees=degrees, x=x, y=y)
    matrix = similarity(points.astype(np.float64), places)
    back = points @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(back, places, atol=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_the_fit_is_the_least_squares_one_and_never_a_mirror_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, places = rng.normal(size=(2, 5, 2)) * 50
    matrix = similarity(points, places)
    # The same four numbers from the normal equations.
    rows = np.concatenate(
        [
            np.stack([points[:, 0], -points[:, 1], np.ones(5), np.zeros(5)], axis=1),
            np.stack([points[:, 1], points[:, 0], np.zeros(5), np.ones(5)], axis=1),
        ]
    )
    a, b, x, y = np.linalg.lstsq(rows, places.T.reshape(-1), rcond=None)[0]
    np.testing.assert_allclose(matrix, [[a, -b, x], [b, a, y]], atol=1e-6)
    assert np.linalg.det(matrix[:, :2]) >= 0


@FRAMES
@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5, 9.0])
def test_a_mark_on_each_landmark_lands_on_its_place(frame: Frame, scale: float) -> None:
    places = np.array(frame.places)
    points = moved(places, scale=scale, degrees=20, x=300, y=40).astype(np.float32)
    size = int(points.max() + 60 * scale)
    for number in range(5):
        picture = np.zeros((size, size, 3), np.uint8)
        x, y = points[number]
        cv2.circle(picture, (round(x), round(y)), max(round(4 * scale), 1), (255, 255, 255), -1)
        seen = chip(picture, points, frame)[..., 0].astype(float)
        rows, columns = np.mgrid[: frame.side_px, : frame.side_px]
        centre = (seen * columns).sum() / seen.sum(), (seen * rows).sum() / seen.sum()
        assert math.dist(centre, places[number]) < 1.2 / min(scale, 1)


def test_a_face_over_the_border_is_black_where_the_picture_ends() -> None:
    picture = np.full((60, 60, 3), 200, np.uint8)
    points = np.array(ARCFACE.places, np.float32) - (50, 0)
    cut = chip(picture, points, ARCFACE)
    assert not cut[:, :50].any()
    assert (cut[:60, 51:109] == 200).all()
    assert not cut[61:].any()


def test_a_large_face_is_averaged_not_sampled() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 2, (1200, 1200, 1), np.uint8).repeat(3, axis=2) * 255
    cut = chip(picture, np.array(ARCFACE.places, np.float32) * 10, ARCFACE)
    assert cut.std() < 40  # single pixels of this noise differ by 127


@pytest.mark.parametrize(
    "points",
    [np.full((5, 2), 7.0), np.full((5, 2), np.nan), np.full((5, 2), np.inf)],
    ids=["one place", "nan", "infinite"],
)
def test_landmarks_that_say_nothing_are_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="landmarks must be finite"):
        chip(np.zeros((9, 9, 3), np.uint8), points.astype(np.float32), ARCFACE)


@pytest.mark.parametrize(
    ("side_px", "places"),
    [(0, ARCFACE.places), (112, ARCFACE.places[:4]), (112, ((1.0, 1.0),) * 5)],
    ids=["no pixels", "four places", "one place"],
)
def test_a_frame_that_cannot_be_is_refused(
    side_px: int, places: tuple[tuple[float, float], ...]
) -> None:
    with pytest.raises(ValueError, match="frame"):
        Frame(side_px, places)
