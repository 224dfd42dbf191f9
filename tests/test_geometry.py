"""Boxes as arrays, compared with pixels counted one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.geometry import (
    Boxes,
    area_px,
    cover,
    pairwise_intersection,
    pairwise_iou,
)

SIDE = 24


@st.composite
def whole_boxes(draw: st.DrawFn) -> Boxes:
    rows = draw(st.lists(st.tuples(*[st.integers(0, SIDE)] * 4), max_size=5))
    return np.array(
        [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows], np.float32
    ).reshape(-1, 4)


def pixels(boxes: Boxes) -> np.ndarray:
    grid = np.zeros((len(boxes), SIDE, SIDE), np.int64)
    for k, (x0, y0, x1, y1) in enumerate(boxes.astype(int)):
        grid[k, y0:y1, x0:x1] = 1
    return grid.reshape(len(boxes), SIDE * SIDE)


@given(whole_boxes(), whole_boxes())
def test_overlap_is_the_number_of_shared_pixels(a: Boxes, b: Boxes) -> None:
    shared = pixels(a) @ pixels(b).T
    np.testing.assert_array_equal(pairwise_intersection(a, b), shared)
    np.testing.assert_array_equal(area_px(a), pixels(a).sum(axis=1))
    union = pixels(a).sum(axis=1)[:, None] + pixels(b).sum(axis=1)[None] - shared
    np.testing.assert_allclose(pairwise_iou(a, b), shared / np.maximum(union, 1e-9), rtol=1e-5)


def test_overlap_leaves_its_arguments_alone() -> None:
    boxes = np.array([[0, 0, 4, 4], [2, 2, 6, 6]], np.float32)
    before = boxes.copy()
    pairwise_iou(boxes, boxes)
    np.testing.assert_array_equal(boxes, before)


@given(
    st.floats(-20, 120),
    st.floats(-20, 120),
    st.floats(0.01, 80),
    st.floats(0.01, 80),
    st.floats(1, 3),
)
def test_a_grown_box_covers_the_box_within_the_picture(
    x: float, y: float, width: float, height: float, scale: float
) -> None:
    box = np.array([[x, y, x + width, y + height]], np.float32)
    x0, y0, x1, y1 = cover(box, (100, 90), scale=scale)[0].tolist()
    assert 0 <= x0 <= x1 <= 100
    assert 0 <= y0 <= y1 <= 90
    left, top, right, bottom = np.clip(box[0], 0, [100, 90, 100, 90])
    if right > left and bottom > top:
        assert x0 <= left
        assert y0 <= top
        assert x1 >= right
        assert y1 >= bottom


@pytest.mark.parametrize(
    ("boxes", "scale"),
    [
        (np.zeros((2, 3), np.float32), 1.0),
        (np.array([[5, 5, 5, 9]], np.float32), 1.0),
        (np.array([[0, 0, np.inf, 9]], np.float32), 1.0),
        (np.array([[0, 0, 9, 9]], np.float32), 0.9),
    ],
    ids=["shape", "empty box", "infinite", "shrinking"],
)
def test_what_is_no_box_is_refused(boxes: Boxes, scale: float) -> None:
    with pytest.raises(ValueError, match=r"must|every"):
        cover(boxes, (100, 100), scale=scale)
