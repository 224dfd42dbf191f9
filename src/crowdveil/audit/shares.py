"""The share of trials that went wrong in each group, and how sure it is.

Flags come in, one for each trial, with the group and the person of each; a `Share` for each
group goes out. What counts as a trial or an error is left to `classify.rates` and `identify.rates`.

Trials of different people are taken as independent, trials of one person are not: how sure they
are is left to `clustered`. Comparisons, which have a person on both sides, need more than this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from crowdveil.audit.clustered import Sureness, clustered, independent
from crowdveil.audit.resampling import Resampling

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer]


class Method(StrEnum):
    """Where an interval comes from."""

    EXACT = "exact"
    """Clopper and Pearson: everybody occurs once."""

    CLUSTERED = "clustered"
    """As many independent trials as these are worth, and never narrower than the exact interval."""

    EXACT_BY_PERSON = "exact, by person"
    """All or no trials went wrong, which says nothing of how errors cluster: counted in people."""

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
        sureness: bounds at any other confidence; None without trials.
    """

    errors: int
    trials: int
    people: int
    rate: float
    low: float
    high: float
    at_most: float
    method: Method
    sureness: Sureness | None = None


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
    if not trials:
        return Share(0, 0, 0, float("nan"), 0.0, 1.0, 1.0, Method.NONE)
    if people.trials.max() == 1:
        sureness, method = independent(errors, trials), Method.EXACT
    elif errors in (0, trials):
        sureness, method = independent(errors, trials, people.total), Method.EXACT_BY_PERSON
    else:
        sureness, method = clustered(people.errors, people.trials, people.number), Method.CLUSTERED
    return share_as_sure(errors, trials, people.total, sureness, method, resampling)


def share_as_sure(
    errors: int,
    trials: int,
    people: int,
    sureness: Sureness,
    method: Method,
    resampling: Resampling,
) -> Share:
    """The share with the bounds that its sureness gives."""
    low, high = sureness.bounds(resampling.confidence)
    bound = sureness.at_most(resampling.confidence)
    return Share(errors, trials, people, errors / trials, low, high, bound, method, sureness)


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
