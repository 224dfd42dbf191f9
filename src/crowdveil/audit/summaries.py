"""Sums up how far groups are apart, and how far chance alone would take them.

What is `Known` of the two error rates of each group comes in, whether of comparisons or of
searches; a `Summary` for each measure of `differentials` goes out. Extremes of several rates are
apart even if the groups are alike, so beside every figure stands what it reaches then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crowdveil.audit.clustered import Sureness
from crowdveil.audit.differentials import OF_BOTH, OF_ONE, Measure, Rates
from crowdveil.audit.points import Point
from crowdveil.audit.reach import Box, reach_of_one, reach_of_two
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Share


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one error rate of one group.

    Attributes:
        errors, trials: how many trials went wrong, and of how many, >= 1.
        sureness: how sure the rate is.
    """

    errors: int
    trials: int
    sureness: Sureness

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
        low, high: bounds that hold the measure if every group's rate is within its own; infinite
            where it has no upper bound, NaN where it cannot be given.
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
            groups without trials are left out by the caller.
        missed: the same of the rate of misses.
        resampling: how sure is sure.
        point, partition: where.
        alpha: weight of `false` in measures of both rates.
    """
    random = np.random.default_rng(resampling.seed)
    kinds = [(of, _Groups.of(by_group, resampling, random)) for of, by_group in (false, missed)]
    for of, there in kinds:
        if len(there.names) < 2:
            continue
        box = there.box(resampling.confidence, of_rates=len(there.names))
        for measure, of_one in OF_ONE.items():
            yield Summary(
                measure, of, point, partition, len(there.names), float(of_one(there.rates)),
                *reach_of_one(of_one, box),
                _by_chance(measure, of_one(there.alike), resampling.confidence),
            )  # fmt: skip
    both = [name for name in kinds[0][1].names if name in kinds[1][1].names]
    if len(both) < 2:
        return
    one, other = (there.only(both) for _, there in kinds)
    of_rates = 2 * len(both)
    first = one.box(resampling.confidence, of_rates=of_rates)
    second = other.box(resampling.confidence, of_rates=of_rates)
    for measure, of_both in OF_BOTH.items():
        yield Summary(
            measure, None, point, partition, len(both),
            float(of_both(one.rates, other.rates, alpha)),
            *reach_of_two(of_both, first, second, alpha),
            _by_chance(measure, of_both(one.alike, other.alike, alpha), resampling.confidence),
        )  # fmt: skip


def known_of(share: Share) -> Known | None:
    """What is known of a share; nothing without trials."""
    if share.sureness is None:
        return None
    return Known(share.errors, share.trials, share.sureness)


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
        "by_chance_is": "at least" if found.measure.falls else "at most",
        "if_alike": found.measure.alike,
    }


@dataclass(frozen=True, slots=True)
class _Groups:
    """One rate of n groups: as measured, how sure, and as chance makes it if all are alike.

    Attributes:
        names: of the groups.
        known: of each.
        rates: (n,) as measured.
        alike: (draws, n) as they come out if all groups have the rate of all together.
    """

    names: tuple[str, ...]
    known: tuple[Known, ...]
    rates: Rates
    alike: Rates

    @classmethod
    def of(
        cls, by_group: Mapping[str, Known], resampling: Resampling, random: np.random.Generator
    ) -> "_Groups":
        known = tuple(by_group.values())
        trials = np.array([max(1.0, one.sureness.effective) for one in known]).astype(np.int64)
        pooled = sum(one.errors for one in known) / max(1, sum(one.trials for one in known))
        alike = random.binomial(trials, pooled, (resampling.draws, len(known))) / trials
        return cls(tuple(by_group), known, np.array([one.rate for one in known]), alike)

    def only(self, names: Sequence[str]) -> "_Groups":
        """The same of some groups."""
        places = [self.names.index(name) for name in names]
        known = tuple(self.known[place] for place in places)
        return _Groups(tuple(names), known, self.rates[places], self.alike[:, places])

    def box(self, confidence: float, *, of_rates: int) -> Box:
        """Bounds that hold all of so many rates at once.

        Source: Bonferroni's inequality, as Dunn (1961), J. Am. Stat. Assoc. 56(293), 52-64.
        """
        each = 1 - (1 - confidence) / of_rates
        bounds = np.array([one.sureness.bounds(each) for one in self.known])
        return Box(bounds[:, 0], bounds[:, 1])


def _by_chance(measure: Measure, alike: Rates, confidence: float) -> float:
    """What the measure reaches in `1 - confidence` of cases if all groups are alike."""
    if not np.isfinite(alike).all():
        return float("nan")
    share = 1 - confidence if measure.falls else confidence
    return float(np.quantile(alike, share))
