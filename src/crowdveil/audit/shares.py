"""The share of trials that went wrong in each group, and how sure it is.

Flags come in, one for each trial, with the group and the person of each; a `Share` for each
group goes out. What counts as a trial or an error is left to `classify.rates` and `identify.rates`.

Trials of different people are taken as independent, trials of one person are not: where a
person occurs more than once, people are resampled, not trials. Comparisons, which have a person
on both sides, need more than this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from crowdveil.audit.resampling import Resampling
from crowdveil.intervals import at_most, clopper_pearson

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer]
Draws = npt.NDArray[np.float64]


class Method(StrEnum):
    """Where an interval comes from."""

    EXACT = "exact"
    """Clopper and Pearson: everybody occurs once."""

    BOOTSTRAP = "bootstrap"
    """People resampled with replacement, and never narrower than the exact interval."""

    EXACT_BY_PERSON = "exact, by person"
    """All or no trials went wrong, of which resampling learns nothing: counted in people."""

    EXACT_CLUSTERED = "exact, clustered"
    """All or no comparisons went wrong: counted as many as they are worth if their errors
    cluster by person as those of everyone do."""

    NONE = "none"
    """No trials, so anything is possible."""


@dataclass(frozen=True, slots=True)
class People:
    """What happened to the people of one group, alike people together.

    Attributes:
        errors: (p,) errors of a person of this kind.
        trials: (p,) trials of a person of this kind, >= 1.
        number: (p,) how many people are of this kind, >= 1.
    """

    errors: npt.NDArray[np.int64]
    trials: npt.NDArray[np.int64]
    number: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """How many people there are."""
        return int(self.number.sum())


@dataclass(frozen=True, slots=True)
class Share:
    """How many trials of one group went wrong.

    Attributes:
        errors: how many did.
        trials: of how many.
        people: who had them.
        rate: errors over trials; NaN without trials.
        low, high: bounds of the confidence interval, two-sided.
        at_most: one-sided upper bound, for the sentence "may be as high as".
        method: where the bounds come from.
    """

    errors: int
    trials: int
    people: int
    rate: float
    low: float
    high: float
    at_most: float
    method: Method


def people_of(errors: Flags, trials: Flags, person: Codes) -> People:
    """Count errors and trials of every person, and put alike people together.

    Args:
        errors: (n,) what went wrong; only where `trials` is set.
        trials: (n,) what was tried.
        person: (n,) whose trial it was.
    """
    _, inverse = np.unique(person[trials], return_inverse=True)
    counts = np.stack([np.bincount(inverse, errors[trials]), np.bincount(inverse)])
    kinds, number = np.unique(counts.astype(np.int64), axis=1, return_counts=True)
    return People(kinds[0], kinds[1], number.astype(np.int64))


def share_of(people: People, resampling: Resampling) -> Share:
    """The share of errors among the trials of these people, with its interval."""
    errors = int(people.errors @ people.number)
    trials = int(people.trials @ people.number)
    confidence = resampling.confidence
    if not trials:
        return Share(0, 0, 0, float("nan"), 0.0, 1.0, 1.0, Method.NONE)
    if people.trials.max() == 1:
        low, high = map(float, clopper_pearson(errors, trials, confidence=confidence))
        bound, method = float(at_most(errors, trials, confidence=confidence)), Method.EXACT
    elif errors in (0, trials):
        whole = people.total if errors else 0
        low, high = map(float, clopper_pearson(whole, people.total, confidence=confidence))
        bound = float(at_most(whole, people.total, confidence=confidence))
        method = Method.EXACT_BY_PERSON
    else:
        drawn = resampled(people, resampling)
        tail = (1 - confidence) / 2
        low, high, bound = map(float, np.quantile(drawn, [tail, 1 - tail, confidence]))
        exact_low, exact_high = map(float, clopper_pearson(errors, trials, confidence=confidence))
        # Few errors resample to too narrow an interval; repeats never tell more than new people.
        low, high = min(low, exact_low), max(high, exact_high)
        bound = max(bound, float(at_most(errors, trials, confidence=confidence)))
        method = Method.BOOTSTRAP
    return Share(errors, trials, people.total, errors / trials, low, high, bound, method)


def resampled(people: People, resampling: Resampling) -> Draws:
    """(draws,) float64 shares of errors after drawing as many people with replacement.

    Drawing people is drawing kinds of people: one multinomial draw for each resample.
    Source: Bolle, Ratha and Pankanti (2004), Comput. Vis. Image Underst. 93(1), 1-25 (subsets
    bootstrap).
    """
    random = np.random.default_rng(resampling.seed)
    total = people.total
    drawn = random.multinomial(total, people.number / total, size=resampling.draws)
    return np.asarray((drawn @ people.errors) / (drawn @ people.trials), np.float64)


def shares_by_group(
    errors: Flags,
    trials: Flags,
    person: Codes,
    group: Codes,
    groups: int,
    resampling: Resampling,
) -> Sequence[tuple[People, Share]]:
    """The share of every group, with the people it is made of.

    Args:
        errors: (n,) what went wrong.
        trials: (n,) what was tried.
        person: (n,) whose trial it was.
        group: (n,) int in [0, groups), or negative for nobody's.
        groups: how many groups there are.
        resampling: how sure is sure.
    """
    found = []
    for code in range(groups):
        mine = group == code
        people = people_of((errors & trials)[mine], trials[mine], person[mine])
        found.append((people, share_of(people, resampling)))
    return found
