"""One candidate face through the frames of one shot: where it was, and what was seen of it.

A trail grows forwards frame by frame and once backwards. Between two sightings it follows
the picture, and the error found at the second is spread over the frames between. Whether a
trail is veiled is left to `verdict`, its final boxes to `smooth`.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

QUICK_TRUST = 0.5
"""How much a sighting of the quick pass moves a box that was followed, for each probability."""

LOST_TRUST, LONG = 0.8, 5
"""At least so much after more frames without a sighting than `LONG`."""

UNSEEN = -1.0
"""Stands for the probability of a frame without a sighting."""


@dataclass(slots=True)
class Trail:
    """Boxes of successive frames.

    Attributes:
        start: number of its first frame.
        boxes: one (4,) float32 box a frame.
        seen: for each frame the probability of the sighting, `UNSEEN` if there was none.
        firm: for each frame whether it was sighted or its content followed without doubt.
        looked: for each frame whether it was looked at as closely as ever.
        detectors: who sighted it.
        worthy: whether it was seen well enough to be veiled, as far as was known at the time.
        best: the greatest probability of any sighting.
        looks: how often it was sighted when everything was looked at.
        glances: how often a quick pass looked closely.
        unseen: how many frames ago it was sighted last.
        lost: for how many of the last frames nobody knows where it is.
    """

    start: int
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    firm: list[bool] = field(default_factory=list)
    looked: list[bool] = field(default_factory=list)
    detectors: dict[str, None] = field(default_factory=dict)
    worthy: bool = False
    best: float = UNSEEN
    looks: int = 0
    glances: int = 0
    unseen: int = 0
    lost: int = 0

    def __len__(self) -> int:
        """How many frames it spans."""
        return len(self.boxes)

    def follow(self, box: NDArray[np.float32], *, firm: bool) -> None:
        """Add a frame without a sighting."""
        self._add(box, UNSEEN, firm, False)

    def sight(
        self,
        box: NDArray[np.float32],
        predicted: NDArray[np.float32],
        probability: float,
        *,
        full: bool,
        looked: bool,
    ) -> None:
        """Add a frame with a sighting, and spread what was wrong over the frames since the last.

        Args:
            box: (4,), where it was sighted.
            predicted: (4,), where it was expected.
            probability: that of the sighting, 0-1.
            full: whether everything was looked at in this frame.
            looked: whether a closer look could tell no more.
        """
        gap = self.unseen
        trust = max(probability if full else QUICK_TRUST * probability, LOST_TRUST * (gap > LONG))
        # What was followed well so far says more of place and size than one doubtful look.
        box = predicted + np.float32(trust) * (box - predicted)
        error = box - predicted
        for k in range(1, gap + 1):
            share = np.float32(1 - k / (gap + 1))
            at = len(self.boxes) - k
            moved = self.boxes[at] + error * share
            # Nobody saw it there: whatever lies between the two opinions is covered.
            slack = np.abs(error).max() * share * (1 - share)
            self.boxes[at] = moved + np.array([-slack, -slack, slack, slack], np.float32)
        self._add(box, probability, True, looked)
        if looked:
            self.best = max(self.best, probability)
            self.looks += full
            self.glances += not full
        self.unseen = 0

    def precede(self, boxes: list[NDArray[np.float32]], firm: list[bool]) -> None:
        """Put frames without sightings before the first; nearest first."""
        n = len(boxes)
        self.start -= n
        self.boxes[:0] = boxes[::-1]
        self.firm[:0] = firm[::-1]
        self.seen[:0] = [UNSEEN] * n
        self.looked[:0] = [False] * n

    def _add(self, box: NDArray[np.float32], p: float, firm: bool, looked: bool) -> None:
        self.boxes.append(box)
        self.seen.append(p)
        self.firm.append(firm)
        self.looked.append(looked)
        self.unseen += 1
        self.lost = 0 if firm else self.lost + 1
