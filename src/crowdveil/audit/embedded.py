"""Reads embeddings of a gallery or of probes, and searches the one for the other.

Files of embeddings come in, beside the people read by `candidates`; searches go out. A row that
is not finite, or all zero, is a picture that gave no template: it stays in the audit as a probe
without candidates, or as a reference that cannot be found.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from crowdveil.audit.candidates import People
from crowdveil.audit.search import Embeddings, search
from crowdveil.audit.searches import Searches
from crowdveil.errors import TableInvalid

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


def search_people(
    people: People, gallery: Embeddings, probes: Embeddings, *, candidates: int
) -> Searches:
    """The most similar references of every probe, by cosine similarity.

    Args:
        people: who the rows show.
        gallery: (N, d) embeddings of the references.
        probes: (n, d) embeddings of the probes.
        candidates: length of the lists.

    Raises:
        TableInvalid: embeddings of different lengths.
    """
    if gallery.shape[1] != probes.shape[1]:
        raise TableInvalid(
            f"the gallery's embeddings have {gallery.shape[1]} numbers and the probes' "
            f"{probes.shape[1]}; they must come from the same model"
        )
    found = search(gallery, probes, candidates=candidates)
    probe, place = np.nonzero(found.reference >= 0)
    return Searches(
        probe_subject=people.probe_subject,
        gallery_subject=people.gallery_subject,
        probe=probe.astype(np.int32),
        rank=(place + 1).astype(np.int32),
        reference=found.reference[probe, place],
        score=found.score[probe, place].astype(np.float64),
    )


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
    if not beside.exists():
        raise ValueError(f"no {beside.name} beside it; give embeddings, or candidate lists")
    return np.asarray(np.load(beside, mmap_mode="r", allow_pickle=False))
