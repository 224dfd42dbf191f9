"""Intervals of rates whose comparisons share people, against loops over pairs and simulation."""

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Method
from crowdveil.audit.verify.dyads import Dyads, rate_of_dyads, tallied

QUICK = Resampling(draws=400)


def dyads_of(wrong: npt.NDArray[np.bool_]) -> Dyads:
    """All pairs of n people; `wrong` is (n, n) and symmetric."""
    n = len(wrong)
    by_person = wrong.sum(1).astype(np.int64)
    people = tallied(by_person, np.full(n, n - 1))
    return Dyads(people, int(by_person.sum()) // 2, n * (n - 1) // 2, n, n // 2)


def drawn(random: np.random.Generator, n: int, rate: float, spread: float) -> Dyads:
    """People who are confused more or less easily, by factors with this log-spread."""
    ease = np.exp(random.normal(size=n) * spread)
    wrong = np.triu(random.random((n, n)) < np.minimum(1, rate * np.outer(ease, ease)), 1)
    return dyads_of(wrong | wrong.T)


def test_the_variance_is_that_of_sums_over_pairs_that_share_somebody() -> None:
    random = np.random.default_rng(2)
    n = 14
    wrong = np.triu(random.random((n, n)) < np.linspace(0.1, 0.9, n)[:, None], 1)
    wrong |= wrong.T
    dyads = dyads_of(wrong)
    found = rate_of_dyads(dyads, QUICK)
    rate = dyads.errors / dyads.trials
    pairs = list(combinations(range(n), 2))
    sharing = sum(
        (wrong[a] - rate) * (wrong[b] - rate) for a in pairs for b in pairs if set(a) & set(b)
    )
    alone = dyads.trials * rate * (1 - rate)
    assert found.clustering == pytest.approx(float(sharing) / alone)
    assert 1 <= found.effective <= dyads.trials / found.clustering


@pytest.mark.parametrize(("rate", "spread"), [(0.02, 0.0), (0.02, 0.6)], ids=["alike", "clustered"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(rate: float, spread: float) -> None:
    random = np.random.default_rng(0)
    truth = rate * np.exp(spread**2)  # the mean of the product of two log-normal factors
    found = [rate_of_dyads(drawn(random, 100, rate, spread), QUICK) for _ in range(120)]
    covered = [one.share.low <= truth <= one.share.high for one in found]
    naive = [one.exact_low <= truth <= one.exact_high for one in found]
    # Not above 0.95 for nothing: independent comparisons keep about the exact width.
    assert np.mean(covered) >= 0.93
    if spread:
        assert np.mean(naive) < 0.8
    else:
        widths = [
            (one.share.high - one.share.low) / (one.exact_high - one.exact_low) for one in found
        ]
        assert np.mean(widths) < 1.3


def test_comparisons_that_share_nobody_have_the_exact_interval() -> None:
    people = tallied(np.array([1, 1] + [0] * 38), np.ones(40, np.int64))
    found = rate_of_dyads(Dyads(people, 1, 20, 40, 20), QUICK)
    exact = binomtest(1, 20).proportion_ci()
    assert (found.share.low, found.share.high) == pytest.approx((exact.low, exact.high))
    assert found.share.method is Method.EXACT


def test_no_error_is_bounded_by_what_comparisons_are_worth() -> None:
    dyads = dyads_of(np.zeros((40, 40), np.bool_))
    alone = rate_of_dyads(dyads, QUICK)
    clustered = rate_of_dyads(dyads, QUICK, worth=1 / 3)
    assert alone.exact_at_most == pytest.approx(1 - 0.05 ** (1 / 780))
    assert alone.share.at_most == pytest.approx(1 - 0.05 ** (1 / 20))
    assert clustered.share.at_most == pytest.approx(1 - 0.05 ** (1 / 260))
    assert (alone.share.method, clustered.share.method) == (
        Method.EXACT_BY_PERSON,
        Method.EXACT_CLUSTERED,
    )


@given(st.integers(0, 2**31), st.integers(3, 30), st.floats(0, 1))
def test_bounds_hold_the_rate_and_the_exact_interval(seed: int, n: int, rate: float) -> None:
    found = rate_of_dyads(drawn(np.random.default_rng(seed), n, rate, 0.5), Resampling(draws=100))
    share = found.share
    assert 0 <= share.low <= found.exact_low <= share.rate <= found.exact_high <= share.high <= 1
    assert share.at_most >= found.exact_at_most
    assert found.clustering >= 1
