"""Damaged tables of all kinds: one sentence, and nothing written; never a wrong figure."""

import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.audit.classify.classifier import audit_classifier
from crowdveil.audit.identify.candidates import read_people
from crowdveil.audit.identify.searcher import audit_identification
from crowdveil.audit.options import ClassifyOptions, IdentifyOptions, VerifyOptions
from crowdveil.audit.tables.rows import read_rows
from crowdveil.audit.verify.inputs import prepare
from crowdveil.audit.verify.verifier import audit_verification
from crowdveil.errors import CrowdveilError, TableInvalid

PEOPLE = 15
COMPARED = "score,probe_subject,reference_subject,probe_race,reference_race\n" + "".join(
    f"0.{row % 9}{row},{a},{b},{'AB'[a % 2]},{'AB'[b % 2]}\n"
    for row in range(40)
    for a, b in [(row % PEOPLE, 7 * row % PEOPLE)]
)
GALLERY = "reference,subject,race\n" + "".join(f"g{n},{n},{'AB'[n % 2]}\n" for n in range(10))
PROBES = "probe,subject,race\n" + "".join(f"p{n},{n},{'AB'[n % 2]}\n" for n in range(20))
LISTS = "probe,candidate,score\n" + "".join(f"p{n},g{n % 10},0.{n}\n" for n in range(20))
CLASSED = "truth,predicted,race\n" + "".join(
    f"{'fm'[n % 2]},{'fm'[n % 3 % 2]},{'AB'[n // 2 % 2]}\n" for n in range(30)
)

PIECES = (
    *(b"", b",", b";", b"\t", b'"', b"\n", b"\r", b"\0", b"nan", b"-inf", b"1e999", b"0,5"),
    *(b"\xff", b"\xef\xbb\xbf", b'"a\nb"', b" ", b"-", b"9" * 40, "\N{SNOWMAN}".encode()),
    *(b"=1+1", b"null"),
)


def damaged(good: str, at: float, cut: int, piece: bytes) -> bytes:
    """A table of which a few bytes are replaced."""
    start = int(at * len(good))
    return good.encode()[:start] + piece + good.encode()[start + cut :]


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["verify", "gallery", "candidates", "classify"]),
    st.floats(0, 1),
    st.integers(0, 12),
    st.sampled_from(PIECES),
)
def test_a_damaged_table_is_audited_or_refused_in_one_sentence_and_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, kind: str, at: float, cut: int, piece: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    out = folder / "audit"
    texts = {"verify": COMPARED, "gallery": GALLERY, "candidates": LISTS, "classify": CLASSED}
    for name, text in {**texts, "probes": PROBES}.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / f"{kind}.csv").write_bytes(damaged(texts[kind], at, cut, piece))
    gallery, probes, lists = (folder / f"{n}.csv" for n in ("gallery", "probes", "candidates"))
    race, refused = ("race",), ""
    try:
        if kind == "verify":
            options = VerifyOptions(group=race, draws=100)
            audit_verification(folder / "verify.csv", out, options=options)
        elif kind == "classify":
            choices = ClassifyOptions(group=race, draws=100)
            audit_classifier(folder / "classify.csv", out, options=choices)
        else:
            ways = IdentifyOptions(group=race, draws=100)
            audit_identification(gallery, probes, lists, out, options=ways)
    except CrowdveilError as error:
        refused = str(error)
    assert out.exists() is not bool(refused)
    assert len(refused.splitlines()) <= 1


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (COMPARED.replace("\n", "\r").encode(), "its lines end in CR alone"),
        (COMPARED.replace("probe_race", "score").encode(), "has two columns 'score'"),
        (COMPARED.encode() + b'0.5,1,2,"A,B\n', "row 41 has a quotation mark that is not closed"),
        (COMPARED.replace("score,", "Score,").encode(), "has no column 'score' for the score"),
        (COMPARED.encode("utf-16"), "is in UTF-16"),
        (COMPARED.replace(",", ";").replace("0.", "0,").encode(), "write decimals with a point"),
    ],
    ids=["cr", "twice", "quote", "case", "utf-16", "decimal comma"],
)
def test_what_is_wrong_with_a_table_is_said(table: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_bytes(table)
    with pytest.raises(TableInvalid) as raised:
        prepare(tmp_path / "scores.csv", None, VerifyOptions(group=("race",)))
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    "column",
    [
        pl.lit(datetime.date(2026, 1, 1)).alias("score"),
        pl.lit(True).alias("score"),
        pl.concat_list("score").alias("score"),
        pl.struct("probe_subject").alias("probe_subject"),
        pl.lit(datetime.datetime(2026, 1, 1)).alias("reference_subject"),
    ],
    ids=["date", "boolean", "list", "struct", "time"],
)
def test_columns_that_hold_neither_text_nor_numbers_are_refused(
    column: pl.Expr, tmp_path: Path
) -> None:
    frame = pl.read_csv(COMPARED.encode()).with_columns(column)
    frame.write_parquet(tmp_path / "scores.parquet")
    with pytest.raises(TableInvalid, match="give text or numbers"):
        prepare(tmp_path / "scores.parquet", None, VerifyOptions())


def test_people_numbered_in_floats_on_one_side_are_the_same_people(tmp_path: Path) -> None:
    """Programs store whole numbers with gaps as floats; 7.0 must not be somebody else than 7."""
    whole = pl.read_csv(COMPARED.encode())
    found = []
    for name, frame in {
        "whole": whole,
        "float": whole.with_columns(pl.col("probe_subject").cast(pl.Float64)),
        "floats": whole.with_columns(pl.col("probe_subject", "reference_subject").cast(pl.Float64)),
    }.items():
        path = tmp_path / f"{name}.parquet"
        frame.write_parquet(path)
        audit = audit_verification(path, tmp_path / name, options=VerifyOptions(draws=100))
        found.append((audit.found.mated, audit.found.nonmated, audit.found.persons))
    same = int((whole["probe_subject"] == whole["reference_subject"]).sum())
    assert found == [(same, whole.height - same, PEOPLE)] * 3


def test_probes_numbered_in_floats_are_found_in_a_gallery_of_whole_numbers(tmp_path: Path) -> None:
    pl.read_csv(GALLERY.encode()).write_parquet(tmp_path / "gallery.parquet")
    probes = pl.read_csv(PROBES.encode()).with_columns(pl.col("subject").cast(pl.Float64))
    probes.write_parquet(tmp_path / "probes.parquet")
    people = read_people(tmp_path / "gallery.parquet", tmp_path / "probes.parquet", ("race",))
    assert int(np.isin(people.probe_subject, people.gallery_subject).sum()) == 10


def test_people_whose_number_is_missing_are_nobody(tmp_path: Path) -> None:
    path = tmp_path / "gaps.parquet"
    gaps = [1.0, float("nan")]
    pl.DataFrame(
        {"score": [0.1, 0.2], "probe_subject": gaps, "reference_subject": gaps}
    ).write_parquet(path)
    with pytest.raises(TableInvalid, match="row 2"):
        prepare(path, None, VerifyOptions())
    assert read_rows(path, {}, needed=("probe_subject",))["probe_subject"].to_list() == ["1", None]
