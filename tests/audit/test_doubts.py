"""Data that would make every figure wrong in silence: refused with the row, or told on top."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from typer.testing import CliRunner

from crowdveil.audit.classify.classifier import audit_classifier
from crowdveil.audit.identify.searcher import audit_identification
from crowdveil.audit.options import ClassifyOptions, IdentifyOptions, VerifyOptions
from crowdveil.audit.verify.verifier import audit_verification
from crowdveil.cli.app import app
from crowdveil.errors import CrowdveilError, OptionsInvalid, TableInvalid
from crowdveil.models.registry import portrait_path

BY_SEX = VerifyOptions(group=("sex",), draws=100)


def comparisons(rows: int = 600) -> pl.DataFrame:
    """Comparisons of 60 people, each of two pictures that occur nowhere else."""
    random = np.random.default_rng(1)
    probe = random.integers(0, 60, rows)
    mated = random.random(rows) < 0.4
    reference = np.where(mated, probe, (probe + 1 + random.integers(0, 59, rows)) % 60)
    sex = np.array(["female", "male"])
    return pl.DataFrame(
        {
            "score": random.normal(np.where(mated, 0.7, 0.2), 0.1).astype(str),
            "probe": [f"p{n}" for n in range(rows)],
            "reference": [f"r{n}" for n in range(rows)],
            "probe_subject": [f"person {n}" for n in probe],
            "reference_subject": [f"person {n}" for n in reference],
            "probe_sex": sex[probe % 2],
            "reference_sex": sex[reference % 2],
        }
    )


def changed(frame: pl.DataFrame, row: int, **fields: str) -> pl.DataFrame:
    return frame.with_row_index("n").with_columns(
        pl.when(pl.col("n") == row).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in fields.items()
    ).drop("n")  # fmt: skip


def with_row(frame: pl.DataFrame, row: int, **fields: str) -> pl.DataFrame:
    """The same with one of its rows again, altered."""
    return pl.concat([frame, changed(frame[row], 0, **fields)])


def turned(frame: pl.DataFrame, row: int, **fields: str) -> pl.DataFrame:
    sides = ("probe", "reference")
    fields |= {
        f"{one}{what}": frame[f"{other}{what}"][row]
        for one, other in (sides, sides[::-1])
        for what in ("", "_subject", "_sex")
    }
    return with_row(frame, row, **fields)


def first_mated(frame: pl.DataFrame, *, mated: bool = True) -> int:
    same = frame["probe_subject"] == frame["reference_subject"]
    return int((same == mated).arg_true()[0])


REFUSED: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a picture compared with itself": (
        lambda frame: changed(frame, first_mated(frame), probe="same", reference="same"),
        "compares picture 'same' with itself",
    ),
    "a picture of two people": (
        lambda frame: changed(frame, 7, probe=frame["probe"][first_mated(frame[:7])]),
        r"probe 'p\d' is of 'person \d+' in row \d and of 'person \d+' in row 8",
    ),
    "a reversed pair": (
        lambda frame: turned(frame, 4),
        "'p4' is compared with 'r4' in row 5, and 'r4' with 'p4' in row 601",
    ),
    "a sex in two spellings": (
        lambda frame: frame.with_columns(
            pl.when(pl.col("reference_subject") == "person 1")
            .then(pl.lit("MALE")).otherwise(pl.col("reference_sex")).alias("reference_sex")
        ),
        r"sex is 'MALE' in row \d+ and 'male' in row \d+, which differ in writing alone",
    ),
    "nan for a person": (
        lambda frame: changed(frame, 9, probe_subject="nan", reference_subject="nan"),
        "row 10: probe_subject is 'nan', which programs write for nothing",
    ),
    "NaN for a sex": (
        lambda frame: changed(frame, 2, probe_sex="NaN"),
        "row 3: sex is 'NaN', which programs write for nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_comparisons_that_cannot_be_right_end_the_audit_with_the_row(
    change: Callable[[pl.DataFrame], pl.DataFrame], said: str, tmp_path: Path
) -> None:
    source = tmp_path / "scores.csv"
    change(comparisons()).write_csv(source)
    with pytest.raises(TableInvalid, match=said):
        audit_verification(source, tmp_path / "audit", options=BY_SEX)
    assert not (tmp_path / "audit").exists()


TOLD: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "a person under two names": (
        lambda frame: changed(frame, 3, probe_subject=frame["probe_subject"][3].upper()),
        "names of people differ in writing alone",
    ),
    "a picture under two names": (
        lambda frame: changed(frame, 3, probe="P4"),
        "names of pictures differ in writing alone ('P4' and 'p4')",
    ),
    "a pair in both directions, scored apart": (
        lambda frame: turned(frame, 4, score="0.123"),
        "1 pairs of pictures are compared in both directions (first in row 5 and 601)",
    ),
    "rows pasted twice, without pictures": (
        lambda frame: pl.concat([frame, frame[:20]]).drop("probe", "reference"),
        "20 rows repeat another row",
    ),
    "all rows pasted twice, without people": (
        lambda frame: pl.concat([frame, frame]).select(
            "score",
            (pl.col("probe_subject") == pl.col("reference_subject")).alias("mated"),
            "probe_sex", "reference_sex",
        ),
        "every score occurs an even number of times",
    ),
    "a name that is of one person here and another there": (
        lambda frame: changed(frame, first_mated(frame, mated=False), probe="x", reference="x"),
        "1 names of pictures are of one person as a probe and of another as a reference",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "said"), TOLD.values(), ids=TOLD.keys())
def test_comparisons_that_may_be_wrong_are_told_on_top_of_report_and_screen(
    change: Callable[[pl.DataFrame], pl.DataFrame], said: str, tmp_path: Path
) -> None:
    source = tmp_path / "scores.csv"
    change(comparisons()).write_csv(source)
    words = ["audit", "verify", str(source), "--group", "sex", "--draws", "100", "--quiet"]
    ran = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "audit")])
    assert ran.exit_code == 0, ran.output
    assert f"Check the data. {source}: " in ran.stderr
    assert said in ran.stderr
    page = (tmp_path / "audit" / "report.html").read_text()
    banner = page.index('<p class="banner"><strong>Check the data.')
    assert banner < page.index("At the threshold")
    (warning,) = json.loads((tmp_path / "audit" / "audit.json").read_text())["warnings"]
    assert said in warning


@pytest.mark.parametrize("digits", [None, 2, 1], ids=["exact", "two digits", "one digit"])
def test_honest_comparisons_raise_no_doubt(digits: int | None, tmp_path: Path) -> None:
    frame = comparisons(4000)
    if digits is not None:
        frame = frame.with_columns(pl.col("score").cast(float).round(digits))
    for number, columns in enumerate(([], ["probe", "reference"])):
        source = tmp_path / "scores.csv"
        frame.drop(columns).write_csv(source)
        audit = audit_verification(source, tmp_path / f"audit {number}", options=BY_SEX)
        assert audit.warnings == ()


@pytest.mark.parametrize("distance", [False, True], ids=["similarities", "distances"])
def test_scores_taken_the_wrong_way_round_are_refused(distance: bool, tmp_path: Path) -> None:
    source = tmp_path / "scores.csv"
    sign = -1 if distance else 1
    comparisons().with_columns(pl.col("score").cast(float) * sign).write_csv(source)
    options = VerifyOptions(draws=100, distance=not distance)
    with pytest.raises(OptionsInvalid, match="--distance"):
        audit_verification(source, tmp_path / "wrong", options=options)
    right = VerifyOptions(draws=100, distance=distance)
    audit_verification(source, tmp_path / "right", options=right)


def embeddings(path: Path, copied: tuple[int, int] | None = None) -> Path:
    random = np.random.default_rng(0)
    subject = np.repeat(np.arange(20), 3)
    values = random.normal(size=(20, 16))[subject] + 0.3 * random.normal(size=(60, 16))
    if copied is not None:
        values[copied[1]] = values[copied[0]]
    np.savez(path, subject=subject.astype(str), embedding=values)
    return path


def test_a_template_of_two_people_ends_the_audit_and_a_copy_is_told(tmp_path: Path) -> None:
    options = VerifyOptions(draws=100)
    with pytest.raises(TableInvalid, match=r"row 5 of .* has the very template of row 1 of"):
        audit_verification(embeddings(tmp_path / "a.npz", (0, 4)), tmp_path / "a", options=options)
    told = audit_verification(
        embeddings(tmp_path / "b.npz", (3, 5)), tmp_path / "b", options=options
    )
    assert "row 6 of" in told.warnings[0]
    assert "repeats row 4" in told.warnings[0]
    clean = embeddings(tmp_path / "c.npz")
    assert audit_verification(clean, tmp_path / "c", options=options).warnings == ()
    with pytest.raises(OptionsInvalid, match="is given twice"):
        audit_verification(clean, tmp_path / "d", references=clean, options=options)


def test_subjects_in_another_order_than_embeddings_are_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    people = random.normal(size=(3, 16))
    values = people[np.arange(60) % 3] + 0.3 * random.normal(size=(60, 16))
    subject = (np.arange(60) // 3).astype(str)
    np.savez(tmp_path / "faces.npz", subject=subject, embedding=values)
    with pytest.raises(TableInvalid, match="are in the same order"):
        audit_verification(tmp_path / "faces.npz", tmp_path / "audit")


def predictions(path: Path, rows: list[str]) -> Path:
    path.write_text("truth,predicted,skin\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["female,female,1", "Female,female,2"], "a class is 'Female' in row 2 and 'female' in"),
        (["1,1,a", "0,0.0,b"], "a class is '0' in row 2 and '0.0' in row 2"),
        (["female,f,1", "male,m,2"], "no predicted class is ever a true one: truth is female, ma"),
        (["female,male,1", "male,nan,2"], "row 2: predicted is 'nan', which programs write for"),
        (["female,male,dark", "male,male,Dark "], "skin is 'Dark' in row 2 and 'dark' in row 1"),
        (["female,male,1", "male,male,1.0"], "skin is '1' in row 1 and '1.0' in row 2"),
        (["female,male,N/A", "male,male,2"], "row 1: skin is 'N/A', which programs write for"),
    ],
    ids=["class", "number", "disjoint", "nan", "label", "label number", "no label"],
)  # fmt: skip
def test_predictions_that_cannot_be_right_end_the_audit_with_the_row(
    rows: list[str], said: str, tmp_path: Path
) -> None:
    table = predictions(tmp_path / "faces.csv", rows)
    with pytest.raises(TableInvalid, match=re.escape(said)):
        audit_classifier(table, tmp_path / "audit", options=ClassifyOptions(group=("skin",)))


def test_a_predicted_class_that_is_never_true_is_told(tmp_path: Path) -> None:
    table = predictions(tmp_path / "faces.csv", ["f,f,1", "f,man,2", "m,m,2"])
    audit = audit_classifier(table, tmp_path / "audit", options=ClassifyOptions(group=("skin",)))
    assert "never true" in audit.warnings[0]
    assert "man (first in row 2)" in audit.warnings[0]
    assert "Check the data." in audit.files[0].read_text()


def searches(folder: Path, *, sign: int = 1, probe: str = "p") -> tuple[Path, Path, Path]:
    """Lists of five of 30 enrolled people, with the mate first; by distance if `sign` is -1."""
    random = np.random.default_rng(0)
    gallery, probes, lists = (folder / f"{n}.csv" for n in ("gallery", "probes", "lists"))
    gallery.write_text("reference,subject\n" + "".join(f"r{n},{n}\n" for n in range(30)))
    probes.write_text("probe,subject\n" + "".join(f"{probe}{n},{n}\n" for n in range(40)))
    rows = ["probe,candidate,score"]
    for n in range(40):
        others = [k for k in random.permutation(30) if k != n][:4]
        if n < 30:
            rows.append(f"{probe}{n},r{n},{sign * random.uniform(0.6, 0.9)}")
        rows += [f"{probe}{n},r{k},{sign * random.uniform(0.1, 0.5)}" for k in others]
    lists.write_text("\n".join(rows) + "\n")
    return gallery, probes, lists


def test_candidates_with_distances_are_refused_and_an_enrolled_probe_is_told(
    tmp_path: Path,
) -> None:
    options = IdentifyOptions(draws=100)
    with pytest.raises(TableInvalid, match="score lower than others in the same lists"):
        audit_identification(*searches(tmp_path, sign=-1), tmp_path / "a", options=options)
    clean = audit_identification(*searches(tmp_path), tmp_path / "b", options=options)
    assert clean.warnings == ()
    told = audit_identification(*searches(tmp_path, probe="r"), tmp_path / "c", options=options)
    assert "30 probes have the name of a reference of the same person" in told.warnings[0]


def portraits(folder: Path, names: list[str]) -> Path:
    """The same face in pictures that differ, one for each name."""
    with Image.open(portrait_path()) as portrait:
        for number, name in enumerate(names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            portrait.convert("RGB").save(folder / name, quality=70 + number)
    return folder


def test_one_damaged_photo_costs_that_photo_and_is_told(tmp_path: Path) -> None:
    folder = portraits(tmp_path / "photos", ["ann/1.jpg", "ann/2.jpg", "bob/1.jpg"])
    (folder / "bob" / "2.jpg").write_bytes(b"\xff\xd8 not a picture")
    audit = audit_verification(folder, tmp_path / "audit", options=VerifyOptions(draws=100))
    assert "1 of 4 photos cannot be read" in audit.warnings[0]
    assert "bob/2.jpg" in audit.warnings[0].replace("\\", "/")
    acquired = pl.read_csv(tmp_path / "audit" / "acquisition.csv")
    assert acquired.select("errors", "trials").row(0) == (1, 4)
    for path in folder.rglob("*.jpg"):
        path.write_bytes(b"")  # empty files are no copies of one another
    with pytest.raises(CrowdveilError, match="none of its photos can be read"):
        audit_verification(folder, tmp_path / "none", options=VerifyOptions(draws=100))


def test_the_bytes_of_one_photo_under_two_people_are_refused(tmp_path: Path) -> None:
    folder = portraits(tmp_path / "photos", ["ann/1.jpg", "ann/2.jpg", "bob/1.jpg"])
    (folder / "ann" / "copy.jpg").write_bytes((folder / "ann" / "1.jpg").read_bytes())
    audit = audit_verification(folder, tmp_path / "told", options=VerifyOptions(draws=100))
    assert "1 photos are copies of another of the same person" in audit.warnings[0]
    (folder / "bob" / "2.jpg").write_bytes((folder / "ann" / "1.jpg").read_bytes())
    with pytest.raises(TableInvalid, match=r"are the same picture, but of 'ann' and 'bob'"):
        audit_verification(folder, tmp_path / "audit", options=VerifyOptions(draws=100))
