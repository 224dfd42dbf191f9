"""Compares a video or animation with its veiled copy, in every frame.

The original and the copy are each watched from beginning to end, more sensitively than when the
plan was made; then both are read side by side, and wherever either watch follows a face the two
are compared. Memory follows what is visible, not the length. Single pictures are left to
`residual`, files to `check`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.effort import Effort
from crowdveil.errors import UnreadableMedia
from crowdveil.evidence.films import Film, Shown, Video, resized
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.identity import LEAST_PX, VeiledFace, veiled_face
from crowdveil.evidence.integrity import Outside, outside_veils
from crowdveil.evidence.likeness import Likeness, likeness
from crowdveil.evidence.noninterference import SAME_DB, Proof, paint_twice, plane_agreement
from crowdveil.evidence.residual import (
    DOUBTFUL_FROM,
    EXPOSED_FROM,
    OPEN_FROM,
    PARTLY_FROM,
    SHOWS_PX,
    shows_through,
)
from crowdveil.evidence.stills import Still, still_of
from crowdveil.geometry import SizeWH, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.media.video.reader import StoredFrame
from crowdveil.plan import Action, Made, Plan, Region, Source, Track
from crowdveil.redact.look import Look
from crowdveil.redact.masks import mask_of
from crowdveil.track.timeline import Timeline, box_at
from crowdveil.track.verdict import Policy
from crowdveil.watching import Watch

COMPARED_PX = 1280
"""Longest side at which frames are compared."""

SENSITIVE = Policy(enter=1.0, hold_s=0.0, back_s=0.0, doubtful_s=0.0, tail_s=0.0)
"""Follows whatever may be a face, and only while it is seen: what is veiled before and after
shows no face that could be open."""

_STILLS = 3
_MEASURED = 24
"""Frames of which integrity is measured, spread evenly."""
_PROVEN = 8
"""Frames of which veils are drawn twice."""
_ALIGNED_DB = 15.0
_LARGER = 1.2
_SAME_IOU = 0.3


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of comparing two films.

    Attributes:
        findings: open and doubtful faces, and what else is odd.
        followed: how many people were followed in the original.
        hidden: how many of them are hidden in every frame.
        outside: integrity of the frames that were measured.
        frames: how many frames each has.
        seconds: when the last frame of each is shown.
        time_shift_s: largest difference between the times of two frames.
        proof: whether the veils are independent of what they hide, None without plan.
        stills: pictures for the report.
        veiled: of everyone who is hidden a cut-out of the largest sight, to be attacked.
    """

    findings: tuple[Finding, ...]
    followed: int
    hidden: int
    outside: tuple[Outside, ...]
    frames: tuple[int, int]
    seconds: tuple[float, float]
    time_shift_s: float
    proof: Proof | None
    stills: tuple[Still, ...]
    veiled: tuple[VeiledFace, ...]


@dataclass(slots=True)
class _Sight:
    """What is known of one track."""

    track: Track
    kept: bool
    first: Shown | None = None
    frame: int = 0
    time_s: float = 0.0
    until_s: float = 0.0
    open: int = 0
    partly: int = 0
    seen: int = 0
    worst: float = -1.0
    box: tuple[float, float, float, float] | None = None
    structure: list[float] = field(default_factory=list)
    size_px: float = 0.0
    veiled: VeiledFace | None = None


@dataclass(slots=True)
class _Tally:
    """What adds up while two films are read side by side."""

    outside: list[Outside] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list)
    independent: bool = True
    proven: int = 0
    agreement: dict[Look, list[float]] = field(default_factory=dict)
    independents: dict[Look, bool] = field(default_factory=dict)
    frames: tuple[int, int] = (0, 0)
    seconds: tuple[float, float] = (0.0, 0.0)
    shift_s: float = 0.0


def compare_films(
    original: Film,
    copy: Film,
    watch: Watch,
    *,
    plan: Plan | None,
    looks: Sequence[Look],
    effort: Effort,
    breath: Callable[[], None],
) -> Compared:
    """Compare every frame of two films.

    Args:
        original: the part of the original that was copied.
        copy: its veiled copy.
        watch: finds and follows, made with the policy `SENSITIVE`.
        plan: what was veiled, None if unknown.
        looks: what veils may look like.
        effort: how often everything is looked at.
        breath: called for every frame; raises to stop.

    Raises:
        UnreadableMedia: a file cannot be read, or the copy shows something else altogether.
    """
    tracks, count = watch.follow(
        original.frames(), original.scene, effort=effort, seen=lambda _: breath()
    )
    left, _ = watch.follow(copy.frames(), copy.scene, effort=effort, seen=lambda _: breath())
    left = _scaled(left, original.scene.size_wh, copy.scene.size_wh)
    kept = [] if plan is None else [one for one in plan.tracks if one.action is Action.KEEP]
    sights = {one.id: _Sight(one, _is_kept(one, kept)) for one in _together(tracks, left)}
    tally = _Tally()
    _read_together(original, copy, sights, tally, plan, looks, count, breath)
    own = [sights[track.id] for track in tracks if sights[track.id].seen]
    sure = [sight for sight in own if sight.track.score >= 0.5]
    findings = [finding for sight in sights.values() if (finding := _finding(sight)) is not None]
    return Compared(
        findings=(*_once(findings), *_lossy(sure)),
        followed=len(sure),
        hidden=sum(sight.open == 0 and sight.partly == 0 for sight in sure),
        outside=tuple(tally.outside),
        frames=tally.frames,
        seconds=tally.seconds,
        time_shift_s=round(tally.shift_s, 4),
        proof=_proof(tally),
        stills=tuple(tally.stills),
        veiled=tuple(sight.veiled for sight in sure if sight.veiled is not None and not sight.open),
    )


def _read_together(
    original: Film,
    copy: Film,
    sights: dict[str, _Sight],
    tally: _Tally,
    plan: Plan | None,
    looks: Sequence[Look],
    count: int,
    breath: Callable[[], None],
) -> None:
    scene = original.scene
    seen_wh = scene.seen_wh(COMPARED_PX)
    scale = np.tile(np.array(seen_wh) / np.array(scene.size_wh), 2)
    timeline = Timeline(_plan_of([sight.track for sight in sights.values()], scene.size_wh, count))
    planned = None if plan is None else Timeline(plan)
    measured = _spread(count, _MEASURED)
    proven, shown = _spread(count, _PROVEN), _spread(count, _STILLS)
    for a, b in zip_longest(original.frames(), copy.frames()):
        breath()
        tally.frames = tally.frames[0] + (a is not None), tally.frames[1] + (b is not None)
        if a is not None:
            tally.seconds = a.time_s, tally.seconds[1]
        if b is not None:
            tally.seconds = tally.seconds[0], b.time_s
        if a is None or b is None or a.number >= count:
            continue
        tally.shift_s = max(tally.shift_s, abs(a.time_s - b.time_s))
        regions = timeline.at(a.number)
        veils = None if planned is None else planned.at(a.number)
        wanted = a.number in measured or a.number in shown
        if not regions and not wanted and a.number not in proven:
            continue
        before, after = a.rgb(seen_wh), resized(b.rgb(seen_wh), seen_wh)
        boxes = _boxes(regions) * scale
        alike = likeness(before, after, boxes.astype(np.float32))
        for region, unchanged, structure in zip(
            regions, alike.unchanged.tolist(), alike.structure.tolist(), strict=True
        ):
            sight = sights[region.id]
            _note(sight, region, a, unchanged, structure)
            if unchanged < PARTLY_FROM:
                _keep_largest(sight, before, after, region, scale, a)
        if a.number in measured:
            tally.outside.append(_measured(before, after, boxes, veils, scale, looks[0]))
            _refuse_other(before, after, boxes, copy)
        if a.number in shown:
            bare = boxes[alike.unchanged >= PARTLY_FROM].astype(np.float32)
            tally.stills.append(still_of(after, bare, frame=a.number, time_s=round(a.time_s, 3)))
        if a.number in proven and veils is not None:
            _prove(a, b, original, veils, looks, tally)


def _note(sight: _Sight, region: Region, frame: Shown, unchanged: float, structure: float) -> None:
    sight.seen += 1
    sight.structure.append(structure)
    x0, y0, x1, y1 = region.box
    sight.size_px = max(sight.size_px, x1 - x0, y1 - y0)
    if unchanged < PARTLY_FROM:
        return
    if not sight.open and not sight.partly:
        sight.frame, sight.time_s = frame.number, frame.time_s
    sight.until_s = frame.time_s
    sight.open += unchanged >= OPEN_FROM
    sight.partly += unchanged < OPEN_FROM
    if unchanged > sight.worst:
        sight.worst, sight.box = unchanged, region.box


def _keep_largest(
    sight: _Sight,
    before: RGB,
    after: RGB,
    region: Region,
    scale: NDArray[np.float64],
    frame: Shown,
) -> None:
    """Remember a veiled face where it is clearly larger than before."""
    x0, y0, x1, y1 = region.box
    size_px = max(x1 - x0, y1 - y0)
    known = 0.0 if sight.veiled is None else sight.veiled.size_px
    if sight.track.score < 0.5 or size_px < LEAST_PX or size_px < _LARGER * known:
        return
    left, top, right, bottom = (np.array(region.box) * scale).tolist()
    sight.veiled = veiled_face(
        before,
        after,
        (left, top, right, bottom),
        where=region.box,
        frame=frame.number,
        time_s=round(frame.time_s, 3),
    )


def _finding(sight: _Sight) -> Finding | None:
    """What a track amounts to."""
    score = sight.track.score
    if sight.box is None or score < DOUBTFUL_FROM:
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
    x0, y0, x1, y1 = (round(value, 1) for value in sight.box)
    return Finding(
        subject=Subject.FACE,
        verdict=verdict,
        what=what,
        box=(x0, y0, x1, y1),
        size_px=round(sight.size_px, 1),
        frame=sight.frame,
        time_s=round(sight.time_s, 3),
        until_s=round(sight.until_s, 3),
        probability=round(score, 3),
        unchanged=round(sight.worst, 3),
    )


def _once(findings: Sequence[Finding]) -> list[Finding]:
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


def _lossy(sights: Sequence[_Sight]) -> tuple[Finding, ...]:
    """Whether the veils have light and shade of the faces."""
    hidden = [sight for sight in sights if not sight.open and sight.size_px >= SHOWS_PX]
    if not hidden:
        return ()
    structure = np.array([np.mean(sight.structure) for sight in hidden], np.float32)
    boxes = np.tile(np.array([[0, 0, SHOWS_PX, SHOWS_PX]], np.float32), (len(hidden), 1))
    return shows_through(boxes, Likeness(np.zeros(len(hidden), np.float32), structure))


def _measured(
    before: RGB,
    after: RGB,
    boxes: NDArray[np.float64],
    veils: Sequence[Region] | None,
    scale: NDArray[np.float64],
    look: Look,
) -> Outside:
    mask = None
    if veils is not None:
        fitted = [
            region.model_copy(update={"box": tuple((np.array(region.box) * scale).tolist())})
            for region in veils
        ]
        mask = mask_of(fitted, (before.shape[1], before.shape[0]), look)
    return outside_veils(before, after, boxes.astype(np.float32), mask)


def _refuse_other(before: RGB, after: RGB, boxes: NDArray[np.float64], copy: Film) -> None:
    """Refuse a copy that shows something else: nothing of it could be compared."""
    difference = before[::8, ::8].astype(np.float64) - after[::8, ::8]
    error = float(np.median(difference**2))
    if error > 255**2 / 10 ** (_ALIGNED_DB / 10):
        name = copy.clip.path if isinstance(copy, Video) else "the copy"
        raise UnreadableMedia(
            f"{name}: does not show the same as the original at the same time, so faces cannot be "
            "compared; give the original that it was made of, and its plan if only a part was "
            "copied"
        )


def _prove(
    a: Shown, b: Shown, film: Film, veils: Sequence[Region], looks: Sequence[Look], tally: _Tally
) -> None:
    if not (isinstance(a, StoredFrame) and isinstance(b, StoredFrame) and isinstance(film, Video)):
        return
    planes, shown = a.planes(), b.planes()
    for look in looks:
        painted = paint_twice(film.clip, planes, veils, look)
        if painted is None:
            return
        same, drawn, hidden = painted
        agreement = plane_agreement(drawn, shown, hidden)
        tally.agreement.setdefault(look, []).append(agreement)
        tally.independents[look] = tally.independents.get(look, True) and same
        if agreement >= SAME_DB:
            break


def _proof(tally: _Tally) -> Proof | None:
    if not tally.agreement:
        return None
    look = max(tally.agreement, key=lambda one: min(tally.agreement[one]))
    worst = min(tally.agreement[look])
    return Proof(
        style=look.style,
        margin=look.margin,
        seed=look.seed,
        independent=tally.independents[look],
        pictures=len(tally.agreement[look]),
        agreement_db=None if not np.isfinite(worst) else round(worst, 2),
        reproduced=worst >= SAME_DB,
    )


def _together(tracks: Sequence[Track], left: Sequence[Track]) -> list[Track]:
    return [*tracks, *(one.model_copy(update={"id": f"copy-{one.id}"}) for one in left)]


def _scaled(tracks: Sequence[Track], to_wh: SizeWH, from_wh: SizeWH) -> tuple[Track, ...]:
    if to_wh == from_wh:
        return tuple(tracks)
    across, down = to_wh[0] / from_wh[0], to_wh[1] / from_wh[1]
    return tuple(
        one.model_copy(
            update={
                "keyframes": tuple(
                    (frame, x0 * across, y0 * down, x1 * across, y1 * down)
                    for frame, x0, y0, x1, y1 in one.keyframes
                )
            }
        )
        for one in tracks
    )


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


def _at(track: Track, frame: int) -> tuple[float, float, float, float]:
    keys = list(track.keyframes)
    k = max(i for i, key in enumerate(keys) if key[0] <= max(frame, keys[0][0]))
    return box_at(keys[k : k + 2], frame)


def _plan_of(tracks: Sequence[Track], size_wh: SizeWH, count: int) -> Plan:
    """A plan that holds tracks, to be read frame by frame."""
    last = max((track.last for track in tracks), default=0)
    source = Source(
        name="-",
        path="-",
        sha256="0" * 64,
        format="-",
        width=size_wh[0],
        height=size_wh[1],
        frames=max(count, last + 1, 1),
    )
    return Plan(source=source, made=Made(crowdveil="-", caution="-"), tracks=tuple(tracks))


def _boxes(regions: Sequence[Region]) -> NDArray[np.float64]:
    return np.array([region.box for region in regions], np.float64).reshape(-1, 4)


def _spread(count: int, most: int) -> frozenset[int]:
    """Numbers of at most so many frames, spread evenly."""
    return frozenset(
        np.linspace(0, max(count - 1, 0), min(most, max(count, 1))).astype(int).tolist()
    )
