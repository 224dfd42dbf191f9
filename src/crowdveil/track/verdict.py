"""Decides from all that was seen of a trail whether it is veiled, and for how long.

A trail comes in, the frames in which it is veiled go out. The best sighting decides, by the
rule by which photos are judged; sightings that nobody looked at closely hardly count. Before the
first sighting and after the last a trail is followed as far as the picture agrees, then veiled a
little longer, the more so the greater the doubt. Large doubts are followed less far: the pass that
every frame gets would have seen such a face.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.fusion import Rule
from crowdveil.geometry import Boxes, SizeWH, area_px
from crowdveil.track.trail import UNSEEN, Trail

DOUBTFUL = 0.5
"""A trail whose best sighting is below this is flagged for a person."""

SMALL, LARGE = 0.023, 0.047
"""Sides of a face, over the longer side of the picture, up to which no quick pass sees it and from
which every one should: 12 and 24 pixels of a picture reduced to 512."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a verdict is reached.

    Attributes:
        glance: weight of a sighting that no second look confirmed beside one of everything, 0-1.
        enter: what is asked of the best sighting, times what a photo would ask, > 0.
        hold_s: how long it is veiled before its first sighting and after its last while it is
            followed firmly.
        large_hold_s: the same if it is `LARGE` and doubtful; in between for sizes between.
        tail_s: veiled on either end when nothing is known any more; twice as long if doubtful.
        tail_growth: how much wider the veil gets for each second of these.
    """

    glance: float = 0.2
    enter: float = 1.75
    hold_s: float = 0.5
    large_hold_s: float = 0.2
    tail_s: float = 0.1
    tail_growth: float = 0.5


CAREFUL = Policy(large_hold_s=Policy().hold_s)
"""For when an exposed face can cost someone dearly: size is no reason to follow less far."""


@dataclass(frozen=True, slots=True)
class Veiled:
    """Where a trail is veiled.

    Attributes:
        start, stop: first frame and the one after the last, as numbers of the video.
        boxes: (stop - start, 4) float32, or one for each of `keys`.
        score: probability of the best sighting, 0-1.
        uncertain: whether a person should look.
        detectors: who sighted it.
        keys: None for one box a frame, else (k,) which frames after `start` the boxes are of.
    """

    start: int
    stop: int
    boxes: Boxes
    score: float
    uncertain: bool
    detectors: tuple[str, ...] = ()
    keys: NDArray[np.intp] | None = None


def verdict(
    trail: Trail, rule: Rule, size_wh: SizeWH, rate: float, policy: Policy, shot: range
) -> Veiled | None:
    """Where a trail is veiled, None if it is not.

    Args:
        trail: one that has ended.
        rule: asks for more evidence where a veil would cost more.
        size_wh: size of the upright picture in pixels.
        rate: frames a second.
        policy: how to decide.
        shot: the frames of its shot, which it never leaves.
    """
    seen = np.array(trail.seen, np.float32)
    boxes = np.stack(trail.boxes)
    sighted = np.flatnonzero(seen != UNSEEN)
    looked = np.array(trail.looked)[sighted]
    weight = np.where(looked, 1.0, policy.glance)
    # A face has many chances in a video, and so has every knot in a tree; yet what is more
    # likely a face than not is never let go.
    needed = np.minimum(rule.threshold(boxes[sighted], size_wh) * policy.enter, rule.most)
    if (seen[sighted] * weight < needed).all():
        return None
    score = float(seen[sighted][looked if looked.any() else ...].max())
    sure = score >= DOUBTFUL and len(sighted) > 1
    first, last = int(sighted[0]), int(sighted[-1])
    hold_s = _hold_s(boxes[[first, last]], score, size_wh, policy)
    low, high = _firm(trail, (first, last), np.rint(hold_s * rate))
    tail = max(round(policy.tail_s * rate * (1 if sure else 2)), 1)
    start, stop = trail.start + low, trail.start + high + 1
    before = _tail(boxes[: low + 1][::-1], min(tail, start - shot.start), policy, rate)
    after = _tail(boxes[high:], min(tail, shot.stop - stop), policy, rate)
    kept = np.concatenate([before[::-1], boxes[low : high + 1], after])
    return Veiled(
        start - len(before),
        stop + len(after),
        kept.astype(np.float32),
        score,
        score < DOUBTFUL,
        tuple(trail.detectors),
    )


def _hold_s(boxes: Boxes, score: float, size_wh: SizeWH, policy: Policy) -> NDArray[np.float64]:
    """How long a trail with such boxes is held at most, (n,) seconds."""
    if score >= DOUBTFUL:
        return np.full(len(boxes), policy.hold_s)
    share = np.sqrt(area_px(boxes)) / max(size_wh)
    return np.interp(share, (SMALL, LARGE), (policy.hold_s, policy.large_hold_s))


def _firm(trail: Trail, ends: tuple[int, int], hold: NDArray[np.float64]) -> tuple[int, int]:
    """How far a trail was followed firmly around its sightings, up to `hold` frames a side."""
    low, high = ends
    while low > 0 and ends[0] - low < hold[0] and trail.firm[low - 1]:
        low -= 1
    while high + 1 < len(trail) and high - ends[1] < hold[1] and trail.firm[high + 1]:
        high += 1
    return low, high


def _tail(known: Boxes, frames: int, policy: Policy, rate: float) -> Boxes:
    """Boxes of the frames after the first of `known`, wider and wider, (frames, 4).

    As long as it is known where the camera carried it, a tail goes along; then it stays.
    """
    path = known[1 : frames + 1]
    still = np.repeat(known[len(path)][None], frames - len(path), axis=0)
    path = np.concatenate([path, still])
    centre, half = (path[:, :2] + path[:, 2:]) / 2, (path[:, 2:] - path[:, :2]) / 2
    steps = np.arange(1, frames + 1, dtype=np.float32)[:, None]
    grown = half * (1 + policy.tail_growth / rate * steps)
    return np.concatenate([centre - grown, centre + grown], axis=1).astype(np.float32)
