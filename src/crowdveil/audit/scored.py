"""Counts the comparisons of a table of scores, however long, without holding it in memory.

A CSV or Parquet file with a row for each comparison comes in; a `Comparisons` goes out. The
table is read several times, in pieces: once to check it, then for every count. What the counts
mean is left to `verification`.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.verification import Persons, Sweep, Tally
from crowdveil.errors import OptionsInvalid, TableInvalid

OURS = ("probe", "reference", "score", "mated", "probe_subject", "reference_subject")
"""Our names of the columns; the groups of column `race` are in `probe_race` and
`reference_race`, or in `race` where both sides share a label."""

BINS = 1 << 16
"""Steps in which scores are sorted to find a threshold; inside a step it is exact."""

CURVE = 200
"""Thresholds of a DET curve, evenly spread over the mated and the non-mated scores."""

DUPLICATES_UP_TO = 20_000_000
"""Rows up to which the same comparison is looked for twice: it takes 8 bytes a row."""

_TRUE = ("1", "true", "yes", "mated", "genuine")
_FALSE = ("0", "false", "no", "non-mated", "impostor")


class ScoreTable:
    """A table of scores as comparisons; a smaller score is more alike if `distance`."""

    def __init__(
        self,
        path: Path,
        groups: Sequence[str] = (),
        columns: Mapping[str, str] | None = None,
        *,
        distance: bool = False,
    ) -> None:
        """Open and check a table.

        Args:
            path: CSV with a header, or Parquet.
            groups: names of the columns of groups.
            columns: names that the table has instead of ours, ours to theirs.
            distance: whether scores are distances; they are then counted negated.

        Raises:
            TableInvalid: unreadable, without a column, or a row that cannot be counted.
        """
        self.path, self.columns = path, tuple(groups)
        self._rows = self._opened(dict(columns or {}), distance)
        self._check()

    @cached_property
    def atoms(self) -> tuple[tuple[str | None, ...], ...]:
        """As `Comparisons.atoms`."""
        sides = [
            self._rows.select(*(pl.col(f"{side}:{name}").alias(name) for name in self.columns))
            for side in ("p", "r")
        ]
        if not self.columns:
            return ((),)
        both = _collected(pl.concat(sides).unique()).rows()
        return tuple(sorted(both, key=lambda row: tuple(label or "" for label in row)))

    def threshold(self, target: float, probes: npt.NDArray[np.bool_]) -> float:
        """As `Comparisons.threshold`; equal scores stand or fall together."""
        mine = self._coded().filter(
            ~pl.col("mated")
            & pl.col("a").is_in(np.flatnonzero(probes).tolist())
            & pl.col("b").is_in(np.flatnonzero(probes).tolist())
        )
        low, high, total = _collected(
            mine.select(pl.min("score"), pl.max("score").alias("high"), pl.len().alias("n"))
        ).row(0)
        if not total:
            raise OptionsInvalid(
                f"{self.path}: FMR cannot be set, there is no non-mated comparison to set it with; "
                "give a threshold instead"
            )
        allowed = int(target * total + 1e-9)
        step = (high - low) / BINS or 1.0
        bins = ((pl.col("score") - low) / step).floor().clip(0, BINS - 1).cast(pl.Int32)
        counted = _collected(mine.group_by(bins.alias("bin")).len().sort("bin", descending=True))
        above = 0
        for place, number in counted.rows():
            if above + number > allowed:
                inside = _collected(mine.filter(bins == place).select("score"))["score"]
                values, counts = np.unique(inside.to_numpy(), return_counts=True)
                reached = above + np.cumsum(counts[::-1])[::-1]
                fits = np.flatnonzero(reached <= allowed)
                if fits.size:
                    return float(values[fits[0]])
                return self._next_above(mine, float(values[-1]))
            above += number
        return float(low)

    def tally(self, threshold: float) -> Tally:
        """As `Comparisons.tally`."""
        coded = self._coded()
        accepted = pl.col("score") >= threshold
        wrong = (accepted != pl.col("mated")).cast(pl.Int64).sum().alias("errors")
        n = len(self.atoms)
        cells = np.zeros((2, 2, n, n), np.int64)
        for mated, a, b, errors, trials in _collected(
            coded.group_by("mated", "a", "b").agg(wrong, pl.len().alias("trials"))
        ).rows():
            cells[:, int(mated), a, b] = errors, trials
        persons: dict[bool, list[Persons]] = {False: [], True: []}
        for who, one, other in (("ps", "a", "b"), ("rs", "b", "a")):
            by_person = _collected(
                coded.group_by("mated", who, one, other).agg(wrong, pl.len().alias("trials"))
            )
            code = by_person[who].rank("dense").to_numpy().astype(np.int64)
            by_person = by_person.with_columns(pl.Series("code", code))
            for mated, sides in persons.items():
                mine = by_person.filter(pl.col("mated") == mated)
                sides.append(
                    Persons(
                        *(
                            mine[name].to_numpy().astype(np.int64)
                            for name in (one, other, "errors", "trials", "code")
                        )
                    )
                )
        return Tally(
            cells[0, 0], cells[1, 0], cells[0, 1], cells[1, 1],
            tuple(persons[False]), tuple(persons[True]),
        )  # fmt: skip

    def sweep(self) -> Sweep:
        """As `Comparisons.sweep`."""
        edges = self._edges()
        place = pl.col("score").map_batches(
            lambda part: pl.Series(np.searchsorted(edges, part.to_numpy(), side="right")),
            return_dtype=pl.Int64,
            is_elementwise=True,
        )
        counted = _collected(
            self._coded().group_by("mated", "a", "b", place.alias("bin")).agg(pl.len())
        )
        n = len(self.atoms)
        cells = np.zeros((2, len(edges) + 1, n, n), np.int64)
        for mated, a, b, bin_, number in counted.rows():
            cells[int(mated), bin_, a, b] += number
        # Bin k holds the scores from edge k - 1 up to edge k.
        false = np.cumsum(cells[0][::-1], axis=0)[::-1][1:]
        missed = np.cumsum(cells[1], axis=0)[:-1]
        return Sweep(edges, false, missed)

    def _edges(self) -> npt.NDArray[np.float64]:
        levels = np.linspace(0, 1, CURVE)
        # Far out on either side is where operating points lie.
        levels = np.unique(np.concatenate([levels, 1 - np.logspace(-6, -1, CURVE)]))
        frames = []
        for mated in (True, False):
            scores = self._rows.filter(pl.col("mated") == mated).select(
                *(
                    pl.col("score").quantile(float(level), "nearest").alias(str(k))
                    for k, level in enumerate(levels)
                )
            )
            frames.append([value for value in _collected(scores).row(0) if value is not None])
        return np.unique(np.array(reduce(operator.iadd, frames, []), np.float64))

    def _next_above(self, mine: pl.LazyFrame, score: float) -> float:
        above = _collected(mine.filter(pl.col("score") > score).select(pl.min("score"))).item()
        return float(np.nextafter(score, np.inf)) if above is None else float(above)

    def _coded(self) -> pl.LazyFrame:
        """The rows with the atoms `a` and `b` of either side."""
        number = {atom: k for k, atom in enumerate(self.atoms)}
        rows = self._rows
        for side, name in (("p", "a"), ("r", "b")):
            if not self.columns:
                rows = rows.with_columns(pl.lit(0).alias(name))
                continue
            key = pl.concat_str(
                *(pl.col(f"{side}:{column}").fill_null("\x00") for column in self.columns),
                separator="\x1f",
            )
            texts = ["\x1f".join("\x00" if v is None else v for v in atom) for atom in number]
            codes = pl.Series(list(number.values()), dtype=pl.Int32)
            rows = rows.with_columns(
                key.replace_strict(pl.Series(texts), codes, return_dtype=pl.Int32).alias(name)
            )
        return rows

    def _opened(self, columns: dict[str, str], distance: bool) -> pl.LazyFrame:
        try:
            if self.path.suffix.lower() in {".parquet", ".pq"}:
                lazy = pl.scan_parquet(self.path)
            else:
                # As text, so that ids keep their leading zeros.
                lazy = pl.scan_csv(self.path, infer_schema=False)
            there = lazy.collect_schema().names()
        except (OSError, pl.exceptions.PolarsError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise TableInvalid(f"{self.path}: cannot be read as a table ({reason})") from error
        name = {ours: columns.get(ours, ours) for ours in OURS}
        has = {ours: theirs in there for ours, theirs in name.items()}
        subjects = has["probe_subject"] and has["reference_subject"]
        needed = ["score"] + ([] if subjects else ["mated"])
        for ours in (*needed, *(ours for ours in columns if ours in OURS)):
            if not has[ours]:
                hint = " or probe_subject and reference_subject" if ours == "mated" else ""
                raise TableInvalid(
                    f"{self.path}: has no column {name[ours]!r} for the {ours}{hint}; it has: "
                    f"{', '.join(there)}; say which with --column {ours}=NAME"
                )

        def text(column: str) -> pl.Expr:
            stripped = pl.col(column).cast(pl.String).str.strip_chars()
            return pl.when(stripped != "").then(stripped)

        def who(ours: str) -> pl.Expr:
            """The person, or the picture where nobody says whose it is, or the row."""
            for given in (f"{ours}_subject", ours):
                if has[given]:
                    return text(name[given])
            return pl.col("row").cast(pl.String)

        score = text(name["score"]).cast(pl.Float64, strict=False)
        taken = [
            pl.col("row"),
            (-score if distance else score).alias("score"),
            text(name["score"]).alias("score as written"),
            self._mated(text, name, has, subjects),
            who("probe").alias("ps"),
            who("reference").alias("rs"),
            *(
                text(name[ours]).alias(ours) if has[ours] else pl.lit(None, pl.String).alias(ours)
                for ours in ("probe", "reference")
            ),
        ]
        for group in self.columns:
            for side, prefix in (("p", "probe_"), ("r", "reference_")):
                column = prefix + group if prefix + group in there else group
                if column not in there:
                    raise TableInvalid(
                        f"{self.path}: has neither {prefix + group!r} nor {group!r} for the "
                        f"group {group!r}; it has: {', '.join(there)}"
                    )
                taken.append(text(column).alias(f"{side}:{group}"))
        return lazy.with_row_index("row", offset=1).select(taken)

    def _mated(
        self, text: Callable[[str], pl.Expr], name: Mapping[str, str], has: Mapping[str, bool],
        subjects: bool,
    ) -> pl.Expr:  # fmt: skip
        if not has["mated"]:
            same = text(name["probe_subject"]) == text(name["reference_subject"])
            return same.alias("mated")
        written = text(name["mated"]).str.to_lowercase()
        said = pl.when(written.is_in(_TRUE)).then(True).when(written.is_in(_FALSE)).then(False)
        if not subjects:
            return said.alias("mated")
        same = text(name["probe_subject"]) == text(name["reference_subject"])
        # A contradiction becomes null, which the check reports.
        return pl.when(said == same).then(said).alias("mated")

    def _check(self) -> None:
        rows = self._rows
        try:
            count = int(_collected(rows.select(pl.len())).item())
            if not count:
                raise TableInvalid(f"{self.path}: has a header but no rows")
            bad = pl.col("score").is_null() | ~pl.col("score").is_finite()
            unsure = pl.col("mated").is_null()
            nobody = pl.col("ps").is_null() | pl.col("rs").is_null()
            first = _collected(rows.filter(bad | unsure | nobody).head(1))
        except pl.exceptions.PolarsError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise TableInvalid(f"{self.path}: cannot be read as a table ({reason})") from error
        if len(first):
            row = first.row(0, named=True)
            what = f"{self.path}: row {row['row']}"
            if row["score"] is None or not np.isfinite(row["score"]):
                raise TableInvalid(
                    f"{what}: score is {row['score as written']!r}, not a finite number"
                )
            if row["ps"] is None or row["rs"] is None:
                raise TableInvalid(f"{what} does not say who or what was compared")
            raise TableInvalid(
                f"{what}: mated is neither true nor false, or contradicts the subjects; write 1 "
                "for two pictures of one person and 0 for two people"
            )
        if count <= DUPLICATES_UP_TO:
            self._refuse_duplicates()

    def _refuse_duplicates(self) -> None:
        pair = self._rows.filter(pl.col("probe").is_not_null() & pl.col("reference").is_not_null())
        twice = _collected(
            pair.group_by("probe", "reference")
            .agg(pl.min("row"), pl.max("row").alias("again"), pl.len().alias("n"))
            .filter(pl.col("n") > 1)
            .sort("row")
            .head(1)
        )
        if len(twice):
            probe, reference, row, again, _ = twice.row(0)
            raise TableInvalid(
                f"{self.path}: probe {probe!r} and reference {reference!r} are compared in row "
                f"{row} and {again}; keep one"
            )


def _collected(lazy: pl.LazyFrame) -> pl.DataFrame:
    return lazy.collect(engine="streaming")
