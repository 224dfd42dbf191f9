import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from crowdveil.track.motion import Step, View

SIZE = (640, 360)


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    """A textured picture larger than the view, (600, 1000, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (40, 66, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (1000, 600), interpolation=cv2.INTER_CUBIC), np.uint8)


def view(scene: NDArray[np.uint8], x: int, y: int) -> View:
    part = np.ascontiguousarray(scene[y : y + SIZE[1], x : x + SIZE[0]])
    return View.of(part, SIZE)


def test_a_box_moves_with_the_picture_and_back_again(scene: NDArray[np.uint8]) -> None:
    step = Step(view(scene, 100, 100), view(scene, 112, 95))
    boxes = np.array([[200, 150, 240, 200], [400, 60, 430, 100]], np.float32)
    there = step.carry(boxes)
    assert there == pytest.approx(boxes + np.array([-12, 5, -12, 5]), abs=1.5)
    assert step.carry(there, back=True) == pytest.approx(boxes, abs=2)
    assert step.carry(boxes, camera=True) == pytest.approx(there, abs=1.5)


def test_a_box_grows_when_the_camera_zooms_in(scene: NDArray[np.uint8]) -> None:
    before = np.ascontiguousarray(scene[100:460, 100:740])
    matrix = cv2.getRotationMatrix2D((320, 180), 0, 1.05)
    after = np.asarray(cv2.warpAffine(before, matrix, SIZE), np.uint8)
    step = Step(View.of(before, SIZE), View.of(after, SIZE))
    box = np.array([[300, 150, 340, 200]], np.float32)
    moved = step.carry(box)[0]
    assert (moved[2] - moved[0]) / 40 == pytest.approx(1.05, abs=0.01)


def test_content_is_found_again_and_strangers_are_not(scene: NDArray[np.uint8]) -> None:
    here, there = view(scene, 100, 100), view(scene, 104, 100)
    box = np.array([[200, 150, 240, 200]], np.float32)
    found, alike = Step(here, there).match(box, box - np.array([2, 0, 2, 0], np.float32))
    assert found == pytest.approx(box - np.array([4, 0, 4, 0]), abs=1)
    assert alike[0] > 0.95
    _, alike = Step(here, view(scene, 350, 20)).match(box, box)
    assert alike[0] < 0.7


def test_content_that_left_the_picture_is_not_followed(scene: NDArray[np.uint8]) -> None:
    step = Step(view(scene, 100, 100), view(scene, 100, 100))
    box = np.array([[-35, 100, 5, 140]], np.float32)
    assert step.match(box, box)[1][0] == 0


def test_a_cut_is_told_from_a_moving_camera(scene: NDArray[np.uint8]) -> None:
    assert not Step(view(scene, 100, 100), view(scene, 118, 108)).cut
    other = np.ascontiguousarray(scene[::-1, ::-1])
    assert Step(view(scene, 100, 100), view(other, 100, 100)).cut


def test_no_boxes_are_carried_to_no_boxes(scene: NDArray[np.uint8]) -> None:
    step = Step(view(scene, 0, 0), view(scene, 0, 0))
    assert step.carry(np.empty((0, 4), np.float32)).shape == (0, 4)
