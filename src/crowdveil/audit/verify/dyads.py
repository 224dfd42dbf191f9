"""How sure a rate over comparisons is, when every comparison has a person on each side.

What each person's comparisons came to goes in; a `Rate` with two intervals comes out. Comparisons
that share a person are not independent, so an interval that counts comparisons promises too much,
and one that counts each of them for both its people too little. Here people are resampled, and
the spread is set to the variance of sums over pairs; the exact interval stands beside it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Draws, Method, People, Share, resampled, share_of
from crowdveil.intervals import at_most, clopper_pearson

MOST_KINDS = 500
"""Kinds of people that are resampled; more are merged with those most like them."""


@dataclass(frozen=True, slots=True)
class Dyads:
    """What the comparisons of the people of one or two groups came to.

    Attributes:
        people: errors and trials of each person; a comparison counts for both its people.
        errors: how many comparisons went wrong, each once.
        trials: of how many.
        persons: how many people took part.
        disjoint: how many comparisons could be made without using anybody twice.
    """

    people: People
    errors: int
    trials: int
    persons: int
    disjoint: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate over comparisons, never without both its intervals.

    Attributes:
        share: errors, trials, people and rate, with the interval from resampling people.
        exact_low, exact_high: bounds as if comparisons were independent (Clopper and Pearson).
        exact_at_most: the one-sided upper bound of the same kind.
        clustering: variance of the rate over that of as many independent comparisons, >= 1.
        drawn: (draws,) the rate in each resample; empty if there was nothing to resample.
    """

    share: Share
    exact_low: float
    exact_high: float
    exact_at_most: float
    clustering: float
    drawn: Draws

    @property
    def effective(self) -> float:
        """How many independent comparisons would be as sure."""
        return self.share.trials / self.clustering


def rate_of_dyads(dyads: Dyads, resampling: Resampling, *, clustering: float | None = None) -> Rate:
    """The rate over comparisons of different people.

    The variance of a sum over pairs is that of the sums by person, less each pair's own, which
    they count twice: Fafchamps and Gubert (2007), J. Dev. Econ. 83(2), 326-350; Aronow, Samii
    and Assenova (2015), Polit. Anal. 23(4), 564-577. Each pair's own is taken to be that of
    independent comparisons, which is never too much. Resamples of people (Bolle, Ratha and
    Pankanti 2004, Comput. Vis. Image Underst. 93(1), 1-25) are stretched to this variance.

    Where nothing or all went wrong resampling learns nothing. Then the bounds are exact for as
    many comparisons as these are worth: Korn and Graubard (1998), Surv. Methodol. 24(2), 193-201.

    Args:
        dyads: what the comparisons came to.
        resampling: how sure is sure.
        clustering: `Rate.clustering` of all comparisons at the threshold, which is taken where
            these show none; None if those show none either, and comparisons count only as far
            as no two share a person.
    """
    errors, trials = dyads.errors, dyads.trials
    if not trials:
        return _rate(Share(0, 0, 0, float("nan"), 0.0, 1.0, 1.0, Method.NONE), 1.0, resampling)
    people, confidence = dyads.people, resampling.confidence
    if int(people.trials.max()) == 1:
        low, high = map(float, clopper_pearson(errors, trials, confidence=confidence))
        bound = float(at_most(errors, trials, confidence=confidence))
        share = _share(dyads, low, high, bound, Method.EXACT)
        return _rate(share, 1.0, resampling)
    if errors in (0, trials):
        number, method = max(1, dyads.disjoint), Method.EXACT_BY_PERSON
        if clustering is not None:
            number, method = max(number, int(trials / clustering)), Method.EXACT_CLUSTERED
        whole = number if errors else 0
        low, high = map(float, clopper_pearson(whole, number, confidence=confidence))
        bound = float(at_most(whole, number, confidence=confidence))
        share = _share(dyads, low, high, bound, method)
        return _rate(share, max(1.0, trials / number), resampling)
    rate = errors / trials
    sums = float(people.number @ (people.errors - rate * people.trials) ** 2)
    alone = trials * rate * (1 - rate)
    variance = max(sums - alone, alone)
    # A person's weight enters a pair's sum once, but only half the sum of both its people.
    stretch = 2 * np.sqrt(variance / sums) if sums else 0.0
    drawn = rate + stretch * (_resampled(people, rate, resampling) - rate)
    drawn = np.clip(drawn, 0.0, 1.0)
    tail = (1 - confidence) / 2
    low, high, bound = map(float, np.quantile(drawn, [tail, 1 - tail, confidence]))
    share = _share(dyads, low, high, bound, Method.BOOTSTRAP)
    return _rate(share, variance / alone, resampling, drawn)


def rate_of_people(people: People, resampling: Resampling) -> Rate:
    """The rate over comparisons of people with themselves: each is one person's."""
    share = share_of(people, resampling)
    if share.method is not Method.BOOTSTRAP:
        return _rate(share, 1.0, resampling)
    sums = float(people.number @ (people.errors - share.rate * people.trials) ** 2)
    alone = share.trials * share.rate * (1 - share.rate)
    drawn = _resampled(people, share.rate, resampling)
    return _rate(share, max(1.0, sums / alone), resampling, drawn)


def tallied(errors: npt.NDArray[np.int64], trials: npt.NDArray[np.int64]) -> People:
    """People by what happened to each, alike people together.

    Args:
        errors: (p,) of each person.
        trials: (p,) of each person; who has none is left out.
    """
    there = trials > 0
    counts = np.stack([errors[there], trials[there]])
    if not counts.size:
        nobody = np.zeros(0, np.int64)
        return People(nobody, nobody, nobody)
    kinds, number = np.unique(counts.astype(np.int64), axis=1, return_counts=True)
    return People(kinds[0], kinds[1], number.astype(np.int64))


def _share(dyads: Dyads, low: float, high: float, bound: float, method: Method) -> Share:
    rate = dyads.errors / dyads.trials
    return Share(dyads.errors, dyads.trials, dyads.persons, rate, low, high, bound, method)


def _rate(
    share: Share, clustering: float, resampling: Resampling, drawn: Draws | None = None
) -> Rate:
    """Put the exact interval beside the other, and never let that be narrower."""
    exact = clopper_pearson(share.errors, share.trials, confidence=resampling.confidence)
    low, high = map(float, exact)
    bound = float(at_most(share.errors, share.trials, confidence=resampling.confidence))
    wider = Share(
        share.errors, share.trials, share.people, share.rate,
        min(share.low, low), max(share.high, high), max(share.at_most, bound), share.method,
    )  # fmt: skip
    return Rate(wider, low, high, bound, clustering, np.zeros(0) if drawn is None else drawn)


def _resampled(people: People, rate: float, resampling: Resampling) -> Draws:
    """As `shares.resampled`, with at most `MOST_KINDS` kinds of people, so that it stays quick.

    People whose errors are about as many above or below what was to be expected are put
    together, and take part with the mean of their errors and trials.
    """
    if len(people.number) <= MOST_KINDS:
        return resampled(people, resampling)
    order = np.argsort(people.errors - rate * people.trials, kind="stable")
    number = people.number[order]
    kind = (np.cumsum(number) - number) * MOST_KINDS // people.total
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    errors = np.add.reduceat(number * people.errors[order], starts)
    trials = np.add.reduceat(number * people.trials[order], starts)
    together = np.add.reduceat(number, starts)
    random = np.random.default_rng(resampling.seed)
    drawn = random.multinomial(people.total, together / people.total, size=resampling.draws)
    return np.asarray((drawn @ (errors / together)) / (drawn @ (trials / together)), np.float64)
