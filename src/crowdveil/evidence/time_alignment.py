"""Finds which frame of an original each frame of its copy shows.

Surveys of two films and a registration come in; for every frame of the copy the number of the
original's frame goes out, or -1, with the clauses that say what was cut, doubled or turned round.
Frames are told apart by thumbnails of some hundred bytes, so hours fit in memory; veils cover some
cells of them, which the comparison leaves out. Pictures are left to `moving`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.evidence.levels import Levels
from crowdveil.evidence.orientation import ORIENTATIONS
from crowdveil.evidence.registration import Matrix, Registration
from crowdveil.geometry import SizeWH

THUMB_WH: SizeWH = (32, 24)
"""Cells of a thumbnail."""

_KEPT = 0.6
"""Share of the cells, the most alike, by which two frames are compared: veils cover the rest."""

SAME_FRAME = 0.38
"""Difference between two thumbnails, in their own spread, from which they show different scenes."""

_BARE, _SAME_BARE = 0.2, 0.045
"""Share of the cells by which two frames are compared as they are, and the difference, in the
spread of the original's levels, from which they show different scenes. A veil over three quarters
of a frame leaves enough cells as they were; of another scene so many are never so near."""

_LEAST_SPREAD = 8.0
"""Least spread of an original's levels, out of 255, by which these differences are divided."""

_GOOD, _WORSE = 0.05, 1.5
"""Difference up to which no better frame is sought elsewhere, and how much worse than usual it may
be; veils make all of them worse."""

_SIEVED = 4000
"""Frames among which one is sought at once."""

_WIDE, _EVERY = 24, 25
"""How many frames from anywhere are considered when the next ones do not fit, and how often
anyway."""

_REACH = 6
"""How many frames ahead are considered always."""

_STATES = 3

_STAY, _SKIP, _BACK, _JUMP = 0.004, 0.004, 0.01, 0.02
"""What it costs to show a frame twice, to leave out a few, to go back by one, and to jump."""

_PACE = 1.15
"""Frames of the original for each of the copy, or the other way round, from which it is another
speed."""

_SPREAD = 2.0
"""Least spread of levels, out of 255, by which thumbnails are divided."""


@dataclass(frozen=True, slots=True)
class Path:
    """Which frame of the original each frame of the copy shows.

    Attributes:
        shows: (k,) int, numbers of the original's frames, -1 where none is the same; never
            falling where it is not -1.
        differences: what a person should know, as clauses after "the copy".
        unmatched: how many frames of the copy show nothing of the original.
        backwards: how many are in the original, but earlier than what the copy showed before.
        cost: mean difference of the frames that are matched.
    """

    shows: NDArray[np.intp]
    differences: tuple[str, ...]
    unmatched: int
    backwards: int
    cost: float


def thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(24, 32) uint8, what is kept of a picture in grey."""
    return np.asarray(cv2.resize(picture, THUMB_WH, interpolation=cv2.INTER_AREA), np.uint8)


def likeliest(original: NDArray[np.uint8], thumb: NDArray[np.uint8], most: int) -> list[int]:
    """Which of n thumbnails look most like one that may be turned or mirrored.

    Args:
        original: (n, 24, 32) uint8.
        thumb: (24, 32) uint8.
        most: how many to give at most, the likeliest first.
    """
    everywhere = np.ones(THUMB_WH[::-1], np.bool_)
    cells = _evened(original, everywhere)
    costs = np.full(len(original), np.inf, np.float32)
    for orientation in ORIENTATIONS:
        turned = cv2.resize(orientation.undo(thumb[..., None]), THUMB_WH)
        one = _evened(np.asarray(turned, np.uint8)[None], everywhere)[0]
        for sign in (1, -1):  # it may be inverted too
            costs = np.minimum(costs, _apart(cells, sign * one))
    return [int(k) for k in np.argsort(costs, kind="stable")[:most]]


def align_in_time(
    original: NDArray[np.uint8],
    copy: NDArray[np.uint8],
    registration: Registration,
    levels: Levels,
) -> Path:
    """Match the frames of two films.

    Args:
        original: (m, 24, 32) uint8 thumbnails, m >= 1.
        copy: (k, 24, 32) uint8.
        registration: where the frames of the original lie in those of the copy.
        levels: how the copy's levels become the original's.
    """
    cells, covered = _brought(copy, registration)
    level = levels.copy(np.repeat(cells.reshape(-1, 1, 1), 3, axis=2)).mean(axis=2)
    if registration.inverted:
        cells = 255 - cells
    a = _Frames(_evened(original, covered), _plain(original, covered))
    b = _Frames(_evened(cells, covered), _plain(level.reshape(cells.shape), covered))
    numbers, costs = _cheapest(a, b)
    same = costs <= SAME_FRAME
    shows = np.where(same, numbers, -1)
    steps = np.diff(shows[shows >= 0])
    falling = int((steps < 0).sum())
    reached, backwards = -1, 0
    for k, number in enumerate(shows.tolist()):
        if 0 <= number < reached:
            shows[k], backwards = -1, backwards + 1
        reached = max(reached, number)
    return Path(
        shows.astype(np.intp),
        tuple(_told(numbers[same], len(original), falling)),
        int((~same).sum()),
        backwards,
        float(costs[same].mean()) if same.any() else 1.0,
    )


def _brought(
    copy: NDArray[np.uint8], registration: Registration
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Thumbnails of a copy as the original lies, and which cells it shows."""
    width, height = THUMB_WH
    between: Matrix = registration.scaled(THUMB_WH, THUMB_WH).matrix
    half = np.array([[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    inner = np.linalg.inv(half) @ between @ half
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = np.empty((len(copy), height, width), np.uint8)
    for k, thumb in enumerate(copy):
        # What lies at the edge belongs to the frame, as cells are large.
        out[k] = cv2.warpPerspective(
            thumb, inner, THUMB_WH, flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
    whole = np.full((height, width), 255, np.uint8)
    covered = cv2.warpPerspective(whole, inner, THUMB_WH, flags=flags) > 127
    if registration.exact:
        covered = np.ones((height, width), np.bool_)
    return out, np.asarray(covered, np.bool_)


def _evened(thumbs: NDArray[np.uint8], covered: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n, c) what thumbnails show in the cells that count, without their slow slopes."""
    out = np.empty((len(thumbs), int(covered.sum())), np.float32)
    for k, thumb in enumerate(thumbs):
        cells = thumb.astype(np.float32)
        cells -= cv2.GaussianBlur(cells, (0, 0), 6, borderType=cv2.BORDER_REPLICATE)
        out[k] = cells[covered]
    spread = np.median(np.abs(out), axis=1, keepdims=True) * 1.5
    return np.asarray(out / np.maximum(spread, _SPREAD), np.float32)


def _plain(thumbs: NDArray[Any], covered: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n, c) the levels of thumbnails in the cells that count."""
    return np.asarray(thumbs[:, covered], np.float32)


@dataclass(frozen=True)
class _Frames:
    """The thumbnails of a film in the cells that count.

    Attributes:
        even: (n, c) float32, without slow slopes, in their own spread.
        plain: (n, c) float32, levels as they are. A veil that covers most of a frame distorts the
            spread of the whole; where nothing is veiled, plain levels stay the same.
    """

    even: NDArray[np.float32]
    plain: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.even)

    @cached_property
    def spread(self) -> NDArray[np.float32]:
        """(n, 1) of the levels of each frame."""
        spread = self.plain.std(axis=1, keepdims=True) if self.plain.size else self.plain[:, :1]
        return np.asarray(np.maximum(spread, _LEAST_SPREAD), np.float32)

    def apart(self, which: NDArray[np.intp], other: "_Frames", k: int) -> NDArray[np.float32]:
        """How far some of these are from frame `k` of another film, by the better measure."""
        even = _apart(self.even[which], other.even[k])
        bare = np.abs(self.plain[which] - other.plain[k]) / self.spread[which]
        scaled = _least(bare, _BARE) * np.float32(SAME_FRAME / _SAME_BARE)
        return np.asarray(np.minimum(even, scaled), np.float32)


def _cheapest(a: _Frames, b: _Frames) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The cheapest way through the frames of `a` that `b` can be; Viterbi over a few each."""
    sieve = _Sieve(a.even)
    frames: list[NDArray[np.intp]] = []
    own: list[NDArray[np.float32]] = []
    came: list[NDArray[np.intp]] = []
    total = np.zeros(0, np.float32)
    usual = _GOOD
    for k in range(len(b)):
        near = _ahead(frames[-1], total, len(a)) if frames else np.empty(0, np.intp)
        here = a.apart(near, b, k)
        if k % _EVERY == 0 or not len(here) or here.min() > _WORSE * usual:
            near = np.unique(np.concatenate([near, sieve.likely(b.even[k]), [min(k, len(a) - 1)]]))
            here = a.apart(near, b, k)
        usual = max(_GOOD, 0.8 * usual + 0.2 * min(float(here.min()), SAME_FRAME))
        if frames:
            ways = total[:, None] + _step_cost(frames[-1], near)
            best = ways.argmin(axis=0)
            total = ways[best, np.arange(len(near))] + here
        else:
            best = np.zeros(len(near), np.intp)
            total = here + np.where(near == 0, 0, _SKIP).astype(np.float32)
        total = total - total.min()
        frames.append(near)
        own.append(here)
        came.append(best.astype(np.int16))
    at = int(total.argmin()) if len(total) else 0
    numbers, costs = np.empty(len(b), np.intp), np.empty(len(b), np.float32)
    for k in range(len(b) - 1, -1, -1):
        numbers[k], costs[k] = frames[k][at], own[k][at]
        at = int(came[k][at])
    return numbers, costs


class _Sieve:
    """Finds frames anywhere that look like one; in long films by every so many frames first."""

    def __init__(self, a: NDArray[np.float32]) -> None:
        self._count, self._step = len(a), max(len(a) // _SIEVED, 1)
        coarse = a[:: self._step]
        norm = np.linalg.norm(coarse, axis=1, keepdims=True)
        self._coarse = np.asarray(coarse / np.maximum(norm, 1e-6), np.float32)

    def likely(self, frame: NDArray[np.float32]) -> NDArray[np.intp]:
        """Numbers of frames, in no order."""
        wide = _WIDE if self._step == 1 else _WIDE // 4
        hits = np.argsort(-(self._coarse @ frame), kind="stable")[:wide] * self._step
        around = np.arange(1 - self._step, self._step)
        near = np.unique((hits[:, None] + around).ravel())
        return np.asarray(near[(near >= 0) & (near < self._count)], np.intp)


def _ahead(frames: NDArray[np.intp], total: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The frames that may follow the likeliest ones."""
    likely = frames[np.argsort(total, kind="stable")[:_STATES]]
    near = np.unique((likely[:, None] + np.arange(-1, _REACH + 1)).ravel())
    return near[(near >= 0) & (near < count)]


def _apart(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far n thumbnails are from one, by the cells that are most alike."""
    return _least(np.abs(a - b[None]), _KEPT)


def _least(difference: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """(n,) the mean of this share of (n, c) differences, the least of each row."""
    if not difference.size:
        return np.empty(len(difference), np.float32)
    kept = max(int(share * difference.shape[1]), 1)
    part = np.partition(difference, kept - 1, axis=1)[:, :kept]
    return np.asarray(part.mean(axis=1), np.float32)


def _step_cost(before: NDArray[np.intp], after: NDArray[np.intp]) -> NDArray[np.float32]:
    step = after[None] - before[:, None]
    cost = np.full(step.shape, _JUMP, np.float32)
    cost[(step > 1) & (step <= _REACH)] = _SKIP
    cost[step == 1] = 0
    cost[step == 0] = _STAY
    cost[step == -1] = _BACK
    return cost


def _told(shown: NDArray[np.intp], count: int, falling: int) -> list[str]:
    """What the order of the frames says."""
    if not len(shown):
        return []
    steps = np.diff(shown)
    if falling > max(len(steps) // 2, 1):
        return ["plays backwards"]
    told = []
    if first := int(shown[0]):
        told.append(f"begins {_frames(first)} later than the original")
    if last := count - 1 - int(shown[-1]):
        told.append(f"ends {_frames(last)} earlier than the original")
    pace = (int(shown[-1]) - int(shown[0])) / max(len(shown) - 1, 1)
    if len(steps) >= _EVERY and falling == 0 and not 1 / _PACE < pace < _PACE:
        return [*told, f"shows {pace:.2g} frames of the original for each of its own"]
    if left := int(np.maximum(steps - 1, 0).sum()):
        told.append(f"leaves out {_frames(left)} in between")
    if twice := int((steps == 0).sum()):
        told.append(f"shows {_frames(twice)} more than once")
    if falling:
        told.append(f"goes back {_times(falling)}")
    return told


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count:,} frames"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def stacked(thumbs: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """(n, 24, 32) of n thumbnails."""
    found: Sequence[NDArray[np.uint8]] = list(thumbs)
    width, height = THUMB_WH
    return np.stack(found) if found else np.empty((0, height, width), np.uint8)
