"""What is known of each candidate, in small crowds and in huge ones."""

import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.detect.candidates import ROWS, Candidates, join
from crowdveil.detect.features import candidate_names, candidate_table
from crowdveil.detect.frame import Frame
from crowdveil.detect.sightings import Sightings

FRAME = Frame((4000, 4000))


def crowd(seed: int, count: int, side: float = 4000) -> Sightings:
    random = np.random.default_rng(seed)
    near = random.uniform(0, side, (count, 2))
    size = random.uniform(8, 20, (count, 1))
    boxes = np.concatenate([near, near + size * [1, 1.2]], axis=1).astype(np.float32)
    landmarks = boxes[:, None, :2] + size[:, None] * random.uniform(0.2, 0.8, (count, 5, 2))
    return Sightings(
        boxes,
        random.uniform(0.05, 1, count).astype(np.float32),
        landmarks.astype(np.float32),
    )


def candidates(seed: int, count: int) -> Candidates:
    return join([crowd(seed, count), crowd(seed + 1, count)], [1.0, 2.5])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0, 1, 5, ROWS // 2, ROWS]))
def test_the_order_of_candidates_does_not_change_what_is_known_of_them(
    seed: int, count: int
) -> None:
    some = candidates(seed, count)
    order = np.random.default_rng(seed).permutation(len(some))
    table = candidate_table(some, FRAME)
    assert table.shape == (len(some), len(candidate_names(["a", "b"])))
    assert np.isfinite(table).all()
    turned = candidate_table(some.take(order), FRAME)
    np.testing.assert_allclose(turned, table[order], rtol=1e-4, atol=1e-4)


def test_a_crowd_of_ten_thousand_fits_into_memory() -> None:
    parts = [crowd(k, 5_000) for k in range(2)]
    tracemalloc.start()
    try:
        table = candidate_table(join(parts, [1.0, 2.5]), FRAME)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) > 9_000
    # All against all, in one go, is 0.4 GB for a single (n, n) array.
    assert peak < 200_000_000
