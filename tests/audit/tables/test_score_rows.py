"""Tables of comparisons: what is read, in pieces, and what is refused with its row."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.tables import score_rows as tables
from crowdveil.audit.tables.rows import numbers, read_rows
from crowdveil.audit.tables.score_rows import Identity, read_scores
from crowdveil.audit.verify import survey as survey_module
from crowdveil.audit.verify.atoms import atoms_of
from crowdveil.audit.verify.inputs import prepare
from crowdveil.audit.verify.scores import ScoreTable
from crowdveil.audit.verify.survey import survey
from crowdveil.errors import OptionsInvalid, TableInvalid

GOOD = "probe,reference,score,probe_subject,reference_subject,probe_race,reference_race\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("score,mated\n0.5,1\nnan,0\n", "row 2: score is 'nan', not a finite number"),
        ("score,mated\n0.5,1\ninf,0\n", "row 2: score is 'inf', not a finite number"),
        ("score,mated\n0.5,1\nhigh,0\n", "row 2: score is 'high', not a finite number"),
        ("score,mated\n0.5,1\n,0\n", "row 2: has no score"),
        ("score,mated\n0.5,perhaps\n", "row 1: mated is 'perhaps', which is neither true nor"),
        ("score,mated\n0.5,\n", "row 1: mated is None, which is neither true nor false"),
        ("score\n0.5\n", "does not say which comparisons are mated"),
        ("mated\n1\n", "has no column 'score' for the score; it has: mated; say which with"),
        ("score,mated\n", "has a header but no rows"),
        ("", "cannot be read as a table"),
        ("score,probe_subject\n1,a\n", "has a column 'probe_subject' but not that of the other"),
        ("probe,reference,score,mated\na,b,1,1\na,c,1,0\na, b,1,1\n", "in row 1 and 3; keep one"),
        (
            "score,mated,probe_subject,reference_subject\n0.5,0,x,y\n0.5,1,x,y\n",
            "row 2: mated is '1', but the subjects are 'x' and 'y'",
        ),
        ("score,probe_subject,reference_subject\n1,a,b\n1,a,\n", "row 2 has no reference_subject"),
        ("score,mated,probe,reference\n0.5,1,,b\n", "row 1 has no probe"),
        (
            GOOD + "p0,r0,1,a,b,I,II\np1,r1,1,c,a,I,II\n",
            "'a' is 'I' in row 1 and 'II' in row 2 by race",
        ),
    ],
)
def test_a_bad_table_gets_one_sentence_with_the_row(
    text: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    groups = ["race"] if "race" in text else []
    with pytest.raises(TableInvalid) as raised:
        survey(read_scores(path, groups))
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_what_parts_the_fields_is_seen_from_the_header(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("\ufeffscore,mated\n0.5,1\n0.25,0\n".replace(",", separator))
    rows = read_scores(path, [])
    survey(rows)
    assert [rows.row(k)["score"] for k in range(rows.rows)] == ["0.5", "0.25"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"score,mated\n0.5,1\n0.4,0,x\n", "row 2 has 3 fields, and the header has 2"),
        ("score,mated\n0.5,1\n0.4,nö\n".encode("latin-1"), "row 2 is not in UTF-8"),
        ("score,mated\n0.5,1\n".encode("utf-16"), "is in UTF-16; save it as CSV in UTF-8"),
        (b"PK\x03\x04 and so on", "is a workbook, not a table"),
        (b"score,mated\n0.5,\0\n", "is no text; give CSV in UTF-8, Parquet or NPZ"),
        (b"score;mated\n0,5;1\n", "row 1: score is '0,5', not a finite number; write dec"),
        (b"", "cannot be read as a table (it is empty)"),
    ],
)
def test_what_is_no_table_in_utf_8_is_told(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    with pytest.raises(TableInvalid) as streamed:
        survey(read_scores(path, []))
    with pytest.raises(TableInvalid) as whole:
        numbers(read_rows(path, {}, needed=["score", "mated"]), path, "score")
    assert sentence in str(streamed.value)
    assert sentence in str(whole.value)


def test_groups_that_no_column_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(GOOD + "p0,r0,1,a,b,I,II\n")
    with pytest.raises(TableInvalid, match=r"neither columns 'probe_sex' and .* --labels"):
        read_scores(path, ["sex"])


def big(rows: int) -> pl.DataFrame:
    random = np.random.default_rng(7)
    probe, reference = random.integers(0, 50, rows), random.integers(0, 50, rows)
    race = np.array(["x", "y", "z"])[np.arange(50) % 3]
    return pl.DataFrame(
        {
            "probe": [f"p{k}" for k in range(rows)],
            "reference": [f"r{k}" for k in range(rows)],
            "score": np.round(random.normal(size=rows), 2),
            "probe_subject": probe,
            "reference_subject": reference,
            "probe_race": race[probe],
            "reference_race": race[reference],
        }
    )


@pytest.mark.parametrize("pieces", [7, 100, 10_000])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_counts_the_same_in_whatever_pieces_it_is_read(
    kind: str, pieces: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", pieces)
    monkeypatch.setattr(survey_module, "MOST_KEYS_HELD", 150)
    monkeypatch.setattr(survey_module, "MOST_PEOPLE_HELD", 60)
    frame, path = big(600), tmp_path / f"scores.{kind}"
    frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
    rows = read_scores(path, ["race"])
    found = survey(rows)
    assert (rows.identity, rows.rows, found.people.height) == (Identity.SUBJECTS, 600, 50)
    table = ScoreTable(rows, found, atoms_of(found.people, rows.kinds))
    mated = frame["probe_subject"] == frame["reference_subject"]
    assert found.mated == mated.sum()
    counts = table.histograms()
    assert counts.edges.tolist() == sorted(set(frame["score"]))
    within = (frame["probe_race"] == "y") & (frame["reference_race"] == "y")
    for k, edge in enumerate(counts.edges):
        mine = within & (frame["score"] == edge)
        assert counts.nonmated[1][1][k] == (mine & ~mated).sum()
        assert counts.mated[1][1][k] == (mine & mated).sum()
    assert counts.nonmated[0].sum() + counts.mated[0].sum() == 600


def test_a_pair_that_is_twice_is_found_across_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BATCH_ROWS", 50)
    monkeypatch.setattr(survey_module, "MOST_KEYS_HELD", 64)
    path = tmp_path / "scores.parquet"
    frame = big(300)
    pl.concat([frame, frame[11:12]]).write_parquet(path)
    with pytest.raises(TableInvalid, match="row 12 and 301"):
        survey(read_scores(path, []))


def test_ids_keep_their_zeros_and_lose_their_blanks(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("score,probe_subject,reference_subject\n1,007,7\n1, 007 ,007\n")
    found = survey(read_scores(path, []))
    assert (found.people.height, found.mated) == (2, 1)


def test_people_of_two_types_of_columns_are_compared_by_name(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    pl.DataFrame(
        {"score": [1.0, 2.0], "probe_subject": [1, 2], "reference_subject": ["1", "3"]}
    ).write_parquet(path)
    assert survey(read_scores(path, [])).mated == 1


def test_thresholds_are_exact_where_bins_hold_many_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey_module, "SAMPLE", 20)
    monkeypatch.setattr(survey_module, "TAIL", 3)
    random = np.random.default_rng(3)
    score = np.round(random.normal(size=3000), 3)
    path = tmp_path / "scores.csv"
    pl.DataFrame({"score": score, "mated": [False] * 3000}).write_csv(path)
    rows = read_scores(path, [])
    found = survey(rows)
    assert len(found.edges) < 40
    table = ScoreTable(rows, found, atoms_of(found.people, []))
    for target in (0.9, 0.5, 0.1, 0.01, 0.001, 1e-4):
        threshold = table.lowest(0, 0, target)
        assert (score >= threshold).mean() <= target
        below = score[score < threshold].max()
        assert (score >= below).mean() > target
        assert threshold in score or threshold == np.nextafter(score.max(), np.inf)


def test_more_people_than_can_be_kept_apart_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crowdveil.audit.verify import scores

    path = tmp_path / "scores.parquet"
    big(2000).write_parquet(path)
    rows = read_scores(path, ["race"])
    found = survey(rows)
    atoms = atoms_of(found.people, rows.kinds)
    everybody = np.ones(3, np.bool_)
    whole = ScoreTable(rows, found, atoms).tally([1.5])
    monkeypatch.setattr(scores, "MOST_CELLS", 90)
    parts = ScoreTable(rows, found, atoms).tally([1.5])
    assert (len(whole.atom), len(parts.atom)) == (50, 30)
    one, other = (t.nonmated_cells(everybody, everybody)[0] for t in (whole, parts))
    assert (one.errors, one.trials, one.persons) == (other.errors, other.trials, other.persons)
    assert parts.members.sum() == 50


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Path, Path]:
    scores_, labels = tmp_path / "scores.csv", tmp_path / "people.csv"
    big(300).select("score", "probe_subject", "reference_subject").write_csv(scores_)
    pl.DataFrame({"subject": range(50), "race": ["x", "y"] * 25}).write_csv(labels)
    return scores_, labels


def test_labels_may_come_from_a_table_of_people(labelled: tuple[Path, Path]) -> None:
    options = VerifyOptions(group=("race",), labels=labelled[1])
    prepared = prepare(labelled[0], None, options)
    assert prepared.comparisons.partitions[1].groups == ("x", "y")
    assert sorted(prepared.inputs) == ["labels", "scores"]
    frame = pl.read_csv(labelled[0])
    both = (frame["probe_subject"] % 2 == 0) & (frame["reference_subject"] % 2 == 0)
    apart = frame["probe_subject"] != frame["reference_subject"]
    x = prepared.comparisons.partitions[1].group == 0
    cell = prepared.comparisons.tally([0.0]).nonmated_cells(x, x)[0]
    assert (cell.trials, cell.errors) == (
        (both & apart).sum(),
        (both & apart & (frame["score"] >= 0)).sum(),
    )


def test_somebody_whom_the_labels_do_not_know_is_named(labelled: tuple[Path, Path]) -> None:
    lines = labelled[1].read_text().splitlines()
    labelled[1].write_text("\n".join(lines[:-1]) + "\n")
    options = VerifyOptions(group=("race",), labels=labelled[1])
    frame = pl.read_csv(labelled[0])
    row = ((frame["probe_subject"] == 49) | (frame["reference_subject"] == 49)).arg_true()[0] + 1
    with pytest.raises(TableInvalid, match=f"row {row}: subject '49' is not in .*people.csv"):
        prepare(labelled[0], None, options)


def test_labels_are_of_no_use_where_nobody_is_named(
    labelled: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "anonymous.csv"
    path.write_text("score,mated\n1,1\n")
    with pytest.raises(OptionsInvalid, match="does not say who is who"):
        prepare(path, None, VerifyOptions(group=("race",), labels=labelled[1]))


def test_ids_taken_for_groups_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    frame = pl.DataFrame({"score": [0.1] * 1500, "mated": [1] * 1500, "id": range(1500)})
    frame.write_csv(path)
    with pytest.raises(TableInvalid, match="1,500 combinations of labels"):
        prepare(path, None, VerifyOptions(group=("id",)))
