"""What is seen of one person through a film: where and how long a face is bare, and the best
sights of the veil.

Regions of single frames are noted one by one; a finding comes out for each person, without those
that both watches made of the same face. Reading frames is left to `moving`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import FaceFinder
from crowdveil.evidence.films import Shown
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.identity import LEAST_PX, VeiledFace, veiled_face
from crowdveil.evidence.likeness import Likeness
from crowdveil.evidence.residual import (
    DOUBTFUL_FROM,
    EXPOSED_FROM,
    OPEN_FROM,
    PARTLY_FROM,
    SHOWS_PX,
    STRANGER_FROM,
    shows_through,
)
from crowdveil.evidence.stills import CloseUp, close_up
from crowdveil.geometry import Box, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.plan import Region, Track
from crowdveil.track.timeline import box_at

SIGHTS = 3
"""Sights of one person that are attacked: one face often looks away when it is largest."""

_APART_S = 1.0
"""How long a person must be followed for each sight more than one: frames of one second show the
same."""

_LOOKED = 64
"""Open frames after which no track is looked at again."""

_LARGER = 1.2
_SAME_IOU = 0.3


@dataclass(slots=True)
class Sight:
    """What is known of one track.

    Attributes:
        track: where it is, and how likely a face by the watch, which glances more than it looks.
        kept: whether the plan leaves it bare.
        of_copy: whether it was seen in the copy, not in the original.
        parts: how many sights of its veil are kept.
        frame, time_s, until_s: the first frame in which it is bare, and the last.
        open, partly, seen: in how many frames it is bare, partly bare, and there at all.
        worst, box: the largest share that is unchanged, and where.
        structure: correlation in each frame, as in `Likeness`.
        size_px: the longest side of any box.
        near: the worst place up close, only for a private page.
        looks: probabilities by careful looks at frames where it is open.
        strange: in how many frames of the copy it is there while the original shows something
            else, or nothing at all.
        strange_looks: probabilities by careful looks at these frames, of the copy alone.
        veiled: the largest sight of the veil in each part of the time.
    """

    track: Track
    kept: bool
    of_copy: bool = False
    parts: int = 1
    frame: int = 0
    time_s: float = 0.0
    until_s: float = 0.0
    open: int = 0
    partly: int = 0
    seen: int = 0
    worst: float = -1.0
    box: Box | None = None
    structure: list[float] = field(default_factory=list)
    size_px: float = 0.0
    near: CloseUp | None = None
    looks: list[float] = field(default_factory=list)
    strange: int = 0
    strange_looks: list[float] = field(default_factory=list)
    veiled: dict[int, VeiledFace] = field(default_factory=dict)


def sight_of(track: Track, kept: Sequence[Track], *, rate: float, of_copy: bool = False) -> Sight:
    """An empty sight of a track; `kept` are those that the plan leaves bare."""
    seconds = (track.last - track.first) / rate
    parts = min(SIGHTS, 1 + int(seconds / _APART_S))
    return Sight(track, _is_kept(track, kept), of_copy=of_copy, parts=parts)


@dataclass(frozen=True, slots=True)
class Sighted:
    """One frame with its copy, reduced to one size.

    Attributes:
        before, after: (h, w, 3) uint8.
        frame: the original's frame.
        scale: (4,) reduced over stored pixels, for boxes.
        finder: looks carefully.
        private: whether bare faces are kept for a page for the editor.
    """

    before: RGB = field(repr=False)
    after: RGB = field(repr=False)
    frame: Shown
    scale: NDArray[np.float64]
    finder: FaceFinder
    private: bool
    looked: dict[bool, Faces] = field(default_factory=dict, repr=False)

    def faces(self, *, of_copy: bool) -> Faces:
        """What a careful look at the copy or the original sees; made once."""
        if of_copy not in self.looked:
            self.looked[of_copy] = self.finder.find(self.after if of_copy else self.before)
        return self.looked[of_copy]

    def box(self, region: Region) -> Box:
        """Where a region lies in the reduced pictures."""
        x0, y0, x1, y1 = (np.array(region.box) * self.scale).tolist()
        return x0, y0, x1, y1


def note(sight: Sight, region: Region, look: Sighted, unchanged: float, structure: float) -> None:
    """Add one frame in which a track is there: `unchanged` and `structure` as in `Likeness`."""
    sight.seen += 1
    sight.structure.append(structure)
    x0, y0, x1, y1 = region.box
    sight.size_px = max(sight.size_px, x1 - x0, y1 - y0)
    if unchanged < PARTLY_FROM:
        _keep_largest(sight, region, look)
        return
    if not sight.open and not sight.partly:
        sight.frame, sight.time_s = look.frame.number, look.frame.time_s
    sight.until_s = look.frame.time_s
    sight.open += unchanged >= OPEN_FROM
    sight.partly += unchanged < OPEN_FROM
    if unchanged > sight.worst:
        sight.worst, sight.box = unchanged, region.box
        if look.private:
            sight.near = close_up(look.before, look.after, look.box(region))


def look_again(sight: Sight, region: Region, look: Sighted) -> None:
    """Look carefully at a frame, just noted, in which a track is open, if it is time to.

    A watch mostly glances, and glances take folded hands under a veil for a face. What would be
    called exposed is looked at with everything there is, in its 1st, 2nd, 4th, 8th... open frame;
    what was seen in the copy, in the original too, as what is open is in both.
    """
    due = sight.open & (sight.open - 1) == 0
    if sight.kept or not due or sight.open > _LOOKED or sight.track.score < EXPOSED_FROM:
        return
    for of_copy in (False, True) if sight.of_copy else (False,):
        faces = look.faces(of_copy=of_copy)
        here = pairwise_iou(np.array([look.box(region)], np.float32), faces.boxes)[0] >= _SAME_IOU
        sight.looks.append(float(faces.probability[here].max(initial=0.0)))


def note_stranger(sight: Sight, region: Region, look: Sighted) -> None:
    """Add a frame in which the copy shows a face, and no veil, where the original shows none of it.

    It is looked at with everything there is in the 1st, 2nd, 4th, 8th... such frame.
    """
    sight.strange += 1
    if not sight.open and not sight.partly:
        sight.until_s = look.frame.time_s
        if sight.strange == 1:
            sight.frame, sight.time_s = look.frame.number, look.frame.time_s
            sight.box = region.box
    if sight.kept or sight.strange & (sight.strange - 1) or sight.strange > _LOOKED:
        return
    faces = look.faces(of_copy=True)
    here = pairwise_iou(np.array([look.box(region)], np.float32), faces.boxes)[0] >= _SAME_IOU
    sight.strange_looks.append(float(faces.probability[here].max(initial=0.0)))
    if look.private and sight.near is None:
        sight.near = close_up(look.before, look.after, look.box(region))


def _stranger(sight: Sight) -> float:
    """How surely a track of the copy is a face that the original does not show there."""
    better = sorted(sight.strange_looks, reverse=True)[: (len(sight.strange_looks) + 1) // 2]
    return float(np.mean(better)) if better else 0.0


def _probability(sight: Sight) -> float:
    """That a track is a face: what the better half of the careful looks say, if there were any."""
    if not sight.looks:
        return sight.track.score
    better = sorted(sight.looks, reverse=True)[: (len(sight.looks) + 1) // 2]
    # What was glanced at remains worth a look, whatever careful ones say.
    return max(float(np.mean(better)), DOUBTFUL_FROM)


def _keep_largest(sight: Sight, region: Region, look: Sighted) -> None:
    """Remember a veiled face where it is clearly larger than before in its part of the time."""
    track = sight.track
    x0, y0, x1, y1 = region.box
    size_px = max(x1 - x0, y1 - y0)
    part = (look.frame.number - track.first) * sight.parts // (track.last - track.first + 1)
    known = sight.veiled[part].size_px if part in sight.veiled else 0.0
    if track.score < 0.5 or size_px < LEAST_PX or size_px < _LARGER * known:
        return
    sight.veiled[part] = veiled_face(
        look.before,
        look.after,
        look.box(region),
        where=region.box,
        frame=look.frame.number,
        time_s=round(look.frame.time_s, 3),
        person=track.id,
    )


def finding_of(sight: Sight) -> Finding | None:
    """What a track amounts to."""
    score = _probability(sight)
    if not sight.kept and _stranger(sight) >= STRANGER_FROM and not sight.open:
        size_px = max(sight.size_px, _longer(sight.box))
        what = f"a face is open in {sight.strange:,} of {sight.seen:,} frames"
        return _found(
            sight,
            Verdict.EXPOSED,
            f"{what} that the original does not show there",
            size_px,
            _stranger(sight),
        )
    if sight.worst < 0 or score < DOUBTFUL_FROM:
        return None
    bare = sight.open + sight.partly
    frames = f"in {bare:,} of {sight.seen:,} frames"
    if sight.kept:
        verdict, what = Verdict.DOUBTFUL, f"a face is left bare, as the plan says, {frames}"
    elif score >= EXPOSED_FROM and sight.open:
        verdict, what = Verdict.EXPOSED, f"a face is open {frames}"
    elif score >= EXPOSED_FROM:
        verdict, what = Verdict.DOUBTFUL, f"part of a face is open {frames}"
    else:
        verdict, what = Verdict.DOUBTFUL, f"this may be a face, and it is open {frames}"
    return _found(sight, verdict, what, sight.size_px, score)


def _found(sight: Sight, verdict: Verdict, what: str, size_px: float, score: float) -> Finding:
    box: Box | None = None
    if sight.box is not None:
        x0, y0, x1, y1 = (round(value, 1) for value in sight.box)
        box = x0, y0, x1, y1
    return Finding(
        subject=Subject.FACE,
        verdict=verdict,
        what=what,
        box=box,
        size_px=round(size_px, 1),
        frame=sight.frame,
        time_s=round(sight.time_s, 3),
        until_s=round(sight.until_s, 3),
        probability=round(score, 3),
        unchanged=round(max(sight.worst, 0.0), 3),
    )


def _longer(box: Box | None) -> float:
    return 0.0 if box is None else max(box[2] - box[0], box[3] - box[1])


def once_each(findings: Sequence[Finding]) -> list[Finding]:
    """Without those that both watches made of the same face at the same time."""
    rank = {Verdict.EXPOSED: 0, Verdict.DOUBTFUL: 1}
    taken: list[Finding] = []
    for one in sorted(findings, key=lambda one: (rank[one.verdict], -(one.probability or 0))):
        if not any(_same(one, other) for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: (rank[one.verdict], one.time_s or 0))


def _same(one: Finding, other: Finding) -> bool:
    if one.box is None or other.box is None or one.time_s is None or other.time_s is None:
        return False
    if max(one.time_s, other.time_s) > min(one.until_s or 0, other.until_s or 0):
        return False
    pair = np.array([one.box, other.box], np.float32)
    return bool(pairwise_iou(pair[:1], pair[1:])[0, 0] >= _SAME_IOU)


def lossy(sights: Sequence[Sight]) -> tuple[Finding, ...]:
    """Whether the veils have light and shade of the faces."""
    hidden = [sight for sight in sights if not sight.open and sight.size_px >= SHOWS_PX]
    if not hidden:
        return ()
    structure = np.array([np.mean(sight.structure) for sight in hidden], np.float32)
    boxes = np.tile(np.array([[0, 0, SHOWS_PX, SHOWS_PX]], np.float32), (len(hidden), 1))
    none = np.zeros(len(hidden), np.float32)
    return shows_through(boxes, Likeness(none, structure, none))


def _is_kept(track: Track, kept: Sequence[Track]) -> bool:
    """Whether a track follows one that the plan leaves bare."""
    for one in kept:
        first, last = max(track.first, one.first), min(track.last, one.last)
        if first > last:
            continue
        boxes = [_at(each, (first + last) // 2) for each in (track, one)]
        pair = np.array(boxes, np.float32)
        if pairwise_iou(pair[:1], pair[1:])[0, 0] >= _SAME_IOU:
            return True
    return False


def _at(track: Track, frame: int) -> Box:
    keys = list(track.keyframes)
    k = max(i for i, key in enumerate(keys) if key[0] <= max(frame, keys[0][0]))
    return box_at(keys[k : k + 2], frame)
