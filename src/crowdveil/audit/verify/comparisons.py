"""What an audit needs to know of comparisons (1:1), wherever they come from.

Two sources give it, each in bounded memory: tables of scores (`scores`) and embeddings that are
compared here (`allpairs`). Both are asked twice: for histograms of scores, from which thresholds
follow, and then for what each person's comparisons come to at these thresholds.

Scores here rise with similarity, and a comparison is accepted at or above a threshold. A
comparison is mated if both sides show one person (ISO/IEC 2382-37). People with the same labels
of every kind make up an *atom*; every group is a set of atoms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from crowdveil.audit.partitions import Partition
from crowdveil.audit.shares import People
from crowdveil.audit.verify.dyads import Dyads, tallied

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Histograms:
    """How scores are distributed, within every group.

    Attributes:
        edges: (b,) float64, rising; bin k counts scores from edges[k] to below edges[k + 1],
            the last one everything from edges[b - 1] on; no score is below edges[0].
        nonmated: for each partition (groups, b): comparisons of two people of the group.
        mated: for each partition (groups, b): comparisons of people of the group.
    """

    edges: npt.NDArray[np.float64]
    nonmated: Sequence[Counts]
    mated: Sequence[Counts]


@dataclass(frozen=True, slots=True)
class Tally:
    """What every person's comparisons came to at T thresholds.

    The first row of every array counts comparisons, the others errors at each threshold: false
    matches of non-mated comparisons, false non-matches of mated ones.

    Attributes:
        atom: (p,) int the atom of each person.
        members: (p,) int how many people a row stands for; 1 unless there are too many to keep
            apart.
        probe: (1 + T, p, atoms) non-mated comparisons of the person, as a probe, with people of
            an atom.
        reference: (1 + T, p, atoms) the same as a reference; None if comparisons have no
            direction, and `probe` counts each for both its people.
        mated: (1 + T, p) comparisons of the person with themselves.
        anonymous: whether rows stand for no people, but for all of an atom, because nothing
            says who is who; then comparisons are taken as independent.
    """

    atom: npt.NDArray[np.int32]
    members: npt.NDArray[np.int64]
    probe: Counts
    reference: Counts | None
    mated: Counts
    anonymous: bool = False

    def nonmated_cells(self, probes: Flags, references: Flags) -> list[Dyads]:
        """Comparisons of people of some atoms with people of some atoms, at each threshold.

        Args:
            probes: (atoms,) those of the probes.
            references: (atoms,) those of the references; may overlap with `probes`.
        """
        people = np.flatnonzero((probes | references)[self.atom])
        by_person = _sums(self.probe, people, self._taking(probes, references))
        if self.reference is not None:
            by_person += _sums(self.reference, people, self._taking(references, probes))
        totals = by_person.sum(1) // 2
        if self.anonymous:
            return [
                Dyads(_each_once(int(errors), int(totals[0])), int(errors), *[int(totals[0])] * 3)
                for errors in totals[1:]
            ]
        there = by_person[0] > 0
        persons = [
            int(self.members[people][there & side[self.atom[people]]].sum())
            for side in (probes, references, probes | references)
        ]
        return [
            Dyads(
                people=tallied(by_person[number], by_person[0]),
                errors=int(totals[number]),
                trials=int(totals[0]),
                persons=persons[2],
                disjoint=min(persons[0], persons[1], persons[2] // 2, int(totals[0])),
            )
            for number in range(1, len(totals))
        ]

    def mated_cells(self, atoms: Flags) -> list[People]:
        """Comparisons of people of some atoms with themselves, at each threshold."""
        mine = self.mated[:, atoms[self.atom]]
        if self.anonymous:
            totals = mine.sum(1)
            return [_each_once(int(errors), int(totals[0])) for errors in totals[1:]]
        return [tallied(errors, mine[0]) for errors in mine[1:]]

    def _taking(self, own: Flags, others: Flags) -> Flags:
        """(p, atoms) which comparisons of each person are among those asked for."""
        taken = own[:, None] & others[None, :]
        if self.reference is None:
            taken |= taken.T
        return np.asarray(taken[self.atom])


class Comparisons(Protocol):
    """A source of comparisons."""

    @property
    def comparisons(self) -> int:
        """How many there are, mated and not."""
        ...

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Divisions of the atoms into groups, everyone first."""
        ...

    @property
    def persons(self) -> int:
        """How many people the comparisons show; 0 if nothing says who is who."""
        ...

    @property
    def people_known(self) -> bool:
        """Whether the data say who is who, or pictures or rows have to stand for people."""
        ...

    def histograms(self) -> Histograms:
        """The distribution of scores within every group."""
        ...

    def lowest(self, partition: int, group: int, target: float) -> float:
        """The lowest threshold at which at most a share `target` of non-mated pairs match.

        Equal scores stand or fall together, so the share may stay below the target.

        Args:
            partition: index of the partition.
            group: index of the group, both of whose sides count.
            target: 0 to 1.

        Raises:
            ValueError: the group has no non-mated comparisons.
        """
        ...

    def snapped(self, threshold: float) -> float:
        """The threshold at which is measured when this one is asked for."""
        ...

    def tally(self, thresholds: Sequence[float]) -> Tally:
        """What every person's comparisons come to at these thresholds."""
        ...


def _sums(counts: Counts, people: npt.NDArray[np.intp], taken: Flags) -> Counts:
    return np.asarray((counts[:, people] * taken[people]).sum(2))


def _each_once(errors: int, trials: int) -> People:
    kinds = np.array([[1, 0], [1, 1]], np.int64)
    number = np.array([errors, trials - errors], np.int64)
    there = number > 0
    return People(kinds[0, there], kinds[1, there], number[there])
