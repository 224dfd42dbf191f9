"""What the composition of a gallery does to each group that is searched in it.

Searches and the groups of probes and of enrolled people come in. Out go: whom false candidates
show, compared with who is enrolled; FPIR in galleries with more or fewer of one's own group;
and FPIR as galleries grow, beside what it would be if comparisons were independent.

People are counted, not pictures: somebody enrolled twice is one person. Thresholds stay where
they are when the gallery changes, as they do when a list grows in use.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crowdveil.audit.identify.composition import (
    chance_in_drawn,
    chance_in_mixed,
    if_independent,
    largest_for_all,
)
from crowdveil.audit.identify.searches import FalseHits, Searches, false_hits
from crowdveil.audit.partitions import Partition
from crowdveil.audit.points import Point
from crowdveil.audit.resampling import Resampling
from crowdveil.intervals import clopper_pearson

Floats = npt.NDArray[np.float64]

SHARES = tuple(share / 10 for share in range(11))
"""Shares of one's own group in the galleries that are drawn."""

SIZES = 12
"""Steps from the smallest to the whole gallery."""

FEWEST_ENROLLED = 20
"""A group with fewer enrolled people does not limit the size of drawn galleries: with shares in
steps of a tenth, smaller ones would tell less than they hide."""


@dataclass(frozen=True, slots=True)
class FalseCandidates:
    """Whom false candidates show, by group of the probe and of the candidate.

    Attributes:
        point: at or above which threshold.
        partition: name of the division into groups.
        groups: names of the groups, rows and columns of the tables.
        hits: (g, g) int people returned for non-mated probes of the row's group.
        probes: (g,) int non-mated probes of each group.
        enrolled: (g,) int people of each group in the gallery.
        first_wrong: (g, g) int mated probes whose first candidate is somebody else, by the
            group of that person; whatever the score.
    """

    point: Point
    partition: str
    groups: tuple[str, ...]
    hits: npt.NDArray[np.int64]
    probes: npt.NDArray[np.int64]
    enrolled: npt.NDArray[np.int64]
    first_wrong: npt.NDArray[np.int64]

    @property
    def representation(self) -> npt.NDArray[np.float64]:
        """(g, g): share of the hits over share of the gallery; NaN where nothing was hit.

        Above 1, candidates of the column's group are returned more often for probes of the
        row's group than if they were picked from the gallery blindly.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            of_hits = self.hits / self.hits.sum(1, keepdims=True)
            return np.asarray(of_hits / (self.enrolled / self.enrolled.sum()), np.float64)


@dataclass(frozen=True, slots=True)
class Expected:
    """FPIR of one group in galleries other than the real one.

    Attributes:
        point: at which threshold.
        partition, group: of which probes.
        probes: how many non-mated probes that is.
        drawn: (s,) int people in the gallery.
        own_share: (s,) float64 share of the group in it; NaN where it is left to chance.
        fpir: (s,) float64 mean over all such galleries.
        low, high: (s,) float64 bounds from resampling the people of the probes.
        independent: (s,) float64 what FPIR would be if comparisons were independent.
        cut: how many of the probes have lists that end above the threshold, so that the
            figures are too low.
    """

    point: Point
    partition: str
    group: str
    probes: int
    drawn: npt.NDArray[np.int64]
    own_share: Floats
    fpir: Floats
    low: Floats
    high: Floats
    independent: Floats
    cut: int


@dataclass(frozen=True, slots=True)
class GalleryEffects:
    """What the gallery's composition does.

    Attributes:
        false_candidates: by point and partition.
        by_share: FPIR by share of one's own group, at one size for all groups of a partition.
        by_size: FPIR by size, in galleries composed like the real one.
    """

    false_candidates: tuple[FalseCandidates, ...]
    by_share: tuple[Expected, ...]
    by_size: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class _Sides:
    """One partition of probes and enrolled people, and who was hit at one threshold."""

    point: Point
    partition: Partition
    person_group: npt.NDArray[np.int32]
    hits: FalseHits
    nonmated: npt.NDArray[np.bool_]

    @property
    def enrolled(self) -> npt.NDArray[np.int64]:
        """(g,) people of each group."""
        labelled = self.person_group[self.person_group >= 0]
        return np.bincount(labelled, minlength=len(self.partition.groups))


def gallery_effects(
    searches: Searches,
    partitions: Sequence[Partition],
    gallery_partitions: Sequence[Partition],
    points: Sequence[Point],
    resampling: Resampling,
) -> GalleryEffects:
    """Find what the gallery's composition does to each group of probes.

    Args:
        searches: candidate lists.
        partitions: divisions of the probes into groups.
        gallery_partitions: the same divisions of the references, with the same groups.
        points: thresholds.
        resampling: how sure is sure.
    """
    people, first = np.unique(searches.gallery_subject, return_index=True)
    candidates: list[FalseCandidates] = []
    by_share: list[Expected] = []
    by_size: list[Expected] = []
    for point in points:
        hits = false_hits(searches, point.threshold)
        person = np.searchsorted(people, hits.subject).astype(np.int32)
        hits = FalseHits(hits.probe, person, hits.cut)
        for partition, of_gallery in zip(partitions, gallery_partitions, strict=True):
            sides = _Sides(point, partition, of_gallery.group[first], hits, ~searches.mated)
            if len(partition.groups) > 1:
                candidates.append(_false_candidates(searches, sides, of_gallery))
                by_share += _by_share(searches, sides, resampling)
            by_size += _by_size(searches, sides, resampling)
    return GalleryEffects(tuple(candidates), tuple(by_share), tuple(by_size))


def _false_candidates(searches: Searches, sides: _Sides, of_gallery: Partition) -> FalseCandidates:
    partition = sides.partition
    size = len(partition.groups)
    wrong = (searches.rank == 1) & searches.mated[searches.probe] & ~searches.is_mate
    return FalseCandidates(
        point=sides.point,
        partition=partition.name,
        groups=partition.groups,
        hits=_crossed(
            partition.group[sides.hits.probe], sides.person_group[sides.hits.subject], size
        ),
        probes=np.bincount(
            partition.group[sides.nonmated & (partition.group >= 0)], minlength=size
        ),
        enrolled=sides.enrolled,
        first_wrong=_crossed(
            partition.group[searches.probe[wrong]],
            of_gallery.group[searches.reference[wrong]],
            size,
        ),
    )


def _crossed(
    row: npt.NDArray[np.int32], column: npt.NDArray[np.int32], size: int
) -> npt.NDArray[np.int64]:
    both = (row >= 0) & (column >= 0)
    cells = row[both].astype(np.int64) * size + column[both]
    return np.bincount(cells, minlength=size * size).reshape(size, size)


def _by_share(searches: Searches, sides: _Sides, resampling: Resampling) -> Iterator[Expected]:
    enrolled = sides.enrolled
    total = len(sides.person_group)
    drawn = largest_for_all(enrolled[enrolled >= FEWEST_ENROLLED], total)
    for code in range(len(sides.partition.groups)):
        mine = np.flatnonzero(sides.nonmated & (sides.partition.group == code))
        own = int(enrolled[code])
        if not (mine.size and drawn):
            continue
        steps = [
            (share, round(share * drawn))
            for share in SHARES
            if round(share * drawn) <= own and drawn - round(share * drawn) <= total - own
        ]
        is_own = sides.person_group[sides.hits.subject] == code
        own_hits = _hits_of(mine, sides.hits.probe[is_own], len(sides.nonmated))
        other_hits = _hits_of(mine, sides.hits.probe[~is_own], len(sides.nonmated))
        chances = [
            chance_in_mixed(
                own_hits,
                other_hits,
                own_enrolled=own,
                other_enrolled=total - own,
                own_drawn=number,
                other_drawn=drawn - number,
            )
            for _, number in steps
        ]
        blind = [
            1
            - (1 - if_independent(int(own_hits.sum()), len(mine) * own, number))
            * (1 - if_independent(int(other_hits.sum()), len(mine) * (total - own), drawn - number))
            for _, number in steps
        ]
        yield _expected(
            searches, sides, code, mine, resampling,
            drawn=[drawn] * len(steps),
            own_share=[share for share, _ in steps],
            chances=chances,
            blind=blind,
        )  # fmt: skip


def _by_size(searches: Searches, sides: _Sides, resampling: Resampling) -> Iterator[Expected]:
    total = len(sides.person_group)
    sizes = np.unique(np.geomspace(min(10, total), total, SIZES).round().astype(np.int64))
    for code in range(len(sides.partition.groups)):
        mine = np.flatnonzero(sides.nonmated & (sides.partition.group == code))
        if not mine.size:
            continue
        hits = _hits_of(mine, sides.hits.probe, len(sides.nonmated))
        matched, compared = int(hits.sum()), len(mine) * total
        yield _expected(
            searches, sides, code, mine, resampling,
            drawn=[int(size) for size in sizes],
            own_share=[float("nan")] * len(sizes),
            chances=[chance_in_drawn(hits, total, int(size)) for size in sizes],
            blind=[if_independent(matched, compared, int(size)) for size in sizes],
        )  # fmt: skip


def _hits_of(
    mine: npt.NDArray[np.int64], probe: npt.NDArray[np.int32], probes: int
) -> npt.NDArray[np.int64]:
    return np.bincount(probe, minlength=probes)[mine]


def _expected(
    searches: Searches,
    sides: _Sides,
    code: int,
    mine: npt.NDArray[np.int64],
    resampling: Resampling,
    *,
    drawn: Sequence[int],
    own_share: Sequence[float],
    chances: Sequence[Floats],
    blind: Sequence[float],
) -> Expected:
    chance = np.stack(chances, axis=1)
    low, high = _bounds(chance, searches.probe_subject[mine], resampling)
    return Expected(
        point=sides.point,
        partition=sides.partition.name,
        group=sides.partition.groups[code],
        probes=len(mine),
        drawn=np.array(drawn, np.int64),
        own_share=np.array(own_share, np.float64),
        fpir=chance.mean(0),
        low=low,
        high=high,
        independent=np.array(blind, np.float64),
        cut=int(np.count_nonzero(sides.hits.cut[mine])),
    )


def _bounds(
    chance: Floats, person: npt.NDArray[np.int32], resampling: Resampling
) -> tuple[Floats, Floats]:
    """Percentiles of the mean chance over people drawn with replacement, alike ones together."""
    _, inverse = np.unique(person, return_inverse=True)
    sums = np.zeros((int(inverse.max()) + 1, chance.shape[1] + 1))
    np.add.at(sums, inverse, np.column_stack([chance, np.ones(len(chance))]))
    kinds, number = np.unique(sums, axis=0, return_counts=True)
    random = np.random.default_rng(resampling.seed)
    total = int(number.sum())
    drawn = random.multinomial(total, number / total, size=resampling.draws) @ kinds
    tail = (1 - resampling.confidence) / 2
    low, high = np.quantile(drawn[:, :-1] / drawn[:, -1:], [tail, 1 - tail], axis=0)
    # Nobody was hit: resampling learns nothing, the number of people still tells something.
    none = float(clopper_pearson(0, total, confidence=resampling.confidence).high)
    high = np.where(chance.any(0), high, none)
    return np.asarray(low, np.float64), np.asarray(high, np.float64)
