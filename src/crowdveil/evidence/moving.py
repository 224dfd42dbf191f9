"""Compares a video or animation with its veiled copy, in every frame.

Both are read once to bring them together in space and time (`survey`), then each is watched from
beginning to end, more sensitively than when the plan was made; then both are read side by side, and
wherever either watch follows a face the two are compared. A face that only the copy shows
stands for itself. Memory follows what is visible, not the length, but for a thumbnail of each
frame. What that amounts to for one person is left to `sights`, for the whole film to `tally`;
single pictures to `residual`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.effort import Effort
from crowdveil.detect.finder import FaceFinder
from crowdveil.evidence.alignment import Aligned, Alignment
from crowdveil.evidence.films import Film, Shown, oriented, resized
from crowdveil.evidence.findings import Finding
from crowdveil.evidence.identity import VeiledFace
from crowdveil.evidence.integrity import Outside
from crowdveil.evidence.likeness import likeness
from crowdveil.evidence.noninterference import Proof
from crowdveil.evidence.orientation import UPRIGHT
from crowdveil.evidence.residual import FOREIGN_FROM, OPEN_FROM, PARTLY_FROM
from crowdveil.evidence.sights import (
    Sight,
    Sighted,
    finding_of,
    look_again,
    lossy,
    note,
    note_stranger,
    once_each,
    sight_of,
)
from crowdveil.evidence.stills import Crop, Still, still_of
from crowdveil.evidence.survey import Together, bring_together, survey
from crowdveil.evidence.tally import Tally, measured, proof_of, prove
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.plan import Action, Keyframe, Made, Plan, Region, Source, Track
from crowdveil.redact.look import Look
from crowdveil.track.timeline import Timeline
from crowdveil.track.verdict import Policy
from crowdveil.watching import Scene, Watch

COMPARED_PX = 1280
"""Longest side at which frames are compared."""

SENSITIVE = Policy(glance=0.5, enter=1.0, hold_s=0.0, tail_s=0.0)
"""Follows whatever may be a face, and only while it is seen: what is veiled before and after
shows no face that could be open."""

_COVERED_FROM = 0.1
"""Probability from which an open place is painted over in the report."""

_BLANK = 128
"""Level that stands for an original which shows nothing."""

_STILLS = 3
_MEASURED = 24
"""Frames of which integrity is measured, spread evenly."""
_PROVEN = 8
"""Frames of which veils are drawn twice."""


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
        crops: what the findings show, only if asked for.
        veiled: of everyone who is hidden up to `sights.SIGHTS` cut-outs, to be attacked.
        unmatched: how many frames of the copy could not be compared with any of the original.
        comparable: whether the two could be brought together at all.
        differences: how the copy differs in place, time and levels, as clauses after "the copy".
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
    crops: tuple[Crop, ...]
    veiled: tuple[VeiledFace, ...]
    unmatched: int
    comparable: bool
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Films:
    """What is compared, and how.

    Attributes:
        original: the part of the original that was copied.
        copy: its veiled copy.
        plan: what was veiled, None if unknown.
        looks: what veils may look like.
        effort: how often everything is looked at.
        private: whether to keep what the findings show, for a page for the editor.
    """

    original: Film
    copy: Film
    plan: Plan | None
    looks: tuple[Look, ...]
    effort: Effort
    private: bool


def compare_films(
    films: Films, watch: Watch, finder: FaceFinder, breath: Callable[[], None]
) -> Compared:
    """Compare every frame of two films.

    Args:
        films: what is compared.
        watch: finds and follows, made with the policy `SENSITIVE`.
        finder: looks carefully where the watch only glanced.
        breath: called for every frame; raises to stop.

    Raises:
        UnreadableMedia: a file cannot be read.
    """
    original, copy, plan, effort = films.original, films.copy, films.plan, films.effort
    first, second = survey(original, breath), survey(copy, breath)
    together = bring_together(first, second)
    lies = UPRIGHT if together is None else together.alignment.registration.orientation
    tracks, count = watch.follow(
        original.frames(), original.scene, effort=effort, seen=lambda _: breath()
    )
    turned = oriented(copy, lies)
    left, _ = watch.follow(turned.frames(), turned.scene, effort=effort, seen=lambda _: breath())
    left = _placed(left, together, original.scene.size_wh, turned.scene.size_wh)
    kept = [] if plan is None else [one for one in plan.tracks if one.action is Action.KEEP]
    rate = original.scene.rate
    sights = {one.id: sight_of(one, kept, rate=rate) for one in tracks}
    sights |= {one.id: sight_of(one, kept, rate=rate, of_copy=True) for one in _named(left)}
    tally = Tally()
    if together is None:
        tally.unmatched = len(second.thumbs)
    else:
        tally.unmatched = together.path.unmatched + together.path.backwards
        tally.differences += [*together.alignment.differences(), *together.path.differences]
    _read_together(films, together, sights, tally, finder, (count, len(second.thumbs)), breath)
    own = [sights[track.id] for track in tracks if sights[track.id].seen]
    sure = [sight for sight in own if sight.track.score >= 0.5]
    told = [(finding, sight) for sight in sights.values() if (finding := finding_of(sight))]
    findings = once_each([finding for finding, _ in told])
    return Compared(
        findings=(*findings, *lossy(sure)),
        followed=len(sure),
        hidden=sum(sight.open == 0 and sight.partly == 0 for sight in sure),
        outside=tuple(tally.outside),
        frames=(count, len(second.thumbs)),
        seconds=tally.seconds,
        time_shift_s=round(tally.shift_s, 4),
        proof=proof_of(tally),
        stills=tuple(tally.stills),
        crops=tuple(
            sight.near.of(finding) for finding, sight in told if sight.near and finding in findings
        ),
        veiled=tuple(face for sight in sure if not sight.open for face in sight.veiled.values()),
        unmatched=tally.unmatched,
        comparable=together is not None,
        differences=tuple(tally.differences),
    )


def _read_together(
    films: Films,
    together: Together | None,
    sights: dict[str, Sight],
    tally: Tally,
    finder: FaceFinder,
    counts: tuple[int, int],
    breath: Callable[[], None],
) -> None:
    original, copy, plan, looks = films.original, films.copy, films.plan, films.looks
    scene = original.scene
    seen_wh, copy_wh = scene.seen_wh(COMPARED_PX), copy.scene.seen_wh(COMPARED_PX)
    scale = np.tile(np.array(seen_wh) / np.array(scene.size_wh), 2)
    of_original, of_copy = (
        Timeline(_plan_of([one.track for one in sights.values() if one.of_copy is own], scene, n))
        for own, n in zip((False, True), counts, strict=True)
    )
    planned = None if plan is None else Timeline(plan)
    chosen = _spread(counts[1], _MEASURED)
    proven, shown = _spread(counts[1], _PROVEN), _spread(counts[1], _STILLS)
    alignment = None if together is None else together.alignment.scaled(seen_wh, copy_wh)
    for a, b in _side_by_side(original, copy, together):
        breath()
        tally.seconds = (tally.seconds[0] if a is None else a.time_s), b.time_s
        regions = of_copy.at(b.number)
        if a is None or alignment is None:
            _note_alone(regions, sights, b, alignment, seen_wh, copy_wh, scale, finder, films)
            continue
        tally.note_time(a.time_s, b.time_s)
        regions = [*of_original.at(a.number), *regions]
        veils = None if planned is None else planned.at(a.number)
        wanted = b.number in chosen or b.number in shown
        if not regions and not wanted and b.number not in proven:
            continue
        both = alignment.of(a.rgb(seen_wh), b.rgb(copy_wh))
        boxes = _boxes(regions) * scale
        flat = boxes.astype(np.float32)
        alike = likeness(both.before, both.after, flat).but_for(both.unseen(flat))
        look = Sighted(both.before, both.after, a, scale, finder, films.private)
        for k, region in enumerate(regions):
            sight = sights[region.id]
            unchanged = float(alike.unchanged[k])
            note(sight, region, look, unchanged, float(alike.structure[k]))
            if unchanged >= OPEN_FROM:
                look_again(sight, region, look)
            elif sight.of_copy and alike.foreign[k] >= FOREIGN_FROM:
                note_stranger(sight, region, look)
        if b.number in chosen:
            tally.outside.append(
                measured(both.before, both.after, boxes, veils, scale, looks[0], both.covered)
            )
        if b.number in shown:
            bare = flat[(alike.unchanged >= PARTLY_FROM) | (alike.foreign >= FOREIGN_FROM)]
            own = _own_faces(both, finder)
            tally.stills.append(
                still_of(
                    both.shown,
                    np.concatenate([bare, own]),
                    frame=a.number,
                    time_s=round(a.time_s, 3),
                )
            )
        in_place = alignment.registration.in_place
        if b.number in proven and veils is not None and in_place:
            prove(a, b, original, veils, looks, tally)


def _own_faces(both: Aligned, finder: FaceFinder) -> Boxes:
    """Whatever may be a face in a frame of the copy, and is no veil: a report must not show it."""
    guesses = finder.guess(both.shown)
    boxes = guesses.candidates.boxes[guesses.probability >= _COVERED_FROM]
    alike = likeness(both.before, both.after, boxes)
    bare = (alike.unchanged >= PARTLY_FROM) | (alike.foreign >= FOREIGN_FROM)
    return np.asarray(boxes[bare], np.float32)


def _note_alone(
    regions: Sequence[Region],
    sights: dict[str, Sight],
    frame: Shown,
    alignment: Alignment | None,
    seen_wh: SizeWH,
    copy_wh: SizeWH,
    scale: NDArray[np.float64],
    finder: FaceFinder,
    films: Films,
) -> None:
    """Note the faces of a frame of the copy that shows no frame of the original."""
    if not regions:
        return
    picture = frame.rgb(copy_wh)
    lying = (
        resized(picture, seen_wh) if alignment is None else alignment.registration.aligned(picture)
    )
    blank = np.full_like(lying, _BLANK)
    look = Sighted(blank, lying, frame, scale, finder, films.private)
    foreign = likeness(blank, lying, (_boxes(regions) * scale).astype(np.float32)).foreign
    for region, share in zip(regions, foreign.tolist(), strict=True):
        sights[region.id].seen += 1
        if share >= FOREIGN_FROM:
            note_stranger(sights[region.id], region, look)


def _side_by_side(
    original: Film, copy: Film, together: Together | None
) -> Iterator[tuple[Shown | None, Shown]]:
    """Each frame of the copy with the frame of the original that it shows, None if none."""
    frames = iter(original.frames())
    now: Shown | None = None
    for b in copy.frames():
        number = -1
        if together is not None and b.number < len(together.path.shows):
            number = int(together.path.shows[b.number])
        while number >= 0 and (now is None or now.number < number):
            now = next(frames, None)
            if now is None:
                break
        yield (now if number >= 0 else None), b


def _named(left: Sequence[Track]) -> list[Track]:
    """Tracks of the copy, with names that those of the original do not have."""
    return [one.model_copy(update={"id": f"copy-{one.id}"}) for one in left]


def _placed(
    tracks: Sequence[Track], together: Together | None, to_wh: SizeWH, from_wh: SizeWH
) -> tuple[Track, ...]:
    """Tracks of the copy, turned as the original lies, in pixels of the original."""
    if not tracks or (to_wh == from_wh and together is None):
        return tuple(tracks)
    return tuple(
        one.model_copy(update={"keyframes": _placed_keys(one.keyframes, together, to_wh, from_wh)})
        for one in tracks
    )


def _placed_keys(
    keys: Sequence[Keyframe], together: Together | None, to_wh: SizeWH, from_wh: SizeWH
) -> tuple[Keyframe, ...]:
    boxes = np.array([key[1:] for key in keys], np.float32).reshape(-1, 4)
    if together is None:
        boxes = boxes * np.tile(np.array(to_wh) / np.array(from_wh), 2).astype(np.float32)
    else:
        boxes = together.alignment.registration.from_oriented(boxes)
    return tuple(
        (key[0], x0, y0, x1, y1) for key, (x0, y0, x1, y1) in zip(keys, boxes.tolist(), strict=True)
    )


def _plan_of(tracks: Sequence[Track], scene: Scene, count: int) -> Plan:
    """A plan that holds tracks, to be read frame by frame."""
    size_wh = scene.size_wh
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
