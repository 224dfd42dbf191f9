"""How often comparisons of two pictures go wrong, by the groups of the people compared.

Comparisons come in as a `Comparisons`, which counts them at any threshold; operating points,
FMR for every pair of groups, FNMR for every group, DET curves and summary measures go out.
Where comparisons come from is left to `scored` and `paired`, pages to `verify_page`. Terms as
in ISO/IEC 19795-1; a comparison is accepted when its score is at or above the threshold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol

import numpy as np
import numpy.typing as npt

from crowdveil.audit.differentials import OF_BOTH, OF_ONE, Measure
from crowdveil.audit.gaps import Gap, gaps
from crowdveil.audit.partitions import EVERYONE, JOINT, MOST_JOINED
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.search_points import Point
from crowdveil.audit.shares import Method, People, Share, share_of
from crowdveil.errors import OptionsInvalid
from crowdveil.intervals import at_most, clopper_pearson

Counts = npt.NDArray[np.int64]

UNRESAMPLED = frozenset({Method.EXACT, Method.EXACT_BY_PERSON})
"""Where people tell nothing that comparisons do not: nobody recurs, or all went the same way."""


@dataclass(frozen=True, slots=True)
class Persons:
    """What the comparisons of each person came to, seen from one side.

    Attributes:
        one, other: (r,) atoms of the person and of whom it was compared with.
        errors, trials: (r,) of one person against one atom, `trials` >= 1.
        person: (r,) who it was.
    """

    one: Counts
    other: Counts
    errors: Counts
    trials: Counts
    person: Counts


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts at one threshold; a atoms, the finest groups that labels make.

    Attributes:
        false: (a, a) false matches, probe's atom by reference's.
        non_mated: (a, a) non-mated comparisons.
        missed: (a, a) false non-matches.
        mated: (a, a) mated comparisons.
        non_mated_persons, mated_persons: seen from the probe's side and the reference's, or
            once if the two are not told apart.
        symmetric: whether cell (a, b) and cell (b, a) are the same comparisons.
    """

    false: Counts
    non_mated: Counts
    missed: Counts
    mated: Counts
    non_mated_persons: tuple[Persons, ...]
    mated_persons: tuple[Persons, ...]
    symmetric: bool = False


@dataclass(frozen=True, slots=True)
class Sweep:
    """Counts over t rising thresholds.

    Attributes:
        threshold: (t,).
        false, missed: (t, a, a).
        symmetric: as in `Tally`.
    """

    threshold: npt.NDArray[np.float64]
    false: Counts
    missed: Counts
    symmetric: bool = False


class Comparisons(Protocol):
    """Comparisons that can be counted again and again in bounded memory."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of groups."""

    @property
    def atoms(self) -> tuple[tuple[str | None, ...], ...]:
        """For each atom its label in each column, None without a label."""

    def threshold(self, target: float, probes: npt.NDArray[np.bool_]) -> float:
        """The lowest threshold at which FMR among these atoms, (a,), is at most `target`.

        Raises:
            OptionsInvalid: there are no non-mated comparisons among them.
        """

    def tally(self, threshold: float) -> Tally:
        """Count at a threshold."""

    def sweep(self) -> Sweep:
        """Count at many thresholds."""


@dataclass(frozen=True, slots=True)
class Division:
    """One way of grouping atoms.

    Attributes:
        name: as "skin x gender".
        groups: names of g groups.
        of: (a,) index of each atom's group, -1 for none.
    """

    name: str
    groups: tuple[str, ...]
    of: Counts

    def fold(self, cells: Counts, *, symmetric: bool = False) -> Counts:
        """Sum (..., a, a) cells to (..., g, g); symmetric ones count each comparison once."""
        one_hot = (self.of[:, None] == np.arange(len(self.groups))).astype(np.int64)
        folded = np.einsum("ai,...ab,bj->...ij", one_hot, cells, one_hot)
        if symmetric:
            own = np.einsum("...aa,ai->...i", cells, one_hot)
            k = np.arange(len(self.groups))
            folded[..., k, k] = (folded[..., k, k] + own) // 2
        return np.asarray(folded, np.int64)


@dataclass(frozen=True, slots=True)
class DivisionRates:
    """One division at one operating point.

    Attributes:
        division: the groups, g of them.
        fmr: by name of the probe's group and of the reference's.
        fnmr: by group; of mated comparisons with both pictures in it.
        against_all: FMR of a group's probes against everybody.
        fmr_gaps, fnmr_gaps: differences between groups, FMR within groups.
        summaries: measures of FMR within groups, of FNMR, and of both; NaN where undefined.
        unlabelled: comparisons that are in no group of this division.
    """

    division: Division
    fmr: dict[str, dict[str, Share]]
    fnmr: dict[str, Share]
    against_all: dict[str, Share]
    fmr_gaps: tuple[Gap, ...]
    fnmr_gaps: tuple[Gap, ...]
    summaries: tuple[tuple[Measure, str, float], ...]
    unlabelled: int


@dataclass(frozen=True, slots=True)
class DetCurve:
    """FMR within a group and FNMR of it at t thresholds; NaN without comparisons."""

    division: str
    group: str
    threshold: npt.NDArray[np.float64]
    fmr: npt.NDArray[np.float64]
    fnmr: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verification:
    """An audit of comparisons.

    Attributes:
        mated, non_mated: how many comparisons there are.
        points: operating points, each with its divisions, everyone first.
        curves: by division and group.
    """

    mated: int
    non_mated: int
    points: tuple[tuple[Point, tuple[DivisionRates, ...]], ...]
    curves: tuple[DetCurve, ...]


def audit_comparisons(
    comparisons: Comparisons,
    resampling: Resampling,
    *,
    fmr: Sequence[float],
    thresholds: Sequence[float] = (),
    reference: str | None = None,
) -> Verification:
    """Measure a verification system group by group.

    Args:
        comparisons: what was compared.
        resampling: how sure is sure.
        fmr: rates of false matches to set thresholds for.
        thresholds: thresholds to measure at besides.
        reference: the group within which the rates are set, None for all comparisons.

    Raises:
        OptionsInvalid: no group of that name, or nothing to set a rate with.
    """
    divisions = divisions_of(comparisons.columns, comparisons.atoms)
    points = []
    for point in _points(comparisons, divisions, fmr, thresholds, reference):
        tally = comparisons.tally(point.threshold)
        rates = tuple(_rates(tally, one, resampling, reference) for one in divisions)
        points.append((point, rates))
    everyone = comparisons.tally(np.inf)
    return Verification(
        mated=int(divisions[0].fold(everyone.mated, symmetric=everyone.symmetric).sum()),
        non_mated=int(divisions[0].fold(everyone.non_mated, symmetric=everyone.symmetric).sum()),
        points=tuple(points),
        curves=tuple(_curves(comparisons.sweep(), everyone, divisions)),
    )


def divisions_of(
    columns: Sequence[str], atoms: Sequence[tuple[str | None, ...]]
) -> tuple[Division, ...]:
    """Everyone, then each column, then each combination of two or three."""
    found = [Division(EVERYONE, (EVERYONE,), np.zeros(len(atoms), np.int64))]
    for joined in range(1, min(len(columns), MOST_JOINED) + 1):
        for picked in combinations(range(len(columns)), joined):
            labels = [tuple(atom[k] for k in picked) for atom in atoms]
            names = [None if None in label else JOINT.join(map(str, label)) for label in labels]
            groups = tuple(sorted({name for name in names if name is not None}))
            of = [-1 if name is None else groups.index(name) for name in names]
            title = " x ".join(columns[k] for k in picked)
            found.append(Division(title, groups, np.array(of, np.int64)))
    return tuple(found)


def _points(
    comparisons: Comparisons,
    divisions: Sequence[Division],
    fmr: Sequence[float],
    thresholds: Sequence[float],
    reference: str | None,
) -> Iterator[Point]:
    mine = np.ones(len(comparisons.atoms), np.bool_)
    if reference is not None:
        holder = next((one for one in divisions if reference in one.groups), None)
        if holder is None:
            names = sorted({name for one in divisions for name in one.groups})
            raise OptionsInvalid(f"no group is called {reference!r}; there are: {'; '.join(names)}")
        mine = holder.of == holder.groups.index(reference)
    whose = "everyone" if reference is None else reference
    for target in fmr:
        found = comparisons.threshold(target, mine)
        yield Point(found, f"FMR of {whose} at most {100 * target:g} %")
    for value in thresholds:
        yield Point(value, f"threshold {value:g}")


def _rates(
    tally: Tally, division: Division, resampling: Resampling, reference: str | None
) -> DivisionRates:
    names, n = division.groups, len(division.groups)
    counted = {
        name: division.fold(getattr(tally, name), symmetric=tally.symmetric)
        for name in ("false", "non_mated", "missed", "mated")
    }

    def cell(sides: Sequence[Persons], i: int, j: int, what: str, of: str) -> tuple[People, Share]:
        people, share = _share(sides, division, i, j, resampling)
        share = replace(share, errors=int(counted[what][i, j]), trials=int(counted[of][i, j]))
        return people, _exact(share, resampling) if share.method in UNRESAMPLED else share

    cells = [
        [cell(tally.non_mated_persons, i, j, "false", "non_mated") for j in range(n)]
        for i in range(n)
    ]
    against = [_share(tally.non_mated_persons, division, i, None, resampling) for i in range(n)]
    mated = [cell(tally.mated_persons, i, i, "missed", "mated") for i in range(n)]
    index = names.index(reference) if reference in names else None
    within = [cells[i][i] for i in range(n)]
    whole = Division(EVERYONE, (EVERYONE,), np.zeros(len(division.of), np.int64))
    every = sum(
        int(whole.fold(part, symmetric=tally.symmetric).sum())
        for part in (tally.non_mated, tally.mated)
    )
    inside = sum(_each_once(counted[name], tally.symmetric) for name in ("non_mated", "mated"))
    return DivisionRates(
        division,
        {a: {b: cells[i][j][1] for j, b in enumerate(names)} for i, a in enumerate(names)},
        {a: mated[i][1] for i, a in enumerate(names)},
        {a: against[i][1] for i, a in enumerate(names)},
        gaps(within, resampling, reference=index),
        gaps(mated, resampling, reference=index),
        tuple(_summaries([share for _, share in within], [share for _, share in mated])),
        every - inside,
    )


def _exact(share: Share, resampling: Resampling) -> Share:
    """Bounds that hold if comparisons are independent; recurring people make them wider."""
    low, high = clopper_pearson(share.errors, share.trials, confidence=resampling.confidence)
    bound = at_most(share.errors, share.trials, confidence=resampling.confidence)
    return replace(
        share, low=float(low), high=float(high), at_most=float(bound), method=Method.EXACT
    )


def _each_once(folded: Counts, symmetric: bool) -> int:
    """How many comparisons (g, g) folded cells hold."""
    return int(np.triu(folded).sum() if symmetric else folded.sum())


def _share(
    sides: Sequence[Persons],
    division: Division,
    one: int,
    other: int | None,
    resampling: Resampling,
) -> tuple[People, Share]:
    """The share of a cell: people on either side are resampled, and the wider interval counts.

    A comparison has a person on both sides; resampling only those of one side would be too
    sure where few people stand on the other.
    """
    found: list[tuple[People, Share]] = []
    for swapped, side in enumerate(sides):
        first, second = (side.other, side.one) if swapped else (side.one, side.other)
        mine = division.of[first] == one
        if other is not None:
            mine = mine & (division.of[second] == other)
        people = _people(side, mine)
        found.append((people, share_of(people, resampling)))
    widest = max(found, key=lambda pair: pair[1].high - pair[1].low)
    shares = [share for _, share in found]
    share = replace(
        widest[1],
        low=min(share.low for share in shares),
        high=max(share.high for share in shares),
        at_most=max(share.at_most for share in shares),
    )
    return widest[0], share


def _people(side: Persons, mine: npt.NDArray[np.bool_]) -> People:
    _, inverse = np.unique(side.person[mine], return_inverse=True)
    errors = np.bincount(inverse, side.errors[mine]).astype(np.int64)
    trials = np.bincount(inverse, side.trials[mine]).astype(np.int64)
    kinds, number = np.unique(np.stack([errors, trials]), axis=1, return_counts=True)
    return People(kinds[0], kinds[1], number.astype(np.int64))


def _summaries(fmr: Sequence[Share], fnmr: Sequence[Share]) -> Iterator[tuple[Measure, str, float]]:
    both = [(a, b) for a, b in zip(fmr, fnmr, strict=True) if a.trials and b.trials]
    if len(both) < 2:
        return
    x = np.array([a.rate for a, _ in both])
    y = np.array([b.rate for _, b in both])
    for measure, of_one in OF_ONE.items():
        yield measure, "FMR", float(of_one(x))
        yield measure, "FNMR", float(of_one(y))
    for measure, of_both in OF_BOTH.items():
        yield measure, "both", float(of_both(x, y, 0.5))


def _curves(sweep: Sweep, every: Tally, divisions: Sequence[Division]) -> Iterator[DetCurve]:
    for division in divisions:
        false, missed, trials, mated = (
            division.fold(part, symmetric=every.symmetric)
            for part in (sweep.false, sweep.missed, every.non_mated, every.mated)
        )
        for k, group in enumerate(division.groups):
            with np.errstate(invalid="ignore", divide="ignore"):
                yield DetCurve(
                    division.name,
                    group,
                    sweep.threshold,
                    false[:, k, k] / trials[k, k],
                    missed[:, k, k] / mated[k, k],
                )
