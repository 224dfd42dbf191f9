"""Reads a table of labels whole, under the names that an audit uses.

A CSV, Parquet or NPZ file and the names of its columns come in, a data frame of text goes out. What
is wrong with a table is said in one sentence with the row, counted from 1 without the header.
Tables of comparisons, which may be too large to hold, are left to `score_rows`.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.partitions import Partition, partitions
from crowdveil.audit.tables.csv_files import listed, no_number, separator_of
from crowdveil.audit.tables.score_rows import as_text_of, unreadable
from crowdveil.audit.tables.spelling import refuse_spellings, refuse_words_for_nothing
from crowdveil.errors import TableInvalid


def read_rows(
    path: Path,
    columns: Mapping[str, str],
    *,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> pl.DataFrame:
    """The columns of an audit, renamed, as text; empty fields are null.

    Args:
        path: a CSV file with a header, a Parquet file, or an NPZ file with an array for each
            column.
        columns: names that the file has instead of ours: ours to theirs.
        needed: our names of columns that must be there.
        optional: our names of columns that may be missing.
        groups: names of columns with labels of groups, as they are in the file.

    Raises:
        TableInvalid: unreadable, empty, without a column, or with one label in two spellings.
    """
    frame = _read(path)
    if frame.is_empty():
        raise TableInvalid(f"{path}: has a header but no rows")
    wanted = {name: columns.get(name, name) for name in (*needed, *optional)}
    absent = [name for name in wanted if wanted[name] not in frame.columns]
    for name in absent:
        if name in needed or name in columns:
            raise TableInvalid(
                f"{path}: has no column {wanted[name]!r} for the {name}; it has: "
                f"{listed(frame.columns)}; say which with --column {name}=NAME"
            )
    for name in groups:
        if name not in frame.columns:
            raise TableInvalid(
                f"{path}: has no column {name!r} of groups; it has: {listed(frame.columns)}"
            )
    taken = [pl.col(theirs).alias(ours) for ours, theirs in wanted.items() if ours not in absent]
    for name in groups:
        refuse_spellings(frame, path, name, name)
    return frame.select(*taken, *(pl.col(name).alias(f"group:{name}") for name in groups))


def require(frame: pl.DataFrame, path: Path, column: str) -> None:
    """Raise `TableInvalid` naming the first row whose field is empty, or says so in a word."""
    empty = frame.get_column(column).is_null().arg_true()
    if len(empty):
        raise TableInvalid(f"{path}: row {empty[0] + 1} has no {column}")
    if column != "score":
        # What is no number is said of a score by `numbers`.
        refuse_words_for_nothing(frame, path, column, column)


def unique(frame: pl.DataFrame, path: Path, column: str) -> None:
    """Raise `TableInvalid` naming the first value that occurs twice, and where."""
    twice = frame.get_column(column).is_duplicated().arg_true()
    if len(twice):
        value = frame.get_column(column)[int(twice[0])]
        where = (frame.get_column(column) == value).arg_true()
        raise TableInvalid(
            f"{path}: {column} {value!r} is in row {where[0] + 1} and {where[1] + 1}"
        )


def numbers(frame: pl.DataFrame, path: Path, column: str) -> npt.NDArray[np.float64]:
    """A column as numbers; raises `TableInvalid` naming the first row that has none."""
    text = frame.get_column(column)
    values = text.str.strip_chars().cast(pl.Float64, strict=False)
    bad = (values.is_null() | ~values.is_finite().fill_null(False)).arg_true()
    if len(bad):
        row = int(bad[0])
        raise TableInvalid(f"{path}: row {row + 1}: {column} is {no_number(text[row])}")
    return values.to_numpy()


def one_label_each(frame: pl.DataFrame, path: Path, person: str) -> None:
    """Raise `TableInvalid` naming somebody who carries two labels of one kind."""
    for column in frame.columns:
        if not column.startswith("group:"):
            continue
        labels = frame.select(person, column).drop_nulls().unique()
        twice = labels.filter(labels.get_column(person).is_duplicated()).sort(person, column)
        if len(twice):
            name, one, other = twice[person][0], twice[column][0], twice[column][1]
            rows = [
                int(((frame[person] == name) & (frame[column] == label)).arg_true()[0]) + 1
                for label in (one, other)
            ]
            raise TableInvalid(
                f"{path}: {person} {name!r} is {one!r} in row {rows[0]} and {other!r} in row "
                f"{rows[1]} by {column.removeprefix('group:')}; label a person the same way "
                "everywhere, or leave the field empty"
            )


def partitions_of(frame: pl.DataFrame) -> tuple[Partition, ...]:
    """Everyone, and the groups by the labels in a frame from `read_rows`."""
    labels = {
        column.removeprefix("group:"): frame.get_column(column).to_list()
        for column in frame.columns
        if column.startswith("group:")
    }
    return partitions(labels, frame.height)


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            frame = pl.read_parquet(path)
            nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
            frame = _as_text(frame.drop(nested))
        elif path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                columns = {name: arrays[name] for name in arrays.files}
            flat = {name: value for name, value in columns.items() if value.ndim == 1}
            frame = _as_text(pl.DataFrame(flat))
        else:
            # As text, so that ids keep their leading zeros.
            frame = pl.read_csv(path, infer_schema=False, separator=separator_of(path))
    except FileNotFoundError as error:
        raise TableInvalid(f"{path}: there is no such file") from error
    except (OSError, ValueError, zipfile.BadZipFile, pl.exceptions.PolarsError) as error:
        raise unreadable(path, error) from error
    return frame.with_columns(
        pl.when(pl.all().str.strip_chars() != "").then(pl.all().str.strip_chars())
    )


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        as_text_of(pl.col(name), kind).alias(name) for name, kind in frame.schema.items()
    )
