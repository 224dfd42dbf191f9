"""How the errors of searches change with rank and threshold: CMC and trade-off curves by group.

Outcomes of searches and the groups of probes come in, curves to draw go out. Intervals are left
to `rates`, which measures at chosen points of these curves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crowdveil.audit.identify.searches import Outcomes, Scores
from crowdveil.audit.partitions import Partition

MOST_POINTS = 400
"""Points of a drawn curve: more cannot be seen."""


@dataclass(frozen=True, slots=True)
class HitRates:
    """The share of mated probes whose mate is among the first candidates (CMC).

    Attributes:
        partition, group: of which probes.
        mated: how many of them are mated.
        rate: (r,) float64 share found within rank 1, 2, ... r.
    """

    partition: str
    group: str
    mated: int
    rate: Scores


@dataclass(frozen=True, slots=True)
class Curve:
    """FPIR and FNIR of a group over all thresholds.

    Attributes:
        partition, group: of which probes.
        threshold: (t,) float64 ascending.
        fpir: (t,) float64.
        fnir: (t,) float64 within the whole list.
    """

    partition: str
    group: str
    threshold: Scores
    fpir: Scores
    fnir: Scores


def hit_rates(came: Outcomes, partitions: Sequence[Partition], longest: int) -> Iterator[HitRates]:
    """The share found within rank 1 to `longest`, for every group that has mated probes."""
    for partition in partitions:
        for code, group in enumerate(partition.groups):
            ranks = came.mate_rank[came.mated & (partition.group == code)]
            if ranks.size:
                found = np.bincount(np.minimum(ranks, longest + 1), minlength=longest + 2)
                rate = np.cumsum(found[1 : longest + 1]) / ranks.size
                yield HitRates(partition.name, group, int(ranks.size), rate)


def curves(came: Outcomes, partitions: Sequence[Partition]) -> Iterator[Curve]:
    """FPIR against FNIR over all thresholds, for every group with both kinds of probes."""
    for partition in partitions:
        for code, group in enumerate(partition.groups):
            mine = partition.group == code
            false = np.sort(came.false_score[mine & ~came.mated])
            mate = np.sort(came.mate_score[mine & came.mated])
            if false.size and mate.size:
                threshold = _steps(false, mate)
                fpir = 1 - np.searchsorted(false, threshold, "left") / false.size
                fnir = np.searchsorted(mate, threshold, "left") / mate.size
                yield Curve(partition.name, group, threshold, fpir, fnir)


def _steps(false: Scores, mate: Scores) -> Scores:
    """Scores at which a curve turns, thinned evenly by rank but dense at high scores."""
    scores = np.unique(np.concatenate([false, mate]))
    scores = scores[np.isfinite(scores)]
    if len(scores) <= MOST_POINTS:
        return np.asarray(scores, np.float64)
    # The few highest false scores make the low end of FPIR, where thresholds are set.
    from_top = np.geomspace(1, len(scores), MOST_POINTS).astype(np.int64)
    even = np.linspace(1, len(scores), MOST_POINTS // 2).astype(np.int64)
    chosen = np.unique(len(scores) - np.concatenate([from_top, even]))
    return np.asarray(scores[chosen], np.float64)
