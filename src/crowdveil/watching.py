"""Watches a video or animation from beginning to end and says which faces to veil, and when.

Frames come in, in the order of showing; tracks go out. Every frame gets a quick pass at a
reduced size; where a shot begins, where it ends and once a second everything is looked at. Who
is known is followed, who is new is looked at twice. Nothing of the frames is kept: memory
follows what is visible, not the length of the video. Files are left to `filming`.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.detector import Detector
from crowdveil.detect.effort import Effort
from crowdveil.detect.engine import cores
from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import Caution, FaceFinder, Guesses, load_detectors
from crowdveil.draft import written
from crowdveil.geometry import Boxes, SizeWH, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.pipeline import ahead, in_order
from crowdveil.plan import Track
from crowdveil.track.motion import Step, View
from crowdveil.track.smooth import STEADY_S, keyframed, steadied
from crowdveil.track.tracker import Habits, Tracker
from crowdveil.track.trail import Trail
from crowdveil.track.verdict import CAREFUL, Policy, Veiled, verdict
from crowdveil.validation import chosen

QUICK_PX = 512
"""Longest side at which every frame is looked at: a face of 25 pixels in 1280 is still seen."""

FULL_PX = 2048
"""Longest side at which everything is looked at; larger pictures are reduced."""

FULL_S = 1.0
"""How often everything is looked at; whoever came in between is followed back to the entry."""

LAST_S = 0.2
"""How long ago everything was looked at, at least, for it to be looked at again where a shot ends:
whoever came out from behind something just before the cut is nowhere else to be seen."""

AHEAD = 4
"""Frames that are decoded while those before them are looked at."""

GUESSED = 12
"""Frames whose passes may wait to be judged; a full look takes as long as many quick ones."""

NEW_LOOKS, FULL_LOOKS = 2, 24
"""How many unknown faces get a second look in a quick pass and in a full one, the likeliest
first; where a shot begins, all do."""

KNOWN_IOU = 0.4
"""Overlap from which a guess is the face that is expected there."""

KNOWN = 0.9
"""A face seen with this probability needs no second look."""

ENOUGH_LOOKS = 2
"""Nor does one that was looked at so often."""

LEAST_FULL, LEAST_QUICK = 0.05, 0.15
"""Least probabilities of sightings that are followed at all."""


class Picturable(Protocol):
    """A frame that can be looked at."""

    @property
    def number(self) -> int:
        """0 for the first frame."""

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """The upright picture at a size, (h, w, 3) uint8; black outside of `only` will do."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What frames have in common.

    Attributes:
        size_wh: size of the upright picture in its own pixels.
        aspect: width of a pixel over its height.
        rate: frames a second.
    """

    size_wh: SizeWH
    aspect: float
    rate: float

    def seen_wh(self, longest_px: int) -> SizeWH:
        """A size with square pixels whose longer side is at most `longest_px`."""
        width, height = self.size_wh[0] * self.aspect, float(self.size_wh[1])
        scale = min(longest_px / max(width, height), 1)
        return max(round(width * scale), 1), max(round(height * scale), 1)


@dataclass(frozen=True, slots=True)
class _Look:
    """One frame on its way to being looked at."""

    picture: RGB
    frame: Picturable
    step: Step | None
    full: bool


@dataclass(slots=True)
class _Shot:
    """What is known of a video so far."""

    tracker: Tracker
    veiled: list[Veiled] = field(default_factory=list)
    start: int = 0
    frames: int = 0


class Watch:
    """Finds and follows faces in videos; one object serves many, one after the other."""

    def __init__(
        self,
        *,
        caution: Caution = Caution.NORMAL,
        detector: Path | None = None,
        every_frame: Effort = Effort.AUTO,
        detectors: Mapping[str, Detector] | None = None,
        habits: Habits | None = None,
        policy: Policy | None = None,
        fusion: Path | None = None,
    ) -> None:
        """Load and compile everything.

        Args:
            caution: the operating point of the full look.
            detector: an ONNX detector of the user's, used at every full look as well.
            every_frame: how often everything is looked at.
            detectors: what `load_detectors` gave, to be shared; None to load them.
            habits: how faces are followed, None for the usual way.
            policy: how it is decided who is veiled, None for the usual way.
            fusion: as for `FaceFinder`.

        Raises:
            OptionsInvalid: `caution` or `every_frame` is no word of theirs.
            WeightsInvalid: weights are missing or altered, or `detector` cannot be used.
        """
        detectors = load_detectors() if detectors is None else detectors
        self._full = FaceFinder(
            caution=caution, detector=detector, detectors=detectors, fusion=fusion
        )
        self._quick = FaceFinder(caution=Caution.LOW, detectors=detectors, fusion=fusion)
        self._effort = chosen("every_frame", every_frame, Effort)
        usual = CAREFUL if self._full.caution == Caution.HIGH else Policy()
        self._habits, self._policy = habits or Habits(), policy or usual
        self.caution = self._full.caution
        self.weights = self._full.weights

    def follow(
        self,
        frames: Iterable[Picturable],
        scene: Scene,
        *,
        effort: Effort | None = None,
        seen: Callable[[int], None] | None = None,
    ) -> tuple[tuple[Track, ...], int]:
        """Watch all frames.

        Args:
            frames: in the order of showing.
            scene: what they have in common.
            effort: how often everything is looked at, None for what the watch was made with.
            seen: told after each frame how many are done; may raise to stop.

        Returns:
            The tracks t1, t2, ... in the order of their appearance, and the number of frames.
        """
        rule = self._full.rule
        shot = _Shot(
            Tracker(scene.rate, lambda boxes: rule.threshold(boxes, scene.size_wh), self._habits)
        )
        with ExitStack() as scope:
            scope.callback(self._full.rest)  # whoever paints next needs the memory
            how = self._effort if effort is None else chosen("effort", effort, Effort)
            guessed = closing(self._guessed(frames, scene, how))
            for look, guesses in scope.enter_context(guessed):
                if look.step is None:
                    self._close(shot, scene, look.frame.number)
                faces, looked = self._judged(look, guesses, shot.tracker, scene)
                shot.tracker.push(faces, look.step, full=look.full, looked=looked)
                self._judge(shot, shot.tracker.take(), scene, None)
                shot.frames = look.frame.number + 1
                if seen is not None:
                    seen(shot.frames)
        self._close(shot, scene, shot.frames)
        return _tracks(shot.veiled, shot.frames), shot.frames

    def _looks(self, frames: Iterable[Picturable], scene: Scene, effort: Effort) -> Iterator[_Look]:
        """What to look at in each frame."""
        every = 1 if effort == Effort.FULL else max(round(FULL_S * scene.rate), 1)
        late = min(max(round(LAST_S * scene.rate), 1), every)
        since = 0
        for now, last in _lasts(_steps(frames, scene)):
            since += 1
            full = now.step is None or since >= (late if last else every)
            if full:
                since = 0
            picture = now.frame.rgb(scene.seen_wh(FULL_PX)) if full else now.picture
            yield replace(now, picture=picture, full=full)

    def _guessed(
        self, frames: Iterable[Picturable], scene: Scene, effort: Effort
    ) -> Generator[tuple[_Look, Guesses], None, None]:
        """The passes over whole pictures, several at a time, in order."""

        def guess(look: _Look, stop: Event) -> Guesses:
            return (self._full if look.full else self._quick).guess(look.picture)

        guessed = in_order(
            ahead(self._looks(frames, scene, effort), AHEAD),
            guess,
            weight=lambda look: 0,
            budget=1,
            workers=cores() + 1,
        )
        return ahead(guessed, GUESSED)

    def _judged(
        self, look: _Look, guesses: Guesses, tracker: Tracker, scene: Scene
    ) -> tuple[Faces, NDArray[np.bool_]]:
        """The faces of a frame in pixels of the upright picture, with second looks at the new."""
        finder = self._full if look.full else self._quick
        size = np.array(guesses.size_wh, np.float32)
        scale = np.tile(np.array(scene.size_wh, np.float32) / size, 2)
        closer = scene.seen_wh(FULL_PX)[0] / guesses.size_wh[0]
        doubt = finder.in_doubt(guesses, closer=closer)
        ceiling = _known(guesses.candidates.boxes * scale, look, tracker)
        doubt &= np.isnan(ceiling)
        looked = ~doubt | look.full
        if look.step is not None:
            most = FULL_LOOKS if look.full else NEW_LOOKS
            doubt = _likeliest(doubt, guesses.probability, most)
        looked |= doubt
        guesses = replace(guesses, probability=np.fmin(guesses.probability, ceiling))
        picture = look.picture
        if not look.full and doubt.any():
            parts = finder.needed(guesses, doubt, closer=closer)
            picture = look.frame.rgb(scene.seen_wh(FULL_PX), parts)
        faces = finder.judge(picture, guesses, doubt)
        kept = faces.probability >= (LEAST_FULL if look.full else LEAST_QUICK)
        faces, looked = faces.take(kept), looked[kept]
        if look.full:
            faces = finder.add_custom(look.picture, faces)
            looked = np.concatenate([looked, np.ones(len(faces) - len(looked), np.bool_)])
        faces = Faces(faces.boxes * scale, faces.probability, faces.uncertain, faces.detectors)
        return faces, looked

    def _close(self, shot: _Shot, scene: Scene, stop: int) -> None:
        """End a shot before frame `stop`."""
        shot.tracker.end()
        self._judge(shot, shot.tracker.take(), scene, stop)
        shot.start = stop

    def _judge(self, shot: _Shot, trails: list[Trail], scene: Scene, stop: int | None) -> None:
        """Keep the trails that are veiled, as few keyframes as they need."""
        span = range(shot.start, stop if stop is not None else shot.frames + 10**9)
        for trail in trails:
            veiled = verdict(trail, self._full.rule, scene.size_wh, scene.rate, self._policy, span)
            if veiled is not None:
                shot.veiled.append(_thinned(veiled, scene.rate))


def _steps(frames: Iterable[Picturable], scene: Scene) -> Iterator[_Look]:
    """Quick looks at all frames, and how each follows from the one before it."""
    before: View | None = None
    for frame in frames:
        small = frame.rgb(scene.seen_wh(QUICK_PX))
        view = View.of(small, scene.size_wh)
        step = None if before is None else Step(before, view)
        if step is not None and step.cut:
            step = None
        yield _Look(small, frame, step, full=False)
        before = view


def _lasts(looks: Iterable[_Look]) -> Iterator[tuple[_Look, bool]]:
    """Each look with whether its shot ends with it."""
    now: _Look | None = None
    for after in looks:
        if now is not None:
            yield now, after.step is None
        now = after
    if now is not None:
        yield now, True


def _thinned(veiled: Veiled, rate: float) -> Veiled:
    """The same with steady boxes, and of these only what keyframes need."""
    boxes = steadied(veiled.boxes, max(round(STEADY_S * rate), 1))
    index, keys = keyframed(boxes)
    return Veiled(
        veiled.start, veiled.stop, keys, veiled.score, veiled.uncertain, veiled.detectors, index
    )


def _known(boxes: Boxes, look: _Look, tracker: Tracker) -> NDArray[np.float32]:
    """What is the most that n guesses can be, as everything is known of those who are there.

    A face that was looked at often enough is looked at no more, and no quick guess may raise
    what careful looks found.

    Returns:
        (n,) float32 probabilities; NaN for those who are not known.
    """
    ceiling = np.full(len(boxes), np.nan, np.float32)
    expected = tracker.expected(look.step)
    best = np.array([trail.best for trail in tracker.live], np.float32)
    settled = best >= KNOWN
    looks = [trail.looks + (0 if look.full else trail.glances) for trail in tracker.live]
    settled |= np.array(looks, np.intp) >= ENOUGH_LOOKS
    if not len(expected) or not len(boxes) or not settled.any():
        return ceiling
    overlap = np.where(settled[None], pairwise_iou(boxes, expected), 0)
    home = overlap.argmax(axis=1)
    there = overlap[np.arange(len(boxes)), home] >= KNOWN_IOU
    ceiling[there] = np.where(best[home] >= KNOWN, 1, best[home])[there]
    return ceiling


def _likeliest(
    which: NDArray[np.bool_], probability: NDArray[np.float32], most: int
) -> NDArray[np.bool_]:
    """At most so many of those that `which` picks."""
    if which.sum() <= most:
        return which
    ranked = np.argsort(-np.where(which, probability, -1), kind="stable")[:most]
    chosen = np.zeros(len(which), np.bool_)
    chosen[ranked] = True
    return chosen


def _tracks(veiled: list[Veiled], frames: int) -> tuple[Track, ...]:
    """Plan tracks, those that appear first come first."""
    tracks: list[Track] = []
    for one in sorted(veiled, key=lambda one: (one.start, *one.boxes[0].tolist())):
        index = np.arange(len(one.boxes)) if one.keys is None else one.keys
        keys = [
            (one.start + int(k), *written(box))
            for k, box in zip(index, one.boxes.tolist(), strict=True)
            if one.start + int(k) < frames
        ]
        tracks.append(
            Track(
                id=f"t{len(tracks) + 1}",
                keyframes=tuple(keys),
                score=round(min(max(one.score, 0.0), 1.0), 4),
                detectors=one.detectors,
                uncertain=one.uncertain,
            )
        )
    return tuple(tracks)
