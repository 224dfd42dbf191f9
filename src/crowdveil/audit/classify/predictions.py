"""Reads what a classifier said about people from a table, for `rates`.

A CSV or Parquet file comes in, with a column for the true class, one for the predicted class,
columns of groups, and perhaps one that says who is who.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from crowdveil.audit.classify.rates import MISSING, Predictions
from crowdveil.audit.partitions import Partition
from crowdveil.audit.tables.csv_files import listed
from crowdveil.audit.tables.rows import one_label_each, partitions_of, read_rows, require
from crowdveil.audit.tables.spelling import (
    refuse_words_for_nothing,
    same_but_written_otherwise,
    told_apart,
    written_otherwise,
)
from crowdveil.errors import TableInvalid

COLUMNS = ("truth", "predicted", "subject")
"""Our names of the columns."""


def read_predictions(
    path: Path, groups: Sequence[str], columns: Mapping[str, str] | None = None
) -> tuple[Predictions, tuple[Partition, ...]]:
    """Predictions, and the groups of the rows.

    Every class that is true or predicted anywhere is a class. A row without a prediction is
    kept as such, a row without a label of a group is in none of that kind. Without a column
    that says who is who, every row is taken to be about another person.

    Args:
        path: the table.
        groups: names of its columns of groups.
        columns: names that it has instead of `COLUMNS`, ours to theirs.

    Raises:
        TableInvalid: with the row.
    """
    frame = read_rows(path, columns or {}, needed=COLUMNS[:2], optional=COLUMNS[2:], groups=groups)
    require(frame, path, "truth")
    refuse_words_for_nothing(frame, path, "predicted", "predicted")
    _refuse_spellings(frame, path)
    warnings = _strange_classes(frame, path)
    if "subject" in frame.columns:
        require(frame, path, "subject")
        pairs = same_but_written_otherwise(frame.get_column("subject"))
        warnings += told_apart(path, "people", pairs)
        one_label_each(frame, path, "subject")
        person = frame.get_column("subject").rank("dense").to_numpy().astype(np.int64) - 1
    else:
        person = np.arange(frame.height)
    said = frame.get_column("predicted").drop_nulls()
    classes = tuple(sorted({*frame.get_column("truth").unique(), *said.unique()}))
    predictions = Predictions(
        classes=classes,
        truth=_codes(frame.get_column("truth"), classes),
        predicted=_codes(frame.get_column("predicted"), classes),
        person=person,
        people_known="subject" in frame.columns,
        warnings=tuple(warnings),
    )
    return predictions, partitions_of(frame)


def _refuse_spellings(frame: pl.DataFrame, path: Path) -> None:
    """Refuse a class that is written in two ways, be it as truth or as prediction."""
    both = pl.concat([frame.get_column("truth"), frame.get_column("predicted").rename("truth")])
    for pair in same_but_written_otherwise(both)[:1]:
        places = [int((both == label).arg_true()[0]) % frame.height + 1 for label in pair]
        raise TableInvalid(written_otherwise(path, "a class", pair, (places[0], places[1])))


def _strange_classes(frame: pl.DataFrame, path: Path) -> list[str]:
    """What to say of predicted classes that are never true; refuses them if all are."""
    truth, said = frame.get_column("truth"), frame.get_column("predicted").drop_nulls()
    true, predicted = sorted(truth.unique()), sorted(said.unique())
    strange = [name for name in predicted if name not in set(true)]
    if not strange:
        return []
    row = int((frame.get_column("predicted") == strange[0]).arg_true()[0]) + 1
    if len(strange) == len(predicted):
        raise TableInvalid(
            f"{path}: no predicted class is ever a true one: truth is {listed(true)}, predicted "
            f"is {listed(predicted)} (first in row {row}); use the same words in both columns"
        )
    return [
        f"{path}: predicted classes that are never true count as errors everywhere: "
        f"{listed(strange)} (first in row {row}). If they are other words for true classes "
        f"({listed(true)}), the error rates are wrong."
    ]


def _codes(labels: pl.Series, classes: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    codes = {name: code for code, name in enumerate(classes)}
    return np.array([MISSING if label is None else codes[label] for label in labels], np.int64)
