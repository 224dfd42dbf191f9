"""Differences between groups in FMR and FNMR, and which are more than chance.

`Cells` come in; a `Difference` for each pair of groups goes out. The sums are those of `gaps`;
what is added is that comparisons share people, on both sides.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from crowdveil.audit.gaps import Gap, benjamini_hochberg, difference_interval, fisher, together
from crowdveil.audit.points import Point
from crowdveil.audit.shares import Method, Share
from crowdveil.audit.verify.cells import Cells, Error
from crowdveil.audit.verify.dyads import Rate


@dataclass(frozen=True, slots=True)
class Difference:
    """One rate of two groups of a partition.

    Attributes:
        error: which rate.
        point, partition: where.
        higher, lower: names of the groups.
        gap: how large the difference is.
        false_discovery: the p-value after Benjamini and Hochberg's adjustment.
        compared: how many comparisons p-values are adjusted for.
    """

    error: Error
    point: Point
    partition: str
    higher: str
    lower: str
    gap: Gap
    false_discovery: float
    compared: int


def differences(
    cells: Cells, *, reference: str | None = None, left_out: Set[tuple[str, str]] = frozenset()
) -> Iterator[Difference]:
    """Compare all pairs of groups, or all groups with one; `all_together` adjusts p-values.

    Args:
        cells: the rates; groups without comparisons are not compared.
        reference: name of the group all others are compared with, if the partition has it.
        left_out: partition and group of those that are not compared.
    """
    for error in Error:
        rates = cells.within(error)
        there = [
            number
            for number, group in enumerate(cells.groups)
            if rates[number].share.trials and (cells.partition, group) not in left_out
        ]
        with_one = reference if reference in cells.groups else None
        pairs = [
            (a, b) if rates[a].share.rate >= rates[b].share.rate else (b, a)
            for a, b in combinations(there, 2)
            if with_one is None or with_one in (cells.groups[a], cells.groups[b])
        ]
        p_values = np.array([_p_value(rates[a], rates[b]) for a, b in pairs])
        found = [
            Difference(
                error, cells.point, cells.partition, cells.groups[a], cells.groups[b],
                _gap(a, b, rates[a].share, rates[b].share, float(p_values[n])),
                1.0, len(pairs),
            )
            for n, (a, b) in enumerate(pairs)
        ]  # fmt: skip
        yield from sorted(found, key=lambda one: -one.gap.difference)


def all_together(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same differences, with p-values adjusted for all of them: one report, one error rate."""
    gaps = together([one.gap for one in found])
    discovered = benjamini_hochberg(np.array([gap.p_value for gap in gaps]))
    return tuple(
        replace(one, gap=gap, false_discovery=float(share), compared=len(found))
        for one, gap, share in zip(found, gaps, discovered, strict=True)
    )


def _gap(a: int, b: int, one: Share, other: Share, p_value: float) -> Gap:
    low, high = difference_interval(one, other)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.float64(one.rate) / np.float64(other.rate))
    return Gap(a, b, one.rate - other.rate, low, high, ratio, p_value, 1.0)


def _p_value(one: Rate, other: Rate) -> float:
    """Fisher's exact test on as many independent comparisons as these are worth.

    Source: Rao and Scott (1992), Biometrics 48(2), 577-585: counts over the design effect. Where
    a group shows no effect because it has no errors, that of the other is taken.
    """
    clustering = [rate.share.trials / rate.effective for rate in (one, other)]
    if not one.share.errors or not other.share.errors:
        clustering = [max(clustering)] * 2
    counts = []
    for rate, effect in zip((one, other), clustering, strict=True):
        trials = max(1, int(rate.share.trials / effect))
        counts.append((min(trials, round(rate.share.errors / effect)), trials))
    return fisher(*(_counted(errors, trials) for errors, trials in counts))


def _counted(errors: int, trials: int) -> Share:
    return Share(errors, trials, trials, errors / trials, 0.0, 1.0, 1.0, Method.EXACT)
