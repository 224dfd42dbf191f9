"""Distributions against counting by hand, SciPy and the simulation, which share no code."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from crowdveil.crowd.deployment import Deployment, deploy
from crowdveil.crowd.exact import distribution
from crowdveil.crowd.means import expected
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import scenario_from
from crowdveil.crowd.simulation import Simulation, simulate


def simple(**crowd: Any) -> Deployment:
    table = {
        "name": "x",
        "crowd": {"people": 4000, **crowd},
        "watchlist": {"size": 200, "present": 0.1},
        "recogniser": {"fmr": 2e-5, "fnir": 0.25},
    }
    return deploy(scenario_from(table))


def test_without_repeat_sightings_false_alerts_are_binomial() -> None:
    deployment = simple()
    share = 1 - (1 - 2e-5) ** 200
    found = distribution(deployment, Quantity.FALSE_ALERTS)
    numbers = found.first + np.arange(len(found.pmf))
    # 200 of the 4,000 may be listed ones, each with 0.1: then they give no false alert.
    mixed = binom.pmf(numbers, 200, 0.9 * share)
    others = binom.pmf(numbers, 3800, share)
    wanted = np.convolve(others, mixed)[: len(numbers)]
    np.testing.assert_allclose(found.pmf, wanted, atol=1e-12)


def test_true_alerts_are_binomial_over_the_list() -> None:
    found = distribution(simple(), Quantity.TRUE_ALERTS)
    numbers = found.first + np.arange(len(found.pmf))
    np.testing.assert_allclose(found.pmf, binom.pmf(numbers, 200, 0.1 * 0.75), atol=1e-12)
    assert found.interval() == binom.interval(0.95, 200, 0.1 * 0.75)


def test_repeat_sightings_are_what_counting_every_case_by_hand_gives() -> None:
    table = {
        "name": "x",
        "crowd": {"people": 2, "cameras": 2, "seen_by_each": 0.7, "correlation": 0.3},
        "watchlist": {"size": 1, "present": 0.0},
        "recogniser": {"fmr": 0.2},
    }
    found = distribution(deploy(scenario_from(table)), Quantity.FALSE_ALERTS)
    one = np.zeros(3)
    for seen in itertools.product((0, 1), repeat=2):
        weight = np.prod([0.7 if camera else 0.3 for camera in seen])
        times = sum(seen)
        # All sightings alike with 0.3, else each for itself.
        one[times] += weight * 0.3 * 0.2
        one[0] += weight * 0.3 * 0.8
        one[: times + 1] += weight * 0.7 * binom.pmf(np.arange(times + 1), times, 0.2)
    np.testing.assert_allclose(found.pmf[:5], np.convolve(one, one), atol=1e-12)


def test_two_sightings_of_one_person_have_exactly_the_correlation_that_was_asked_for() -> None:
    for correlation in (0.0, 0.4, 1.0):
        deployment = simple(cameras=2, correlation=correlation)
        pmf = deployment.sightings.alerts_pmf(np.array(0.2), 0)
        both, some = pmf[2], 0.2
        assert (both - some**2) / (some * (1 - some)) == pytest.approx(correlation)


@pytest.mark.parametrize("quantity", Quantity)
def test_the_exact_distribution_is_that_of_the_simulation(quantity: Quantity, build: Any) -> None:
    deployment = deploy(build())
    drawn = simulate(deployment, Simulation(events=60_000, seed=3)).total(quantity)
    found = distribution(deployment, quantity)
    spread = float(np.std(drawn))
    assert found.mean() == pytest.approx(drawn.mean(), abs=5 * spread / np.sqrt(len(drawn)))
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    assert found.interval() == pytest.approx((low, high), abs=1)
    numbers = found.first + np.arange(len(found.pmf))
    variance = found.pmf @ (numbers - found.mean()) ** 2
    assert variance == pytest.approx(float(np.var(drawn)), rel=0.03)


@settings(deadline=None, max_examples=40)
@given(
    people=st.integers(1, 10**7),
    size=st.integers(1, 20_000),
    fmr=st.floats(0, 1e-4),
    fnir=st.floats(0, 1),
    share=st.floats(0, 1),
    cameras=st.integers(1, 4),
    correlation=st.floats(0, 1),
)
def test_counts_and_means_keep_their_sums(
    people: int,
    size: int,
    fmr: float,
    fnir: float,
    share: float,
    cameras: int,
    correlation: float,
) -> None:
    table = {
        "name": "x",
        "crowd": {
            "people": people,
            "groups": {"A": share, "B": 1 - share},
            "cameras": cameras,
            "correlation": correlation,
        },
        "watchlist": {"size": size, "present": min(0.5, people / size / 4)},
        "recogniser": {"fmr": fmr, "fnir": fnir},
    }
    deployment = deploy(scenario_from(table))
    means = expected(deployment)
    assert deployment.people.sum() == people
    assert deployment.entries.sum() == size
    assert means.scanned.sum() == pytest.approx(people)
    found = means.means
    np.testing.assert_allclose(
        found[Quantity.ALERTS], found[Quantity.TRUE_ALERTS] + found[Quantity.FALSE_ALERTS]
    )
    np.testing.assert_allclose(found[Quantity.FOUND] + found[Quantity.MISSED], means.listed)
    assert (found[Quantity.WRONGLY_STOPPED] <= found[Quantity.STOPPED] + 1e-9).all()
    assert (found[Quantity.FALSELY_ALERTED] <= found[Quantity.FALSE_ALERTS] * (1 + 1e-9)).all()
    for quantity in (Quantity.FALSE_ALERTS, Quantity.FOUND):
        exact = distribution(deployment, quantity)
        assert exact.mean() == pytest.approx(means.total(quantity), rel=1e-6, abs=1e-6)
        low, high = exact.interval()
        assert low <= high
