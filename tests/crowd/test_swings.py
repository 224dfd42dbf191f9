from typing import Any

import pytest

from crowdveil.crowd.cases import load_case
from crowdveil.crowd.deployment import deploy
from crowdveil.crowd.swings import answer, sensitivity


def test_a_swing_ends_where_the_changed_scenario_does(build: Any) -> None:
    scenario = build()
    found = {swing.key: swing for swing in sensitivity(scenario, deploy(scenario)).swings}
    for key, value in (("crowd.people", 40_000), ("watchlist.present", 0.06)):
        changed = answer(deploy(build({key: value})))
        assert found[key].high == pytest.approx(value)
        assert found[key].at_high.wrongly_stopped == pytest.approx(changed.wrongly_stopped)
        assert found[key].at_high.precision == pytest.approx(changed.precision)


def test_the_widest_swing_comes_first_and_what_plays_no_part_is_left_out(build: Any) -> None:
    scenario = build({"watchlist.wrongly_listed": 0.0})
    swings = sensitivity(scenario, deploy(scenario)).swings
    assert [swing.swing for swing in swings] == sorted((s.swing for s in swings), reverse=True)
    assert "watchlist.wrongly_listed" not in {swing.key for swing in swings}


def test_a_range_of_the_scenario_is_used_as_it_is() -> None:
    scenario = load_case("champions-league-2017")
    deployment = deploy(scenario)
    swings = {swing.key: swing for swing in sensitivity(scenario, deployment).swings}
    size = swings["watchlist.size"]
    assert (size.low, size.high, size.given) == (400, 1200, True)
    # Half the list gives very nearly half the false alerts.
    base = answer(deployment).false_alerts
    assert size.at_low.false_alerts == pytest.approx(base / 2, rel=0.01)


def test_a_range_of_faces_moves_the_people_behind_them() -> None:
    scenario = load_case("met-trials-2018-2019")
    deployment = deploy(scenario)
    swings = {swing.key: swing for swing in sensitivity(scenario, deployment).swings}
    people = swings["crowd.people"]
    assert people.at_high.false_alerts == pytest.approx(34 * 220_000 / 150_000, rel=0.01)


def test_sweeps_pass_through_the_scenario_as_it_stands(build: Any) -> None:
    scenario = build()
    found = sensitivity(scenario, deploy(scenario))
    for sweep, value in ((found.list_size, 900), (found.people, 20_000)):
        middle = sweep[len(sweep) // 2]
        assert middle.value == pytest.approx(value)
        assert middle.answer.false_alerts == pytest.approx(found.base.false_alerts)
    alerts = [point.answer.false_alerts for point in found.list_size]
    assert alerts == sorted(alerts)
