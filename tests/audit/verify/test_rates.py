"""Comparisons audited from tables, embeddings and photos, against counting and scikit-learn."""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.metrics import roc_curve

from crowdveil.audit.differentials import max_over_min
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.verify.cells import Error
from crowdveil.audit.verify.inputs import prepare
from crowdveil.audit.verify.rates import Verification, audit_comparisons
from crowdveil.audit.verify.verifier import Verified, audit_verification
from crowdveil.crowd.audit_file import rates_at, read_audit
from crowdveil.errors import OptionsInvalid, TableInvalid
from crowdveil.models.registry import portrait_path

SAMPLE_MISSES = {
    ("Black", "Female"): (511, [0, 0, 0, 2, 8, 39, 128, 274, 378, 458]),
    ("Black", "Male"): (519, [0, 0, 0, 0, 1, 18, 75, 248, 381, 485]),
    ("White", "Female"): (508, [0, 0, 0, 0, 8, 45, 152, 302, 417, 471]),
    ("White", "Male"): (510, [0, 0, 0, 3, 10, 34, 109, 256, 367, 464]),
}
"""Mated pairs and those below 0.1, 0.2 .. 1.0; counted in the sample scores of Microsoft's
responsible-ai-toolbox (random sample data, MIT licence), face_verify_sample_rand_data.csv,
https://github.com/microsoft/responsible-ai-toolbox at f47cced."""

SAMPLE_MATCHES = {
    ("Black", "Female"): (489, [277, 59, 6, 2, 0, 0, 0, 0, 0, 0]),
    ("Black", "Male"): (481, [234, 28, 2, 0, 0, 0, 0, 0, 0, 0]),
    ("White", "Female"): (492, [260, 36, 4, 0, 0, 0, 0, 0, 0, 0]),
    ("White", "Male"): (490, [231, 10, 2, 0, 0, 0, 0, 0, 0, 0]),
}
"""The same of non-mated pairs and those at or above."""


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


def audited(table: Path, tmp_path: Path, **options: Any) -> Verified:
    return audit_verification(table, tmp_path / "out", options=VerifyOptions(draws=200, **options))


def measured(table: Path, **options: Any) -> Verification:
    """The figures alone, without a page."""
    chosen = VerifyOptions(draws=200, **options)
    prepared = prepare(table, None, chosen)
    return audit_comparisons(prepared.comparisons, chosen.resampling(), fmr=chosen.fmr)


def values_in(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "out" / "audit.json").read_text())
    return found


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_every_pair_of_groups_has_the_rate_that_plain_counting_gives(
    suffix: str, tmp_path: Path
) -> None:
    frame = scores(tmp_path / f"scores.{suffix}")
    audited(tmp_path / f"scores.{suffix}", tmp_path, group=("race",), threshold=(0.5,))
    point = values_in(tmp_path)["operating_points"][1]
    assert (point["label"], point["threshold"]) == ("threshold 0.5", 0.5)
    mated = frame["probe_subject"] == frame["reference_subject"]
    for a, row in point["fmr"].items():
        for b, cell in row.items():
            mine = ~mated
            for side, group in (("probe", a), ("reference", b)):
                if group != "everyone":
                    mine &= frame[f"{side}_race"] == group
            assert cell["comparisons"] == mine.sum()
            assert cell["errors"] == (mine & (frame["score"] >= 0.5)).sum()
            assert cell["low"] <= cell["exact_low"] <= cell["rate"] <= cell["exact_high"]
    for a, cell in point["fnmr"].items():
        mine = mated if a == "everyone" else mated & (frame["probe_race"] == a)
        missed = (mine & (frame["score"] < 0.5)).sum()
        assert (cell["errors"], cell["comparisons"]) == (missed, mine.sum())


def test_curves_lie_on_the_roc_of_scikit_learn(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    found = audited(tmp_path / "scores.csv", tmp_path)
    mated = (frame["probe_subject"] == frame["reference_subject"]).to_numpy()
    fmr, tmr, threshold = roc_curve(mated, frame["score"].to_numpy(), drop_intermediate=False)
    (curve,) = found.found.curves
    assert len(curve.threshold) > 50
    for t, x, y in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True):
        k = np.flatnonzero(threshold >= t)[-1]
        assert (x, y) == pytest.approx((fmr[k], 1 - tmr[k]))


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=60),
    st.sampled_from([0.001, 0.1, 0.3, 0.5, 0.9]),
)
@settings(deadline=None, max_examples=30)
def test_a_threshold_is_the_lowest_that_keeps_the_rate(values: list[int], target: float) -> None:
    score = np.array(values) / 4
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        pl.DataFrame({"score": score, "mated": [0] * len(values)}).write_csv(path)
        found = measured(path, fmr=(target,)).points[0].threshold
    assert (score >= found).mean() <= target
    below = score[score < found]
    if len(below):
        assert (score >= below.max()).mean() > target


def test_a_rate_is_set_within_the_reference_group_and_others_are_compared_with_it(
    tmp_path: Path,
) -> None:
    frame = scores(tmp_path / "scores.csv")
    found = audited(
        tmp_path / "scores.csv", tmp_path, group=("race",), reference_group="A", fmr=(0.05,)
    ).found
    mine = (frame["probe_race"] == "A") & (frame["reference_race"] == "A")
    mine &= frame["probe_subject"] != frame["reference_subject"]
    values = frame.filter(mine)["score"].to_numpy()
    threshold = found.points[0].threshold
    assert (values >= threshold).mean() <= 0.05
    assert (values >= values[values < threshold].max()).mean() > 0.05
    fmr = [one for one in found.differences if one.error is Error.FMR]
    assert sorted(tuple(sorted((one.higher, one.lower))) for one in fmr) == [("A", "B"), ("A", "C")]


def test_distances_give_the_rates_of_the_same_scores_negated(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    frame.with_columns(-pl.col("score")).write_csv(tmp_path / "distances.csv")
    one = audited(tmp_path / "scores.csv", tmp_path, fmr=(0.01,), threshold=(0.5,)).found
    other = audit_verification(
        tmp_path / "distances.csv",
        tmp_path / "other",
        options=VerifyOptions(draws=200, fmr=(0.01,), threshold=(-0.5,), distance=True),
    ).found
    for mine, theirs in zip(one.points, other.points, strict=True):
        assert theirs.threshold == -mine.threshold
        here, there = (a.at(p) for a, p in ((one, mine), (other, theirs)))
        assert here.fmr[0][0].share == there.fmr[0][0].share
        assert here.fnmr[0].share == there.fnmr[0].share
    assert other.points[1].label == "threshold -0.5"
    assert np.allclose(other.curves[0].threshold, -one.curves[0].threshold)
    assert other.spreads[0].nonmated.sum() == one.spreads[0].nonmated.sum()


def test_the_sample_scores_of_a_published_notebook_give_its_figures(tmp_path: Path) -> None:
    """Scores in the steps that were counted stand for the scores themselves."""
    steps = np.arange(0, 11) / 10
    rows: list[tuple[float, int, str, str]] = []
    for mated, table in ((1, SAMPLE_MISSES), (0, SAMPLE_MATCHES)):
        for (race, gender), (pairs, counted) in table.items():
            below = [0, *(counted if mated else [pairs - n for n in counted]), pairs]
            for step, number in zip(steps, np.diff(below), strict=True):
                rows += [(float(step), mated, race, gender)] * int(number)
    path = tmp_path / "scores.csv"
    pl.DataFrame(rows, ["score", "mated", "race", "gender"], orient="row").write_csv(path)
    audited(path, tmp_path, group=("race", "gender"), fmr=(), threshold=(0.5, 0.4, 0.7))
    points = values_in(tmp_path)["operating_points"]
    at = {point["threshold"]: point for point in points}
    fnmr = {name: cell["rate"] for name, cell in at[0.5]["fnmr"].items() if ", " in name}
    assert {name: round(rate, 6) for name, rate in fnmr.items()} == {
        "Black, Female": 0.015656,
        "Black, Male": 0.001927,
        "White, Female": 0.015748,
        "White, Male": 0.019608,
    }
    # The notebook: "largest FNMR difference 0.0177" and FMR 0 in all groups at 0.5.
    assert round(max(fnmr.values()) - min(fnmr.values()), 4) == 0.0177
    assert all(at[0.5]["fmr"][name][name]["errors"] == 0 for name in fnmr)
    assert round(at[0.4]["fmr"]["Black, Female"]["Black, Female"]["rate"], 6) == 0.00409
    largest = max(fnmr, key=lambda name: at[0.7]["fnmr"][name]["rate"])
    assert (largest, round(at[0.7]["fnmr"][largest]["rate"], 6)) == ("White, Female", 0.299213)


def test_no_error_bounds_the_rate_by_the_rule_of_three(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    pl.DataFrame({"score": [0.1] * 412 + [0.9] * 5, "mated": [0] * 412 + [1] * 5}).write_csv(path)
    found = audited(path, tmp_path, fmr=(), threshold=(0.5,))
    assert (
        "0 of 412 non-mated comparisons went wrong: FMR may be as high as 0.72 %"
        in found.answers[0]
    )
    page = (tmp_path / "out" / "report.html").read_text()
    assert "No column says who is who" in page


def test_groups_that_are_alike_are_rarely_told_apart(tmp_path: Path) -> None:
    alarms = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        people, rows = 80, 4000
        ease = random.normal(size=people) * 0.05
        probe, reference = random.integers(0, people, rows), random.integers(0, people, rows)
        score = random.normal(size=rows) * 0.1 + ease[probe] + ease[reference]
        pl.DataFrame(
            {
                "score": score + 0.5 * (probe == reference),
                "probe_subject": probe, "reference_subject": reference,
                "probe_race": probe % 4, "reference_race": reference % 4,
            }
        ).write_parquet(tmp_path / "s.parquet")  # fmt: skip
        found = measured(tmp_path / "s.parquet", group=("race",), fmr=(0.05,))
        alarms += any(
            one.gap.adjusted <= 0.05 and one.gap.low > 0
            for one in found.differences
            if one.error is Error.FMR
        )
    assert alarms <= 2


def test_a_real_difference_is_told_and_lies_beyond_chance(tmp_path: Path) -> None:
    scores(tmp_path / "scores.csv", people=90, rows=20_000)
    audit = audited(tmp_path / "scores.csv", tmp_path, group=("race",), fmr=(0.01,))
    found = audit.found
    worst = next(one for one in found.differences if one.error is Error.FMR)
    assert worst.higher == "C"
    assert worst.gap.adjusted < 0.01
    assert worst.false_discovery <= worst.gap.adjusted
    assert any(text.startswith("FMR is") and "people of C" in text for text in audit.answers)
    for summary in found.summaries:
        if (summary.measure.name, summary.of) == ("max/mean", Error.FMR):
            assert summary.value > summary.by_chance
        if summary.of is Error.FNMR and summary.measure.name in ("Gini", "max/mean"):
            assert summary.value < summary.by_chance
    cells = found.at(found.points[0], "race")
    rates = np.array([rate.share.rate for rate in cells.within(Error.FMR)])
    (ratio,) = [
        s.value
        for s in found.summaries
        if (s.measure.name, s.of, s.partition) == ("max/min", Error.FMR, "race")
    ]
    assert ratio == pytest.approx(float(max_over_min(rates)), nan_ok=True)


def test_small_groups_are_measured_and_named_but_not_compared(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    few = pl.col("probe_subject").is_in(["0", "3"]), pl.col("reference_subject").is_in(["0", "3"])
    frame.with_columns(
        probe_race=pl.when(few[0]).then(pl.lit("D")).otherwise("probe_race"),
        reference_race=pl.when(few[1]).then(pl.lit("D")).otherwise("reference_race"),
    ).write_csv(tmp_path / "scores.csv")
    audit = audited(tmp_path / "scores.csv", tmp_path, group=("race",), fmr=(0.01,))
    assert [(one.group, one.people) for one in audit.found.small] == [("D", 2)]
    assert not any("D" in (one.higher, one.lower) for one in audit.found.differences)
    assert {one.groups for one in audit.found.summaries} == {3}
    assert audit.answers[-1].startswith("D (2) is measured, but with fewer than 10 people")
    assert values_in(tmp_path)["operating_points"][0]["fnmr"]["D"]["comparisons"] > 0


def test_people_without_a_label_count_in_the_total_only(tmp_path: Path) -> None:
    frame = scores(tmp_path / "scores.csv")
    frame.with_columns(
        pl.when(pl.col(f"{side}_subject") != "4").then(pl.col(f"{side}_race")).alias(f"{side}_race")
        for side in ("probe", "reference")
    ).write_csv(tmp_path / "scores.csv")
    found = audited(tmp_path / "scores.csv", tmp_path, group=("race",), threshold=(0.5,)).found
    assert found.unlabelled == {"everyone": 0, "race": 1}
    assert found.mated + found.nonmated == 3000
    b = found.at(found.points[1], "race").fnmr[1].share
    apart = (frame["probe_race"] == "B") & (frame["probe_subject"] != "4")
    assert b.trials == (apart & (frame["probe_subject"] == frame["reference_subject"])).sum()


def test_an_audit_goes_into_a_scenario_of_a_deployment(tmp_path: Path) -> None:
    scores(tmp_path / "scores.csv")
    audited(tmp_path / "scores.csv", tmp_path, group=("race",))
    values = values_in(tmp_path)
    assert (values["schema"], values["kind"]) == ("crowdveil/audit/1", "verify")
    assert values["groups"] == ["A", "B", "C"]
    read = read_audit(tmp_path / "out" / "audit.json")
    fmr, fnmr = rates_at(read, None, ("A", "B", "C"))
    assert fmr is not None
    assert fnmr is not None


def test_a_rate_without_non_mated_comparisons_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mated.csv"
    path.write_text("score,mated\n0.5,1\n")
    with pytest.raises(OptionsInvalid, match="no non-mated comparison"):
        audited(path, tmp_path)
    assert not (tmp_path / "out").exists()


def embedded(
    path: Path, seed: int, subject: npt.NDArray[np.int64], missing: int | None = None
) -> npt.NDArray[np.float64]:
    """Pictures of 40 people of two groups, whose people are the same for every seed."""
    random = np.random.default_rng(seed)
    made = np.random.default_rng(0).normal(size=(40, 16))[subject]
    made = made + random.normal(size=made.shape)
    if missing is not None:
        made[missing] = np.nan
    race = np.array(["A", "B"])[subject % 2]
    columns: dict[str, Any] = {"subject": subject.astype(str), "race": race}
    np.savez(path, embedding=made.astype(np.float32), **columns)
    return made


def test_pictures_without_a_template_are_counted_by_group_and_compared_with_nobody(
    tmp_path: Path,
) -> None:
    subject = np.repeat(np.arange(40), 3)
    embedded(tmp_path / "faces.npz", 1, subject, missing=7)
    found = audited(tmp_path / "faces.npz", tmp_path, group=("race",), fmr=(0.02,)).found
    assert (found.mated, found.mated + found.nonmated) == (40 * 3 - 2, 119 * 118 // 2)
    failures = {
        row["group"]: (row["errors"], row["trials"]) for row in values_in(tmp_path)["acquisition"]
    }
    assert failures == {"everyone": (1, 120), "A": (1, 60), "B": (0, 60)}
    assert "Failure to acquire" in (tmp_path / "out" / "report.html").read_text()


def test_two_sets_of_pictures_are_compared_across(tmp_path: Path) -> None:
    one, other = np.repeat(np.arange(30), 2), np.arange(10, 40)
    left = embedded(tmp_path / "probes.npz", 1, one)
    right = embedded(tmp_path / "references.npz", 2, other)
    found = audit_verification(
        tmp_path / "probes.npz",
        tmp_path / "out",
        references=tmp_path / "references.npz",
        options=VerifyOptions(group=("race",), fmr=(0.05,), draws=200),
    ).found
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (left, right)]
    score = unit[0] @ unit[1].T
    mated = one[:, None] == other[None, :]
    assert (found.mated, found.nonmated) == (mated.sum(), (~mated).sum())
    (point,) = found.points
    assert ((score >= point.threshold) & ~mated).sum() == found.at(point).fmr[0][0].share.errors
    mine = ~mated & (one[:, None] % 2 == 0) & (other[None, :] % 2 == 1)
    cell = found.at(point, "race").fmr[0][1].share
    assert (cell.errors, cell.trials) == ((mine & (score >= point.threshold)).sum(), mine.sum())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"race": np.array(["A"] * 60)}, "'1' is 'A' by race, but 'B' in"),
        ({"embedding": np.ones((60, 3), np.float32)}, "must come from the same model"),
        ({"embedding": np.full((60, 16), np.nan)}, "no picture gave a template"),
        ({"embedding": np.ones((5, 16), np.float32)}, "60 rows but 5 embeddings"),
    ],
    ids=["two labels", "two models", "no template", "too few"],
)
def test_sets_that_do_not_go_together_are_refused(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    subject = np.repeat(np.arange(30), 2)
    embedded(tmp_path / "probes.npz", 1, subject)
    with np.load(tmp_path / "probes.npz") as arrays:
        np.savez(tmp_path / "references.npz", **({**arrays} | change))
    with pytest.raises(TableInvalid, match=sentence):
        audit_verification(
            tmp_path / "probes.npz",
            tmp_path / "out",
            references=tmp_path / "references.npz",
            options=VerifyOptions(group=("race",)),
        )


def test_photos_of_lfw_are_told_apart_about_as_well_as_published(
    eval_dir: Path, tmp_path: Path
) -> None:
    lfw = eval_dir / "lfw"
    pairs = [folder for folder in sorted(lfw.iterdir()) if len(list(folder.glob("*.jpg"))) > 1][:30]
    rows = [
        (str(photo.relative_to(lfw)), folder.name, "ab"[number % 2])
        for number, folder in enumerate(pairs)
        for photo in sorted(folder.glob("*.jpg"))
    ]
    labels = tmp_path / "labels.csv"
    pl.DataFrame(rows, ["picture", "subject", "half"], orient="row").write_csv(labels)
    found = audited(lfw, tmp_path, group=("half",), labels=labels, fmr=(0.01,)).found
    cells = found.at(found.points[0])
    # SFace's authors give 99.6 % on LFW's pairs; here thirty mated ones at FMR 1 %.
    assert cells.fnmr[0].share.trials >= 28
    assert cells.fnmr[0].share.rate <= 0.1
    assert 0.1 < found.points[0].threshold < 0.5
    assert values_in(tmp_path)["acquisition"][0]["trials"] == len(rows)
    written = (tmp_path / "out" / "audit.json").read_text()
    assert pairs[0].name not in written


def test_a_photo_without_a_face_is_a_failure_to_acquire(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for person, count in (("one", 2), ("other", 1)):
        (photos / person).mkdir(parents=True)
        for number in range(count):
            with Image.open(portrait_path()) as image:
                shown = image.convert("RGB").rotate(4 * number + (person == "other"))
                shown.save(photos / person / f"{number}.png")
    Image.new("RGB", (200, 200), "grey").save(photos / "other" / "wall.png")
    found = audited(photos, tmp_path, fmr=(), threshold=(0.5,)).found
    assert (found.mated, found.nonmated) == (1, 2)
    share = values_in(tmp_path)["acquisition"][0]
    assert (share["errors"], share["trials"]) == (1, 4)
    assert found.at(found.points[0]).fmr[0][0].share.errors == 2  # it is the same portrait


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"group": ("race",)}, "groups need --labels"), ({}, "nothing says who is on which photo")],
)
def test_a_folder_that_does_not_say_who_is_who_is_refused(
    options: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (50, 50)).save(photos / "a.png")
    with pytest.raises(OptionsInvalid, match=sentence):
        audited(photos, tmp_path, **options)


def test_rates_and_the_equal_error_rate_agree_with_pyeer(tmp_path: Path) -> None:
    pyeer = pytest.importorskip("pyeer.eer_info")
    random = np.random.default_rng(5)
    mated = random.normal(0.6, 0.15, 400).round(3)
    other = random.normal(0.2, 0.15, 3000).round(3)
    stats = pyeer.get_eer_stats(mated, other)
    chosen = np.linspace(0, len(stats.thrs) - 1, 9).astype(int)[1:-1]
    thresholds = tuple(float(stats.thrs[n]) for n in chosen)
    pl.DataFrame(
        {
            "score": np.concatenate([mated, other]),
            "mated": np.arange(len(mated) + len(other)) < len(mated),
        }
    ).write_csv(tmp_path / "scores.csv")
    found = audited(tmp_path / "scores.csv", tmp_path, fmr=(), threshold=thresholds).found
    for point, n in zip(found.points, chosen, strict=True):
        cells = found.at(point)
        assert cells.fmr[0][0].share.rate == pytest.approx(float(stats.fmr[n]))
        assert cells.fnmr[0].share.rate == pytest.approx(float(stats.fnmr[n]))
    (curve,) = found.curves
    nearest = int(np.argmin(np.abs(curve.fmr - curve.fnmr)))
    equal = (curve.fmr[nearest] + curve.fnmr[nearest]) / 2
    # The curve is thinned, so it may miss the crossing by a step.
    assert equal == pytest.approx(float(stats.eer), abs=0.005)


def test_fnmr_at_a_set_fmr_is_less_sure_than_at_the_threshold_itself(tmp_path: Path) -> None:
    """Few non-mated comparisons leave the threshold open, and FNMR depends on it steeply."""
    scores(tmp_path / "scores.csv", people=60, rows=1500)
    set_by = audited(tmp_path / "scores.csv", tmp_path / "a", group=("race",), fmr=(0.02,)).found
    threshold = set_by.points[0].threshold
    given = audited(
        tmp_path / "scores.csv", tmp_path / "b", group=("race",), fmr=(), threshold=(threshold,)
    ).found
    one, other = (found.at(found.points[0]).fnmr[0].share for found in (set_by, given))
    assert (one.errors, one.trials) == (other.errors, other.trials)
    assert one.high - one.low > 1.05 * (other.high - other.low)
    assert [d.gap.low for d in set_by.differences] == [d.gap.low for d in given.differences]


def test_the_headline_speaks_of_all_thresholds(tmp_path: Path) -> None:
    """At the first threshold nobody is confused, at the second those of C are."""
    scores(tmp_path / "scores.csv", people=90, rows=20_000)
    audit = audited(
        tmp_path / "scores.csv", tmp_path, group=("race",), fmr=(), threshold=(0.99, 0.49)
    )
    (headline,) = [said for said in audit.answers if "between people of C" in said]
    assert headline.startswith("At 0.49, FMR is")
