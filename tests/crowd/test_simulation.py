from typing import Any

import numpy as np
import pytest
from scipy.stats import nbinom

from crowdveil.crowd.deployment import deploy
from crowdveil.crowd.outcomes import outcome
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import scenario_from
from crowdveil.crowd.simulation import Simulation, simulate


def test_in_every_event_the_counts_add_up(build: Any) -> None:
    played = simulate(deploy(build()), Simulation(events=3000))
    counts = played.counts
    assert played.scanned.sum() == 20_000
    assert (
        counts[Quantity.ALERTS] == counts[Quantity.TRUE_ALERTS] + counts[Quantity.FALSE_ALERTS]
    ).all()
    assert (counts[Quantity.FOUND] + counts[Quantity.MISSED] == played.listed).all()
    assert (counts[Quantity.FALSELY_ALERTED] <= counts[Quantity.FALSE_ALERTS]).all()
    assert (counts[Quantity.FOUND] <= counts[Quantity.TRUE_ALERTS]).all()
    assert (counts[Quantity.WRONGLY_STOPPED] <= counts[Quantity.STOPPED]).all()
    alerted = counts[Quantity.FALSELY_ALERTED] + counts[Quantity.FOUND]
    assert (counts[Quantity.STOPPED] <= alerted).all()
    for quantity in Quantity:
        assert (played.total(quantity) == counts[quantity].sum(axis=1)).all()


def test_the_same_seed_gives_the_same_counts_on_any_number_of_threads(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, chosen = deploy(build()), Simulation(events=60_000, seed=7)
    many = simulate(deployment, chosen)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = simulate(deployment, chosen)
    other = simulate(deployment, Simulation(events=60_000, seed=8))
    for quantity in Quantity:
        assert np.array_equal(many.counts[quantity], alone.counts[quantity])
    assert not np.array_equal(
        many.counts[Quantity.FALSE_ALERTS], other.counts[Quantity.FALSE_ALERTS]
    )


def test_a_counted_rate_widens_the_interval_to_the_negative_binomial() -> None:
    table = {
        "name": "x",
        "crowd": {"people": 36_420},
        "watchlist": {"size": 6747, "present": 0.0},
        "recogniser": {"fmr": {"errors": 7, "comparisons": 420_000_000}},
    }
    found = outcome(deploy(scenario_from(table)), simulation=Simulation(events=200_000))
    alerts = found.counts[Quantity.FALSE_ALERTS]
    # A Poisson count whose rate has a gamma distribution of shape errors + 1/2.
    searched = 36_420 * 6747 / 420_000_000
    wanted = nbinom(7.5, 1 / (1 + searched))
    assert alerts.method == "simulated"
    assert alerts.mean == pytest.approx(float(wanted.mean()), abs=5 * alerts.error)
    assert (alerts.low, alerts.high) == pytest.approx(wanted.interval(0.95), abs=1)


def test_a_test_without_errors_does_not_promise_a_system_without(build: Any) -> None:
    scenario = build({"recogniser": {"fmr": {"errors": 0, "comparisons": 10**6}, "fnir": 0.1}})
    alerts = outcome(deploy(scenario), simulation=Simulation(events=5000)).counts
    assert alerts[Quantity.FALSE_ALERTS].mean > 0
    assert alerts[Quantity.FALSE_ALERTS].low == 0


def test_everyone_listed_and_present_leaves_nobody_to_alert_on_falsely(build: Any) -> None:
    scenario = build(
        {"crowd.people": 900, "crowd.groups": {"A": 0.4, "B": 0.6}, "watchlist.present": 1.0}
    )
    played = simulate(deploy(scenario), Simulation(events=200))
    assert played.total(Quantity.FALSE_ALERTS).max() == 0
    assert (played.listed.sum(axis=1) == 900).all()


def test_fractions_of_people_are_not_simulated(build: Any) -> None:
    from dataclasses import replace

    deployment = deploy(build())
    with pytest.raises(ValueError, match="whole people"):
        simulate(replace(deployment, people=deployment.people + 0.5))


@pytest.mark.parametrize("choice", [{"events": 0}, {"seed": -1}], ids=str)
def test_a_simulation_of_nothing_is_refused(choice: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Simulation(**choice)


def test_one_counted_rate_for_all_groups_is_one_unknown(build: Any) -> None:
    counted = {"errors": 5, "comparisons": 10}
    common = build({"recogniser": {"fmr": 0.0, "fnir": counted}, "watchlist.present": 0.5})
    apart = build(
        {"recogniser": {"fmr": 0.0, "fnir": {"A": counted, "B": counted}}, "watchlist.present": 0.5}
    )

    def together(scenario: Any) -> float:
        found = simulate(deploy(scenario), Simulation(events=4000)).counts[Quantity.FOUND]
        return float(np.corrcoef(found[:, 0], found[:, 1])[0, 1])

    assert together(common) > 0.6
    assert abs(together(apart)) < 0.1
