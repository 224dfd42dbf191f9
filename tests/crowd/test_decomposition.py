"""The split of a disparity: exact, fair to every order, and nothing where nothing differs."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.crowd.decomposition import FACTORS, Factor, Measure, decompose
from crowdveil.crowd.deployment import deploy
from crowdveil.crowd.means import expected
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import scenario_from

RATE = st.floats(1e-9, 1e-4)
SHARE = st.floats(0.05, 0.95)


def scenario(
    crowd: float = 0.5,
    population: float = 0.5,
    listed: float = 0.5,
    rates: tuple[float, float] = (1e-6, 1e-6),
    across: float = 0.1,
) -> Any:
    def shares(first: float) -> dict[str, float]:
        return {"A": first, "B": 1 - first}

    return scenario_from(
        {
            "name": "x",
            "crowd": {
                "people": 1_000_000,
                "groups": shares(crowd),
                "population": shares(population),
            },
            "watchlist": {"size": 10_000, "groups": shares(listed), "present": 0.0},
            "recogniser": {"fmr": {"A": rates[0], "B": rates[1]}, "across": across},
        }
    )


@settings(deadline=None, max_examples=60)
@given(SHARE, SHARE, SHARE, RATE, RATE, st.floats(0, 1), st.sampled_from(Measure))
def test_the_shares_sum_to_the_disparity_and_the_factors_multiply_to_the_ratio(
    crowd: float,
    population: float,
    listed: float,
    first: float,
    second: float,
    across: float,
    measure: Measure,
) -> None:
    deployment = deploy(scenario(crowd, population, listed, (first, second), across))
    split = decompose(deployment, measure=measure)
    assert sum(split.shares.values()) == pytest.approx(
        split.difference, abs=1e-12 * max(split.burden.values())
    )
    assert split.factors is not None
    assert split.ratio is not None
    assert np.prod(list(split.factors.values())) == pytest.approx(split.ratio, rel=1e-9)
    assert split.difference >= 0
    fair = split.counterfactual(*FACTORS)
    assert fair.difference == pytest.approx(0, abs=1e-12 * max(split.burden.values()))


@pytest.mark.parametrize("measure", Measure)
def test_where_nothing_differs_there_is_no_disparity_and_no_share(measure: Measure) -> None:
    split = decompose(deploy(scenario()), measure=measure)
    assert split.difference == 0
    assert all(share == 0 for share in split.shares.values())
    assert split.ratio == 1


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"rates": (1e-6, 5e-6)}, Factor.ERRORS),
        ({"listed": 0.2}, Factor.ENROLMENT),
        ({"crowd": 0.3}, Factor.PRESENCE),
    ],
    ids=["error rates", "enrolment", "presence"],
)
def test_one_cause_alone_gets_the_whole_disparity(changed: Any, cause: Factor) -> None:
    split = decompose(deploy(scenario(**changed)))
    assert split.more == "B"
    assert split.shares[cause] == pytest.approx(split.difference)
    for factor in set(FACTORS) - {cause}:
        assert split.shares[factor] == pytest.approx(0, abs=1e-9 * split.difference)


def test_a_share_is_the_mean_over_all_orders_of_making_things_equal(build: Any) -> None:
    split = decompose(deploy(build()))
    steps: dict[Factor, list[float]] = {factor: [] for factor in FACTORS}
    for order in permutations(FACTORS):
        equal = set(FACTORS)
        for factor in order:
            before = split.counterfactual(*equal).difference
            equal = equal - {factor}
            steps[factor].append(split.counterfactual(*equal).difference - before)
    for factor in FACTORS:
        assert split.shares[factor] == pytest.approx(np.mean(steps[factor]), rel=1e-9)


def test_equal_error_rates_err_as_often_as_before(build: Any) -> None:
    split = decompose(deploy(build()))
    assert split.counterfactual(Factor.ERRORS).false_alerts == pytest.approx(
        split.counterfactual().false_alerts, rel=1e-9
    )


def test_what_is_decomposed_is_what_is_expected(build: Any) -> None:
    deployment = deploy(build())
    counted = decompose(deployment, measure=Measure.COUNT)
    alerts = expected(deployment).means[Quantity.FALSE_ALERTS]
    assert list(counted.burden.values()) == pytest.approx(alerts.tolist())
    heads = np.array([0.8, 0.2]) * 20_000
    per_head = decompose(deployment, measure=Measure.PER_HEAD)
    assert list(per_head.burden.values()) == pytest.approx((alerts / heads).tolist())


def test_no_counterfactual_changes_how_many_are_scanned_without_suspicion(build: Any) -> None:
    split = decompose(deploy(build()))
    assert len({one.innocent for one in split.counterfactuals}) == 1
    assert len(split.counterfactuals) == 8


def test_a_rate_blind_to_the_list_gives_enrolment_no_part() -> None:
    table = scenario(listed=0.1, rates=(1e-6, 3e-6), across=1.0)
    blind = table.model_copy(
        update={"recogniser": table.recogniser.model_copy(update={"across": None})}
    )
    split = decompose(deploy(blind))
    assert split.shares[Factor.ENROLMENT] == pytest.approx(0, abs=1e-15)
    assert split.ratio == pytest.approx(3, rel=0.02)


def test_chosen_groups_may_stand_in_either_order(build: Any) -> None:
    deployment = deploy(build())
    there = decompose(deployment, between=("A", "B"))
    back = decompose(deployment, between=("B", "A"))
    assert there.difference == -back.difference
    for factor in FACTORS:
        assert there.shares[factor] == pytest.approx(-back.shares[factor])


def test_unknown_groups_and_a_single_group_are_refused(build: Any) -> None:
    with pytest.raises(ValueError, match="no group"):
        decompose(deploy(build()), between=("A", "C"))
    alone = build(
        {
            "crowd": {"people": 5},
            "watchlist": {"size": 1, "present": 0.0},
            "recogniser": {"fmr": 0.1},
        }
    )
    with pytest.raises(ValueError, match="two groups"):
        decompose(deploy(alone))


def test_a_group_of_which_nobody_passes_is_not_the_least_burdened() -> None:
    table = {
        "name": "x",
        "crowd": {"people": 9000, "groups": {"A": 0.5, "B": 0.5, "C": 0.0}},
        "watchlist": {"size": 100, "present": 0.0},
        "recogniser": {"fmr": {"A": 2e-6, "B": 1e-6, "C": 1e-6}},
    }
    split = decompose(deploy(scenario_from(table)))
    assert (split.more, split.less) == ("A", "B")
