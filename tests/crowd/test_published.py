"""What published counts are held to say: nothing that they do not, and never a traceback."""

import pytest

from crowdveil.crowd.outcomes import Estimate
from crowdveil.crowd.published import Verdict
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import read_scenario
from crowdveil.crowd.results import Results, assess
from crowdveil.crowd.simulation import Simulation
from crowdveil.crowd.wording import answer, comparisons, disparity, one_in, spread
from crowdveil.errors import ScenarioInvalid

QUICK = Simulation(events=2000)


def assessed(crowd: str, recogniser: str, published: str = "") -> Results:
    text = f'name = "x"\n[crowd]\n{crowd}\n[watchlist]\nsize = 1000\n'
    text += "present = 0.01\n" if "alerts" not in published else ""
    text += f"[recogniser]\n{recogniser}\n[published]\n{published}\n"
    return assess(read_scenario(text), simulation=QUICK)


def test_a_count_that_does_not_agree_is_not_called_calibrated() -> None:
    """A hundred false alerts are predicted where twelve alerts were published."""
    found = assessed("people = 10_000", "fpir = { rate = 0.01, list = 1000 }", "alerts = 12")
    alerts = next(check for check in found.checks if check.quantity is Quantity.ALERTS)
    assert alerts.verdict is Verdict.MISSED
    said = " ".join(comparisons(found))
    assert "NOT reproduced, although an input was solved from such counts" in said
    assert "agrees by construction" not in said


@pytest.mark.parametrize(
    "published", ["false_alerts = 60\ntrue_alerts = 0", "alerts = 51", "true_alerts = 51"]
)
def test_more_alerts_than_faces_are_refused_with_the_key(published: str) -> None:
    with pytest.raises(ScenarioInvalid, match=r"published\.\w*alerts: .*more than"):
        assessed("people = 50", "fmr = 1e-6", published)


@pytest.mark.parametrize(
    ("arrests", "said"),
    [(0, "no arrest"), (1, "one arrest, one per 10,000 people"), (8, "8 arrests, one per 1,250")],
    ids=["none", "one", "eight"],
)
def test_published_arrests_are_told(arrests: int, said: str) -> None:
    found = assessed("people = 10_000", "fmr = 1e-6", f"arrests = {arrests}")
    assert said in comparisons(found)[0]


def test_nothing_is_said_as_minus_nothing_or_one_in_infinity() -> None:
    assert spread(Estimate(-0.0, -0.0, 0.0)) == "0 (0-0)"
    assert one_in(5e-324) == "less than 1 in 1,000,000,000,000"
    none = " ".join(answer(assessed("people = 10_000", "fmr = 0.0")))
    assert " -0" not in none
    rare = " ".join(answer(assessed("people = 10_000", "fmr = 1e-300")))
    assert "inf" not in rare


def test_a_group_of_which_nobody_passes_is_compared_with_nobody() -> None:
    found = assessed("people = 10_000\ngroups = { A = 1.0, B = 0.0 }", "fmr = 1e-5")
    assert disparity(found) == ()
    assert "B" not in " ".join(answer(found))
