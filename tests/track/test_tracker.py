from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from crowdveil.detect.faces import Faces
from crowdveil.detect.fusion import Rule
from crowdveil.geometry import Boxes
from crowdveil.track.motion import Step, View
from crowdveil.track.tracker import Tracker
from crowdveil.track.trail import Trail
from crowdveil.track.verdict import CAREFUL, Policy, verdict

SIZE, RATE = (640, 360), 30
RULE = Rule(odds=0.1, growth=0, least=0.1, most=0.5)
SMALL_FACE = np.array([290, 120, 304, 135], np.float32)
"""A face that the quick pass cannot see, in frame 30."""


@pytest.fixture(scope="module")
def views() -> list[View]:
    """One second of a camera that pans over a textured scene, 4 pixels a frame."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 255, (40, 66, 3)).astype(np.uint8)
    scene = cv2.resize(coarse, (1000, 600), interpolation=cv2.INTER_CUBIC)
    return [
        View.of(np.ascontiguousarray(scene[100:460, 4 * k : 4 * k + 640]).astype(np.uint8), SIZE)
        for k in range(60)
    ]


def face(frame: int) -> NDArray[np.float32]:
    """Where a face that stands still in the scene is in a frame."""
    return np.array([400 - 4 * frame, 100, 440 - 4 * frame, 150], np.float32)


def seen(*boxes: NDArray[np.float32], p: float = 0.9) -> Faces:
    n = len(boxes)
    return Faces(
        np.stack(boxes).astype(np.float32) if n else np.empty((0, 4), np.float32),
        np.full(n, p, np.float32),
        np.zeros(n, np.bool_),
        (("yunet",),) * n,
    )


def watched(views: Sequence[View], sightings: dict[int, Faces]) -> list[Trail]:
    def needed(boxes: Boxes) -> NDArray[np.float32]:
        return RULE.threshold(boxes, SIZE)

    tracker = Tracker(RATE, needed)
    for frame, view in enumerate(views):
        step = Step(views[frame - 1], view) if frame else None
        tracker.push(sightings.get(frame, seen()), step, full=frame in sightings)
    tracker.end()
    return tracker.take()


def veiled_frames(trail: Trail, frames: int, policy: Policy | None = None) -> range:
    found = verdict(trail, RULE, SIZE, RATE, policy or Policy(enter=1), range(frames))
    assert found is not None
    for number, box in zip(range(found.start, found.stop), found.boxes, strict=True):
        if number >= trail.start + len(trail):
            break  # given up a second ago: the last veil only stays and grows
        x0, y0, x1, y1 = face(number)
        assert box[0] <= x0 + 6
        assert box[1] <= y0 + 6
        assert box[2] >= x1 - 6
        assert box[3] >= y1 - 6
    return range(found.start, found.stop)


def test_a_face_missed_for_long_between_two_sightings_stays_veiled(views: list[View]) -> None:
    (trail,) = watched(views, {0: seen(face(0)), 25: seen(face(25))})
    assert set(range(26)) <= set(veiled_frames(trail, 60))


def test_a_face_sighted_twice_at_once_is_one_face_and_its_neighbour_another(
    views: list[View],
) -> None:
    again, beside = face(0) + np.float32(3), face(0) + np.array([44, 0, 44, 0], np.float32)
    trails = watched(views, {0: seen(face(0), again, beside)})
    assert len(trails) == 2


def test_a_face_is_veiled_before_it_is_first_found_and_after_it_was_last(
    views: list[View],
) -> None:
    (trail,) = watched(views, {28: seen(face(28)), 30: seen(face(30))})
    veiled = veiled_frames(trail, 60)
    assert veiled.start <= 28 - RATE // 2
    assert veiled.stop > 30 + RATE // 2


def doubted(views: list[View], box: NDArray[np.float32], policy: Policy, p: float = 0.2) -> range:
    """The frames in which a face is veiled that was sighted in frame 30 only."""
    (trail,) = watched(views, {30: seen(box, p=p)})
    found = verdict(trail, RULE, SIZE, RATE, policy, range(60))
    assert found is not None
    return range(found.start, found.stop)


def test_one_doubtful_sighting_is_veiled_on_both_sides(views: list[View]) -> None:
    veiled = doubted(views, SMALL_FACE, Policy(enter=1))
    assert veiled.start <= 30 - RATE // 2
    assert veiled.stop > 30 + RATE // 2
    (trail,) = watched(views, {30: seen(SMALL_FACE, p=0.2)})
    assert verdict(trail, RULE, SIZE, RATE, Policy(enter=3), range(60)) is None


def test_a_large_doubt_is_followed_less_far_as_every_frame_would_have_shown_it(
    views: list[View],
) -> None:
    small = doubted(views, SMALL_FACE, Policy(enter=1))
    large = doubted(views, face(30), Policy(enter=1))
    assert small.start < large.start <= 30 - RATE // 5
    assert 30 + RATE // 5 < large.stop < small.stop


def test_a_large_face_more_likely_than_not_is_followed_as_far_as_a_small_one(
    views: list[View],
) -> None:
    veiled = doubted(views, face(30), Policy(enter=1), p=0.55)
    assert veiled.start <= 30 - RATE // 2
    assert veiled.stop > 30 + RATE // 2


def test_who_is_careful_follows_large_doubts_as_far_as_small_ones(views: list[View]) -> None:
    assert doubted(views, face(30), CAREFUL) == doubted(views, SMALL_FACE, CAREFUL)


def test_what_was_glanced_at_needs_more_than_what_was_looked_at(views: list[View]) -> None:
    def trail(looked: bool) -> Trail:
        tracker = Tracker(RATE, lambda boxes: RULE.threshold(boxes, SIZE))
        tracker.push(seen(face(0), p=0.3), None, full=False, looked=np.array([looked]))
        tracker.end()
        (only,) = tracker.take()
        return only

    assert verdict(trail(looked=True), RULE, SIZE, RATE, Policy(), range(1)) is not None
    assert verdict(trail(looked=False), RULE, SIZE, RATE, Policy(), range(1)) is None


def test_low_scores_carry_on_what_a_high_score_began(views: list[View]) -> None:
    sightings = {frame: seen(face(frame), p=0.9 if frame == 0 else 0.06) for frame in range(50)}
    (trail,) = watched(views, sightings)
    assert trail.unseen == 10
    assert len(trail) == 60


def test_no_trail_crosses_a_cut(views: list[View]) -> None:
    tracker = Tracker(RATE, lambda boxes: RULE.threshold(boxes, SIZE))
    tracker.push(seen(face(0)), None, full=True)
    tracker.push(seen(face(0)), None, full=True)
    tracker.end()
    assert [(trail.start, len(trail)) for trail in tracker.take()] == [(0, 1), (1, 1)]


def test_two_faces_side_by_side_stay_two(views: list[View]) -> None:
    right = np.array([60, 0, 60, 0], np.float32)
    sightings = {frame: seen(face(frame), face(frame) + right) for frame in range(0, 60, 5)}
    trails = watched(views, sightings)
    assert len(trails) == 2
    assert all(len(trail) == 60 for trail in trails)


def test_a_second_opinion_on_the_same_face_starts_no_second_trail(views: list[View]) -> None:
    wide = np.array([-4, -4, 4, 4], np.float32)
    sightings = {frame: seen(face(frame), face(frame) + wide) for frame in range(0, 60, 5)}
    # The first frame has nothing to compare with; all later ones do.
    assert len(watched(views, sightings)) <= 2
