"""How often a search of a gallery names the wrong person, or misses the right one, by group.

Searches and the groups of probes and references come in; FPIR and FNIR at thresholds, hit rates
by rank, and gaps between groups go out. What a gallery's composition does is left to
`gallery_effects`, pages to `page`. Terms as in ISO/IEC 19795-1 and NIST's FRTE 1:N.

A probe without candidates (failure to acquire, or an empty list) misses its mate if it is
mated, and names nobody if it is not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from crowdveil.audit.gaps import Gap, gaps, together
from crowdveil.audit.identify.curves import Curve, HitRates, curves, hit_rates
from crowdveil.audit.identify.searches import Flags, Indices, Outcomes, Searches, outcomes
from crowdveil.audit.partitions import EVERYONE, Partition
from crowdveil.audit.points import EVERY_SCORE, Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Method, People, Share, shares_by_group
from crowdveil.audit.summaries import Known, Summary, known_of, summaries

_NOBODY = (
    People(*(np.zeros(0, np.int64) for _ in range(3))),
    Share(0, 0, 0, float("nan"), 0.0, 1.0, 1.0, Method.NONE),
)
"""Stands for a group that is not compared."""


class Measure(StrEnum):
    """What is counted, of what; see docs/audit.md."""

    FPIR = "FPIR"
    """Returns anybody at or above the threshold, of the non-mated probes."""

    FNIR = "FNIR"
    """Does not return the mate within a rank at or above the threshold, of the mated probes."""

    NO_LIST = "no candidates"
    """Returns nobody at all, of all probes."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One measure of one group at one operating point.

    Attributes:
        measure: what is counted.
        point: at which threshold.
        rank: within which rank a mate counts as found, for FNIR; None for the others.
        partition, group: of which probes.
        share: errors, trials, interval.
    """

    measure: Measure
    point: Point
    rank: int | None
    partition: str
    group: str
    share: Share


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of two groups of a partition.

    Attributes:
        measure, point, rank, partition: as for `Rate`.
        higher, lower: names of the groups.
        gap: how large the difference is.
        compared: how many comparisons the p-value is adjusted for.
    """

    measure: Measure
    point: Point
    rank: int | None
    partition: str
    higher: str
    lower: str
    gap: Gap
    compared: int


@dataclass(frozen=True, slots=True)
class Identification:
    """The audit of searches, apart from what the gallery's composition does.

    Attributes:
        probes, mated: how many there are.
        references, enrolled: entries of the gallery, and people.
        longest: length of the longest list.
        points: the operating points.
        rates: every measure of every group.
        differences: every pair of groups, largest difference first within each measure.
        summaries: measures that sum up FPIR and FNIR within the whole list.
        small: partition and group, with their people, of those that are not compared.
        hit_rates: by group.
        curves: by group.
        unlabelled: for each partition, how many probes carry no label.
    """

    probes: int
    mated: int
    references: int
    enrolled: int
    longest: int
    points: tuple[Point, ...]
    rates: tuple[Rate, ...]
    differences: tuple[Difference, ...]
    summaries: tuple[Summary, ...]
    small: dict[tuple[str, str], int]
    hit_rates: tuple[HitRates, ...]
    curves: tuple[Curve, ...]
    unlabelled: dict[str, int]


def audit_searches(
    searches: Searches,
    partitions: Sequence[Partition],
    points: Sequence[Point],
    resampling: Resampling,
    *,
    ranks: Sequence[int] = (1, 5, 10, 50),
    reference: str | None = None,
    min_people: int = 1,
    alpha: float = 0.5,
) -> Identification:
    """Measure a search system group by group.

    Args:
        searches: candidate lists.
        partitions: divisions of the probes into groups, everyone among them if wanted.
        points: thresholds to measure at.
        resampling: how sure is sure.
        ranks: ranks at which FNIR is measured without a threshold; those beyond the longest
            list are left out.
        reference: the group all others are compared with, where a partition has it.
        min_people: groups of fewer searched people are neither compared nor summed up.
        alpha: weight of FPIR in measures of both rates.
    """
    came = outcomes(searches)
    longest = max(1, int(searches.lengths.max(initial=0)))
    rates: list[Rate] = []
    differences: list[Difference] = []
    summed_up: list[Summary] = []
    small: dict[tuple[str, str], int] = {}
    for partition in partitions:
        few = _few(partition, searches.probe_subject, min_people)
        small |= {(partition.name, partition.groups[code]): few[code] for code in few}
        known: dict[tuple[Measure, Point], dict[str, Known]] = {}
        for measure, point, rank, errors, trials in _counted(searches, came, points, ranks):
            found = shares_by_group(
                errors, trials, searches.probe_subject, partition.group, len(partition.groups),
                resampling,
            )  # fmt: skip
            rates += [
                Rate(measure, point, rank, partition.name, group, share)
                for group, (_, share) in zip(partition.groups, found, strict=True)
            ]
            enough = [_NOBODY if code in few else one for code, one in enumerate(found)]
            if point in points and rank in (None, longest):
                known[measure, point] = {
                    group: of_group
                    for group, (_, one) in zip(partition.groups, enough, strict=True)
                    if (of_group := known_of(one)) is not None
                }
            compared = gaps(enough, resampling, reference=partition.index(reference))
            differences += [
                Difference(
                    measure,
                    point,
                    rank,
                    partition.name,
                    partition.groups[gap.higher],
                    partition.groups[gap.lower],
                    gap,
                    len(compared),
                )
                for gap in compared
            ]
        for point in points:
            summed_up += summaries(
                (Measure.FPIR.value, known[Measure.FPIR, point]),
                (Measure.FNIR.value, known[Measure.FNIR, point]),
                resampling,
                point=point,
                partition=partition.name,
                alpha=alpha,
            )
    return Identification(
        probes=len(came.mated),
        mated=int(np.count_nonzero(came.mated)),
        references=len(searches.gallery_subject),
        enrolled=len(np.unique(searches.gallery_subject)),
        longest=longest,
        points=tuple(points),
        rates=tuple(rates),
        differences=_all_together(differences),
        summaries=tuple(summed_up),
        small=small,
        hit_rates=tuple(hit_rates(came, partitions, longest)),
        curves=tuple(curves(came, partitions)),
        unlabelled={partition.name: partition.unlabelled for partition in partitions},
    )


def _few(partition: Partition, subject: Indices, fewest: int) -> dict[int, int]:
    """Groups with fewer searched people than this, and how many they have."""
    if partition.name == EVERYONE:
        return {}
    people = [len(np.unique(subject[partition.group == n])) for n in range(len(partition.groups))]
    return {code: number for code, number in enumerate(people) if number < fewest}


def _all_together(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same, with p-values adjusted for all of them: one report, one error rate."""
    adjusted = together([one.gap for one in found])
    return tuple(
        replace(one, gap=gap, compared=len(found)) for one, gap in zip(found, adjusted, strict=True)
    )


def _counted(
    searches: Searches, came: Outcomes, points: Sequence[Point], ranks: Sequence[int]
) -> Iterator[tuple[Measure, Point, int | None, Flags, Flags]]:
    everybody = np.ones(len(came.mated), np.bool_)
    longest = max(1, int(searches.lengths.max(initial=0)))
    yield Measure.NO_LIST, EVERY_SCORE, None, searches.lengths == 0, everybody
    for rank in sorted({rank for rank in ranks if rank < longest} | {longest}):
        yield Measure.FNIR, EVERY_SCORE, rank, came.missed(-np.inf, rank), came.mated
    for point in points:
        false = came.false_positive(point.threshold)
        yield Measure.FPIR, point, None, false, ~came.mated
        for rank in sorted({1, longest}):
            yield Measure.FNIR, point, rank, came.missed(point.threshold, rank), came.mated
