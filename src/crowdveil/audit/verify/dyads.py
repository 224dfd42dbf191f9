"""How sure a rate over comparisons is, when every comparison has a person on each side.

What each person's comparisons came to goes in; a `Rate` with two intervals comes out. Comparisons
that share a person are not independent, so an interval that counts comparisons promises too much,
and one that counts each of them for both its people too little. The exact interval stands beside
that of `clustered`.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crowdveil.audit.clustered import clustered, independent
from crowdveil.audit.resampling import Resampling
from crowdveil.audit.shares import Method, People, Share, share_as_sure, share_of
from crowdveil.intervals import at_most, clopper_pearson

FEW_PEOPLE = 60
"""Of fewer people the upper bound reckons with errors that cluster as those of everyone do."""


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
        share: errors, trials, people and rate, with the interval of errors that cluster.
        exact_low, exact_high: bounds as if comparisons were independent (Clopper and Pearson).
        exact_at_most: the one-sided upper bound of the same kind.
        clustering: variance of the rate over that of as many independent comparisons, >= 1.
    """

    share: Share
    exact_low: float
    exact_high: float
    exact_at_most: float
    clustering: float

    @property
    def effective(self) -> float:
        """How many independent comparisons would be as sure, at 95 %.

        Fewer than trials over clustering, since the clustering itself is not well known.
        """
        return 0.0 if self.share.sureness is None else self.share.sureness.effective


def rate_of_dyads(dyads: Dyads, resampling: Resampling, *, worth: float | None = None) -> Rate:
    """The rate over comparisons of different people.

    Where nothing or all went wrong nothing is learnt of how errors cluster. Then the bounds are
    exact for as many comparisons as these are worth: Korn and Graubard (1998), Surv. Methodol.
    24(2), 193-201.

    Args:
        dyads: what the comparisons came to.
        resampling: how sure is sure.
        worth: `effective` over comparisons of all comparisons at the threshold, 0 to 1, which is
            taken where these show no clustering or are of few people; None if those show none
            either, and comparisons count only as far as no two share a person.
    """
    errors, trials, people = dyads.errors, dyads.trials, dyads.people
    if not trials:
        nothing = Share(0, 0, 0, float("nan"), 0.0, 1.0, 1.0, Method.NONE)
        return _rate(nothing, 1.0, resampling)
    clustering = 1.0
    if int(people.trials.max()) == 1:
        sureness, method = independent(errors, trials), Method.EXACT
    elif errors in (0, trials):
        number, method = max(1, dyads.disjoint), Method.EXACT_BY_PERSON
        if worth is not None:
            number, method = max(number, int(trials * worth)), Method.EXACT_CLUSTERED
        sureness = independent(errors, trials, number)
        clustering = max(1.0, trials / number)
    else:
        sureness = clustered(people.errors, people.trials, people.number, sides=2)
        if worth is not None and dyads.persons < FEW_PEOPLE:
            feared = sureness.feared
            as_elsewhere = min(feared.effective, max(1.0, trials * worth))
            sureness = replace(sureness, feared=replace(feared, effective=as_elsewhere))
        clustering, method = trials / sureness.seen.effective, Method.CLUSTERED
    share = share_as_sure(errors, trials, dyads.persons, sureness, method, resampling)
    return _rate(share, clustering, resampling)


def rate_of_people(people: People, resampling: Resampling) -> Rate:
    """The rate over comparisons of people with themselves: each is one person's."""
    share = share_of(people, resampling)
    sureness = share.sureness
    return _rate(share, share.trials / sureness.seen.effective if sureness else 1.0, resampling)


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


def _rate(share: Share, clustering: float, resampling: Resampling) -> Rate:
    """Put the exact interval beside the other."""
    confidence = resampling.confidence
    low, high = map(float, clopper_pearson(share.errors, share.trials, confidence=confidence))
    bound = float(at_most(share.errors, share.trials, confidence=confidence))
    return Rate(share, low, high, bound, max(1.0, clustering))
