"""What the register says of a deployment: forbidden, limited, not known, or no rule."""

import pytest

from crowdveil.laws import Finding, Mode, Operator, judge
from crowdveil.laws.wording import verdict


@pytest.mark.parametrize(
    ("place", "day", "operator", "mode", "finding"),
    [
        ("Oakland", "2020-06-01", "police", "real_time", "forbidden"),
        ("Oakland", "2019-07-15", "police", "real_time", "no_rule"),
        ("Boston", "2020-07-01", "police", "real_time", "uncertain"),
        ("Boston", "2021-01-01", "businesses", "real_time", "no_rule"),
        ("Portland, Oregon", "2020-12-31", "businesses", "real_time", "no_rule"),
        ("Portland, Oregon", "2021-01-01", "businesses", "real_time", "forbidden"),
        ("Fresno, California", "2022-12-31", "police", "body_cameras", "forbidden"),
        ("Fresno, California", "2023-01-01", "police", "body_cameras", "no_rule"),
        ("Fresno, California", "2022-12-31", "police", "real_time", "no_rule"),
        ("Berlin", "2025-02-01", "police", "real_time", "limited"),
        ("Berlin", "2025-02-02", "police", "real_time", "forbidden"),
        ("Dublin, Ireland", "2025-02-02", "police", "real_time", "limited"),
        ("London", "2022-07-16", "police", "real_time", "limited"),
        ("London", "2019-01-01", "police", "real_time", "no_rule"),
        ("Rome, Italy", "2026-06-01", "businesses", "real_time", "uncertain"),
        ("Jackson, Mississippi", "2025-03-01", "police", "real_time", "uncertain"),
        ("Seattle", "2021-06-25", "police", "real_time", "limited"),
        ("King County", "2021-12-31", "police", "real_time", "forbidden"),
        ("Smallville, Ohio", "2024-01-01", "businesses", "real_time", "no_rule"),
        ("Buffalo, New York", "2024-01-01", "schools", "real_time", "forbidden"),
    ],
)
def test_a_deployment_is_judged_by_whom_a_rule_binds_and_on_which_day(
    place: str, day: str, operator: str, mode: str, finding: str
) -> None:
    found = judge(place, day, operator=Operator(operator), mode=Mode(mode))
    assert found.finding == Finding(finding)


@pytest.mark.parametrize("finding", Finding)
def test_nothing_is_ever_called_lawful(finding: Finding) -> None:
    places = ("Smallville, Ohio", "London", "Oakland", "Jackson, Mississippi")
    found = [judge(place, "2025-03-01") for place in places]
    (one,) = [one for one in found if one.finding is finding]
    first, *_, last = verdict(one)
    opening = {
        Finding.FORBIDDEN: "Not lawful, as far as is known:",
        Finding.LIMITED: "No ban is known of, but",
        Finding.UNCERTAIN: "Not known:",
        Finding.NO_RULE: "The register knows of no rule",
    }
    assert first.startswith(opening[finding])
    assert "not legal advice" in last


def test_what_was_adopted_and_had_not_started_is_told_beside_the_verdict() -> None:
    found = judge("Berlin", "2025-02-01")
    assert [one.rule.id for one in found.coming] == ["real-time"]
    assert any(sentence.startswith("To come: European Union") for sentence in verdict(found))


def test_orders_against_one_company_forbid_nothing_to_others() -> None:
    found = judge("Chicago", "2025-01-01", operator=Operator.BUSINESSES)
    assert "rite-aid" not in [one.rule.id for one in found.bans]
    assert {one.rule.id for one in found.limits} == {"bipa", "bipa-damages"}
