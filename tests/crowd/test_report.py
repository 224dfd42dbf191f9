"""What leaves the model: page, JSON, CSV and words, all saying the same."""

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from crowdveil.crowd.cases import load_case
from crowdveil.crowd.comparison import compare
from crowdveil.crowd.decomposition import Factor, Measure
from crowdveil.crowd.export import to_csv, to_json
from crowdveil.crowd.outcomes import repeated
from crowdveil.crowd.published import Verdict
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.report import report
from crowdveil.crowd.results import Results, assess
from crowdveil.crowd.simulation import Simulation
from crowdveil.crowd.wording import answer, comparisons, disparity, notes, number
from crowdveil.crowd.writing import write_results
from crowdveil.errors import OptionsInvalid, OutputRefused

QUICK = Simulation(events=4000)


class Text(HTMLParser):
    """The words of a page, and what a browser would load or run for it."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "iframe", "object", "embed"}:
            self.loads.append(tag)
        self.loads += [
            str(value)
            for name, value in attrs
            if name in {"src", "href", "xlink:href"} and not str(value).startswith(("data:", "#"))
        ]

    def handle_data(self, data: str) -> None:
        self.words.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def square() -> Results:
    return assess(load_case("example-square"), simulation=QUICK)


@pytest.mark.parametrize("name", ["example-square", "champions-league-2017", "met-2024-2025"])
def test_a_page_loads_nothing_and_says_the_answer_first(name: str) -> None:
    found = assess(load_case(name), simulation=QUICK)
    parsed = Text()
    parsed.feed(report(found))
    assert parsed.loads == []
    assert answer(found)[0] in parsed.words
    place = parsed.words.index(answer(found)[0])
    assert place < parsed.words.index("The numbers")


def test_every_assumption_is_marked_on_the_page_with_its_reason(square: Results) -> None:
    page = report(square)
    for key, one in square.scenario.assumed.items():
        assert f">{key}</code>" in page
        assert " ".join(one.why.split())[:30].replace("'", "&#39;") in page
    assert page.count(">assumed</td>") == len(square.scenario.assumed)


def test_the_page_says_what_equal_error_rates_leave(square: Results) -> None:
    split = square.decompositions[Measure.PER_HEAD]
    said = " ".join(disparity(square))
    assert f"{split.counterfactual(Factor.ERRORS).ratio:.1f} times" in said
    assert "would still be scanned without suspicion" in said
    assert said.split(". ")[0] in report(square)


def test_names_of_groups_are_no_markup_on_the_page_and_no_formula_in_the_table(
    build: Any,
) -> None:
    evil = '=<script>alert("1")</script>'
    table = {
        "crowd": {"people": 500, "groups": {evil: 0.5, "B": 0.5}},
        "watchlist": {"size": 10, "present": 0.1},
        "recogniser": {"fmr": {evil: 1e-3, "B": 1e-4}},
    }
    found = assess(build(table), simulation=QUICK)
    assert "<script" not in report(found)
    assert all(
        not row["group"].startswith("=") for row in csv.DictReader(io.StringIO(to_csv(found)))
    )


def test_json_and_csv_hold_the_same_numbers_as_python(square: Results) -> None:
    told = json.loads(to_json(square))
    assert told["schema"] == "crowdveil/crowd/1"
    assert told["answer"][0] == answer(square)[0]
    rows = {
        (row["group"], row["quantity"]): row for row in csv.DictReader(io.StringIO(to_csv(square)))
    }
    for quantity in Quantity:
        mean = square.outcome.counts[quantity].mean
        assert told["outcome"]["counts"][quantity.value]["mean"] == mean
        assert float(rows["", quantity.value]["mean"]) == mean
        parts = [float(rows[group, quantity.value]["mean"]) for group in square.deployment.groups]
        assert sum(parts) == pytest.approx(mean)
    split = told["decomposition"]["per_head"]
    assert sum(split["shares"].values()) == pytest.approx(split["difference"])
    assert told["inputs"]["recogniser.fmr"] == "assumed"


def test_calibrated_counts_are_called_so_in_json_and_in_words() -> None:
    found = assess(load_case("champions-league-2017"), simulation=QUICK)
    assert {check.verdict for check in found.checks} == {Verdict.CALIBRATED}
    told = json.loads(to_json(found))
    assert {check["verdict"] for check in told["published"]} == {"calibrated"}
    said = " ".join(comparisons(found))
    assert "proves nothing" in said
    assert "Reproduced" not in said


def test_no_stop_is_claimed_where_nothing_is_known_of_review() -> None:
    said = " ".join(answer(assess(load_case("champions-league-2017"), simulation=QUICK)))
    assert "If every alert were acted on" in said


def test_a_years_risk_is_that_of_its_events(square: Results) -> None:
    for group in square.outcome.groups:
        assert group.year_risk == pytest.approx(1 - (1 - group.risk) ** 12)
    assert repeated(0.0, 12) == 0
    assert repeated(1.0, 12) == 1


def test_readers_are_warned_of_a_recogniser_nobody_would_run(build: Any) -> None:
    found = assess(build({"recogniser.fmr": {"A": 1e-3, "B": 1e-3}}), simulation=QUICK)
    assert any("no system would be run like this" in note for note in notes(found))


def test_what_is_small_is_never_rounded_to_nothing() -> None:
    assert number(0.0004) == "0.0004"
    assert number(0) == "0"


def test_two_scenarios_side_by_side_differ_by_their_ratio(square: Results) -> None:
    rows = {row.label: row for row in compare(square, square)}
    assert rows["False alerts"].ratio == 1
    other = assess(load_case("met-oxford-circus-2022"), simulation=QUICK)
    rows = {row.label: row for row in compare(square, other)}
    assert rows["People scanned"].ratio == pytest.approx(36_420 / 96_000)


def test_outputs_are_whole_and_never_overwrite_unasked(square: Results, tmp_path: Path) -> None:
    written = write_results([square], tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        path.name for path in written
    )
    (tmp_path / "new" / "crowd.html").unlink()
    with pytest.raises(OutputRefused, match="--overwrite"):
        write_results([square], tmp_path / "new")
    assert not (tmp_path / "new" / "crowd.html").exists()


def test_between_takes_groups_that_are_there(square: Results) -> None:
    with pytest.raises(OptionsInvalid, match="choose two of the groups"):
        assess(square.scenario, simulation=QUICK, between=("Black people", "nobody"))
