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
"""Non-mated pairs from which a threshold for `FMR` is read: ten of them lie above it."""

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
class Matches:
    """How often the similarity with the mated reference exceeds a threshold.

    Attributes:
        share: mated comparisons above it; `chance` is what non-mated comparisons of the same
            attack may reach (their upper bound at 95 %), but at least `FMR`: a threshold for
            clean portraits means less for veiled, small or blurred ones.
        threshold: cosine similarity.
        threshold_from: how it was set, in words.
        false_hits, false_trials: non-mated comparisons of the same attack above it, and all.
    """

    share: Share
    threshold: float
    threshold_from: str
    false_hits: int
    false_trials: int


@dataclass(frozen=True, slots=True)
class Searched:
    """What became of n searches in a gallery of m people.

    Attributes:
        rank: (n,) int, place of the mated reference, 1 is first.
        mated: (n,) float32, similarity with the mated reference.
        above: (n,) int, non-mated references above the threshold; 0 without one.
        gallery: m.
    """

    rank: NDArray[np.intp]
    mated: NDArray[np.float32]
    above: NDArray[np.intp]
    gallery: int

    def within(self, places: int, which: NDArray[np.bool_] | None = None) -> Share:
        """How many of the searches (or of those that `which`, (n,), picks) rank so high."""
        rank = self.rank if which is None else self.rank[which]
        chance = min(places, self.gallery) / self.gallery if self.gallery else 1.0
        return Share(int((rank <= places).sum()), len(rank), chance)

    def matches(
        self, threshold: float, threshold_from: str, which: NDArray[np.bool_] | None = None
    ) -> Matches:
        """How many exceed the threshold that `search` was given."""
        chosen = np.ones(len(self.rank), np.bool_) if which is None else which
        false_hits = int(self.above[chosen].sum())
        false_trials = int(chosen.sum()) * (self.gallery - 1)
        found = float(at_most(false_hits, false_trials))
        hits = int((self.mated[chosen] > threshold).sum())
        share = Share(hits, int(chosen.sum()), max(FMR, found))
        return Matches(share, threshold, threshold_from, false_hits, false_trials)


def search(
    probes: NDArray[np.float32],
    references: NDArray[np.float32],
    mates: NDArray[np.intp],
    *,
    threshold: float | None = None,
) -> Searched:
    """Search for every probe in a gallery.

    Args:
        probes: (n, d) float32 unit vectors.
        references: (m, d) float32 unit vectors, one for each person.
        mates: (n,) index of each probe's own reference.
        threshold: cosine similarity above which a comparison is a match, if there is one.

    Raises:
        ValueError: shapes that do not fit together, or a mate that is not there.
    """
    if mates.shape != (len(probes),) or (len(mates) and not 0 <= mates.min() <= mates.max()):
        raise ValueError("every probe needs the index of its own reference")
    if len(mates) and mates.max() >= len(references):
        raise ValueError(f"there is no reference {mates.max()} among {len(references)}")
    if not len(probes):
        none = np.empty(0, np.intp)
        return Searched(none, np.empty(0, np.float32), none, len(references))
    similarity = probes @ references.T
    each = np.arange(len(probes))
    mated = similarity[each, mates].copy()
    better = (similarity > mated[:, None] + SAME).sum(axis=1)
    tied = (np.abs(similarity - mated[:, None]) <= SAME).sum(axis=1) - 1
    luck = np.random.default_rng(0).integers(0, tied + 1)
    above = np.zeros(len(probes), np.intp)
    if threshold is not None:
        above = (similarity > threshold).sum(axis=1) - (mated > threshold)
    return Searched(
        np.asarray(1 + better + luck, np.intp), mated, np.asarray(above, np.intp), len(references)
    )


def threshold_of(references: NDArray[np.float32]) -> float | None:
    """The similarity that a share `FMR` of all pairs of different people exceeds.

    Args:
        references: (m, d) float32 unit vectors, one for each person.

    Returns:
        The threshold, or None if there are fewer than `ENOUGH_PAIRS` pairs to read it from.
    """
    m = len(references)
    pairs = m * (m - 1) // 2
    if pairs < ENOUGH_PAIRS:
        return None
    similarity = (references @ references.T)[np.triu_indices(m, 1)]
    allowed = int(FMR * pairs)
    return float(np.partition(similarity, pairs - 1 - allowed)[pairs - 1 - allowed])
