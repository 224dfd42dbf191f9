from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from crowdveil.audit.identify.composition import (
    chance_in_drawn,
    chance_in_mixed,
    if_independent,
    largest_for_all,
)


@given(
    st.integers(1, 300).flatmap(
        lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(0, n))
    )
)
def test_the_chance_is_the_hypergeometric_one(counts: tuple[int, int, int]) -> None:
    hits, enrolled, drawn = counts
    (found,) = chance_in_drawn(np.array([hits]), enrolled, drawn)
    assert found == pytest.approx(1 - hypergeom.pmf(0, enrolled, hits, drawn), abs=1e-9)


def test_the_chance_is_the_mean_over_every_gallery_there_is() -> None:
    """Own group 0-3 (0 is hit), others 4-8 (4 and 5 are hit); two own, three others drawn."""
    galleries = [
        own + other for own in combinations(range(4), 2) for other in combinations(range(4, 9), 3)
    ]
    hit = np.mean([bool({0, 4, 5} & set(gallery)) for gallery in galleries])
    (found,) = chance_in_mixed(
        np.array([1]), np.array([2]), own_enrolled=4, other_enrolled=5, own_drawn=2, other_drawn=3
    )
    assert found == pytest.approx(hit)


def test_a_small_chance_in_a_large_gallery_keeps_its_digits() -> None:
    (found,) = chance_in_drawn(np.array([1]), 10_000_000, 1)
    assert found == pytest.approx(1e-7, rel=1e-12)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=30))
def test_larger_galleries_never_have_fewer_false_positives(hits: list[int]) -> None:
    means = [chance_in_drawn(np.array(hits), 20, drawn).mean() for drawn in range(21)]
    assert np.all(np.diff(means) >= -1e-12)
    assert means[0] == 0
    assert means[-1] == pytest.approx(np.mean([k > 0 for k in hits]))


@pytest.mark.parametrize(("hits", "enrolled", "drawn"), [(1, 5, 6), (6, 5, 1), (-1, 5, 1)])
def test_impossible_draws_are_refused(hits: int, enrolled: int, drawn: int) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        chance_in_drawn(np.array([hits]), enrolled, drawn)


def test_independent_comparisons_make_one_minus_the_power() -> None:
    assert if_independent(3, 1000, 50) == pytest.approx(1 - (1 - 0.003) ** 50)
    assert if_independent(0, 1000, 50) == 0
    assert if_independent(10, 10, 5) == 1
    assert np.isnan(if_independent(0, 0, 5))


def test_the_largest_gallery_leaves_room_for_every_share() -> None:
    assert largest_for_all(np.array([70, 30]), 100) == 30
    assert largest_for_all(np.array([95]), 100) == 5
    assert largest_for_all(np.array([], int), 100) == 0
