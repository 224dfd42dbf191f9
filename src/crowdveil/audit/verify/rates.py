"""Measures comparisons (1:1) group by group.

`Comparisons` and operating points come in; a `Verification` goes out: FMR and FNMR with
intervals, differences between groups, measures that sum these up, DET curves and distributions
of scores. Where comparisons come from is left to `scores` and `allpairs`, what a page says of
the figures to `page`.

FMR of a group is that of comparisons within it: both people belong to it.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from crowdveil.audit.partitions import EVERYONE, with_group
from crowdveil.audit.points import Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.summaries import Summary, known_of, summaries
from crowdveil.audit.verify.cells import Cells, Error, Small, cells_of, small_groups
from crowdveil.audit.verify.comparisons import Comparisons, Histograms, Tally
from crowdveil.audit.verify.curves import Curve, Spread, curves, spreads
from crowdveil.audit.verify.rate_gaps import Difference, all_together, differences
from crowdveil.audit.verify.thresholds import with_threshold
from crowdveil.errors import OptionsInvalid


@dataclass(frozen=True, slots=True)
class Verification:
    """The audit of comparisons.

    Attributes:
        mated, nonmated: how many comparisons of either kind.
        persons: how many people they show; 0 if nothing says who is who.
        people_known: whether the data say who is who.
        points: operating points; thresholds are as the user gives them (distances stay so).
        partitions: names of the partitions and their groups.
        cells: rates, for each point and partition; where the threshold was set for an FMR, bounds
            of FNMR know that it was set on the same comparisons.
        differences: of groups, largest first within each rate, point and partition.
        summaries: measures of differences.
        curves: one for each group.
        spreads: one for each group.
        small: groups that are not compared.
        unlabelled: for each partition, how many people are in none of its groups.
    """

    mated: int
    nonmated: int
    persons: int
    people_known: bool
    points: tuple[Point, ...]
    partitions: tuple[tuple[str, tuple[str, ...]], ...]
    cells: tuple[Cells, ...]
    differences: tuple[Difference, ...]
    summaries: tuple[Summary, ...]
    curves: tuple[Curve, ...]
    spreads: tuple[Spread, ...]
    small: tuple[Small, ...]
    unlabelled: dict[str, int]

    def at(self, point: Point, partition: str = EVERYONE) -> Cells:
        """The rates of a partition at a point."""
        (found,) = [c for c in self.cells if (c.point, c.partition) == (point, partition)]
        return found


def audit_comparisons(
    source: Comparisons,
    resampling: Resampling,
    *,
    fmr: Sequence[float] = (),
    thresholds: Sequence[float] = (),
    reference: str | None = None,
    min_people: int = 1,
    alpha: float = 0.5,
    distance: bool = False,
) -> Verification:
    """Measure comparisons group by group.

    Args:
        source: the comparisons.
        resampling: how sure is sure.
        fmr: rates that must not be exceeded, by everyone or within the reference group.
        thresholds: taken as they are.
        reference: the group whose FMR is set, instead of everyone's, and all others of its
            partition are compared with; by default all pairs are compared.
        min_people: groups of fewer people are neither compared nor summed up.
        alpha: weight of FMR in measures of both rates.
        distance: whether scores of `source` are distances with a minus, and `thresholds`
            distances.

    Raises:
        OptionsInvalid: no group of that name, or no non-mated comparisons to set a rate with.
    """
    sign = -1 if distance else 1
    points = _points(source, fmr, thresholds, reference, sign)
    tally = source.tally([point.threshold for point in points])
    histograms = source.histograms()
    told = [Point(sign * point.threshold + 0.0, point.label) for point in points]
    cells = [
        found
        for partition in source.partitions
        for found in cells_of(tally, partition, told, resampling)
    ]
    small = (
        [] if not source.people_known else list(small_groups(tally, source.partitions, min_people))
    )
    left_out = {(found.partition, found.group) for found in small}
    return Verification(
        mated=int(tally.mated[0].sum()),
        nonmated=source.comparisons - int(tally.mated[0].sum()),
        persons=source.persons,
        people_known=source.people_known,
        points=tuple(told),
        partitions=tuple((p.name, p.groups) for p in source.partitions),
        cells=tuple(_at_set_fmr(cells, source, histograms, told[: len(fmr)], reference)),
        differences=all_together(
            [
                found
                for one in cells
                for found in differences(one, reference=reference, left_out=left_out)
            ]
        ),
        summaries=tuple(
            found for one in cells for found in _summed_up(one, resampling, alpha, left_out)
        ),
        curves=tuple(curves(source.partitions, histograms, sign)),
        spreads=tuple(spreads(source.partitions, histograms, sign)),
        small=tuple(small),
        unlabelled=_unlabelled(tally, source),
    )


def _points(
    source: Comparisons,
    fmr: Sequence[float],
    thresholds: Sequence[float],
    reference: str | None,
    sign: int,
) -> tuple[Point, ...]:
    whose = reference or EVERYONE
    partition, group = _whose(source, reference)
    points = []
    for target in fmr:
        try:
            threshold = source.lowest(partition, group, target)
        except ValueError as error:
            raise OptionsInvalid(
                f"FMR of {whose} cannot be set: there are no non-mated comparisons of theirs, that "
                "is, of different people; give a threshold instead"
            ) from error
        points.append(Point(threshold, f"FMR of {whose} at most {100 * target:g} %"))
    given = (Point(source.snapped(sign * value), f"threshold {value:g}") for value in thresholds)
    return (*points, *given)


def _at_set_fmr(
    cells: Sequence[Cells],
    source: Comparisons,
    histograms: Histograms,
    points: Sequence[Point],
    reference: str | None,
) -> Iterator[Cells]:
    """The cells, with bounds of FNMR that know that the threshold of these points was set."""
    number, group = _whose(source, reference)
    names = [partition.name for partition in source.partitions]
    set_by = {one.point: one.fmr[group][group] for one in cells if one.partition == names[number]}
    for one in cells:
        yield one if one.point not in points else with_threshold(
            one, histograms, names.index(one.partition), set_by[one.point],
            histograms.nonmated[number][group],
        )  # fmt: skip


def _whose(source: Comparisons, reference: str | None) -> tuple[int, int]:
    """The partition and group whose FMR is set."""
    if reference is None:
        return 0, 0
    found = with_group(source.partitions, reference)
    return source.partitions.index(found), found.groups.index(reference)


def _summed_up(
    cells: Cells, resampling: Resampling, alpha: float, left_out: Set[tuple[str, str]]
) -> Iterator[Summary]:
    false, missed = (
        (
            error.value,
            {
                group: known
                for group, rate in zip(cells.groups, cells.within(error), strict=True)
                if (cells.partition, group) not in left_out
                if (known := known_of(rate.share)) is not None
            },
        )
        for error in Error
    )
    return summaries(
        false, missed, resampling, point=cells.point, partition=cells.partition, alpha=alpha
    )


def _unlabelled(tally: Tally, source: Comparisons) -> dict[str, int]:
    if not source.persons:
        return {partition.name: 0 for partition in source.partitions}
    return {
        partition.name: int(tally.members[partition.group[tally.atom] < 0].sum())
        for partition in source.partitions
    }
