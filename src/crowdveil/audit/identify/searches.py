"""What searches of a gallery returned, and what of it was right.

Candidate lists and the subjects of probes and references come in as arrays; out go, for every
probe, the rank and score of its mate and the highest score of somebody else. Where lists come
from is left to `candidates` and `search`, rates to `rates`.

A probe is mated if its subject is enrolled, and non-mated if not (ISO/IEC 19795-1).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NOT_LISTED = np.iinfo(np.int32).max
"""The rank of a mate that is not in the list."""


@dataclass(frozen=True, slots=True)
class Searches:
    """The candidate lists of n probes in a gallery of N references, as flat arrays.

    Attributes:
        probe_subject: (n,) int32 subject of each probe, >= 0.
        gallery_subject: (N,) int32 subject of each reference, of the same numbering.
        probe: (k,) int32 whose list a candidate is in; ascending.
        rank: (k,) int32 from 1, ascending within a list, without gaps.
        reference: (k,) int32 row of the gallery; nobody twice in one list.
        score: (k,) float64, not rising within a list; larger is more similar.
    """

    probe_subject: Indices
    gallery_subject: Indices
    probe: Indices
    rank: Indices
    reference: Indices
    score: Scores

    def __post_init__(self) -> None:
        """Refuse arrays that are no candidate lists."""
        shapes = {self.probe.shape, self.rank.shape, self.reference.shape, self.score.shape}
        if len(shapes) != 1 or self.probe.ndim != 1:
            raise ValueError(f"the arrays of candidates must have one shape, not {shapes}")
        if np.isnan(self.score).any():
            raise ValueError("a score is not a number")
        same = self.probe[1:] == self.probe[:-1]
        if np.any(np.diff(self.probe) < 0) or np.any(self.score[1:][same] > self.score[:-1][same]):
            raise ValueError("candidates must be sorted by probe, then by falling score")

    @property
    def mated(self) -> Flags:
        """(n,): whose subject is enrolled."""
        return np.isin(self.probe_subject, self.gallery_subject)

    @property
    def is_mate(self) -> Flags:
        """(k,): which candidates show the person of the probe."""
        same = self.probe_subject[self.probe] == self.gallery_subject[self.reference]
        return np.asarray(same, np.bool_)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(n,): how many candidates each probe's list has."""
        return np.bincount(self.probe, minlength=len(self.probe_subject))


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What every search came to, at any threshold and rank.

    Attributes:
        mated: (n,) whether the probe's subject is enrolled.
        mate_rank: (n,) int32 rank of the best mate, `NOT_LISTED` if none is in the list.
        mate_score: (n,) float64 its score, -inf if none is in the list.
        false_score: (n,) float64 highest score of a candidate that is somebody else; -inf if
            there is none.
    """

    mated: Flags
    mate_rank: Indices
    mate_score: Scores
    false_score: Scores

    def false_positive(self, threshold: float) -> Flags:
        """(n,): non-mated probes that return anybody at or above the threshold."""
        return ~self.mated & (self.false_score >= threshold)

    def missed(self, threshold: float, rank: int) -> Flags:
        """(n,): mated probes whose mate is below the threshold, or beyond the rank."""
        found = (self.mate_score >= threshold) & (self.mate_rank <= rank)
        return self.mated & ~found


def outcomes(searches: Searches) -> Outcomes:
    """What every search came to; with several references of a subject the best one counts."""
    n = len(searches.probe_subject)
    mate = searches.is_mate
    ranks = np.full(n, NOT_LISTED, np.int32)
    np.minimum.at(ranks, searches.probe[mate], searches.rank[mate])
    return Outcomes(
        mated=searches.mated,
        mate_rank=ranks,
        mate_score=_highest(searches.probe[mate], searches.score[mate], n),
        false_score=_highest(searches.probe[~mate], searches.score[~mate], n),
    )


@dataclass(frozen=True, slots=True)
class FalseHits:
    """Who was returned at or above a threshold for non-mated probes, each person once a probe.

    Attributes:
        probe: (h,) int32 non-mated probe.
        subject: (h,) int32 the enrolled person it was taken for.
        cut: (n,) whether the list of the probe ends above the threshold, so that more people
            may have been hit than it tells.
    """

    probe: Indices
    subject: Indices
    cut: Flags


def false_hits(searches: Searches, threshold: float) -> FalseHits:
    """Who was returned at or above the threshold for non-mated probes."""
    mated = searches.mated
    chosen = ~mated[searches.probe] & (searches.score >= threshold)
    pairs = np.stack([searches.probe[chosen], searches.gallery_subject[searches.reference[chosen]]])
    pairs = np.unique(pairs, axis=1)
    above = np.bincount(searches.probe[chosen], minlength=len(mated))
    # A list that still names somebody below the threshold has named everybody above it.
    longest = int(searches.lengths.max(initial=0))
    full = min(longest, len(searches.gallery_subject))
    cut = (above == searches.lengths) & (above >= full) & (full < len(searches.gallery_subject))
    return FalseHits(pairs[0], pairs[1], cut & (above > 0))


def _highest(probe: Indices, score: Scores, n: int) -> Scores:
    highest = np.full(n, -np.inf)
    np.maximum.at(highest, probe, score)
    return highest
