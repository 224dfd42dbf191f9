"""What an attacker gets who searches a gallery with veiled faces: ranks, matches, chance.

Templates come in, counts with exact intervals beside chance go out; no template stays in a
result. Terms as in ISO/IEC 19795-1: a probe is searched for among references, its own
reference is mated, all others are non-mated, the FMR is the share of non-mated comparisons
above the threshold. Making templates of pictures is left to `reidentify`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from crowdveil.intervals import Interval, at_most, clopper_pearson

FMR = 1e-4
"""The false match rate at which thresholds are set."""

ENOUGH_PAIRS = 100_000
"""Non-mated comparisons from which a threshold for `FMR` is read: ten of them lie above it."""

SAME = 1e-5
"""Similarities that differ by less are a tie, which is broken at random: floats are not exact."""


class Enrolment(StrEnum):
    """What the attacker's gallery looks like."""

    CLEAN = "clean"
    """Ordinary photos."""
    PARROT = "parrot"
    """Ordinary photos that the attacker veiled the same way before comparing."""


class Alignment(StrEnum):
    """Where the attacker knows eyes, nose and mouth of a veiled face from."""

    OWN = "own"
    """From the veiled picture: landmarks that a detector still sees, or the place of the veil."""
    ORACLE = "oracle"
    """From the original, which no attacker has: the worst case."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often an attack succeeded, beside how often guessing would.

    Attributes:
        hits: successes.
        trials: attempts, >= hits.
        chance: what guessing gives, 0-1.
    """

    hits: int
    trials: int
    chance: float

    @property
    def rate(self) -> float:
        """Hits over trials, NaN without trials."""
        return self.hits / self.trials if self.trials else float("nan")

    @property
    def interval(self) -> Interval:
        """Clopper-Pearson bounds of the rate at 95 %."""
        return clopper_pearson(self.hits, self.trials)

    @property
    def p_value(self) -> float:
        """Probability of at least so many hits by guessing, one-sided, 0-1."""
        return float(binom.sf(self.hits - 1, self.trials, self.chance))


@dataclass(frozen=True, slots=True)
class Threshold:
    """A similarity from which on the attacker believes it is the same person.

    Attributes:
        value: cosine similarity.
        source: how it was set, in words.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Matches:
    """How often the similarity with the mated reference exceeds a threshold.

    Attributes:
        share: mated comparisons above it; `chance` is what non-mated comparisons of the same
            attack may reach (their upper bound at 95 %), but at least `FMR` for each sight: a
            threshold for clean portraits means less for veiled, small or blurred ones.
        threshold: the threshold and how it was set.
        false_hits, false_trials: non-mated comparisons of the same attack above it, and all.
    """

    share: Share
    threshold: Threshold
    false_hits: int
    false_trials: int


@dataclass(frozen=True, slots=True)
class Searched:
    """What became of n searches in a gallery of m people.

    Attributes:
        rank: (n,) int, place of the mated reference, 1 is first.
        mated: (n,) bool, whether the mated reference exceeds the threshold.
        plain: (n,) bool, whether it lies more than half-way from the threshold for clean faces
            to identity. One alone says it all: no two strangers of LFW come so close.
        above: (n,) int, non-mated references that exceed it.
        threshold: the threshold, or None if none could be set; then nothing exceeds it.
        gallery: m.
        sights: the most probes that were taken together in one search.
    """

    rank: NDArray[np.intp]
    mated: NDArray[np.bool_]
    plain: NDArray[np.bool_]
    above: NDArray[np.intp]
    threshold: Threshold | None
    gallery: int
    sights: int = 1

    def within(self, places: int, which: NDArray[np.bool_] | None = None) -> Share:
        """How many of the searches (or of those that `which`, (n,), picks) rank so high."""
        rank = self.rank if which is None else self.rank[which]
        chance = min(places, self.gallery) / self.gallery if self.gallery else 1.0
        return Share(int((rank <= places).sum()), len(rank), chance)

    def matches(self, which: NDArray[np.bool_] | None = None) -> Matches | None:
        """How many of them exceed the threshold, None without one."""
        if self.threshold is None:
            return None
        chosen = np.ones(len(self.rank), np.bool_) if which is None else which
        trials = int(chosen.sum())
        false_hits, false_trials = int(self.above[chosen].sum()), trials * (self.gallery - 1)
        found = float(at_most(false_hits, false_trials))
        share = Share(int(self.mated[chosen].sum()), trials, max(FMR * self.sights, found))
        return Matches(share, self.threshold, false_hits, false_trials)


def search(
    probes: NDArray[np.float32],
    references: NDArray[np.float32],
    mates: NDArray[np.intp],
    *,
    fallback: Threshold | None = None,
    together: bool = False,
) -> Searched:
    """Search for every probe in a gallery.

    The threshold is the similarity that a share `FMR` of this attack's own non-mated
    comparisons exceeds, where there are `ENOUGH_PAIRS` of them: the attacker at his best, as
    scores of veiled faces do not mean what those of clean ones mean.

    Args:
        probes: (n, d) float32 unit vectors.
        references: (m, d) float32 unit vectors, one for each person.
        mates: (n,) index of each probe's own reference.
        fallback: the threshold for fewer comparisons, if there is one.
        together: whether all probes with one mate are sights of one person: they make one search,
            in the order of the mates, and with each reference the best of them counts. Else each
            probe makes its own.

    Raises:
        ValueError: a mate that is not there.
    """
    if mates.shape != (len(probes),) or (
        len(mates) and not 0 <= mates.min() <= mates.max() < len(references)
    ):
        raise ValueError("every probe needs the index of its own reference")
    if not len(probes):
        none = np.empty(0, np.intp)
        no = np.empty(0, np.bool_)
        return Searched(none, no, no, none, None, len(references))
    similarity, sights = probes @ references.T, 1
    if together:
        similarity, mates, sights = _best(similarity, mates)
    each = np.arange(len(similarity))
    mated = similarity[each, mates].copy()
    better = (similarity > mated[:, None] + SAME).sum(axis=1)
    tied = (np.abs(similarity - mated[:, None]) <= SAME).sum(axis=1) - 1
    luck = np.random.default_rng(0).integers(0, tied + 1)
    others = np.ones(similarity.shape, np.bool_)
    others[each, mates] = False
    threshold = _threshold_of(similarity[others]) or fallback
    limit = np.inf if threshold is None else threshold.value
    sure = limit if fallback is None else fallback.value
    return Searched(
        np.asarray(1 + better + luck, np.intp),
        np.asarray(mated > limit, np.bool_),
        np.asarray(mated > (sure + 1) / 2, np.bool_),
        np.asarray(((similarity > limit) & others).sum(axis=1), np.intp),
        threshold,
        len(references),
        sights,
    )


def _best(
    similarity: NDArray[np.float32], mates: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.intp], int]:
    """Of (n, m) similarities the best among the probes of each mate, the mates, and how many
    probes the most sighted of them has."""
    order = np.argsort(mates, kind="stable")
    found, starts, counts = np.unique(mates[order], return_index=True, return_counts=True)
    return np.maximum.reduceat(similarity[order], starts, axis=0), found, int(counts.max())


def _threshold_of(strangers: NDArray[np.float32]) -> Threshold | None:
    """What a share `FMR` of (k,) non-mated similarities exceeds, None if k is too small."""
    if len(strangers) < ENOUGH_PAIRS:
        return None
    at = len(strangers) - 1 - int(FMR * len(strangers))
    value = float(np.partition(strangers, at)[at]) + SAME
    return Threshold(value, f"{len(strangers):,} comparisons of different people in this attack")
