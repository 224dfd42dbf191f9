"""The rates of groups, and of pairs of groups, at one operating point.

A `Tally` and a partition come in; FMR of every pair of groups and FNMR of every group go out,
with intervals. What is made of them is left to `rate_gaps` and `summaries`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from crowdveil.audit.partitions import EVERYONE, Partition
from crowdveil.audit.points import Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.verify.comparisons import Tally
from crowdveil.audit.verify.dyads import Dyads, Rate, rate_of_dyads, rate_of_people


class Error(StrEnum):
    """What goes wrong in a comparison."""

    FMR = "FMR"
    """False match rate: of non-mated comparisons, those at or above the threshold."""

    FNMR = "FNMR"
    """False non-match rate: of mated comparisons, those below the threshold."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The rates of one partition at one operating point.

    Attributes:
        point: the operating point.
        partition: name of the partition.
        groups: names of its groups.
        fmr: for each group of probes, of each group of references.
        against: for each group of probes, of references of all people.
        fnmr: of each group.
    """

    point: Point
    partition: str
    groups: tuple[str, ...]
    fmr: tuple[tuple[Rate, ...], ...]
    against: tuple[Rate, ...]
    fnmr: tuple[Rate, ...]

    def within(self, error: Error) -> tuple[Rate, ...]:
        """The rate of each group: within it, if it is FMR."""
        if error is Error.FNMR:
            return self.fnmr
        return tuple(row[number] for number, row in enumerate(self.fmr))


@dataclass(frozen=True, slots=True)
class Small:
    """A group with too few people to be compared with others."""

    partition: str
    group: str
    people: int


def cells_of(
    tally: Tally, partition: Partition, points: Sequence[Point], resampling: Resampling
) -> Iterator[Cells]:
    """The rates of a partition at the points whose thresholds were tallied."""
    sides = [partition.group == code for code in range(len(partition.groups))]
    anybody = np.ones(len(partition.group), np.bool_)
    pairs = [[tally.nonmated_cells(one, other) for other in sides] for one in sides]
    against = [tally.nonmated_cells(one, anybody) for one in sides]
    alike = [tally.mated_cells(one) for one in sides]
    everyone = tally.nonmated_cells(anybody, anybody)
    for number, point in enumerate(points):
        overall = rate_of_dyads(everyone[number], resampling)
        worth = overall.effective / overall.share.trials if overall.share.errors else None

        def rate(cell: list[Dyads], number: int = number, like: float | None = worth) -> Rate:
            return rate_of_dyads(cell[number], resampling, worth=like)

        yield Cells(
            point=point,
            partition=partition.name,
            groups=partition.groups,
            fmr=tuple(tuple(map(rate, row)) for row in pairs),
            against=tuple(map(rate, against)),
            fnmr=tuple(rate_of_people(people[number], resampling) for people in alike),
        )


def small_groups(tally: Tally, partitions: Sequence[Partition], fewest: int) -> Iterator[Small]:
    """Groups with fewer people in any comparison than this."""
    for partition in partitions:
        for code, group in enumerate(partition.groups):
            mine = partition.group[tally.atom] == code
            shown = mine & ((tally.probe[0].sum(1) > 0) | (tally.mated[0] > 0))
            if tally.reference is not None:
                shown |= mine & (tally.reference[0].sum(1) > 0)
            people = int(tally.members[shown].sum())
            if people < fewest and partition.name != EVERYONE:
                yield Small(partition.name, group, people)
