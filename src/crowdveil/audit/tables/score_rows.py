"""Reads a table of comparisons that may be too large to hold, batch by batch.

A CSV, Parquet or NPZ file comes in; `ScoreRows` goes out, whose columns have our names, whose
text is stripped, and in which an empty field is null. What is wrong with a row is said in one
sentence with its number, counted from 1 without the header. What the columns say is checked by
`verify.survey`.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import polars as pl

from crowdveil.audit.tables.csv_files import fault_in, listed, separator_of
from crowdveil.errors import TableInvalid

BATCH_ROWS = 500_000
"""Rows at a time: about 50 MB."""

SIDES = ("probe", "reference")

COLUMNS = ("score", "mated", *SIDES, "probe_subject", "reference_subject")
"""Our names of the columns."""

PARQUET = {".parquet", ".pq"}
BINARY = PARQUET | {".npz"}


class Identity(StrEnum):
    """What says who is who."""

    SUBJECTS = "subjects"
    """The columns `probe_subject` and `reference_subject`."""

    PICTURES = "pictures"
    """Only which pictures were compared, so that every picture counts as another person."""

    NOTHING = "nothing"
    """Nothing, so that every row counts as two other people."""


@dataclass(frozen=True, slots=True)
class ScoreRows:
    """A table of comparisons.

    Attributes:
        path: where it is.
        frame: the columns of `COLUMNS` that are there; `probe:KIND` and `reference:KIND` with
            the labels of both sides, as text.
        kinds: the kinds of labels.
        identity: what says who is who.
        rows: how many.
    """

    path: Path
    frame: pl.LazyFrame
    kinds: tuple[str, ...]
    identity: Identity
    rows: int

    @property
    def has_pictures(self) -> bool:
        """Whether it says which pictures were compared."""
        return set(SIDES) <= set(self.frame.collect_schema().names())

    def batches(self, query: pl.LazyFrame) -> Iterator[tuple[int, pl.DataFrame]]:
        """The rows of a query over `frame`, batch by batch, each with the number of its first.

        Raises:
            TableInvalid: the file cannot be read to its end.
        """
        first = 0
        try:
            for batch in query.collect_batches(chunk_size=BATCH_ROWS, engine="streaming"):
                yield first, batch
                first += batch.height
        except (OSError, pl.exceptions.PolarsError) as error:
            raise unreadable(self.path, error) from error

    def collect(self, query: pl.LazyFrame) -> pl.DataFrame:
        """The result of a query over `frame`, in bounded memory if it is small.

        Raises:
            TableInvalid: the file cannot be read to its end.
        """
        try:
            return query.collect(engine="streaming")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise unreadable(self.path, error) from error

    def row(self, number: int) -> dict[str, object]:
        """The fields of one row, counted from 0."""
        return self.collect(self.frame.slice(number, 1)).row(0, named=True)


def has_column(path: Path, name: str) -> bool:
    """Whether a table has a column; raises `TableInvalid` if it is none."""
    return name in _scanned(path).collect_schema().names()


def read_scores(
    path: Path,
    groups: Sequence[str],
    columns: Mapping[str, str] | None = None,
    *,
    labelled: bool = True,
) -> ScoreRows:
    """A table of comparisons, of which nothing is read yet but the names of its columns.

    Labels of group `race` are taken from `probe_race` and `reference_race`, or from `race` if
    both sides always have the same.

    Args:
        path: CSV with a header, Parquet, or NPZ with an array for each column.
        groups: names of the kinds of labels.
        columns: names that the table has instead of ours, ours to theirs.
        labelled: whether the labels are in this table.

    Raises:
        TableInvalid: unreadable, empty, or without a column that is needed.
    """
    scanned = _scanned(path)
    there = scanned.collect_schema().names()
    theirs = {name: (columns or {}).get(name, name) for name in COLUMNS}
    for name in COLUMNS:
        if theirs[name] not in there and (name == "score" or name in (columns or {})):
            raise TableInvalid(
                f"{path}: has no column {theirs[name]!r} for the {name}; it has: "
                f"{listed(there)}; say which with --column {name}=NAME"
            )
    ours = [name for name in COLUMNS if theirs[name] in there]
    identity = _identity(path, ours, there)
    labels = _label_columns(path, groups, there) if labelled else {}
    schema = scanned.collect_schema()
    for name in ours:
        kind = schema[theirs[name]]
        if kind.is_nested() or kind.is_temporal() or (name == "score" and kind == pl.Boolean):
            raise TableInvalid(
                f"{path}: column {theirs[name]!r} for the {name} holds {kind}; give text or numbers"
            )
    taken = [_clean(pl.col(theirs[name]), schema[theirs[name]]).alias(name) for name in ours]
    taken += [
        _clean(pl.col(column).cast(pl.String), pl.String()).alias(name)
        for name, column in labels.items()
    ]
    frame = scanned.select(*taken)
    if identity is not Identity.NOTHING:
        frame = _same_type(frame, identity, as_text=not labelled)
    rows = ScoreRows(path, frame, tuple(groups) if labelled else (), identity, 0)
    number = rows.collect(scanned.select(pl.len())).item()
    if not number:
        raise TableInvalid(f"{path}: has a header but no rows")
    return ScoreRows(path, frame, rows.kinds, identity, number)


def unreadable(path: Path, error: Exception) -> TableInvalid:
    """The sentence for a file that is no table."""
    reason = None
    if path.suffix.lower() not in BINARY:
        reason = fault_in(path, separator_of(path))
    elif "pickle" in str(error):
        reason = "it is no NPZ file, or holds other things than numbers and text"
    reason = reason or (str(error).splitlines() or [type(error).__name__])[0]
    return TableInvalid(f"{path}: cannot be read as a table ({reason})")


def _scanned(path: Path) -> pl.LazyFrame:
    if not os.path.isfile(path):
        raise TableInvalid(f"{path}: there is no such file")
    try:
        if path.suffix.lower() in PARQUET:
            frame = pl.scan_parquet(path)
        elif path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                flat = {name: arrays[name] for name in arrays.files if arrays[name].ndim == 1}
            frame = pl.LazyFrame(flat)
        else:
            # As text, so that ids keep their leading zeros.
            frame = pl.scan_csv(path, infer_schema=False, separator=separator_of(path))
        frame.collect_schema()
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise unreadable(path, error) from error
    return frame


def _identity(path: Path, ours: Sequence[str], there: Sequence[str]) -> Identity:
    subjects = {"probe_subject", "reference_subject"} & set(ours)
    if len(subjects) == 1:
        raise TableInvalid(
            f"{path}: has a column {subjects.pop()!r} but not that of the other side; it has: "
            f"{listed(there)}; say which with --column"
        )
    if not subjects and "mated" not in ours:
        raise TableInvalid(
            f"{path}: does not say which comparisons are mated; it needs a column 'mated' (true "
            "or false), or 'probe_subject' and 'reference_subject'; it has: "
            f"{listed(there)}; say which with --column"
        )
    if subjects:
        return Identity.SUBJECTS
    return Identity.PICTURES if set(SIDES) <= set(ours) else Identity.NOTHING


def _label_columns(path: Path, groups: Sequence[str], there: Sequence[str]) -> dict[str, str]:
    """The column with the labels of each side and kind."""
    found: dict[str, str] = {}
    for kind in groups:
        pair = [f"{side}_{kind}" for side in SIDES]
        if set(pair) <= set(there):
            found |= {f"{side}:{kind}": column for side, column in zip(SIDES, pair, strict=True)}
        elif kind in there:
            found |= {f"{side}:{kind}": kind for side in SIDES}
        else:
            raise TableInvalid(
                f"{path}: has neither columns {pair[0]!r} and {pair[1]!r} of groups nor one called "
                f"{kind!r}; it has: {listed(there)}; give labels of people with --labels"
            )
    return found


def _clean(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if kind in (pl.Categorical, pl.Enum):
        column, kind = column.cast(pl.String), pl.String()
    if kind != pl.String:
        return column
    stripped = column.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _same_type(frame: pl.LazyFrame, identity: Identity, *, as_text: bool) -> pl.LazyFrame:
    """The same with names of people that can be compared across the sides."""
    subjects = identity is Identity.SUBJECTS
    pair = [f"{side}_subject" if subjects else side for side in SIDES]
    schema = frame.collect_schema()
    # Two missing floats would be equal, and their people the same.
    floats = any(schema[name].is_float() for name in pair)
    if as_text or floats or schema[pair[0]] != schema[pair[1]]:
        return frame.with_columns(as_text_of(pl.col(name), schema[name]) for name in pair)
    return frame


def as_text_of(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A column as text, in which 7 and 7.0 are the same and what is not a number is empty.

    A column of whole numbers with gaps is stored as floats by many programs.
    """
    if not kind.is_float():
        return column.cast(pl.String)
    whole = column.cast(pl.Int64, strict=False)
    return (
        pl.when(whole.cast(pl.Float64) == column)
        .then(whole.cast(pl.String))
        .otherwise(column.fill_nan(None).cast(pl.String))
    )
