"""Compares a video or animation with its veiled copy, in every frame.

The original and the copy are each watched from beginning to end, more sensitively than when the
plan was made; then both are read side by side, and wherever either watch follows a face the two
are compared. Memory follows what is visible, not the length. What that amounts to for one person
is left to `sights`, for the whole film to `tally`; single pictures to `residual`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.effort import Effort
from crowdveil.detect.finder import FaceFinder
from crowdveil.evidence.films import Film, resized
from crowdveil.evidence.findings import Finding
from crowdveil.evidence.identity import VeiledFace
from crowdveil.evidence.integrity import Outside
from crowdveil.evidence.likeness import likeness
from crowdveil.evidence.noninterference import Proof
from crowdveil.evidence.residual import OPEN_FROM, PARTLY_FROM
from crowdveil.evidence.sights import (
    Sight,
    Sighted,
    finding_of,
    look_again,
    lossy,
    note,
    once_each,
    sight_of,
)
from crowdveil.evidence.stills import Crop, Still, still_of
from crowdveil.evidence.tally import Tally, measured, proof_of, prove, refuse_other
from crowdveil.geometry import SizeWH
from crowdveil.plan import Action, Made, Plan, Region, Source, Track
from crowdveil.redact.look import Look
from crowdveil.track.timeline import Timeline
from crowdveil.track.verdict import Policy
from crowdveil.watching import Watch

COMPARED_PX = 1280
"""Longest side at which frames are compared."""

SENSITIVE = Policy(glance=0.5, enter=1.0, hold_s=0.0, tail_s=0.0)
"""Follows whatever may be a face, and only while it is seen: what is veiled before and after
shows no face that could be open."""

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
        UnreadableMedia: a file cannot be read, or the copy shows something else altogether.
    """
    original, copy, plan, effort = films.original, films.copy, films.plan, films.effort
    tracks, count = watch.follow(
        original.frames(), original.scene, effort=effort, seen=lambda _: breath()
    )
    left, _ = watch.follow(copy.frames(), copy.scene, effort=effort, seen=lambda _: breath())
    left = _scaled(left, original.scene.size_wh, copy.scene.size_wh)
    kept = [] if plan is None else [one for one in plan.tracks if one.action is Action.KEEP]
    rate = original.scene.rate
    sights = {one.id: sight_of(one, kept, rate=rate) for one in tracks}
    sights |= {one.id: sight_of(one, kept, rate=rate, of_copy=True) for one in _named(left)}
    tally = Tally()
    _read_together(films, sights, tally, finder, count, breath)
    own = [sights[track.id] for track in tracks if sights[track.id].seen]
    sure = [sight for sight in own if sight.track.score >= 0.5]
    told = [(finding, sight) for sight in sights.values() if (finding := finding_of(sight))]
    findings = once_each([finding for finding, _ in told])
    return Compared(
        findings=(*findings, *lossy(sure)),
        followed=len(sure),
        hidden=sum(sight.open == 0 and sight.partly == 0 for sight in sure),
        outside=tuple(tally.outside),
        frames=tally.frames,
        seconds=tally.seconds,
        time_shift_s=round(tally.shift_s, 4),
        proof=proof_of(tally),
        stills=tuple(tally.stills),
        crops=tuple(
            sight.near.of(finding) for finding, sight in told if sight.near and finding in findings
        ),
        veiled=tuple(face for sight in sure if not sight.open for face in sight.veiled.values()),
    )


def _read_together(
    films: Films,
    sights: dict[str, Sight],
    tally: Tally,
    finder: FaceFinder,
    count: int,
    breath: Callable[[], None],
) -> None:
    original, copy, plan, looks = films.original, films.copy, films.plan, films.looks
    scene = original.scene
    seen_wh = scene.seen_wh(COMPARED_PX)
    scale = np.tile(np.array(seen_wh) / np.array(scene.size_wh), 2)
    timeline = Timeline(_plan_of([sight.track for sight in sights.values()], scene.size_wh, count))
    planned = None if plan is None else Timeline(plan)
    chosen = _spread(count, _MEASURED)
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
        wanted = a.number in chosen or a.number in shown
        if not regions and not wanted and a.number not in proven:
            continue
        before, after = a.rgb(seen_wh), resized(b.rgb(seen_wh), seen_wh)
        boxes = _boxes(regions) * scale
        alike = likeness(before, after, boxes.astype(np.float32))
        look = Sighted(before, after, a, scale, finder, films.private)
        for region, unchanged, structure in zip(
            regions, alike.unchanged.tolist(), alike.structure.tolist(), strict=True
        ):
            sight = sights[region.id]
            note(sight, region, look, unchanged, structure)
            if unchanged >= OPEN_FROM:
                look_again(sight, region, look)
        if a.number in chosen:
            tally.outside.append(measured(before, after, boxes, veils, scale, looks[0]))
            refuse_other(before, after, boxes, copy)
        if a.number in shown:
            bare = boxes[alike.unchanged >= PARTLY_FROM].astype(np.float32)
            tally.stills.append(still_of(after, bare, frame=a.number, time_s=round(a.time_s, 3)))
        if a.number in proven and veils is not None:
            prove(a, b, original, veils, looks, tally)


def _named(left: Sequence[Track]) -> list[Track]:
    """Tracks of the copy, with names that those of the original do not have."""
    return [one.model_copy(update={"id": f"copy-{one.id}"}) for one in left]


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
