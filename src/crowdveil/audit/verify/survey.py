"""Checks a table of comparisons from end to end, and finds out who is in it.

`ScoreRows` come in; a `Survey` goes out: the people with their labels, and where scores lie. A
table that cannot be audited as it stands ends the reading with one sentence that names the row.
Nothing is dropped, and memory grows with the people, not with the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.tables.csv_files import no_number
from crowdveil.audit.tables.score_rows import SIDES, Identity, ScoreRows
from crowdveil.audit.tables.spelling import (
    is_word_for_nothing,
    same_but_written_otherwise,
    says_nothing,
    written_otherwise,
)
from crowdveil.audit.verify.atoms import one_label
from crowdveil.errors import TableInvalid

SAMPLE = 16_384
"""Scores that are kept from all over the table."""

TAIL = 4096
"""Highest non-mated and lowest mated scores that are kept besides: thresholds lie there."""

MOST_PEOPLE_HELD = 4_000_000
"""Rows about people that are collected before they are put together."""

MOST_KEYS_HELD = 1 << 24
"""Comparisons looked at together in search of duplicates: 128 MB."""

MATED = ("true", "1", "1.0", "yes", "y", "t", "mated", "genuine", "same")
NON_MATED = ("false", "0", "0.0", "no", "n", "f", "nonmated", "non-mated", "impostor", "different")


@dataclass(frozen=True, slots=True)
class Survey:
    """What a table of comparisons holds.

    Attributes:
        people: a column `key` that is unique and rising, and one for each kind of label.
        edges: (b,) float64, rising: scores of the table, its lowest and highest among them.
        mated: how many comparisons are.
    """

    people: pl.DataFrame
    edges: npt.NDArray[np.float64]
    mated: int


def score() -> pl.Expr:
    """The score as float64; null where it is none."""
    return pl.col("score").cast(pl.Float64, strict=False)


def mated(rows: ScoreRows) -> pl.Expr:
    """Whether a comparison is mated; null where nothing says so."""
    if "mated" not in rows.frame.collect_schema().names():
        return pl.col("probe_subject") == pl.col("reference_subject")
    told = pl.col("mated").cast(pl.String).str.to_lowercase()
    return (
        pl.when(told.is_in(MATED)).then(True).when(told.is_in(NON_MATED)).then(False).otherwise(None)
    )  # fmt: skip


def key(rows: ScoreRows, side: str) -> pl.Expr:
    """A number for the person of a side; without people, for everybody of the same labels."""
    if rows.identity is Identity.SUBJECTS:
        return pl.col(f"{side}_subject").hash()
    if rows.identity is Identity.PICTURES:
        return pl.col(side).hash()
    if not rows.kinds:
        return pl.lit(0, pl.UInt64)
    return pl.struct([pl.col(f"{side}:{kind}").alias(kind) for kind in rows.kinds]).hash()


def survey(rows: ScoreRows, *, distance: bool = False) -> Survey:
    """Read the whole table once, or twice to look for duplicates.

    Args:
        rows: the table.
        distance: whether low scores mean similar; `edges` are then minus the scores.

    Raises:
        TableInvalid: with the row.
    """
    people: list[pl.DataFrame] = []
    held = 0
    kept = _Kept(rows.rows)
    for first, batch in rows.batches(rows.frame.select(*_checked_columns(rows))):
        _refuse_bad_rows(rows, first, batch)
        scores = batch.get_column("score").to_numpy() * (-1 if distance else 1)
        kept.add(first, scores, batch.get_column("mated").to_numpy())
        people.append(_people_in(rows, batch))
        held += people[-1].height
        if held > MOST_PEOPLE_HELD:
            people = [pl.concat(people).unique()]
            held = people[0].height
    _refuse_duplicates(rows)
    together = pl.concat(people).unique()
    _refuse_spellings(rows, together)
    _refuse_two_labels(rows, together)
    return Survey(one_label(together, "key"), kept.edges(), kept.mated)


class _Kept:
    """A sample of scores and the tails that matter."""

    def __init__(self, rows: int) -> None:
        self._step = max(1, rows // SAMPLE)
        self._sample: list[npt.NDArray[np.float64]] = []
        self._high = np.zeros(0)
        self._low = np.zeros(0)
        self._ends = (np.inf, -np.inf)
        self.mated = 0

    def add(
        self, first: int, scores: npt.NDArray[np.float64], is_mated: npt.NDArray[np.bool_]
    ) -> None:
        self._sample.append(scores[-first % self._step :: self._step].copy())
        self._high = _largest(np.concatenate([self._high, scores[~is_mated]]))
        self._low = -_largest(-np.concatenate([self._low, scores[is_mated]]))
        self._ends = (min(self._ends[0], scores.min()), max(self._ends[1], scores.max()))
        self.mated += int(np.count_nonzero(is_mated))

    def edges(self) -> npt.NDArray[np.float64]:
        return np.unique(np.concatenate([*self._sample, self._high, self._low, self._ends]))


def _largest(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if len(scores) <= TAIL:
        return scores
    return np.partition(scores, len(scores) - TAIL)[-TAIL:]


def _checked_columns(rows: ScoreRows) -> Iterator[pl.Expr]:
    schema = rows.frame.collect_schema()
    yield score().alias("score")
    yield mated(rows).alias("mated")
    if rows.identity is Identity.SUBJECTS:
        same = pl.col("probe_subject") == pl.col("reference_subject")
        yield same.alias("same")
    for side in SIDES:
        yield key(rows, side).alias(f"{side}:key")
        if rows.identity is not Identity.NOTHING:
            name = f"{side}_subject" if rows.identity is Identity.SUBJECTS else side
            yield pl.col(name).is_null().alias(f"{side}:unnamed")
            if schema[name] == pl.String:
                yield is_word_for_nothing(pl.col(name)).alias(f"{side}:nothing")
        yield from (pl.col(f"{side}:{kind}") for kind in rows.kinds)


def _refuse_bad_rows(rows: ScoreRows, first: int, batch: pl.DataFrame) -> None:
    number = batch.get_column("score")
    bad = (number.is_null() | ~number.is_finite().fill_null(False)).arg_true()
    if len(bad):
        row = first + int(bad[0])
        found = rows.row(row)["score"]
        said = "has no score" if found is None else f"score is {no_number(found)}"
        raise TableInvalid(f"{rows.path}: row {row + 1}: {said}")
    for side in SIDES:
        if f"{side}:unnamed" in batch.columns:
            unnamed = batch.get_column(f"{side}:unnamed").arg_true()
            if len(unnamed):
                what = f"{side}_subject" if rows.identity is Identity.SUBJECTS else side
                raise TableInvalid(f"{rows.path}: row {first + int(unnamed[0]) + 1} has no {what}")
        if f"{side}:nothing" in batch.columns and batch.get_column(f"{side}:nothing").any():
            what = f"{side}_subject" if rows.identity is Identity.SUBJECTS else side
            row = first + int(batch.get_column(f"{side}:nothing").arg_true()[0])
            raise TableInvalid(says_nothing(rows.path, row + 1, what, rows.row(row)[what]))
    unknown = batch.get_column("mated").is_null().arg_true()
    if len(unknown):
        row = first + int(unknown[0])
        raise TableInvalid(
            f"{rows.path}: row {row + 1}: mated is {rows.row(row)['mated']!r}, which is neither "
            "true nor false"
        )
    if "same" in batch.columns:
        odd = (batch.get_column("same") != batch.get_column("mated")).arg_true()
        if len(odd):
            row = first + int(odd[0])
            fields = rows.row(row)
            raise TableInvalid(
                f"{rows.path}: row {row + 1}: mated is {fields['mated']!r}, but the subjects are "
                f"{fields['probe_subject']!r} and {fields['reference_subject']!r}"
            )


def _people_in(rows: ScoreRows, batch: pl.DataFrame) -> pl.DataFrame:
    sides = [
        batch.select(
            pl.col(f"{side}:key").alias("key"),
            *(pl.col(f"{side}:{kind}").alias(kind) for kind in rows.kinds),
        )
        for side in SIDES
    ]
    return pl.concat(sides).unique()


def _refuse_spellings(rows: ScoreRows, people: pl.DataFrame) -> None:
    """Refuse a label that is written in two ways, or that says "nan"."""
    for kind in rows.kinds:
        labels = people.get_column(kind).drop_nulls().unique()
        words = labels.filter(
            labels.to_frame().select(is_word_for_nothing(pl.col(kind))).to_series()
        )
        if len(words):
            row = _first_labelled(rows, kind, words[0])
            raise TableInvalid(says_nothing(rows.path, row + 1, kind, words[0]))
        for pair in same_but_written_otherwise(labels)[:1]:
            found = [_first_labelled(rows, kind, label) + 1 for label in pair]
            raise TableInvalid(written_otherwise(rows.path, kind, pair, (found[0], found[1])))


def _first_labelled(rows: ScoreRows, kind: str, label: str) -> int:
    """The first row in which either side has a label."""
    where = pl.any_horizontal(pl.col(f"{side}:{kind}") == label for side in SIDES)
    found = rows.collect(rows.frame.with_row_index("row").filter(where).select("row").head(1))
    return int(found.item())


def _refuse_two_labels(rows: ScoreRows, people: pl.DataFrame) -> None:
    if rows.identity is Identity.NOTHING:
        return
    for kind in rows.kinds:
        labels = people.select("key", kind).drop_nulls().unique()
        twice = labels.filter(labels.get_column("key").is_duplicated()).sort("key", kind)
        if len(twice):
            one, other = twice[kind][0], twice[kind][1]
            found = [_first_row(rows, twice["key"][0], kind, label) for label in (one, other)]
            raise TableInvalid(
                f"{rows.path}: {found[0][1]!r} is {one!r} in row {found[0][0] + 1} and {other!r} "
                f"in row {found[1][0] + 1} by {kind}; label a person the same way everywhere, or "
                "leave the field empty"
            )


def _first_row(rows: ScoreRows, person: int, kind: str, label: str) -> tuple[int, object]:
    """The first row in which somebody has a label, and what the table calls them."""
    where = [
        (key(rows, side) == person) & (pl.col(f"{side}:{kind}") == label) for side in SIDES
    ]  # fmt: skip
    names = [
        pl.col(f"{side}_subject" if rows.identity is Identity.SUBJECTS else side) for side in SIDES
    ]
    found = rows.collect(
        rows.frame.with_row_index("row")
        .filter(where[0] | where[1])
        .select("row", pl.when(where[0]).then(names[0]).otherwise(names[1]).alias("name"))
        .head(1)
    )
    return found.item(0, "row"), found.item(0, "name")


def _refuse_duplicates(rows: ScoreRows) -> None:
    """Look for a pair of pictures that is compared twice, a part of the pairs at a time."""
    if not rows.has_pictures:
        return
    pair = pl.struct(*SIDES).hash().alias("pair")
    parts = -(-rows.rows // MOST_KEYS_HELD)
    for part in range(parts):
        keys = rows.collect(rows.frame.select(pair).filter(pl.col("pair") % parts == part))
        found = np.sort(keys.get_column("pair").to_numpy())
        twice = np.unique(found[1:][found[1:] == found[:-1]])
        for one in twice.tolist():
            same = rows.collect(
                rows.frame.with_row_index("row").select("row", *SIDES).filter(
                    pl.struct(*SIDES).hash() == one
                )
            ).sort("row")  # fmt: skip
            doubled = same.filter(same.select(*SIDES).is_duplicated())
            # Two different pairs may have one hash, if rarely.
            if len(doubled):
                probe, reference = doubled.row(0)[1:]
                again = doubled.filter(
                    (pl.col("probe") == probe) & (pl.col("reference") == reference)
                ).get_column("row")
                raise TableInvalid(
                    f"{rows.path}: probe {probe!r} is compared with reference {reference!r} in row "
                    f"{again[0] + 1} and {again[1] + 1}; keep one of them"
                )
