import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crowdveil.track.smooth import keyframed, steadied


@st.composite
def paths(draw: st.DrawFn) -> NDArray[np.float32]:
    """Boxes of a face that wanders, changes size and trembles, (n, 4)."""
    seed, n = draw(st.integers(0, 10_000)), draw(st.integers(1, 80))
    rng = np.random.default_rng(seed)
    centre = np.cumsum(rng.normal(0, draw(st.floats(0, 8)), (n, 2)), axis=0) + rng.normal(
        0, 2, (n, 2)
    )
    half = np.exp(np.cumsum(rng.normal(0, 0.05, (n, 1)), axis=0)) * [10, 14]
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def holds(outer: NDArray[np.float64], inner: NDArray[np.float32]) -> bool:
    return bool(
        (outer[:, :2] <= inner[:, :2] + 1e-2).all() and (outer[:, 2:] >= inner[:, 2:] - 1e-2).all()
    )


@given(paths(), st.integers(0, 5))
def test_steady_boxes_hold_the_trembling_ones(boxes: NDArray[np.float32], reach: int) -> None:
    assert holds(steadied(boxes, reach).astype(np.float64), boxes)


@given(paths())
def test_boxes_run_between_keyframes_hold_every_box(boxes: NDArray[np.float32]) -> None:
    index, keys = keyframed(boxes)
    assert index[0] == 0
    assert index[-1] == len(boxes) - 1
    assert (np.diff(index) > 0).all()
    frames = np.arange(len(boxes))
    run = np.stack([np.interp(frames, index, keys[:, side]) for side in range(4)], axis=1)
    assert holds(run, boxes)


def test_a_face_that_moves_evenly_needs_two_keyframes() -> None:
    frames = np.arange(200, dtype=np.float32)[:, None]
    boxes = np.array([[10, 20, 40, 60]], np.float32) + frames * np.array([[2, 1, 2, 1]], np.float32)
    index, keys = keyframed(boxes)
    assert index.tolist() == [0, 199]
    assert np.allclose(keys, boxes[[0, -1]])


def test_a_steady_face_gets_no_wider() -> None:
    boxes = np.tile(np.array([[10, 20, 40, 60]], np.float32), (30, 1))
    assert np.allclose(steadied(boxes, 3), boxes)
