"""Comparisons audited from tables and embeddings, against plain counting and scikit-learn."""

import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.scored import ScoreTable
from crowdveil.audit.verifier import Verified, audit_verification
from crowdveil.errors import OptionsInvalid, TableInvalid

ONE = np.array([True])


def scores(path: Path, people: int = 60, rows: int = 3000, seed: int = 0) -> pl.DataFrame:
    """A table of comparisons in which people of C are confused more often."""
    random = np.random.default_rng(seed)
    probe = random.integers(0, people, rows)
    mated = random.random(rows) < 0.4
    reference = np.where(mated, probe, (probe + 1 + random.integers(0, people - 1, rows)) % people)
    race = np.array(["A", "B", "C"])[np.arange(people) % 3]
    level = np.where(mated, 0.7, 0.2 + 0.1 * (race[probe] == "C"))
    frame = pl.DataFrame(
        {
            "probe": [f"p{k}" for k in range(rows)],
            "reference": [f"r{k}" for k in range(rows)],
            "score": np.round(random.normal(level, 0.1), 3),
            "probe_subject": probe.astype(str),
            "reference_subject": reference.astype(str),
            "probe_race": race[probe],
            "reference_race": race[reference],
        }
    )
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return frame


def audited(table: Path, tmp_path: Path, **options: object) -> Verified:
    settings_ = VerifyOptions(draws=200, **options)  # type: ignore[arg-type]
    return audit_verification(table, tmp_path / "out", options=settings_)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_pair_of_groups_has_the_rate_that_plain_counting_gives(
    suffix: str, tmp_path: Path
) -> None:
    frame = scores(tmp_path / f"scores.{suffix}")
    found = audited(tmp_path / f"scores.{suffix}", tmp_path, group=("race",), threshold=(0.5,))
    point, rates = found.found.points[1]
    mated = frame["probe_subject"] == frame["reference_subject"]
    for a, row in rates[1].fmr.items():
        for b, share in row.items():
            mine = ~mated & (frame["probe_race"] == a) & (frame["reference_race"] == b)
            assert share.trials == mine.sum()
            assert share.errors == (mine & (frame["score"] >= 0.5)).sum()
            assert share.low <= share.rate <= share.high
    for a, share in rates[1].fnmr.items():
        mine = mated & (frame["probe_race"] == a)
        assert (share.errors, share.trials) == (
            (mine & (frame["score"] < point.threshold)).sum(), mine.sum()
        )  # fmt: skip


def test_curves_lie_on_the_roc_of_scikit_learn(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    found = audited(tmp_path / "scores.csv", tmp_path)
    mated = (frame["probe_subject"] == frame["reference_subject"]).to_numpy()
    fmr, tmr, threshold = roc_curve(mated, frame["score"].to_numpy(), drop_intermediate=False)
    curve = found.found.curves[0]
    for t, x, y in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True):
        k = np.flatnonzero(threshold >= t)[-1]
        assert (x, y) == pytest.approx((fmr[k], 1 - tmr[k]))


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.sampled_from([0.001, 0.1, 0.3, 0.5, 0.9]),
)
@settings(deadline=None, max_examples=40)
def test_a_threshold_is_the_lowest_that_keeps_the_rate(values: list[int], target: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        pl.DataFrame({"score": [v / 4 for v in values], "mated": [0] * len(values)}).write_csv(path)
        found = ScoreTable(path).threshold(target, ONE)
    score = np.array(values) / 4
    assert (score >= found).mean() <= target
    below = score[score < found]
    if len(below):
        assert (score >= below.max()).mean() > target


def test_a_rate_is_set_within_the_reference_group(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    found = audited(
        tmp_path / "scores.csv", tmp_path, group=("race",), reference_group="A", fmr=(0.05,)
    )
    threshold = found.found.points[0][0].threshold
    mine = (frame["probe_race"] == "A") & (frame["reference_race"] == "A")
    mine &= frame["probe_subject"] != frame["reference_subject"]
    false = frame.filter(mine)["score"]
    values = false.to_numpy()
    assert (values >= threshold).mean() <= 0.05
    assert (values >= values[values < threshold].max()).mean() > 0.05


def test_distances_give_the_rates_of_the_same_scores_negated(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    frame.with_columns(-pl.col("score")).write_csv(tmp_path / "distances.csv")
    one = audited(tmp_path / "scores.csv", tmp_path, fmr=(0.01,))
    other = audit_verification(
        tmp_path / "distances.csv",
        tmp_path / "other",
        options=VerifyOptions(draws=200, fmr=(0.01,), distance=True),
    )
    assert one.found.points[0][1][0].fmr == other.found.points[0][1][0].fmr
    written = json.loads((tmp_path / "other" / "audit.json").read_text())
    assert written["operating_points"][0]["threshold"] == -one.found.points[0][0].threshold


@pytest.mark.parametrize("dimensions", [3, 64])
def test_all_pairs_of_embeddings_are_counted_once(dimensions: int, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    subject = np.repeat(np.arange(40), 3)
    race = np.array(["A", "B"])[subject % 2]
    made = random.normal(size=(40, dimensions))[subject] + random.normal(size=(120, dimensions))
    made[7] = np.nan
    path = tmp_path / "faces.npz"
    np.savez(path, embedding=made.astype(np.float32), subject=subject.astype(str), race=race)
    found = audited(path, tmp_path, group=("race",), fmr=(0.02,))
    unit = made / np.linalg.norm(made, axis=1, keepdims=True)
    i, j = np.triu_indices(120, 1)
    i, j = (part[(i != 7) & (j != 7)] for part in (i, j))
    mated, score = subject[i] == subject[j], (unit[i] * unit[j]).sum(axis=1)
    assert (found.found.mated, found.found.non_mated) == (mated.sum(), (~mated).sum())
    point, rates = found.found.points[0]
    for a, b in (("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")):
        mine = ~mated & (((race[i] == a) & (race[j] == b)) | ((race[i] == b) & (race[j] == a)))
        share = rates[1].fmr[a][b]
        assert (share.errors, share.trials) == ((score[mine] >= point.threshold).sum(), mine.sum())
    written = json.loads((tmp_path / "out" / "audit.json").read_text())["without_template"]
    assert written == {
        name: {"pictures": 60, "failed": int(race[7] == name)} for name in ("A", "B")
    }


def test_no_error_bounds_the_rate_by_the_rule_of_three(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    pl.DataFrame({"score": [0.1] * 412 + [0.9] * 5, "mated": [0] * 412 + [1] * 5}).write_csv(path)
    found = audited(path, tmp_path, fmr=(), threshold=(0.5,))
    assert "0 of 412 non-mated comparisons: FMR may be as high as 0.724 %" in found.answers[0]


def test_a_table_goes_into_a_scenario_of_a_deployment(tmp_path: Path) -> None:
    scores(tmp_path / "scores.csv")
    audited(tmp_path / "scores.csv", tmp_path, group=("race",))
    values = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert (values["schema"], values["kind"]) == ("crowdveil/audit/1", "verify")
    assert values["groups"] == ["A", "B", "C"]
    point = values["operating_points"][0]
    assert {"errors", "comparisons", "rate"} <= set(point["fmr"]["A"]["C"])
    assert {"errors", "comparisons", "rate"} <= set(point["fnmr"]["B"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("score,mated\n0.5,1\nnan,0\n", "row 2: score is 'nan', not a finite number"),
        ("score,mated\n0.5,1\n,0\n", "row 2: score is None"),
        ("score,mated\n0.5,perhaps\n", "row 1: mated is neither true nor false"),
        ("score\n0.5\n", "has no column 'mated'"),
        ("score,mated\n", "has a header but no rows"),
        ("probe,reference,score,mated\na,b,1,1\na,c,1,0\na,b,1,1\n", "in row 1 and 3"),
        (
            "score,mated,probe_subject,reference_subject\n0.5,1,x,y\n",
            "contradicts the subjects",
        ),
        ("score,mated,probe,reference\n0.5,1,,b\n", "does not say who"),
    ],
)
def test_a_bad_row_is_named(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(TableInvalid, match=sentence):
        audited(path, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_rate_without_non_mated_comparisons_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mated.csv"
    path.write_text("score,mated\n0.5,1\n")
    with pytest.raises(OptionsInvalid, match="no non-mated comparison"):
        audited(path, tmp_path)
