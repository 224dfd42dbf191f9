"""Sums up how far groups are apart, and how far chance alone would take them.

`Cells` come in; a `Summary` for each measure of `differentials` goes out. Extremes of several
rates are apart even if the groups are alike, so beside every figure stands what it reaches then.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from crowdveil.audit.differentials import OF_BOTH, OF_ONE, Measure, Rates
from crowdveil.audit.points import Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.verify.cells import Cells, Error
from crowdveil.audit.verify.dyads import Rate


@dataclass(frozen=True, slots=True)
class Summary:
    """A measure of how far the groups of a partition are apart.

    Attributes:
        measure: which.
        of: the rate it sums up, None for both.
        point, partition: where.
        groups: how many groups are in it.
        value: NaN where it is undefined.
        low, high: bounds from resampling people; NaN where resamples leave it undefined.
        by_chance: what it reaches in (1 - confidence) of cases if all groups are alike; NaN
            where that is undefined.
    """

    measure: Measure
    of: Error | None
    point: Point
    partition: str
    groups: int
    value: float
    low: float
    high: float
    by_chance: float


def summaries(
    cells: Cells,
    resampling: Resampling,
    *,
    alpha: float = 0.5,
    left_out: Set[tuple[str, str]] = frozenset(),
) -> Iterator[Summary]:
    """All measures of the groups of a partition; none of fewer than two groups.

    Args:
        cells: the rates; groups without comparisons of a kind are not in its measures.
        resampling: how sure is sure.
        alpha: weight of FMR in measures of both rates.
        left_out: partition and group of those that are not summed up.
    """
    chosen = {
        error: [
            number
            for number, (group, rate) in enumerate(
                zip(cells.groups, cells.within(error), strict=True)
            )
            if rate.share.trials and (cells.partition, group) not in left_out
        ]
        for error in Error
    }
    random = np.random.default_rng(resampling.seed)
    tables = {
        error: _Drawn.of([cells.within(error)[n] for n in chosen[error]], resampling, random)
        for error in Error
    }
    for error in Error:
        if len(chosen[error]) < 2:
            continue
        for measure, of in OF_ONE.items():
            drawn = tables[error]
            values = [of(rates) for rates in (drawn.rates, drawn.resampled, drawn.alike)]
            yield _summary(measure, error, cells, len(chosen[error]), values, resampling)
    both = sorted(set(chosen[Error.FMR]) & set(chosen[Error.FNMR]))
    if len(both) < 2:
        return
    fmr, fnmr = (
        _Drawn.of([cells.within(error)[n] for n in both], resampling, random) for error in Error
    )
    for measure, of_both in OF_BOTH.items():
        values = [
            of_both(one, other, alpha)
            for one, other in (
                (fmr.rates, fnmr.rates),
                (fmr.resampled, fnmr.resampled),
                (fmr.alike, fnmr.alike),
            )
        ]
        yield _summary(measure, None, cells, len(both), values, resampling)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The rates of n groups: as measured, resampled, and as chance makes them if all are alike."""

    rates: Rates
    resampled: Rates
    alike: Rates

    @classmethod
    def of(
        cls, rates: Sequence[Rate], resampling: Resampling, random: np.random.Generator
    ) -> "_Drawn":
        draws = resampling.draws
        trials = np.array([max(1.0, rate.effective) for rate in rates]).astype(np.int64)
        errors = sum(rate.share.errors for rate in rates)
        pooled = errors / max(1, sum(rate.share.trials for rate in rates))
        columns = [
            # Each group is resampled with the same seed, so the draws are put in another order.
            random.permutation(rate.drawn)
            if len(rate.drawn)
            else random.binomial(trials[n], rate.share.rate, draws) / trials[n]
            for n, rate in enumerate(rates)
        ]
        return cls(
            np.array([rate.share.rate for rate in rates]),
            np.stack(columns, axis=1) if columns else np.zeros((draws, 0)),
            random.binomial(trials, pooled, (draws, len(rates))) / trials,
        )


def _summary(
    measure: Measure, of: Error | None, cells: Cells, groups: int, values: Sequence[Rates],
    resampling: Resampling,
) -> Summary:  # fmt: skip
    value, drawn, alike = values
    tail = (1 - resampling.confidence) / 2
    low, high = float("nan"), float("nan")
    # Where some resamples leave it undefined, the rest would be a biased choice.
    if np.isfinite(drawn).all() and np.isfinite(value):
        low, high = map(float, np.quantile(drawn, [tail, 1 - tail]))
    by_chance = float("nan")
    if np.isfinite(alike).all():
        share = 1 - resampling.confidence if measure.name == "FDR" else resampling.confidence
        by_chance = float(np.quantile(alike, share))
    return Summary(
        measure, of, cells.point, cells.partition, groups, float(value), low, high, by_chance
    )
