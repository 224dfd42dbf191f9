"""Scenarios as people write them: short ones are understood, impossible ones named by key."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crowdveil.crowd.deployment import apportion, deploy, fpir
from crowdveil.crowd.exact import distribution
from crowdveil.crowd.means import expected
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import load_scenario, read_scenario
from crowdveil.crowd.scenario import INPUTS
from crowdveil.errors import ScenarioInvalid

SHORT = """
name = "Somewhere"
[crowd]
faces = 12_120
[watchlist]
size = 9756
[recogniser]
fpir = { one_in = 6000, list = 10_000 }
[published]
alerts = 11
"""


def test_ten_lines_are_enough_and_what_is_missing_is_solved_from_what_is_there() -> None:
    deployment = deploy(read_scenario(SHORT))
    means = expected(deployment)
    wrong = 12_120 * (1 - (1 - 1 / 6000) ** (9756 / 10_000))
    assert means.total(Quantity.FALSE_ALERTS) == pytest.approx(wrong, rel=1e-3)
    assert means.total(Quantity.ALERTS) == pytest.approx(11, abs=0.5)


def test_without_error_rates_they_are_solved_from_the_published_false_alerts() -> None:
    text = SHORT.replace("[recogniser]\nfpir = { one_in = 6000, list = 10_000 }\n", "")
    scenario = read_scenario(text + "true_alerts = 9\n")
    means = expected(deploy(scenario))
    assert scenario.calibrated == ("recogniser.fmr", "watchlist.present")
    assert means.total(Quantity.FALSE_ALERTS) == pytest.approx(2)
    assert means.total(Quantity.TRUE_ALERTS) == pytest.approx(9)


def test_faces_are_sightings_of_fewer_people() -> None:
    text = SHORT.replace("faces = 12_120", "faces = 12_000\ncameras = 2\nseen_by_each = 0.75")
    deployment = deploy(read_scenario(text))
    assert deployment.people.sum() == 8000
    assert expected(deployment).faces.sum() == pytest.approx(12_000)


def test_events_give_the_list_as_many_chances() -> None:
    text = SHORT.replace("faces = 12_120", "faces = 12_120\nevents = 3")
    with pytest.raises(ScenarioInvalid, match="more than the whole list"):
        deploy(read_scenario(SHORT.replace("alerts = 11", "true_alerts = 9000")))
    deployment = deploy(read_scenario(text.replace("alerts = 11", "true_alerts = 9000")))
    assert expected(deployment).total(Quantity.TRUE_ALERTS) == pytest.approx(9000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"crowd.groups": {"A": 0.7, "B": 0.2}}, "crowd.groups: shares must sum to 1"),
        ({"watchlist.groups": {"A": 0.7, "B": 0.4}}, "watchlist.groups: shares must sum to 1"),
        ({"watchlist.groups": {"A": 1.0}}, "watchlist.groups must name the groups"),
        ({"crowd.population": {"A": 1.0}}, "population must name the groups"),
        ({"crowd.people": 0}, "crowd.people: Input should be greater than 0"),
        ({"crowd.people": "many"}, "crowd.people: Input should be a valid number"),
        ({"crowd.people": True}, "crowd.people: Input should be a valid number"),
        ({"crowd.people": float("nan")}, "crowd.people: Input should be a finite number"),
        ({"crowd.faces": 5}, "crowd: give either people or faces"),
        ({"crowd.people": None}, "crowd: give either people or faces"),
        ({"crowd.cameras": 60}, "cameras x passes: at most 64 sightings"),
        ({"crowd.peple": 5}, "crowd.peple: there is no such key"),
        ({"watchlist.size": None}, "watchlist.size: is missing"),
        ({"watchlist.present": 1.2}, "watchlist.present: Input should be less than or equal to 1"),
        ({"watchlist.size": 10_000_000}, "listed people of group 'A' would pass, but only 14,000"),
        ({"crowd.residents": 500}, "watchlist.size (900) is larger than the population"),
        ({"recogniser.fmr": {"A": 0.1, "B": 2}}, "recogniser.fmr: of B: a rate lies between"),
        ({"recogniser.fmr": {"A": 0.1}}, "every group of crowd.groups (look at B)"),
        ({"recogniser.fmr": {"A": {"A": 0.1}, "B": 0.1}}, "not both"),
        ({"recogniser": {"fmr": "low"}}, "recogniser.fmr: give a number from 0 to 1"),
        ({"recogniser": {"fmr": True}}, "recogniser.fmr: give a number from 0 to 1"),
        ({"recogniser": {"fmr": {"one_in": 0}}}, "recogniser.fmr: a rate lies between 0 and 1"),
        ({"recogniser": {"fpir": 0.001}}, "an FPIR needs the length of the list"),
        ({"recogniser": {"fpir": {"rate": 1, "list": 9}}}, "an FPIR of 1 says nothing"),
        ({"recogniser": {"fmr": {"rate": 0.1, "list": 9}}}, "'list' belongs to fpir"),
        ({"recogniser": {"fmr": {"errors": 5, "comparisons": 3}}}, "errors must lie between 0"),
        ({"recogniser": {"fmr": 0.1, "across": 0.5}}, "across goes with one FMR or FPIR for each"),
        ({"recogniser": {"fmr": 0.1, "operating_point": 1}}, "operating_point chooses from an"),
        ({"recogniser": {"fmr": 0.1, "fnir": {"A": {"A": 1}}}}, "one rate, or one for each group"),
        ({"recogniser": {}}, "recogniser: give fmr, fpir or audit"),
        ({"watchlist.present": None}, "watchlist.present: say what share"),
        ({"published": {"alerts": 3, "true_alerts": 4}}, "cannot outnumber the alerts"),
        (
            {"published": {"alerts": 3, "true_alerts": 1, "false_alerts": 1}},
            "alerts must be true_alerts + false_alerts",
        ),
        ({"published": {"by_group": {"false_alerts": {"A": 1}}}}, "must name the groups"),
        ({"sources": {"crowd.peple": "x"}}, "'crowd.peple' is no input"),
        ({"assumed": {"crowd.people": {"why": "x", "range": [3, 1]}}}, "range must be [low, high]"),
        ({"procedure": {"rejects_false": -0.1}}, "procedure.rejects_false: Input should be"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_impossible_input_is_named_by_its_key(build: Any, changes: Any, said: str) -> None:
    with pytest.raises(ScenarioInvalid) as caught:
        deploy(build(changes))
    assert said in str(caught.value)


def test_a_file_that_is_missing_no_text_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="cannot be read"):
        load_scenario(tmp_path / "gone.toml")
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioInvalid, match="not text in UTF-8"):
        load_scenario(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text("name = \n")
    with pytest.raises(ScenarioInvalid, match=r"b.toml: is not TOML.*line 1"):
        load_scenario(tmp_path / "b.toml")
    (tmp_path / "c.toml").write_text("")
    with pytest.raises(ScenarioInvalid, match="is missing"):
        load_scenario(tmp_path / "c.toml")


def test_people_are_shared_out_to_the_last(build: Any) -> None:
    assert apportion(10, np.array([0.7, 0.3])).tolist() == [7, 3]
    assert apportion(2, np.array([1 / 3, 1 / 3, 1 / 3])).tolist() == [1, 1, 0]
    assert apportion(7, np.array([0.5, 0.25, 0.25])).sum() == 7
    assert deploy(build()).people.tolist() == [14_000, 6_000]


def test_a_longer_list_alerts_more_often_but_never_more_than_always() -> None:
    fmr = np.full((1, 1), 1e-4)
    rates = [float(fpir(fmr, np.array([n]))[0]) for n in (0, 1, 10, 1000, 10**6)]
    assert rates[:2] == [0.0, pytest.approx(1e-4)]
    assert rates == sorted(rates)
    assert rates[3] == pytest.approx(1 - 0.9999**1000)
    assert fpir(np.ones((1, 1)), np.zeros(1))[0] == 0
    assert fpir(np.ones((1, 1)), np.ones(1))[0] == 1


def test_rates_by_group_pair_and_between_groups_are_where_they_belong(build: Any) -> None:
    typed = {"A": {"A": 1e-6, "B": 2e-7}, "B": {"A": 3e-7, "B": 4e-6}}
    assert deploy(build({"recogniser": {"fmr": typed}})).fmr.tolist() == [
        [1e-6, 2e-7],
        [3e-7, 4e-6],
    ]
    between = 0.2 * np.sqrt(1e-6 * 5e-6)
    np.testing.assert_allclose(deploy(build()).fmr, [[1e-6, between], [between, 5e-6]])
    by_group = build({"recogniser.across": None})
    assert deploy(by_group).fmr.tolist() == [[1e-6, 1e-6], [5e-6, 5e-6]]


PAGE = Path(__file__).resolve().parents[2] / "docs" / "crowd.md"


def test_the_scenario_in_the_docs_gives_what_the_docs_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(toml.splitlines()) <= 10
    alerts = distribution(deploy(read_scenario(toml)), Quantity.FALSE_ALERTS)
    low, high = alerts.interval()
    assert f"{alerts.mean():.1f} ({low}-{high})" in page


def test_the_docs_name_every_key() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for key in INPUTS:
        table, _, name = key.partition(".")
        assert f"`{key}`" in page or (f"`{table}." in page and f"`{name}`" in page), key
