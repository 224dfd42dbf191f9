import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact

from crowdveil.audit.gaps import Gap, difference_interval, fisher, gaps, holm, together
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Method, People, people_of, share_of

QUICK = Resampling(draws=400)


def people(errors: list[int], trials: list[int]) -> People:
    """One person for each entry."""
    person = np.repeat(np.arange(len(trials)), trials)
    first = np.concatenate([np.arange(n) for n in trials]) if trials else np.array([], int)
    wrong = first < np.repeat(errors, trials)
    return people_of(wrong, np.ones(len(person), np.bool_), person)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_people_who_occur_once_get_the_exact_interval(counts: tuple[int, int]) -> None:
    errors, trials = counts
    found = share_of(people([1] * errors + [0] * (trials - errors), [1] * trials), QUICK)
    exact = binomtest(errors, trials).proportion_ci(0.95)
    assert (found.errors, found.trials, found.people) == (errors, trials, trials)
    assert found.method is Method.EXACT
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_without_errors_repeats_promise_no_more_than_people() -> None:
    repeated = share_of(people([0] * 38, [20] * 38), QUICK)
    once = share_of(people([0] * 38, [1] * 38), QUICK)
    assert repeated.method is Method.EXACT_BY_PERSON
    assert repeated.trials == 760
    assert repeated.at_most == once.at_most == pytest.approx(1 - 0.05 ** (1 / 38))


def test_without_trials_everything_is_possible() -> None:
    found = share_of(people([], []), QUICK)
    assert (found.low, found.high, found.method) == (0, 1, Method.NONE)


@given(
    st.lists(st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
             min_size=2, max_size=30)
)  # fmt: skip
@settings(max_examples=40)
def test_an_interval_holds_its_rate_and_is_never_narrower_than_the_exact_one(
    each: list[tuple[int, int]],
) -> None:
    found = share_of(people([e for e, _ in each], [n for _, n in each]), QUICK)
    exact = binomtest(found.errors, found.trials).proportion_ci(0.95)
    assert found.low <= found.rate <= found.high
    assert found.low <= exact.low + 1e-9
    assert found.high >= exact.high - 1e-9


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """People differ and repeat; of 300 experiments about 5 % may miss the true rate."""
    random = np.random.default_rng(5)
    missed = 0
    for _ in range(300):
        errors = random.binomial(8, random.beta(1, 9, 80))
        found = share_of(people(errors.tolist(), [8] * 80), QUICK)
        missed += not found.low <= 0.1 <= found.high
    assert missed <= 15


def test_the_same_seed_gives_the_same_interval() -> None:
    some = people([1, 0, 2, 3], [3, 3, 3, 3])
    assert share_of(some, QUICK) == share_of(some, QUICK)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_keep_their_order_and_grow(p_values: list[float]) -> None:
    before = np.array(p_values)
    after = holm(before)
    assert np.all(after >= before)
    assert np.all(after <= 1)
    assert np.all(np.diff(after[np.argsort(before)]) >= 0)
    assert after.min() == pytest.approx(min(1, before.min() * len(before)))


def test_two_groups_of_people_who_occur_once_are_compared_as_fisher_did() -> None:
    one, other = people([1] * 9 + [0] * 11, [1] * 20), people([1] * 2 + [0] * 28, [1] * 30)
    (gap,) = gaps([(p, share_of(p, QUICK)) for p in (other, one)], QUICK)
    assert (gap.higher, gap.lower) == (1, 0)
    assert gap.p_value == gap.adjusted == pytest.approx(fisher_exact([[9, 11], [2, 28]]).pvalue)
    assert gap.ratio == pytest.approx((9 / 20) / (2 / 30))


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_fishers_test_is_scipys(one: int, other: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, one)), data.draw(st.integers(0, other))
    shares = [
        share_of(people([1] * k + [0] * (n - k), [1] * n), QUICK)
        for k, n in zip(wrong, (one, other), strict=True)
    ]
    table = [[wrong[0], one - wrong[0]], [wrong[1], other - wrong[1]]]
    assert fisher(*shares) == pytest.approx(fisher_exact(table).pvalue)


def test_dealing_people_anew_agrees_with_fisher_where_nobody_repeats() -> None:
    from crowdveil.audit.gaps import _permuted

    one, other = people([1] * 9 + [0] * 11, [1] * 20), people([1] * 4 + [0] * 26, [1] * 30)
    exact = fisher_exact([[9, 11], [4, 26]]).pvalue
    assert _permuted(one, other, Resampling(draws=20_000)) == pytest.approx(exact, abs=0.01)


def test_a_difference_that_two_people_make_is_not_more_than_chance() -> None:
    """Forty errors of forty trials, but of one person: Fisher would be sure, and wrong."""
    one = people([40] + [0] * 9, [40] * 10)
    other = people([0] * 10, [40] * 10)
    (gap,) = gaps([(p, share_of(p, QUICK)) for p in (one, other)], QUICK)
    assert fisher_exact([[40, 360], [0, 400]]).pvalue < 1e-9
    assert gap.adjusted > 0.5


def test_a_group_without_trials_is_not_compared() -> None:
    some, none = people([1, 0], [1, 1]), people([], [])
    assert gaps([(p, share_of(p, QUICK)) for p in (some, none)], QUICK) == ()


def test_the_difference_interval_is_newcombes_where_his_bounds_go_in() -> None:
    """56 of 70 and 48 of 80, Newcombe (1998), Table II: 0.0524 to 0.3339 by method 10."""
    from dataclasses import replace

    def wilson(errors: int, trials: int):  # type: ignore[no-untyped-def]
        bounds = binomtest(errors, trials).proportion_ci(0.95, method="wilson")
        found = share_of(people([1] * errors + [0] * (trials - errors), [1] * trials), QUICK)
        return replace(found, low=bounds.low, high=bounds.high)

    low, high = difference_interval(wilson(56, 70), wilson(48, 80))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_a_report_without_differences_calls_none_more_than_chance() -> None:
    """Of 40 comparisons of groups that are alike: one error rate for all of them together."""
    random = np.random.default_rng(0)
    alarms = alone = 0
    for _ in range(150):
        found: list[Gap] = []
        for _ in range(40):
            sides = [people(random.binomial(1, 0.3, 60).tolist(), [1] * 60) for _ in range(2)]
            found += gaps([(p, share_of(p, QUICK)) for p in sides], QUICK)
        alone += any(gap.p_value <= 0.05 for gap in found)
        alarms += any(gap.adjusted <= 0.05 for gap in together(found))
    assert alone > 75
    assert alarms <= 12


def test_a_small_p_value_bears_the_correction_for_many_comparisons() -> None:
    """Two hundred people of whom half always err, and two hundred who never do."""
    one, other = people([3] * 100 + [1] * 100, [3] * 200), people([1] + [0] * 199, [3] * 200)
    (gap,) = gaps([(p, share_of(p, QUICK)) for p in (one, other)], QUICK)
    assert gap.p_value * 500 < 0.05
