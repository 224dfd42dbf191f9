"""Reads embeddings from NPZ, Parquet or a NumPy array beside a CSV file.

A file comes in, an array with a row for each picture goes out. A row that is not finite, or all
zero, is a picture that gave no template; it keeps its place.
"""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.errors import TableInvalid

Embeddings = npt.NDArray[np.floating]
"""(n, d), one row for each picture; a row with a NaN is a picture that gave no template."""

ROWS_AT_A_TIME = 16_384
"""Rows looked at together, so that a memory map is never held whole."""

COLUMN = "embedding"
"""Our name of the column of embeddings."""


def read_embeddings(path: Path, rows: int, columns: Mapping[str, str] | None = None) -> Embeddings:
    """The embeddings of a table, in its order.

    Args:
        path: the table: an NPZ file with an (n, d) array `embedding`, a Parquet file with a
            column of lists of that name, or a CSV file with an (n, d) array of the same name
            beside it that ends in `.npy`, which is mapped and not read whole.
        rows: n, how many rows the table has.
        columns: names that the table has instead of ours, ours to theirs.

    Returns:
        (n, d) floats.

    Raises:
        TableInvalid: no embeddings, not one for each row, or of different lengths.
    """
    name = (columns or {}).get(COLUMN, COLUMN)
    try:
        embeddings = _read(path, name)
    except (OSError, ValueError, zipfile.BadZipFile, pl.exceptions.PolarsError) as error:
        if "pickle" in str(error):
            error = ValueError("the file holds no array of numbers")
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise TableInvalid(f"{path}: its embeddings cannot be read ({reason})") from error
    if embeddings.ndim != 2 or not np.issubdtype(embeddings.dtype, np.floating):
        raise TableInvalid(
            f"{path}: embeddings must be rows of numbers of one length, not an array of "
            f"{embeddings.dtype} shaped {embeddings.shape}"
        )
    if len(embeddings) != rows:
        raise TableInvalid(
            f"{path}: has {rows:,} rows but {len(embeddings):,} embeddings; each row needs its own "
            "(NaN where there was no template)"
        )
    return embeddings


def has_template(embeddings: Embeddings) -> npt.NDArray[np.bool_]:
    """(n,): which rows can be compared at all: finite, and not all zero."""
    whole = np.empty(len(embeddings), np.bool_)
    for start in range(0, len(embeddings), ROWS_AT_A_TIME):
        block = np.asarray(embeddings[start : start + ROWS_AT_A_TIME], np.float32)
        whole[start : start + len(block)] = np.isfinite(block).all(1) & (block != 0).any(1)
    return whole


def _read(path: Path, name: str) -> Embeddings:
    if path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            if name not in arrays.files:
                raise ValueError(f"no array {name!r}; it has: {', '.join(arrays.files)}")
            return np.asarray(arrays[name])
    if path.suffix.lower() in {".parquet", ".pq"}:
        column = pl.read_parquet(path, columns=[name]).get_column(name)
        lists = column.cast(pl.List(pl.Float32))
        lengths = lists.list.len().drop_nulls().unique()
        if len(lengths) != 1:
            raise ValueError(f"lengths differ: {', '.join(map(str, sorted(lengths)))}")
        # A row without a list is a picture without a template.
        embeddings = np.full((len(lists), int(lengths[0])), np.nan, np.float32)
        there = lists.is_not_null().to_numpy()
        embeddings[there] = lists.drop_nulls().list.to_array(int(lengths[0])).to_numpy()
        return embeddings
    beside = path.with_suffix(".npy")
    if not os.path.lexists(beside):
        raise ValueError(f"no {beside.name} beside it; give embeddings, or candidate lists")
    return np.asarray(np.load(beside, mmap_mode="r", allow_pickle=False))
