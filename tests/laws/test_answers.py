"""Questions with known answers: places and days, the day before, the day, and the day after."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.errors import OptionsInvalid, PlaceAmbiguous
from crowdveil.laws import (
    Answer,
    Kind,
    Place,
    Rule,
    Selection,
    Status,
    Use,
    load_register,
    on,
    select,
)
from crowdveil.laws.standing import Standing, standing


def stood(answer: Answer, key: str) -> Standing | None:
    """The standing of "place id/rule id"; None if it did not exist that day."""
    return {f"{one.place.id}/{one.rule.id}": one for one in answer}.get(key)


KNOWN = [
    ("San Francisco", "2019-05-13", "us-ca-san-francisco/ban", None),
    ("San Francisco", "2019-05-14", "us-ca-san-francisco/ban", "not_started"),
    ("San Francisco", "2019-08-01", "us-ca-san-francisco/ban", "unknown"),
    ("San Francisco", "2020-01-16", "us-ca-san-francisco/ban", "in_force"),
    ("San Francisco", "2024-03-04", "us-ca-san-francisco/proposition-e", None),
    ("San Francisco", "2024-03-05", "us-ca-san-francisco/proposition-e", "unknown"),
    ("Oakland", "2019-07-15", "us-ca-oakland/ban", None),
    ("Oakland", "2019-07-16", "us-ca-oakland/ban", "not_started"),
    ("Oakland", "2020-01-01", "us-ca-oakland/ban", "in_force"),
    ("Oakland", "2021-01-15", "us-ca-oakland/biometrics", "unknown"),
    ("Berkeley", "2019-10-14", "us-ca-berkeley/ban", None),
    ("Berkeley", "2020-01-01", "us-ca-berkeley/ban", "in_force"),
    ("Somerville", "2019-06-26", "us-ma-somerville/ban", None),
    ("Somerville", "2019-07-11", "us-ma-somerville/ban", "in_force"),
    ("Brookline", "2019-12-10", "us-ma-brookline/ban", None),
    ("Brookline", "2020-03-01", "us-ma-brookline/ban", "unknown"),
    ("Brookline", "2020-07-02", "us-ma-brookline/ban", "in_force"),
    ("Cambridge, Massachusetts", "2020-01-12", "us-ma-cambridge/ban", None),
    ("Cambridge, Massachusetts", "2021-01-01", "us-ma-cambridge/ban", "in_force"),
    ("Northampton, MA", "2019-12-18", "us-ma-northampton/ban", None),
    ("Northampton, MA", "2020-02-25", "us-ma-northampton/ban", "in_force"),
    ("Springfield, MA", "2020-02-23", "us-ma-springfield/moratorium", None),
    ("Springfield, MA", "2021-01-01", "us-ma-springfield/moratorium", "in_force"),
    ("Boston", "2020-06-23", "us-ma-boston/ban", None),
    ("Boston", "2020-06-24", "us-ma-boston/ban", "not_started"),
    ("Boston", "2020-07-02", "us-ma-boston/ban", "in_force"),
    ("Boston", "2021-06-30", "us-ma/search-rules", "not_started"),
    ("Boston", "2021-07-01", "us-ma/search-rules", "in_force"),
    ("Massachusetts", "2020-12-30", "us-ma/search-rules", None),
    ("Massachusetts", "2020-12-31", "us-ma/search-rules", "not_started"),
    ("Massachusetts", "2020-12-10", "us-ma/moratorium-bills", "failed"),
    ("San Diego", "2019-12-31", "us-ca-san-diego-county/tacids", "not_started"),
    ("San Diego", "2020-01-01", "us-ca-san-diego-county/tacids", "in_force"),
    ("San Diego", "2022-12-31", "us-ca-san-diego-county/tacids", "in_force"),
    ("San Diego", "2023-01-01", "us-ca-san-diego-county/tacids", "unknown"),
    ("Fresno, California", "2019-12-31", "us-ca/ab-1215", "not_started"),
    ("Fresno, California", "2020-01-01", "us-ca/ab-1215", "in_force"),
    ("Fresno, California", "2022-12-31", "us-ca/ab-1215", "in_force"),
    ("Fresno, California", "2023-01-01", "us-ca/ab-1215", "expired"),
    ("Portland, Oregon", "2020-09-08", "us-or-portland/public", None),
    ("Portland, Oregon", "2020-09-09", "us-or-portland/public", "in_force"),
    ("Portland, Oregon", "2020-09-09", "us-or-portland/private", "not_started"),
    ("Portland, Oregon", "2020-12-31", "us-or-portland/private", "not_started"),
    ("Portland, Oregon", "2021-01-01", "us-or-portland/private", "in_force"),
    ("Portland, Maine", "2020-08-02", "us-me-portland/council-ban", None),
    ("Portland, Maine", "2020-08-03", "us-me-portland/council-ban", "not_started"),
    ("Portland, Maine", "2020-11-02", "us-me-portland/council-ban", "in_force"),
    ("Portland, Maine", "2020-11-03", "us-me-portland/council-ban", "replaced"),
    ("Portland, Maine", "2020-11-03", "us-me-portland/referendum", "in_force"),
    ("Bangor, Maine", "2021-09-30", "us-me/ban", "not_started"),
    ("Bangor, Maine", "2021-10-01", "us-me/ban", "in_force"),
    ("Berlin", "2024-06-12", "eu/real-time", None),
    ("Berlin", "2025-02-01", "eu/real-time", "not_started"),
    ("Berlin", "2025-02-02", "eu/real-time", "in_force"),
    ("Paris", "2025-02-02", "eu/scraping", "in_force"),
    ("Paris", "2024-07-31", "eu/ai-act", "not_started"),
    ("Paris", "2024-08-01", "eu/ai-act", "partly"),
    ("Paris", "2026-08-02", "eu/retrospective", "not_started"),
    ("Paris", "2027-12-01", "eu/retrospective", "not_started"),
    ("Paris", "2027-12-02", "eu/retrospective", "in_force"),
    ("Paris", "2025-03-31", "fr/olympics", "in_force"),
    ("Paris", "2025-04-01", "fr/olympics", "expired"),
    ("Paris", "2026-06-01", "fr/olympics-2030", "unknown"),
    ("Dublin, Ireland", "2025-06-01", "eu/real-time", None),
    ("Copenhagen", "2025-06-01", "eu/real-time", None),
    ("Dublin, Ireland", "2025-06-01", "eu/scraping", "in_force"),
    ("London", "2025-06-01", "eu/real-time", None),
    ("Moscow", "2023-07-03", "coe/glukhin", None),
    ("Moscow", "2023-07-04", "coe/glukhin", "not_started"),
    ("Moscow", "2023-10-04", "coe/glukhin", "in_force"),
    ("Rome, Italy", "2023-12-31", "it/moratorium", "in_force"),
    ("Rome, Italy", "2025-12-31", "it/moratorium", "in_force"),
    ("Rome, Italy", "2026-01-01", "it/moratorium", "unknown"),
    ("Baltimore", "2021-08-09", "us-md-baltimore/moratorium", "not_started"),
    ("Baltimore", "2022-12-31", "us-md-baltimore/moratorium", "in_force"),
    ("Baltimore", "2023-01-01", "us-md-baltimore/moratorium", "expired"),
    ("Richmond, Virginia", "2021-06-30", "us-va/ban", "not_started"),
    ("Richmond, Virginia", "2022-06-30", "us-va/ban", "in_force"),
    ("Richmond, Virginia", "2022-07-01", "us-va/ban", "replaced"),
    ("Richmond, Virginia", "2022-07-01", "us-va/authorised-uses", "in_force"),
    ("Richmond, Virginia", "2026-07-01", "us-va/ban", "in_force"),
    ("Richmond, Virginia", "2026-07-01", "us-va/authorised-uses", "expired"),
    ("New Orleans", "2022-07-20", "us-la-new-orleans/ban", "in_force"),
    ("New Orleans", "2022-07-25", "us-la-new-orleans/ban", "unknown"),
    ("New Orleans", "2022-07-28", "us-la-new-orleans/ban", "partly"),
    ("New Orleans", "2022-07-28", "us-la-new-orleans/loosened", "in_force"),
    ("New Orleans", "2025-05-01", "us-la-new-orleans/live-alerts", "in_force"),
    ("New Orleans", "2025-08-21", "us-la-new-orleans/live-use", "failed"),
    ("Jackson, Mississippi", "2020-08-17", "us-ms-jackson/ban", None),
    ("Jackson, Mississippi", "2022-01-01", "us-ms-jackson/ban", "in_force"),
    ("Jackson, Mississippi", "2025-03-01", "us-ms-jackson/ban", "unknown"),
    ("Jackson, Mississippi", "2026-01-01", "us-ms-jackson/ban", "repealed"),
    ("Seattle", "2021-07-12", "us-wa-port-of-seattle/motion", "in_force"),
    ("Seattle", "2021-07-13", "us-wa-port-of-seattle/motion", "replaced"),
    ("Spokane, WA", "2021-06-30", "us-wa/act", "not_started"),
    ("Spokane, WA", "2021-07-01", "us-wa/act", "in_force"),
    ("Frankfurt", "2025-02-01", "de-he/live", "not_started"),
    ("Frankfurt", "2025-02-02", "de-he/live", "in_force"),
    ("Budapest", "2025-04-14", "hu/petty-offences", "not_started"),
    ("Budapest", "2025-04-15", "hu/petty-offences", "in_force"),
    ("Casablanca", "2019-09-01", "ma/moratorium", None),
    ("Casablanca", "2020-12-31", "ma/moratorium", "in_force"),
    ("Casablanca", "2021-01-01", "ma/moratorium", "expired"),
    ("Auckland", "2025-11-02", "nz/code", "not_started"),
    ("Auckland", "2025-11-03", "nz/code", "in_force"),
    ("Shanghai", "2025-05-31", "cn/measures", "not_started"),
    ("Shanghai", "2025-06-01", "cn/measures", "in_force"),
    ("Buenos Aires", "2022-09-06", "ar-c/suspension", "in_force"),
    ("Buenos Aires", "2022-09-07", "ar-c/suspension", "replaced"),
    ("São Paulo", "2022-03-22", "br-sp-metro/suspension", "in_force"),
    ("São Paulo", "2024-01-01", "br-sp-metro/suspension", "unknown"),
    ("Hartford, Connecticut", "2026-09-30", "us-ct/signs", "not_started"),
    ("Hartford, Connecticut", "2026-10-01", "us-ct/signs", "partly"),
    ("Zurich", "2023-01-01", "ch-zh-zurich/mandate", "proposed"),
    ("Cardiff", "2020-08-10", "gb/bridges", None),
    ("Cardiff", "2020-08-11", "gb/bridges", "in_force"),
    ("New York City", "2021-07-08", "us-ny-new-york-city/signs", "not_started"),
    ("New York City", "2021-07-09", "us-ny-new-york-city/signs", "in_force"),
    ("Buffalo, New York", "2021-01-28", "us-ny/schools-2020", "replaced"),
    ("Milwaukee", "2026-02-05", "us-wi-milwaukee/directive", None),
    ("Milwaukee", "2026-02-06", "us-wi-milwaukee/directive", "in_force"),
]


@pytest.mark.parametrize(
    ("place", "day", "key", "status"), KNOWN, ids=[f"{k[0]}-{k[1]}-{k[2]}" for k in KNOWN]
)
def test_a_question_has_its_known_answer(
    place: str, day: str, key: str, status: str | None
) -> None:
    one = stood(on(place, day), key)
    assert (one.status.value if one else None) == status


def levels(place: str, day: str = "2025-06-01") -> list[str]:
    return [level.area.id for level in on(place, day).levels]


def test_every_level_above_a_place_is_answered_for() -> None:
    assert levels("Boston") == ["us-ma-boston", "us-ma", "us"]
    assert levels("Kirkland, Washington")[1:] == ["us-wa-king-county", "us-wa", "us"]
    assert levels("Berlin")[-3:] == ["de", "eu", "coe"]
    assert levels("Paris") == ["fr:paris", "fr", "eu", "coe"]
    assert levels("Cardiff") == ["gb-wls:cardiff", "gb-wls-south-wales", "gb-wls", "gb", "coe"]
    assert levels("Seattle") == [
        "us-wa-seattle",
        "us-wa-port-of-seattle",
        "us-wa-king-county",
        "us-wa",
        "us",
    ]


def test_a_place_that_is_on_no_list_gets_the_law_above_it_and_a_plain_word() -> None:
    answer = on("Smallville, Maine", "2022-01-01")
    city, state, country = answer.levels
    assert not city.known
    assert not city.area.listed
    assert [one.rule.id for one in state.standings] == ["ban"]
    assert country.area.id == "us"
    assert "us-me/ban" in {f"{one.place.id}/{one.rule.id}" for one in answer.in_force}


def test_what_is_bound_differs_between_the_two_ordinances_of_portland() -> None:
    answer = on("Portland, Oregon", "2021-06-01")
    public, private = (
        stood(answer, "us-or-portland/public"),
        stood(answer, "us-or-portland/private"),
    )
    assert public is not None
    assert private is not None
    assert set(public.rule.binds) == {"police", "agencies"}
    assert set(private.rule.binds) == {"businesses"}


def test_a_day_after_the_register_is_marked_as_foreseen() -> None:
    last = load_register().date
    assert not any(one.foreseen for one in on("Boston", last))
    assert all(one.foreseen for one in on("Boston", last + timedelta(days=1)))


def test_a_day_may_be_a_date_a_time_or_text_and_nothing_else() -> None:
    same = [on("Alameda", day).day for day in ("2020-01-01", date(2020, 1, 1))]
    same.append(on("Alameda", datetime(2020, 1, 1, 23, 59)).day)
    assert set(same) == {date(2020, 1, 1)}
    for wrong in ("2021-02-29", "yesterday", "2021-13-01", ""):
        with pytest.raises(OptionsInvalid, match="2021-06-01"):
            on("Alameda", wrong)
    with pytest.raises(PlaceAmbiguous):
        on("Portland", "2021-01-01")


RULES = list(load_register().rules())
DAYS = st.dates(date(2005, 1, 1), date(2030, 12, 31))


@given(st.sampled_from(RULES), DAYS)
def test_a_status_is_the_last_certain_one_unless_a_change_is_open(
    placed: tuple[Place, Rule],
    day: date,
) -> None:
    place, rule = placed
    one = standing(place, rule, day)
    certain, open_ = None, False
    for change in rule.changes:  # A plain walk, from the first change to the last.
        if change.on:
            if change.on <= day:
                certain = change.status
        elif change.earliest <= day:
            if change.not_after and change.not_after <= day:
                certain = change.status
            else:
                open_ = True
    if one is None:
        assert certain is None
        assert not open_
    else:
        assert one.status is (Status.UNKNOWN if open_ else certain)
        assert one.next is None or one.next.earliest > day


@given(st.sampled_from(RULES), DAYS)
def test_between_two_named_days_nothing_changes(
    placed: tuple[Place, Rule],
    day: date,
) -> None:
    place, rule = placed
    bounds = {at for c in rule.changes for at in (c.on, c.not_before, c.not_after) if at}
    if day not in bounds:
        eve, itself = standing(place, rule, day - timedelta(days=1)), standing(place, rule, day)
        assert (eve and eve.status) == (itself and itself.status)


def keys(selection: Selection) -> set[str]:
    found = select(selection, load_register().date)
    return {f"{one.place.id}/{one.rule.id}" for one in found}


def test_filters_find_what_they_name() -> None:
    day = load_register().date
    bans = select(Selection(kind=Kind.BAN), day)
    assert {one.rule.kind for one in bans} == {Kind.BAN}
    assert len(bans) > 30
    live = {
        f"{one.place.id}/{one.rule.id}" for one in select(Selection(restricts=Use.REAL_TIME), day)
    }
    assert {"eu/real-time", "us-ma-boston/ban", "us-me/ban"} <= live
    assert not live & {"us-il/bipa", "us-ny/schools-order", "us-ca/ab-1215"}
    new = {
        f"{one.place.id}/{one.rule.id}"
        for one in select(Selection(changed_since=date(2026, 2, 1)), day)
    }
    assert "us-wi-milwaukee/directive" in new
    assert "eu/retrospective" in new
    assert not new & {"us-ma-boston/ban", "eu/real-time"}
    french = {one.place.id for one in select(Selection(country="FR"), day)}
    assert french == {"fr", "eu", "coe"}
    assert {one.place.id for one in select(Selection(country="Morocco"), day)} == {"ma"}
    assert len(select(Selection(), day)) == len(RULES)
    with pytest.raises(OptionsInvalid, match="--country"):
        select(Selection(country="Oregon"), day)
