"""Counts comparisons whose scores are in a table, in a few passes over it.

`ScoreRows` and their `Survey` come in; histograms, exact thresholds, and what each person's
comparisons come to at these, go out. Memory grows with the people and groups, not with the rows.

Bins are bounded by scores of the table, close to one another where thresholds lie. A threshold
is then looked for among the scores of its bin, so it is exact, and ties are told apart from
near-ties.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.tables.score_rows import SIDES, Identity, ScoreRows
from crowdveil.audit.verify.atoms import Atoms
from crowdveil.audit.verify.comparisons import Histograms, Tally
from crowdveil.audit.verify.survey import Survey, key, mated, score

MOST_CELLS = 1 << 25
"""Of people times atoms; with more people, several are counted together: 256 MB a threshold."""


class _Rows(NamedTuple):
    """The rows of a tally: people, or several of one atom together.

    Attributes:
        of_person: (p,) the row of each person.
        atom: (r,) the atom of each row.
        members: (r,) how many people a row stands for.
    """

    of_person: npt.NDArray[np.int64]
    atom: npt.NDArray[np.int32]
    members: npt.NDArray[np.int64]


class ScoreTable:
    """All comparisons of a table."""

    def __init__(
        self, rows: ScoreRows, survey: Survey, atoms: Atoms, *, distance: bool = False
    ) -> None:
        """Put together what is known.

        Args:
            rows: the table.
            survey: what is in it, made with the same `distance`.
            atoms: of the people, in the order of `survey.people`.
            distance: whether low scores mean similar; scores are then taken with a minus.
        """
        self.partitions = atoms.partitions
        self.comparisons = rows.rows
        self.people_known = rows.identity is Identity.SUBJECTS
        self.persons = 0 if rows.identity is Identity.NOTHING else survey.people.height
        self._rows, self._survey, self._atom = rows, survey, atoms.atom
        self._anonymous = rows.identity is Identity.NOTHING
        self._sign = -1 if distance else 1
        self._edges = survey.edges

    def snapped(self, threshold: float) -> float:
        """The same: scores are taken as they are."""
        return threshold

    def histograms(self) -> Histograms:
        """The distribution of scores within every group."""
        return self._histograms

    def lowest(self, partition: int, group: int, target: float) -> float:
        """See `Comparisons`."""
        counts = self._histograms.nonmated[partition][group]
        at_or_above = np.append(np.cumsum(counts[::-1])[::-1], 0)
        total = int(at_or_above[0])
        if not total:
            raise ValueError("no threshold can be found without non-mated comparisons")
        # The lowest edge that is high enough; a score below it may be high enough, too.
        enough = int(np.flatnonzero(at_or_above <= target * total)[0])
        low = self._edges[max(enough - 1, 0)]
        above = np.flatnonzero(counts[enough:])
        last = enough + int(above[0]) if above.size else len(counts) - 1
        high = self._edges[last + 1] if last + 1 < len(self._edges) else np.inf
        rest = int(at_or_above[min(last + 1, len(counts))])
        seen = self._counted(partition, group, float(low), float(high))
        scores, number = seen.get_column("score").to_numpy(), seen.get_column("len").to_numpy()
        reaching = rest + np.cumsum(number[::-1])[::-1]
        fits = np.flatnonzero(reaching <= target * total)
        if fits.size:
            return float(scores[fits[0]])
        return float(np.nextafter(scores[-1], np.inf))

    def tally(self, thresholds: Sequence[float]) -> Tally:
        """See `Comparisons`."""
        rows = self._tally_rows()
        shape = (1 + len(thresholds), len(rows.atom), len(self.partitions[0].group))
        probe, reference = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        mated = np.zeros(shape[:2], np.int64)
        sides = [f"{side}:{what}" for side in SIDES for what in ("row", "atom")]
        # Grouping by so many keys in Polars would need memory for a good part of the rows.
        for _, batch in self._rows.batches(self._coded(rows).select("score", "mated", *sides)):
            values, is_mated, *codes = (column.to_numpy() for column in batch)
            row, atom, other_row, other_atom = codes
            reaching = [np.ones(len(values), np.bool_), *(values >= t for t in thresholds)]
            for number, reached in enumerate(reaching):
                false = ~is_mated & reached
                np.add.at(probe[number], (row[false], other_atom[false]), 1)
                np.add.at(reference[number], (other_row[false], atom[false]), 1)
                np.add.at(mated[number], row[is_mated & (~reached if number else reached)], 1)
        return Tally(rows.atom, rows.members, probe, reference, mated, self._anonymous)

    @cached_property
    def _histograms(self) -> Histograms:
        bins = len(self._edges)
        nonmated = [np.zeros((len(p.groups), bins), np.int64) for p in self.partitions]
        same = [np.zeros((len(p.groups), bins), np.int64) for p in self.partitions]
        taken = self._coded().select("score", "mated", "probe:atom", "reference:atom")
        for _, batch in self._rows.batches(taken):
            values, is_mated, left, right = (column.to_numpy() for column in batch)
            number = np.searchsorted(self._edges, values, side="right") - 1
            for partition, different, alike in zip(self.partitions, nonmated, same, strict=True):
                group = partition.group[left]
                within = (group >= 0) & (group == partition.group[right])
                for into, chosen in ((different, within & ~is_mated), (alike, within & is_mated)):
                    flat = group[chosen].astype(np.int64) * bins + number[chosen]
                    into += np.bincount(flat, minlength=into.size).reshape(into.shape)
        return Histograms(self._edges, nonmated, same)

    def _coded(self, rows: _Rows | None = None) -> pl.LazyFrame:
        """Score, whether mated, and the atom and row of both sides, of every comparison."""
        of_person = np.zeros(len(self._atom), np.int64) if rows is None else rows.of_person
        people = pl.LazyFrame(
            {"key": self._survey.people.get_column("key"), "atom": self._atom, "row": of_person}
        )
        coded = self._rows.frame.select(
            (score() * self._sign).alias("score"),
            mated(self._rows).alias("mated"),
            *(key(self._rows, side).alias(f"{side}:key") for side in SIDES),
        )
        for side in SIDES:
            named = people.rename({name: f"{side}:{name}" for name in ("key", "atom", "row")})
            coded = coded.join(named, on=f"{side}:key", how="left")
        return coded

    def _counted(self, partition: int, group: int, low: float, high: float) -> pl.DataFrame:
        """How often each non-mated score from `low` to below `high` occurs within a group."""
        atoms = np.flatnonzero(self.partitions[partition].group == group).tolist()
        mine = (
            self._coded()
            .filter(
                ~pl.col("mated")
                & pl.col("score").is_between(low, high, closed="left")
                & pl.col("probe:atom").is_in(atoms)
                & pl.col("reference:atom").is_in(atoms)
            )
            .group_by("score")
            .agg(pl.len())
        )
        return self._rows.collect(mine).sort("score")

    def _tally_rows(self) -> _Rows:
        """A row for each person; if these are too many, people of one atom share rows.

        Sums by random parts of the people estimate the same variance, if less surely. Keys are
        hashes, so people in the order of their keys are in no order.
        """
        atoms = len(self.partitions[0].group)
        if len(self._atom) * atoms <= MOST_CELLS:
            people = np.arange(len(self._atom))
            return _Rows(people, self._atom, np.ones(len(people), np.int64))
        most = max(1, MOST_CELLS // atoms**2)
        of_person = np.empty(len(self._atom), np.int64)
        atom_of_row: list[int] = []
        for atom in range(atoms):
            mine = np.flatnonzero(self._atom == atom)
            rows = min(most, len(mine))
            of_person[mine] = len(atom_of_row) + np.arange(len(mine)) % max(1, rows)
            atom_of_row += [atom] * rows
        members = np.bincount(of_person, minlength=len(atom_of_row))
        return _Rows(of_person, np.array(atom_of_row, np.int32), members)
