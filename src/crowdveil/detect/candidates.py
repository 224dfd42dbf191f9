"""Decides which sightings of several passes over one picture are the same candidate face.

Sightings of every pass come in; candidates go out, each with what every pass thought of it.
Whether a candidate is a face is left to `fusion`. Knows nothing of pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.sightings import Sightings, gather
from crowdveil.geometry import Boxes, pairwise_iou

SAME_FACE_IOU = 0.45
"""Sightings that overlap the best of them by at least this are one candidate."""
ROWS = 256
"""Boxes compared with all others at a time: memory must not grow with a crowd's square."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidate faces of one picture, n may be 0, seen by p passes; best first.

    Attributes:
        boxes: (n, 4) float32 `x0, y0, x1, y1`: the mean of what the passes saw, weighted
            by their belief; pixels of the upright picture.
        belief: (n,) float32, 0-1: the strongest belief of any pass; comparable across
            detectors, but no probability.
        scores: (n, p) float32, the best score of each pass, 0 where it saw nothing.
        seen: (n, p, 4) float32, the box behind each score, 0 where nothing.
        landmarks: (n, p, 5, 2) float32, its landmarks.
        votes: (n,) float32, how many sightings fell together.
    """

    boxes: Boxes
    belief: NDArray[np.float32]
    scores: NDArray[np.float32]
    seen: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    votes: NDArray[np.float32]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.belief)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Candidates":
        """The candidates that a boolean mask or an index array picks, in its order."""
        return Candidates(
            self.boxes[which],
            self.belief[which],
            self.scores[which],
            self.seen[which],
            self.landmarks[which],
            self.votes[which],
        )


def join(passes: Sequence[Sightings], sharpness: Sequence[float]) -> Candidates:
    """Join the sightings of all passes into candidates.

    Args:
        passes: what each of p passes saw, in pixels of the same picture.
        sharpness: for each pass the exponent that turns its score into a belief that can
            be compared across detectors, > 0.

    Returns:
        Candidates, best first.
    """
    every = gather(passes)
    count = len(passes)
    origin = np.repeat(np.arange(count), [len(part) for part in passes])
    belief = every.scores ** np.asarray(sharpness, np.float32)[origin]
    ranked = Sightings(every.boxes, belief.astype(np.float32), every.landmarks)
    leaders = ranked.best(SAME_FACE_IOU)
    n = len(leaders)
    scores = np.zeros((n, count), np.float32)
    seen = np.zeros((n, count, 4), np.float32)
    landmarks = np.zeros((n, count, 5, 2), np.float32)
    if n == 0:
        return Candidates(
            np.empty((0, 4), np.float32), np.empty(0, np.float32), scores, seen, landmarks,
            np.empty(0, np.float32),
        )  # fmt: skip
    home, together = _homes(every.boxes, every.boxes[leaders])
    # Ascending belief, so that the best sighting of each pass is written last and stays.
    order = np.argsort(belief, kind="stable")
    order = order[together[order]]
    scores[home[order], origin[order]] = every.scores[order]
    seen[home[order], origin[order]] = every.boxes[order]
    landmarks[home[order], origin[order]] = every.landmarks[order]
    votes = np.bincount(home[together], minlength=n).astype(np.float32)
    weight = scores ** np.asarray(sharpness, np.float32)
    boxes = (seen * weight[..., None]).sum(axis=1) / weight.sum(axis=1)[:, None]
    return Candidates(
        boxes.astype(np.float32), belief[leaders].astype(np.float32), scores, seen, landmarks, votes
    )


def _homes(boxes: Boxes, leaders: Boxes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each of n boxes the leader it overlaps most, and whether it does so enough."""
    home = np.empty(len(boxes), np.intp)
    together = np.empty(len(boxes), np.bool_)
    for start in range(0, len(boxes), ROWS):
        rows = slice(start, start + ROWS)
        overlap = pairwise_iou(boxes[rows], leaders)
        home[rows] = overlap.argmax(axis=1)
        together[rows] = overlap.max(axis=1) >= SAME_FACE_IOU
    return home, together
