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
from crowdveil.audit.tables.rows import one_label_each, partitions_of, read_rows, require

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
    if "subject" in frame.columns:
        require(frame, path, "subject")
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
    )
    return predictions, partitions_of(frame)


def _codes(labels: pl.Series, classes: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    codes = {name: code for code, name in enumerate(classes)}
    return np.array([MISSING if label is None else codes[label] for label in labels], np.int64)
