"""Looks in comparisons for what would make every figure wrong in silence.

A table of comparisons, or the distribution of its scores, comes in. What cannot be right ends the
audit with the row: a picture compared with itself or shown to be two people, a comparison that is
there in both directions, distances taken for similarities. What may be right is told in a
sentence for the top of the report. What a single field must hold is checked by `survey`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import poisson

from crowdveil.audit.tables.score_rows import SIDES, Identity, ScoreRows, as_text_of
from crowdveil.audit.tables.spelling import folded, same_but_written_otherwise, told_apart
from crowdveil.audit.verify.comparisons import Histograms
from crowdveil.audit.verify.survey import MOST_KEYS_HELD, key, mated, score
from crowdveil.errors import OptionsInvalid, TableInvalid

REVERSED = 0.4
"""A lower chance that a mated comparison beats a non-mated one is no bad luck."""

UNLIKELY = 1e-4
"""So many rows alike by chance are called copies."""

FEWEST_SCORES = 20
"""Of fewer distinct scores, all may occur twice by chance."""

MOST_NAMES_HELD = 1 << 23
"""Names of pictures or people looked at together: a few hundred MB."""

_ALIKE = 3.0
"""Scores of the same two people tie more often than any: so many times, to be cautious."""


def refuse_reversed(histograms: Histograms, *, distance: bool, scored: bool, source: Path) -> None:
    """Raise if comparisons of one person score clearly lower than those of two.

    Args:
        histograms: of scores that rise with similarity, everyone first.
        distance: whether the user said that the scores are distances.
        scored: whether the user gave scores, or embeddings were compared here.
        source: what was given.

    Raises:
        OptionsInvalid: `distance` seems to be the wrong way round.
        TableInvalid: embeddings of one person are less alike than those of two.
    """
    same, different = (side[0][0].astype(float) for side in (histograms.mated, histograms.nonmated))
    pairs = same.sum() * different.sum()
    if not pairs:
        return
    below = np.cumsum(different) - different
    wins = float((same * (below + different / 2)).sum() / pairs)
    # Mann and Whitney (1947), Ann. Math. Stat. 18(1), 50-60.
    spread = np.sqrt((same.sum() + different.sum() + 1) / (12 * pairs))
    if wins >= REVERSED or wins > 0.5 - 3 * spread:
        return
    of_one = f"a mated comparison beats a non-mated one only {100 * wins:.0f} times in 100"
    if not scored:
        raise TableInvalid(
            f"{source}: {of_one}: pictures of one person are less alike than those of two; check "
            "that subjects and embeddings are in the same order"
        )
    if distance:
        raise OptionsInvalid(
            f"{source}: {of_one}, with low scores taken as similar; leave out --distance if high "
            "scores mean similar"
        )
    raise OptionsInvalid(
        f"{source}: {of_one}; if the scores are distances, low for similar, add --distance"
    )


def doubts(rows: ScoreRows) -> tuple[str, ...]:
    """What to say of a table of comparisons at the top of its report.

    Raises:
        TableInvalid: with the rows.
    """
    found: list[str] = []
    if rows.identity is Identity.SUBJECTS:
        found += told_apart(rows.path, "people", _written_otherwise(rows, "_subject"))
    if rows.has_pictures:
        found += told_apart(rows.path, "pictures", _written_otherwise(rows, ""))
        found += _shown_as_two(rows)
        found += _both_ways(rows)
    elif rows.identity is Identity.SUBJECTS:
        found += _copied_rows(rows)
    else:
        found += _all_twice(rows)
    return tuple(found)


def _written_otherwise(rows: ScoreRows, suffix: str) -> list[tuple[str, str]]:
    schema = rows.frame.collect_schema()
    columns = [f"{side}{suffix}" for side in SIDES]
    if any(schema[column] != pl.String for column in columns):
        return []
    names = pl.concat([rows.frame.select(pl.col(column).alias("name")) for column in columns])
    found: list[tuple[str, str]] = []
    parts = _names_in_parts(rows)
    for part in range(parts):
        mine = names
        if parts > 1:
            mine = names.filter(folded(pl.col("name")).hash() % parts == part)
        found += same_but_written_otherwise(rows.collect(mine.unique()).to_series())
    return found


def _names_in_parts(rows: ScoreRows) -> int:
    """In how many parts names are looked at, so that they fit in memory."""
    return -(-2 * rows.rows // MOST_NAMES_HELD)


def _text(rows: ScoreRows, column: str) -> pl.Expr:
    return as_text_of(pl.col(column), rows.frame.collect_schema()[column])


def _shown_as_two(rows: ScoreRows) -> list[str]:
    """Refuse a picture of two people and one compared with itself; tell what may be either."""
    if rows.identity is Identity.SUBJECTS:
        parts = _names_in_parts(rows)
        across = 0
        first = ""
        for part in range(parts):
            seen = _people_of_pictures(rows, part, parts)
            _refuse_two_people(rows, seen)
            both = seen.filter(pl.col("subject").n_unique().over("picture") > 1)
            if len(both):
                across += both.get_column("picture").n_unique()
                picture = both["picture"][0]
                one, other = both.filter(pl.col("picture") == picture).rows(named=True)[:2]
                first = first or (
                    f"first {picture!r}: {one['subject']!r} in row {one['row'] + 1}, "
                    f"{other['subject']!r} in row {other['row'] + 1}"
                )
        if across:
            return [
                f"{rows.path}: {across:,} names of pictures are of one person as a probe and of "
                f"another as a reference ({first}). If they name the same pictures, a label is "
                "wrong; if not, give the sides different names."
            ]
    itself = rows.collect(
        rows.frame.with_row_index("row")
        .filter(_text(rows, "probe") == _text(rows, "reference"))
        .select("row", _text(rows, "probe").alias("picture"), mated(rows).alias("mated"))
        .head(1)
    )
    if len(itself):
        row, picture, alike = itself.row(0)
        if alike:
            raise TableInvalid(
                f"{rows.path}: row {row + 1} compares picture {picture!r} with itself, which "
                "always matches; take such rows out, or name different pictures differently"
            )
        return [
            f"{rows.path}: row {row + 1} compares two pictures called {picture!r} that are said to "
            "show two people. If it is one picture, the comparison is mated and the label wrong."
        ]
    return []


def _people_of_pictures(rows: ScoreRows, part: int, parts: int) -> pl.DataFrame:
    """Which picture of which side is of whom, and in which row first."""
    sides = [
        rows.frame.with_row_index("row").select(
            pl.lit(side).alias("side"),
            _text(rows, side).alias("picture"),
            _text(rows, f"{side}_subject").alias("subject"),
            "row",
        )
        for side in SIDES
    ]
    seen = pl.concat(sides).filter(pl.col("picture").is_not_null())
    if parts > 1:
        seen = seen.filter(pl.col("picture").hash() % parts == part)
    keys = ("side", "picture", "subject")
    return rows.collect(seen.group_by(keys).agg(pl.col("row").min())).sort("row", "side")


def _refuse_two_people(rows: ScoreRows, seen: pl.DataFrame) -> None:
    twice = seen.filter(seen.select("side", "picture").is_duplicated())
    if twice.is_empty():
        return
    side, picture = twice.row(0)[:2]
    same = twice.filter((pl.col("side") == side) & (pl.col("picture") == picture))
    one, other = same.rows(named=True)[:2]
    raise TableInvalid(
        f"{rows.path}: {side} {picture!r} is of {one['subject']!r} in row {one['row'] + 1} and of "
        f"{other['subject']!r} in row {other['row'] + 1}; one of them is wrong"
    )


def _both_ways(rows: ScoreRows) -> list[str]:
    """Refuse a comparison that is there in both directions with one score; tell of two scores."""
    subjects = rows.identity is Identity.SUBJECTS
    sides = [
        pl.struct(
            _text(rows, side).alias("picture"),
            (_text(rows, f"{side}_subject") if subjects else pl.lit("")).alias("subject"),
        ).hash()
        for side in SIDES
    ]
    again = 0
    first: tuple[int, int] | None = None
    for keys, scores, numbers in _parts(rows, sides):
        order = np.lexsort((numbers, keys))
        keys, scores, numbers = keys[order], scores[order], numbers[order]
        same = np.flatnonzero(keys[1:] == keys[:-1])
        equal = same[scores[same] == scores[same + 1]]
        if len(equal):
            where = equal[np.argmin(numbers[equal])]
            one, other = (rows.row(int(numbers[n])) for n in (where, where + 1))
            raise TableInvalid(
                f"{rows.path}: {one['probe']!r} is compared with {one['reference']!r} in row "
                f"{numbers[where] + 1}, and {other['probe']!r} with {other['reference']!r} in row "
                f"{numbers[where + 1] + 1} with the same score; keep one of them"
            )
        if len(same):
            again += len(same)
            first = first or (int(numbers[same[0]]), int(numbers[same[0] + 1]))
    if first is None:
        return []
    return [
        f"{rows.path}: {again:,} pairs of pictures are compared in both directions (first in row "
        f"{first[0] + 1} and {first[1] + 1}). The two scores are not independent, so intervals may "
        "be too narrow; keep one direction."
    ]


def _copied_rows(rows: ScoreRows) -> list[str]:
    """Tell of more rows with the same people and score than ties explain."""
    alike, expected = 0, 0.0
    first: tuple[int, int] | None = None
    for keys, scores, numbers in _parts(rows, [key(rows, side) for side in SIDES]):
        order = np.lexsort((numbers, scores, keys))
        keys, scores, numbers = keys[order], scores[order], numbers[order]
        same = np.flatnonzero((keys[1:] == keys[:-1]) & (scores[1:] == scores[:-1]))
        alike += len(same)
        if len(same) and first is None:
            where = same[np.argmin(numbers[same])]
            first = int(numbers[where]), int(numbers[where + 1])
        repeated = np.unique(keys, return_counts=True)[1].astype(float)
        tied = np.unique(scores, return_counts=True)[1].astype(float)
        # Copies tie, too: what is there twice must not explain itself.
        pairs = max(1, len(scores) * (len(scores) - 1))
        chance = max(0.0, float(tied @ (tied - 1)) - 2 * len(same)) / pairs
        expected += float((repeated * (repeated - 1)).sum() / 2) * chance
    if first is None or poisson.sf(alike - 1, _ALIKE * expected) > UNLIKELY:
        return []
    return [
        f"{rows.path}: {alike:,} rows repeat another row, with the same people and score (first in "
        f"row {first[0] + 1} and {first[1] + 1}). If they were pasted twice, intervals are too "
        "narrow and rates may be wrong; take the copies out."
    ]


def _all_twice(rows: ScoreRows) -> list[str]:
    """Tell if every score is there an even number of times, as if all were pasted twice."""
    kinds = rows.frame.select(score().alias("score"), mated(rows).alias("mated"))
    counted = rows.collect(kinds.group_by("score", "mated").agg(pl.len()))
    if counted.height < FEWEST_SCORES or ((counted.get_column("len") % 2) == 1).any():
        return []
    return [
        f"{rows.path}: every score occurs an even number of times. If the rows were pasted twice, "
        "intervals are too narrow; take the copies out."
    ]


def _parts(
    rows: ScoreRows, sides: list[pl.Expr]
) -> Iterator[tuple[npt.NDArray[np.uint64], npt.NDArray[np.float64], npt.NDArray[np.uint32]]]:
    """Pairs in either order as one number, with scores and rows, in parts that fit in memory."""
    one, other = sides
    ends = [pl.min_horizontal(one, other), pl.max_horizontal(one, other)]
    pair = pl.struct(ends[0].alias("one"), ends[1].alias("other")).hash().alias("pair")
    parts = -(-rows.rows // MOST_KEYS_HELD)
    taken = rows.frame.with_row_index("row").select(pair, score().alias("score"), "row")
    for part in range(parts):
        mine = rows.collect(taken.filter(pl.col("pair") % parts == part))
        pairs, scores, numbers = (column.to_numpy() for column in mine)
        yield pairs, scores, numbers
