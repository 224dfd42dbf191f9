import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from crowdveil.intervals import at_most, clopper_pearson


@given(st.integers(0, 2000), st.integers(1, 2000), st.sampled_from([0.8, 0.95, 0.999]))
def test_bounds_are_those_of_an_exact_test(k: int, n: int, confidence: float) -> None:
    k = min(k, n)
    expected = binomtest(k, n).proportion_ci(confidence, method="exact")
    low, high = clopper_pearson(k, n, confidence=confidence)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)


@given(st.integers(1, 100_000))
def test_without_an_error_the_rule_of_three_holds(n: int) -> None:
    assert at_most(0, n) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-6)
    assert at_most(0, n) <= 3 / n


def test_without_trials_everything_is_possible() -> None:
    low, high = clopper_pearson(np.array([0, 1]), np.array([0, 1]))
    assert (low[0], high[0], high[1]) == (0, 1, 1)
    assert at_most(0, 0) == 1


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, -1)])
def test_counts_that_cannot_be_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        clopper_pearson(k, n)


@pytest.mark.parametrize("confidence", [0, 1, -2, float("nan")])
def test_a_confidence_outside_zero_and_one_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        at_most(0, 3, confidence=confidence)
