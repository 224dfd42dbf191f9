"""Charts of audits: what stands beside the lines."""

from crowdveil.audit.pictures import intervals, short_names


def test_long_names_that_differ_at_their_end_can_be_told_apart_in_a_chart() -> None:
    groups = [f"A far-away region with a long name, {sex}" for sex in ("women", "men")]
    names = short_names(groups)
    assert len(set(names.values())) == 2
    assert all(len(name) <= 24 for name in names.values())
    drawn = intervals(
        [{"group": group, "rate": 0.1, "low": 0.0, "high": 0.2} for group in groups], "FPIR"
    )
    assert all(name in drawn for name in names.values())


def test_names_that_would_look_the_same_stay_whole() -> None:
    groups = [f"{'a' * 20}{middle}{'z' * 20}" for middle in "12"]
    assert list(short_names(groups).values()) == groups
