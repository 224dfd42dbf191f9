"""Pictures with their people and templates: what all pairs are made from, wherever it was read."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crowdveil.audit.embeddings import Embeddings


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures with their people, and what a recogniser made of them.

    Attributes:
        path: the table or folder they come from.
        frame: `subject` and columns of labels, a row for each picture.
        embeddings: (n, d); a row that is not finite, or all zero, is no template.
    """

    path: Path
    frame: pl.DataFrame
    embeddings: Embeddings


def plain_names(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame from `rows.read_rows` whose columns of labels are called as in the file."""
    return frame.rename({name: name.removeprefix("group:") for name in frame.columns})
