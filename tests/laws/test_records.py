"""Every file of the register, one by one: what a contributor must get right."""

import json
import re
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from crowdveil.errors import RegisterInvalid
from crowdveil.laws.record import Kind, Place, Status
from crowdveil.laws.register import load_register, read_register

HOME = Path(str(resources.files("crowdveil.laws")))
FILES = sorted((HOME / "places").glob("*.toml"))
DOCS = Path(__file__).resolve().parents[2] / "docs"
RULES = [(place, rule) for place, rule in load_register().rules()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_record_has_days_in_order_sources_and_no_rule_twice(file: Path) -> None:
    # Read anew and judged by other code than the one that checks on loading.
    table = tomllib.loads(file.read_text("utf-8"))
    assert table["id"] == file.stem
    assert isinstance(table["last_checked"], date)
    assert table["last_checked"] <= load_register().date
    rules = table.get("rules", [])
    assert rules or table["not_found"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len({(rule["title"], rule.get("number")) for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["kind"] in {kind.value for kind in Kind}
        assert rule["sources"]
        urls = [source["url"] for source in rule["sources"]]
        assert len(set(urls)) == len(urls)
        assert all(re.match(r"https?://[\w.-]+\.[a-z]+\.?/", source) for source in urls), urls
        assert all(len(source["supports"]) > 10 for source in rule["sources"])
        earliest = []
        for change in rule["changes"]:
            assert change["status"] in {status.value for status in Status}
            days = [change[key] for key in ("on", "not_before", "not_after") if key in change]
            assert days == sorted(days)
            # A date and no time of day: TOML would take either.
            assert all(type(day) is date for day in days)
            earliest.append(days[0])
        assert earliest == sorted(earliest)


@pytest.mark.parametrize(("place", "rule"), RULES, ids=[f"{p.id}/{r.id}" for p, r in RULES])
def test_a_rule_that_became_law_says_when_and_by_whom_it_binds(place: Place, rule: Any) -> None:
    law = {Status.NOT_STARTED, Status.IN_FORCE, Status.PARTLY}
    first = rule.changes[0].status
    assert first in law | {Status.PROPOSED, Status.FAILED}
    if first in law:
        adopted = rule.changes[0]
        assert adopted.latest is not None, "an adoption is bounded on both sides"
    assert all(len(change.note) > 4 for change in rule.changes)
    assumed = [change for change in rule.changes if change.assumed]
    assert all(change.status in law for change in assumed)
    for change in assumed:
        assert change.latest is not None
        # docs/laws.md promises 120 days from when it was surely adopted and could have started.
        first_possible = max(change.earliest, rule.changes[0].latest)
        assert 0 < (change.latest - first_possible).days <= 120


def test_no_date_in_the_texts_is_a_day_that_does_not_exist() -> None:
    for file in FILES:
        for text in re.findall(r"\b(\d{4}-\d{2}-\d{2})\b", file.read_text("utf-8")):
            if "/" not in text:
                assert date.fromisoformat(text)


def test_the_first_wave_and_the_named_laws_are_all_there() -> None:
    have = {f"{place.id}/{rule.id}" for place, rule in load_register().rules()}
    wanted = {
        *("us-ca-san-francisco/ban", "us-ca-oakland/ban", "us-ca-berkeley/ban"),
        *("us-ma-somerville/ban", "us-ma-brookline/ban", "us-ma-cambridge/ban"),
        *("us-ma-northampton/ban", "us-ma-springfield/moratorium", "us-ma-boston/ban"),
        *("us-ma/search-rules", "us-ca-san-diego-county/tacids", "us-ca/ab-1215"),
        *("us-or-portland/public", "us-or-portland/private", "us-me-portland/referendum"),
        *("us-me/ban", "eu/real-time", "eu/scraping", "eu/retrospective", "coe/glukhin"),
        *("hu/petty-offences", "de-he/live", "us-ca-san-francisco/proposition-e"),
    }
    assert wanted <= have


def test_the_published_schema_is_that_of_the_files() -> None:
    schema = json.loads((DOCS / "laws.schema.json").read_text("utf-8"))
    assert set(schema["properties"]) >= {"id", "name", "level", "rules", "not_found"}
    assert schema["$defs"]["Status"]["enum"] == [status.value for status in Status]


def test_the_smallest_file_of_the_docs_is_a_place() -> None:
    page = (DOCS / "laws-contribute.md").read_text("utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    place = Place.model_validate(tomllib.loads(block))
    assert [change.status for change in place.rules[0].changes] == ["not_started", "in_force"]


def test_the_docs_count_what_is_in_the_register() -> None:
    page = " ".join((DOCS / "laws.md").read_text("utf-8").split())
    places = load_register().places.values()
    ruled = [place for place in places if place.rules]
    said = f"{len(RULES)} rules of {len(ruled)} places, and {len(places) - len(ruled)} more"
    assert said in page
    cities = (HOME / "data" / "cities.tsv").read_text("utf-8").splitlines()
    assert f"{sum(not line.startswith('#') for line in cities):,} cities" in page
    assert str(load_register().date) in page


GOOD = """
id = "us"
name = "United States"
level = "country"
iso = "US"
last_checked = 2026-11-28
[[rules]]
id = "r"
title = "t"
instrument = "act"
kind = "ban"
binds = ["police"]
who = "w"
restricts = ["all_use"]
says = "s"
confidence = "low"
why = "y"
[[rules.changes]]
status = "not_started"
on = 2020-01-02
note = "vote"
[[rules.changes]]
status = "in_force"
on = 2020-02-01
note = "start"
[[rules.sources]]
url = "https://example.org/a"
supports = "what it shows"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("on = 2020-02-01", "on = 2020-01-01", "stands after not_started"),
        ("on = 2020-02-01", "on = 2020-02-30", "cannot be read as TOML"),
        ("on = 2020-02-01", "", "give either on, or not_before"),
        ("on = 2020-02-01", "not_before = 2020-03-01\nnot_after = 2020-02-01", "earlier than"),
        ("on = 2020-02-01", "on = 1820-02-01", "earliest that can be right"),
        ('status = "in_force"', 'status = "valid"', "'in_force'"),
        ('status = "in_force"', 'status = "not_started"', "two in a row"),
        ('kind = "ban"', 'kind = "law"', "'moratorium'"),
        ('binds = ["police"]', "binds = []", "at least 1 item"),
        ('binds = ["police"]', 'binds = ["police", "police"]', "twice"),
        ('url = "https://example.org/a"', 'url = "example"', "url"),
        ("[[rules.sources]]\n", "[[rules.sauces]]\n", "sauces"),
        ('id = "us"', 'id = "uk"', "name the file as the place"),
        ("last_checked = 2026-11-28", "last_checked = 2027-01-01", "later than the register"),
        ('level = "country"', 'level = "city"', "everything else has one"),
        ('level = "country"', 'level = "city"\nparent = "eu"', "no place here"),
    ],
    ids=lambda value: str(value)[:28].replace("\n", " "),
)
def test_a_slip_in_a_file_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    head = 'version = "2026.11"\ndate = 2026-11-28\nnot_found = []\n'
    (tmp_path / "register.toml").write_text(head, "utf-8")
    (tmp_path / "places").mkdir()
    file = tmp_path / "places" / "us.toml"
    file.write_text(GOOD, "utf-8")
    assert len(read_register(tmp_path).places) == 1
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(RegisterInvalid, match=r"us\.toml: ") as error:
        read_register(tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
