"""Finds names that only their writing keeps apart, and words that stand for an empty field.

Columns of text come in. Labels and classes written two ways ("female" and "Female", "0" and
"0.0") would be two groups, and "nan" would be a person, so these end the reading with the rows.
Names of people and pictures may differ in case alone and be two, so these are only told.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from crowdveil.errors import TableInvalid

NOTHING = ("nan", "nat", "null", "<na>", "n/a", "#n/a", "#na")
"""What programs write for an empty field, in lower case."""

MOST_PAIRS = 3
"""Pairs of names in a sentence."""


def folded(name: pl.Expr) -> pl.Expr:
    """A name without what writing adds: case, width, repeated spaces, and .0 of whole numbers.

    >>> names = pl.DataFrame({"name": ["Dark  Skin", "dark skin", "1.0", "1"]})
    >>> names.select(folded(pl.col("name"))).to_series().to_list()
    ['dark skin', 'dark skin', '1', '1']
    """
    plain = name.str.normalize("NFKC").str.strip_chars().str.to_lowercase()
    plain = plain.str.replace_all(r"\s+", " ")
    return plain.str.replace(r"^([+-]?\d+)\.0*$", "$1")


def is_word_for_nothing(name: pl.Expr) -> pl.Expr:
    """Whether a field says in a word that it is empty."""
    return name.str.strip_chars().str.to_lowercase().is_in(NOTHING)


def same_but_written_otherwise(names: pl.Series) -> list[tuple[str, str]]:
    """Pairs of names that differ in their writing alone, sorted; each name at most once."""
    if names.dtype != pl.String:
        return []
    distinct = names.drop_nulls().unique().rename("name").to_frame()
    groups = (
        distinct.with_columns(folded(pl.col("name")).alias("folded"))
        .group_by("folded")
        .agg(pl.col("name").sort())
        .filter(pl.col("name").list.len() > 1)
        .sort("folded")
    )
    return [(found[0], found[1]) for found in groups.get_column("name").to_list()]


def refuse_spellings(frame: pl.DataFrame, path: Path, column: str, what: str) -> None:
    """Raise `TableInvalid` naming two labels that are one, or a word for an empty field.

    Args:
        frame: the rows, of text.
        path: of the table.
        column: its name in `frame`.
        what: what it holds, for the sentence.
    """
    refuse_words_for_nothing(frame, path, column, what)
    labels = frame.get_column(column)
    for one, other in same_but_written_otherwise(labels)[:1]:
        rows = [int((labels == label).arg_true()[0]) + 1 for label in (one, other)]
        raise TableInvalid(written_otherwise(path, what, (one, other), (rows[0], rows[1])))


def refuse_words_for_nothing(frame: pl.DataFrame, path: Path, column: str, what: str) -> None:
    """Raise `TableInvalid` naming the first row that says "nan" or the like."""
    words = frame.select(is_word_for_nothing(pl.col(column)).fill_null(False)).to_series()
    if words.any():
        row = int(words.arg_true()[0])
        raise TableInvalid(says_nothing(path, row + 1, what, frame.get_column(column)[row]))


def written_otherwise(path: Path, what: str, labels: tuple[str, str], rows: tuple[int, int]) -> str:
    """The sentence about one label that is written in two ways."""
    return (
        f"{path}: {what} is {labels[0]!r} in row {rows[0]} and {labels[1]!r} in row {rows[1]}, "
        "which differ in writing alone; write them the same way"
    )


def says_nothing(path: Path, row: int, what: str, word: object) -> str:
    """The sentence about a word that stands for an empty field."""
    return (
        f"{path}: row {row}: {what} is {word!r}, which programs write for nothing; leave the field "
        "empty if nothing is known"
    )


def told_apart(path: Path, what: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """What to say of names of people or pictures that may be one; nothing without pairs."""
    if not pairs:
        return []
    shown = "; ".join(f"{one!r} and {other!r}" for one, other in pairs[:MOST_PAIRS])
    more = f", and {len(pairs) - MOST_PAIRS:,} more" if len(pairs) > MOST_PAIRS else ""
    return [
        f"{path}: names of {what} differ in writing alone ({shown}{more}). They count as two; if "
        "they are one, the rates are wrong: a person under two names makes false matches."
    ]
