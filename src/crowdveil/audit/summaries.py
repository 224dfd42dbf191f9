"""Sums up how far groups are apart, and how far chance alone would take them.

What is `Known` of the two error rates of each group comes in, whether of comparisons or of
searches; a `Summary` for each measure of `differentials` goes out. Extremes of several rates are
apart even if the groups are alike, so beside every figure stands what it reaches then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crowdveil.audit.differentials import OF_BOTH, OF_ONE, Measure, Rates
from crowdveil.audit.points import Point
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Draws, Method, People, Share, resampled


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one error rate of one group.

    Attributes:
        errors, trials: how many trials went wrong, and of how many.
        effective: how many independent trials would be as sure, at most `trials`.
        drawn: (draws,) the rate in each resample of people; empty if there was nothing to
            resample, and then the rate is that of `effective` independent trials.
    """

    errors: int
    trials: int
    effective: float
    drawn: Draws

    @property
    def rate(self) -> float:
        """Errors over trials."""
        return self.errors / self.trials


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
    of: str | None
    point: Point
    partition: str
    groups: int
    value: float
    low: float
    high: float
    by_chance: float


def summaries(
    false: tuple[str, Mapping[str, Known]],
    missed: tuple[str, Mapping[str, Known]],
    resampling: Resampling,
    *,
    point: Point,
    partition: str,
    alpha: float = 0.5,
) -> Iterator[Summary]:
    """All measures of the groups of a partition; none of fewer than two groups.

    Args:
        false: name of the rate of false matches or positives, and what is known of it by group;
            groups without trials are not in its measures.
        missed: the same of the rate of misses.
        resampling: how sure is sure.
        point, partition: where.
        alpha: weight of `false` in measures of both rates.
    """
    random = np.random.default_rng(resampling.seed)
    kinds = [
        (of, {group: known for group, known in by_group.items() if known.trials})
        for of, by_group in (false, missed)
    ]
    tables = [_Drawn.of(list(there.values()), resampling, random) for _, there in kinds]
    for (of, there), drawn in zip(kinds, tables, strict=True):
        if len(there) < 2:
            continue
        for measure, of_one in OF_ONE.items():
            values = [of_one(rates) for rates in (drawn.rates, drawn.resampled, drawn.alike)]
            found = _figures(measure, values, resampling)
            yield Summary(measure, of, point, partition, len(there), *found)
    both = [group for group in kinds[0][1] if group in kinds[1][1]]
    if len(both) < 2:
        return
    one, other = (
        _Drawn.of([there[group] for group in both], resampling, random) for _, there in kinds
    )
    for measure, of_both in OF_BOTH.items():
        values = [
            of_both(one.rates, other.rates, alpha),
            of_both(one.resampled, other.resampled, alpha),
            of_both(one.alike, other.alike, alpha),
        ]
        found = _figures(measure, values, resampling)
        yield Summary(measure, None, point, partition, len(both), *found)


def known_of(people: People, share: Share, resampling: Resampling) -> Known:
    """What is known of trials that each belong to one person."""
    drawn, effective = np.zeros(0), float(share.trials)
    if share.method is Method.BOOTSTRAP:
        drawn = resampled(people, resampling)
        by_person = float(people.number @ (people.errors - share.rate * people.trials) ** 2)
        alone = share.trials * share.rate * (1 - share.rate)
        effective /= max(1.0, by_person / alone)
    elif share.method is Method.EXACT_BY_PERSON:
        effective = float(share.people)
    return Known(share.errors, share.trials, effective, drawn)


def by_measure(found: Sequence[Summary]) -> list[Summary]:
    """In the order of their definitions, false matches or positives before misses."""
    names = list(dict.fromkeys(one.measure.name for one in found))
    return sorted(found, key=lambda one: names.index(one.measure.name))


def definitions(found: Sequence[Summary]) -> list[Measure]:
    """The measures that occur, each once."""
    return list(dict.fromkeys(one.measure for one in found))


def summary_row(found: Summary, both: str) -> dict[str, object]:
    """A summary as a row of a table; `both` names the two rates together."""
    return {
        "partition": found.partition,
        "point": found.point.label,
        "threshold": found.point.threshold,
        "measure": found.measure.name,
        "of": found.of or both,
        "groups": found.groups,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "by_chance": found.by_chance,
        "if_alike": found.measure.alike,
    }


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The rates of n groups: as measured, resampled, and as chance makes them if all are alike."""

    rates: Rates
    resampled: Rates
    alike: Rates

    @classmethod
    def of(
        cls, groups: Sequence[Known], resampling: Resampling, random: np.random.Generator
    ) -> "_Drawn":
        draws = resampling.draws
        trials = np.array([max(1.0, known.effective) for known in groups]).astype(np.int64)
        errors = sum(known.errors for known in groups)
        pooled = errors / max(1, sum(known.trials for known in groups))
        columns = [
            # Each group is resampled with the same seed, so the draws are put in another order.
            random.permutation(known.drawn)
            if len(known.drawn)
            else random.binomial(trials[n], known.rate, draws) / trials[n]
            for n, known in enumerate(groups)
        ]
        return cls(
            np.array([known.rate for known in groups]),
            np.stack(columns, axis=1) if columns else np.zeros((draws, 0)),
            random.binomial(trials, pooled, (draws, len(groups))) / trials,
        )


def _figures(
    measure: Measure, values: Sequence[Rates], resampling: Resampling
) -> tuple[float, float, float, float]:
    """The value, its bounds, and what chance alone would give."""
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
    return float(value), low, high, by_chance
