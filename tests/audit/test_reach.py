"""Bounds of measures: they hold whatever the rates may be, and are reached."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.audit.differentials import OF_BOTH, OF_ONE, max_over_min
from crowdveil.audit.points import Point
from crowdveil.audit.reach import Box, reach_of_one, reach_of_two
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import People, share_of
from crowdveil.audit.summaries import Known, Summary, known_of, summaries

Rates = st.lists(st.tuples(st.floats(1e-6, 1), st.floats(1e-6, 1)), min_size=2, max_size=5)


def box_of(bounds: list[tuple[float, float]]) -> Box:
    ends = np.sort(np.array(bounds), axis=1)
    return Box(ends[:, 0], ends[:, 1])


@given(Rates, st.integers(0, 2**31))
def test_no_rates_within_their_bounds_lie_beyond_the_reach(
    bounds: list[tuple[float, float]], seed: int
) -> None:
    box = box_of(bounds)
    random = np.random.default_rng(seed).random((500, len(bounds)))
    # Many in corners, where measures are greatest.
    inside = box.low + np.clip(3 * random - 1, 0, 1) * (box.high - box.low)
    for measure in OF_ONE.values():
        low, high = reach_of_one(measure, box)
        values = measure(inside)
        # The most equal rates are found on a grid of levels.
        assert low <= values.min() + 0.01 * (1 + abs(values.min()))
        assert values.max() <= high * (1 + 1e-9) + 1e-12
    for both in OF_BOTH.values():
        low, high = reach_of_two(both, box, box, 0.5)
        values = both(inside, inside[::-1], 0.5)
        assert low <= values.min() + 0.02 * (1 + abs(values.min()))
        assert values.max() <= high * (1 + 1e-9) + 1e-9


def test_max_over_min_reaches_what_can_be_worked_out_by_hand() -> None:
    apart = Box(np.array([0.1, 0.01, 0.02]), np.array([0.2, 0.04, 0.03]))
    assert reach_of_one(max_over_min, apart) == pytest.approx((0.1 / 0.03, 0.2 / 0.01))
    touching = Box(np.array([0.1, 0.05]), np.array([0.2, 0.12]))
    assert reach_of_one(max_over_min, touching) == pytest.approx((1, 0.2 / 0.05))
    open_below = Box(np.array([0.1, 0.0]), np.array([0.2, 0.04]))
    assert reach_of_one(max_over_min, open_below) == pytest.approx((2.5, np.inf))


def known(errors: int, people: int) -> Known:
    kinds = People(np.array([0, 1]), np.array([1, 1]), np.array([people - errors, errors]))
    found = known_of(share_of(kinds, Resampling()))
    assert found is not None
    return found


def summed_up(random: np.random.Generator, rates: list[float]) -> list[Summary]:
    sides = [
        (name, {f"group {n}": known(int(random.binomial(400, rate)), 400)
                for n, rate in enumerate(rates)})
        for name in ("FMR", "FNMR")
    ]  # fmt: skip
    return list(
        summaries(sides[0], sides[1], Resampling(draws=100), point=Point(0, ""), partition="x")
    )


@pytest.mark.parametrize("rates", [[0.05] * 3, [0.02, 0.05, 0.1]], ids=["alike", "apart"])
def test_intervals_of_measures_hold_the_truth_also_where_groups_are_alike(
    rates: list[float],
) -> None:
    random = np.random.default_rng(0)
    truth = {measure: float(of(np.array(rates))) for measure, of in OF_ONE.items()}
    both = {m: float(of(np.array(rates), np.array(rates), 0.5)) for m, of in OF_BOTH.items()}
    held: dict[str, list[bool]] = {}
    for _ in range(60):
        for one in summed_up(random, rates):
            true = both[one.measure] if one.of is None else truth[one.measure]
            inside = one.low - 1e-9 <= true <= one.high + 1e-9
            held.setdefault(one.measure.name, []).append(inside)
    assert min(np.mean(found) for found in held.values()) >= 0.93
    assert len(held) == len(OF_ONE) + len(OF_BOTH)
