"""The built-in deployments: sourced or marked, and as good as they say they are."""

import re

import pytest

from crowdveil.crowd.cases import case_names, case_text, load_case
from crowdveil.crowd.published import Basis, Verdict, basis, calibrated_from
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import read_scenario
from crowdveil.crowd.results import Results, assess
from crowdveil.crowd.scenario import INPUTS
from crowdveil.crowd.simulation import Simulation
from crowdveil.crowd.wording import comparisons
from crowdveil.errors import OptionsInvalid

HOLD_OUT = """
name = "Somewhere"
[crowd]
faces = 12_120
[watchlist]
size = 9756
[published]
alerts = 11
true_alerts = 10
"""
QUICK = Simulation(events=20_000)
CASES = case_names()
DEPLOYMENTS = [name for name in CASES if load_case(name).kind == "deployment"]


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def results(request: pytest.FixtureRequest) -> Results:
    return assess(load_case(request.param), simulation=QUICK)


def test_every_published_count_lies_in_the_interval(results: Results) -> None:
    assert results.checks
    for check in results.checks:
        assert check.inside, check


def test_only_a_count_that_nothing_was_solved_from_is_called_reproduced(results: Results) -> None:
    scenario = results.scenario
    fitted = calibrated_from(scenario)
    for check in results.checks:
        assert (check.verdict is Verdict.CALIBRATED) == (check.quantity in fitted)
        if check.verdict is Verdict.REPRODUCED:
            assert check.rests_on
            assert all(found is not Basis.CALIBRATED for _, found in check.rests_on)


def test_a_reproduced_count_does_not_move_when_the_published_one_does() -> None:
    scenario = load_case("met-oxford-circus-2022")
    assert scenario.published is not None
    counts = {"false_alerts": 9, "alerts": 9, "true_alerts": 0}
    other = scenario.model_copy(update={"published": scenario.published.model_copy(update=counts)})
    one, two = assess(scenario, simulation=QUICK), assess(other, simulation=QUICK)
    assert one.outcome.counts[Quantity.FALSE_ALERTS] == two.outcome.counts[Quantity.FALSE_ALERTS]


def test_the_interval_is_not_so_wide_that_anything_would_be_reproduced() -> None:
    scenario = load_case("met-oxford-circus-2022")
    assert scenario.published is not None
    counts = {"false_alerts": 20, "alerts": 20, "true_alerts": 0}
    other = scenario.model_copy(update={"published": scenario.published.model_copy(update=counts)})
    (false, *_) = assess(other, simulation=QUICK).checks
    assert false.verdict is Verdict.MISSED


@pytest.mark.parametrize("name", CASES)
def test_every_input_of_a_case_has_a_source_or_is_marked(name: str) -> None:
    case = load_case(name)
    for key in INPUTS:
        assert basis(case, key) is not Basis.TYPED, f"{key} of {name} comes from nowhere"
    if case.kind == "deployment":
        assert case.published is not None
        assert re.match("https?://", case.published.source or "")


def test_an_illustration_claims_no_published_counts() -> None:
    for name in set(CASES) - set(DEPLOYMENTS):
        case = load_case(name)
        assert case.published is None
        assert case.name.startswith("Illustration")


def test_rates_from_elsewhere_would_have_failed_at_the_champions_league_final() -> None:
    found = assess(load_case("champions-league-2017"), simulation=QUICK)
    assert [other.inside for other in found.elsewhere] == [False, False]
    assert max(other.model.mean for other in found.elsewhere) < 0.1 * 2297


def test_chance_alone_does_not_put_eight_of_ten_false_alerts_on_one_person_in_seven() -> None:
    found = assess(load_case("met-2024-2025"), simulation=QUICK)
    (black, others) = found.group_checks
    assert (black.published, black.of) == (8, 10)
    assert black.expected == pytest.approx(0.135, abs=0.001)
    # By hand: C(10,8) .135^8 .865^2 + C(10,9) .135^9 .865 + .135^10.
    by_hand = 45 * 0.135**8 * 0.865**2 + 10 * 0.135**9 * 0.865 + 0.135**10
    assert black.chance == pytest.approx(by_hand, rel=0.01)
    assert others.chance == pytest.approx(black.chance, rel=1e-6)


def test_rates_of_neoface_are_held_against_no_other_system() -> None:
    for system in ("", '[recogniser]\nsystem = "Another 2.1"\n'):
        assert assess(read_scenario(HOLD_OUT + system), simulation=QUICK).elsewhere == ()


def test_a_deployment_of_which_only_counts_are_known_is_held_against_known_rates() -> None:
    named = HOLD_OUT + '[recogniser]\nsystem = "NEC NeoFace V4"\n'
    found = assess(read_scenario(named), simulation=QUICK)
    assert {check.verdict for check in found.checks} == {Verdict.CALIBRATED}
    modern, older = found.elsewhere
    assert modern.model.mean == pytest.approx(12_120 * 9756 / 10_000 / 6000, rel=0.01)
    assert (modern.inside, older.inside) == (True, False)
    said = " ".join(comparisons(found))
    assert "would have predicted 2.0 (0-5) false alerts: as published" in said


def test_an_unknown_case_names_those_there_are() -> None:
    with pytest.raises(OptionsInvalid, match="champions-league-2017"):
        case_text("world-cup")
