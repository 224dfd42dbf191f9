"""Decides which sightings of successive frames are the same face, and follows it between them.

The faces found in each frame come in, one frame after the other, with the step from the
frame before; trails go out when their shot ends or nobody has seen them for long. A sighting
starts a trail even when nobody is sure of it: low scores carry on what high scores began
(the idea of Zhang et al. 2022, ByteTrack), and what is veiled is decided later, with
knowledge of the whole trail. Knows nothing of files.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.faces import Faces
from crowdveil.detect.sightings import strongest
from crowdveil.geometry import Boxes, area_px, pairwise_intersection, pairwise_iou
from crowdveil.track.motion import Step
from crowdveil.track.trail import UNSEEN, Trail

BESIDE = 0.6
"""Share of the smaller of two boxes in the other from which a sighting is another trail's."""

ONCE_IOU = 0.5
"""Overlap from which two sightings of one frame start only one trail. The share of the smaller, as
for `BESIDE`, would lose people who stand behind others."""

TRACED = 6
"""Every so many frames new trails are followed back: together they cost little more than one."""

SAME_SIZE = 3.0
"""Areas further apart than by this factor are never the same face."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How a tracker follows.

    Attributes:
        sure: probability from which a sighting is matched first, 0-1.
        born: least probability of a sighting that starts a trail, 0-1.
        same_iou: least overlap of a sighting with the place where a trail is expected.
        firm: least likeness of what a box holds from frame to frame to follow it firmly.
        hold_s: how long a trail is followed firmly without a sighting.
        worth: share of what a veil needs from which it is followed at all that cost.
        idle_s: how long one that is not worth it is kept without a sighting.
        lost_s: how long it is kept where nobody knows where it is.
        back_s: how far it is followed back from its first sighting.
    """

    sure: float = 0.5
    born: float = 0.05
    same_iou: float = 0.3
    firm: float = 0.7
    hold_s: float = 1.0
    worth: float = 2.0
    idle_s: float = 0.5
    lost_s: float = 0.4
    back_s: float = 0.7


@dataclass(slots=True)
class Tracker:
    """Follows faces through the frames of one video, shot by shot.

    Attributes:
        rate: frames a second.
        needed: for (n, 4) boxes the (n,) probabilities with which they would be veiled.
        habits: how to follow.
        live: the trails that go on.
        ended: the trails that have ended and were not taken yet.
    """

    rate: float
    needed: Callable[[Boxes], NDArray[np.float32]]
    habits: Habits = field(default_factory=Habits)
    live: list[Trail] = field(default_factory=list)
    ended: list[Trail] = field(default_factory=list)
    _frame: int = -1
    _steps: deque[Step] = field(default_factory=deque)
    _untraced: list[Trail] = field(default_factory=list)
    _foreseen: tuple[Step, Boxes] | None = None

    def expected(self, step: Step | None) -> Boxes:
        """Where the live trails should be after a step: (n, 4) float32; none without a step."""
        if step is None or not self.live:
            return np.empty((0, 4), np.float32)
        if self._foreseen is not None and self._foreseen[0] is step:
            return self._foreseen[1]
        last = np.stack([trail.boxes[-1] for trail in self.live])
        lost = np.array([trail.lost > 0 for trail in self.live])
        boxes = step.carry(last)
        if lost.any():
            boxes[lost] = step.carry(last[lost], camera=True)
        self._foreseen = step, boxes
        return boxes

    def push(
        self,
        faces: Faces,
        step: Step | None,
        *,
        full: bool,
        looked: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take the next frame.

        Args:
            faces: what was found in it, sure or not.
            step: the way from the frame before, None if a shot begins.
            full: whether everything was looked at.
            looked: (n,) which of them a closer look could tell no more of; None for all.
        """
        looked = np.ones(len(faces), np.bool_) if looked is None else looked
        if step is None:
            self.end()
        else:
            self._steps.append(step)
            while len(self._steps) > self.habits.back_s * self.rate + TRACED:
                self._steps.popleft()
        self._frame += 1
        expected = self.expected(step)
        homes = _matched(expected, faces, self._priority(), self.habits)
        for trail, box, k in zip(self.live, expected, homes, strict=True):
            if k >= 0:
                p = float(faces.probability[k])
                trail.sight(faces.boxes[k], box, p, full=full, looked=bool(looked[k]))
                trail.detectors.update(dict.fromkeys(faces.detectors[k]))
        if step is not None:
            self._follow(expected, homes < 0, step)
        self._retire()
        for k in self._unknown(faces, expected, homes).tolist():
            self._bear(faces, k, full=full, looked=bool(looked[k]))
        self._weigh()
        if self._frame % TRACED == 0:
            self._trace()
        self._foreseen = None

    def end(self) -> None:
        """End every trail, as the shot does."""
        self._trace()
        self.ended += self.live
        self.live = []
        self._steps.clear()
        self._foreseen = None

    def take(self) -> list[Trail]:
        """The trails that ended since the last call."""
        ended, self.ended = self.ended, []
        return ended

    def _priority(self) -> NDArray[np.float32]:
        """Who gets a sighting that several could claim: those seen last, and surest."""
        return np.array([trail.best - trail.unseen for trail in self.live], np.float32)

    def _unknown(self, faces: Faces, expected: Boxes, homes: NDArray[np.intp]) -> NDArray[np.intp]:
        """The sightings that start a trail: nobody's, and not beside one of a trail's own."""
        free = np.ones(len(faces), np.bool_)
        free[homes[homes >= 0]] = False
        free &= faces.probability >= self.habits.born
        own = np.concatenate([faces.boxes[homes[homes >= 0]], expected[homes < 0]])
        if len(own) and free.any():
            shared = pairwise_intersection(faces.boxes, own)
            smaller = np.minimum(area_px(faces.boxes)[:, None], area_px(own)[None])
            ratio = area_px(faces.boxes)[:, None] / area_px(own)[None]
            alike = (ratio < SAME_SIZE) & (ratio > 1 / SAME_SIZE)
            free &= ~((shared >= BESIDE * smaller) & alike).any(axis=1)
        new = np.flatnonzero(free)
        return new[strongest(faces.boxes[new], faces.probability[new], ONCE_IOU)]

    def _follow(self, expected: Boxes, which: NDArray[np.bool_], step: Step) -> None:
        """Move the trails that nobody sighted, the worthy ones as the picture confirms."""
        worthy = np.array([trail.worthy for trail in self.live], np.bool_) & which
        index = np.flatnonzero(worthy)
        found, alike = expected.copy(), np.where(worthy, 0, 1).astype(np.float32)
        if len(index):
            last = np.stack([self.live[i].boxes[-1] for i in index])
            found[index], alike[index] = step.match(last, expected[index])
        for i in np.flatnonzero(which).tolist():
            trail = self.live[i]
            firm = trail.lost == 0 and bool(alike[i] >= self.habits.firm)
            trail.follow(found[i] if firm else expected[i], firm=firm)

    def _weigh(self) -> None:
        """Note who would be veiled by now, to be followed back to where they came from."""
        new = [trail for trail in self.live if not trail.worthy and trail.unseen == 0]
        if not new:
            return
        needed = self.needed(np.stack([trail.boxes[-1] for trail in new]))
        worthy = [
            trail
            for trail, least in zip(new, needed.tolist(), strict=True)
            if trail.seen[-1] >= least * self.habits.worth
        ]
        for trail in worthy:
            trail.worthy = True
        self._untraced += worthy

    def _trace(self) -> None:
        """Follow the trails that became worthy back from where they began, all in one go."""
        if not self._untraced:
            return
        furthest = round(self.habits.back_s * self.rate)
        trails, self._untraced = self._untraced, []
        before: list[list[NDArray[np.float32]]] = [[] for _ in trails]
        place = [trail.boxes[0] for trail in trails]
        going: list[int] = []
        for age, step in enumerate(reversed(self._steps)):
            frame = self._frame - age  # where the step leads to
            going += [k for k, trail in enumerate(trails) if trail.start == frame]
            if not going:
                continue
            boxes = np.stack([place[k] for k in going])
            found, alike = step.match(boxes, step.carry(boxes, back=True), back=True)
            still = (alike >= self.habits.firm).tolist()
            for k, box in zip(going, found, strict=True):
                place[k] = box
            going = [k for k, firm in zip(going, still, strict=True) if firm]
            for k in going:
                before[k].append(place[k])
            going = [k for k in going if len(before[k]) < furthest]
        for trail, earlier in zip(trails, before, strict=True):
            trail.precede(earlier, [True] * len(earlier))

    def _retire(self) -> None:
        stay: list[Trail] = []
        done: list[Trail] = []
        for trail in self.live:
            hold = self.habits.hold_s if trail.worthy else self.habits.idle_s
            over = trail.unseen > hold * self.rate
            gone = trail.lost > self.habits.lost_s * self.rate
            (done if over or gone else stay).append(trail)
        if any(trail is other for trail in done for other in self._untraced):
            self._trace()
        self.live = stay
        self.ended += done

    def _bear(self, faces: Faces, k: int, *, full: bool, looked: bool) -> None:
        """Start a trail with a sighting."""
        trail = Trail(self._frame)
        box = faces.boxes[k]
        trail.sight(box, box, float(faces.probability[k]), full=full, looked=looked)
        trail.detectors.update(dict.fromkeys(faces.detectors[k]))
        self.live.append(trail)


def _matched(
    expected: Boxes, faces: Faces, priority: NDArray[np.float32], habits: Habits
) -> NDArray[np.intp]:
    """For each of n trails the sighting that is its own, -1 if none: sure sightings first."""
    homes = np.full(len(expected), -1, np.intp)
    if not len(expected) or not len(faces):
        return homes
    overlap = pairwise_iou(expected, faces.boxes)
    taken = np.zeros(len(faces), np.bool_)
    for sightings in (faces.probability >= habits.sure, faces.probability < habits.sure):
        worth = np.where((overlap >= habits.same_iou) & sightings[None], overlap, 0)
        worth = worth * (1 + 0.01 * np.clip(priority, -20, 1)[:, None])
        while True:
            worth[homes >= 0] = 0
            worth[:, taken] = 0
            at = int(worth.argmax())
            i, k = divmod(at, len(faces))
            if worth[i, k] <= 0:
                break
            homes[i] = k
            taken[k] = True
    return homes


__all__ = ["UNSEEN", "Habits", "Tracker", "Trail"]
