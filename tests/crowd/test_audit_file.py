"""Error rates from an audit: the right cells, with the uncertainty of their counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta

from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.verify.verifier import audit_verification
from crowdveil.crowd.deployment import deploy
from crowdveil.crowd.outcomes import outcome
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.reading import load_scenario
from crowdveil.crowd.results import assess
from crowdveil.crowd.simulation import Simulation
from crowdveil.errors import ScenarioInvalid


def cell(errors: int, comparisons: int) -> dict[str, float]:
    return {"errors": errors, "comparisons": comparisons, "rate": errors / max(comparisons, 1)}


def point(threshold: float, label: str, scale: int) -> dict[str, Any]:
    return {
        "threshold": threshold,
        "label": label,
        "fmr": {
            "A": {"A": cell(10 * scale, 10**7), "B": cell(scale, 10**7)},
            "B": {"A": cell(2 * scale, 10**7), "B": cell(50 * scale, 10**7)},
        },
        "fnmr": {"A": cell(30, 1000), "B": cell(60, 1000)},
    }


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    audit = {
        "schema": "crowdveil/audit/1",
        "kind": "verify",
        "groups": ["A", "B"],
        "operating_points": [point(0.6, "strict", 1), point(0.5, "loose", 8)],
        "made": "by a later version that says more",
    }
    (tmp_path / "audit.json").write_text(json.dumps(audit))
    path = tmp_path / "s.toml"
    path.write_text(
        'name = "x"\n[crowd]\npeople = 50000\ngroups = {A = 0.5, B = 0.5}\n'
        "[watchlist]\nsize = 1000\npresent = 0.01\n"
        '[recogniser]\naudit = "audit.json"\noperating_point = "strict"\n'
    )
    return path


def test_each_cell_of_the_audit_meets_its_pair_of_groups(scenario_file: Path) -> None:
    deployment = deploy(load_scenario(scenario_file))
    wanted = [[10.5e-7, 1.5e-7], [2.5e-7, 50.5e-7]]
    np.testing.assert_allclose(deployment.fmr, wanted, rtol=1e-6)
    assert deployment.fnir.tolist() == pytest.approx([30.5 / 1001, 60.5 / 1001])


@pytest.mark.parametrize("chosen", ['"loose"', "0.5"], ids=["label", "threshold"])
def test_an_operating_point_is_chosen_by_label_or_threshold(
    scenario_file: Path, chosen: str
) -> None:
    text = scenario_file.read_text().replace('"strict"', chosen)
    scenario_file.write_text(text)
    assert deploy(load_scenario(scenario_file)).fmr[0, 0] == pytest.approx(80.5e-7, rel=1e-6)


def test_intervals_carry_the_uncertainty_of_the_audit(scenario_file: Path) -> None:
    found = outcome(deploy(load_scenario(scenario_file)), simulation=Simulation(events=20_000))
    alerts = found.counts[Quantity.FALSE_ALERTS]
    assert alerts.method == "simulated"
    assert alerts.high is not None
    assert alerts.high > alerts.mean + 2 * alerts.mean**0.5


def test_thresholds_are_swept_over_the_operating_points(scenario_file: Path) -> None:
    found = assess(load_scenario(scenario_file), simulation=Simulation(events=1000))
    points = found.sensitivity.threshold
    assert [one.label for one in points] == ["loose", "strict"]
    assert points[0].answer.false_alerts > points[1].answer.false_alerts


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('operating_point = "strict"', "", "choose one that the audit has.*'strict' .0.6."),
        ('"strict"', '"none"', "choose one that the audit has"),
        ("{A = 0.5, B = 0.5}", "{A = 0.5, C = 0.5}", "no pairs of A with C.*A, B"),
        ("audit.json", "gone.json", "gone.json cannot be read"),
    ],
    ids=["none chosen", "unknown", "other groups", "missing file"],
)
def test_an_audit_that_does_not_fit_is_refused(
    scenario_file: Path, old: str, new: str, said: str
) -> None:
    scenario_file.write_text(scenario_file.read_text().replace(old, new))
    with pytest.raises(ScenarioInvalid, match=said):
        deploy(load_scenario(scenario_file))


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "crowdveil/audit/9"}'], ids=repr)
def test_a_file_that_is_no_audit_is_refused(scenario_file: Path, text: str) -> None:
    scenario_file.with_name("audit.json").write_text(text)
    with pytest.raises(ScenarioInvalid, match="is no audit of verification"):
        deploy(load_scenario(scenario_file))


def test_a_pair_without_comparisons_is_refused(scenario_file: Path) -> None:
    path = scenario_file.with_name("audit.json")
    audit = json.loads(path.read_text())
    audit["operating_points"][0]["fmr"]["A"]["B"] = cell(0, 0)
    path.write_text(json.dumps(audit))
    with pytest.raises(ScenarioInvalid, match="no pairs of A with B"):
        deploy(load_scenario(scenario_file))


def test_an_audit_s_clustering_widens_the_intervals_here(scenario_file: Path) -> None:
    """1,000 errors of which four are worth one: alerts as uncertain as 250 errors make them."""
    path = scenario_file.with_name("audit.json")
    audit = json.loads(path.read_text())
    spreads = []
    for clustering in (None, 4.0):
        for rows in audit["operating_points"][0]["fmr"].values():
            for one in rows.values():
                one |= {"errors": 1000, "comparisons": 10**9}
                one |= {} if clustering is None else {"clustering": clustering}
        path.write_text(json.dumps(audit))
        rates = deploy(load_scenario(scenario_file)).uncertain_fmr
        assert rates is not None
        errors, comparisons = rates.rates[0].counted or (0, 0)
        low, high = beta.ppf([0.025, 0.975], errors + 0.5, comparisons - errors + 0.5)
        spreads.append((high - low) / rates.rates[0].mean)
    assert spreads[1] / spreads[0] == pytest.approx(2, rel=0.02)


def test_a_clustering_below_one_is_no_audit_of_ours(scenario_file: Path) -> None:
    path = scenario_file.with_name("audit.json")
    audit = json.loads(path.read_text())
    audit["operating_points"][0]["fnmr"]["A"]["clustering"] = 0.5
    path.write_text(json.dumps(audit))
    with pytest.raises(ScenarioInvalid, match="is no audit of verification"):
        deploy(load_scenario(scenario_file))


def test_rates_here_are_as_uncertain_as_the_audit_says(tmp_path: Path) -> None:
    """A real audit of people some of whom are confused easily, and its own interval of FMR."""
    random = np.random.default_rng(0)
    people = 100
    ease = 0.15 * (random.random(people) < 0.1)
    one, other = np.triu_indices(people, 1)
    mated = np.repeat(np.arange(people), 4)
    score = np.concatenate(
        [random.normal(0.2 + ease[one] + ease[other], 0.1), random.normal(0.8, 0.1, len(mated))]
    )
    pl.DataFrame(
        {
            "score": score,
            "probe_subject": np.concatenate([one, mated]),
            "reference_subject": np.concatenate([other, mated]),
        }
    ).write_csv(tmp_path / "scores.csv")
    options = VerifyOptions(fmr=(), threshold=(0.5,), draws=100)
    audit = audit_verification(tmp_path / "scores.csv", tmp_path / "audit", options=options)
    rate = audit.found.cells[0].fmr[0][0]
    path = tmp_path / "s.toml"
    path.write_text(
        'name = "x"\n[crowd]\npeople = 50000\ngroups = {everyone = 1.0}\n'
        "[watchlist]\nsize = 10\npresent = 0.01\n"
        '[recogniser]\naudit = "audit/audit.json"\n'
    )
    (known, *_) = deploy(load_scenario(path)).uncertain_fmr.rates  # type: ignore[union-attr]
    errors, comparisons = known.counted or (0, 0)
    low, high = beta.ppf([0.025, 0.975], errors + 0.5, comparisons - errors + 0.5)
    assert rate.clustering > 2
    assert low == pytest.approx(rate.share.low, rel=0.25)
    assert high == pytest.approx(rate.share.high, rel=0.25)
    assert (high - low) > 1.4 * (rate.exact_high - rate.exact_low)
