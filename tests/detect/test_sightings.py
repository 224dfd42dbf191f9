"""Sightings as parallel arrays, and joining them into candidates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.detect.candidates import join
from crowdveil.detect.sightings import Sightings, gather
from crowdveil.geometry import pairwise_iou


def sightings(seed: int, count: int) -> Sightings:
    random = np.random.default_rng(seed)
    near = random.uniform(0, 200, (count, 2))
    boxes = np.concatenate([near, near + random.uniform(5, 60, (count, 2))], axis=1)
    return Sightings(
        boxes.astype(np.float32),
        random.uniform(0.05, 1, count).astype(np.float32),
        random.uniform(0, 200, (count, 5, 2)).astype(np.float32),
    )


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_mirroring_twice_gives_back_the_same(seed: int, count: int) -> None:
    seen = sightings(seed, count)
    again = seen.mirrored(300).mirrored(300)
    np.testing.assert_allclose(again.boxes, seen.boxes, atol=1e-3)
    np.testing.assert_allclose(again.landmarks, seen.landmarks, atol=1e-3)


@given(st.integers(0, 10_000), st.integers(0, 40))
def test_suppression_keeps_the_best_and_nothing_that_overlaps_it(seed: int, count: int) -> None:
    seen = sightings(seed, count)
    kept = seen.suppressed(0.4)
    overlap = pairwise_iou(kept.boxes, kept.boxes)
    np.fill_diagonal(overlap, 0)
    assert (overlap <= 0.4 + 1e-4).all()
    assert list(kept.scores) == sorted(kept.scores, reverse=True)
    if count:
        assert kept.scores[0] == seen.scores.max()


@given(st.integers(0, 10_000), st.lists(st.integers(0, 20), min_size=1, max_size=4))
def test_every_sighting_belongs_to_a_candidate(seed: int, counts: list[int]) -> None:
    passes = [sightings(seed + k, count) for k, count in enumerate(counts)]
    candidates = join(passes, [1.0] * len(passes))
    every = gather(passes)
    assert candidates.votes.sum() == len(every)
    assert (candidates.scores.max(axis=1, initial=0) > 0).all()
    best = [part.scores.max(initial=0) for part in passes]
    np.testing.assert_allclose(
        candidates.scores.max(axis=0, initial=0), np.array(best, np.float32), rtol=1e-6
    )


def test_nothing_seen_gives_no_candidates() -> None:
    candidates = join([Sightings.none(), Sightings.none()], [1.0, 2.5])
    assert len(candidates) == 0
    assert candidates.scores.shape == (0, 2)


def test_two_passes_that_see_one_face_make_one_candidate() -> None:
    one = Sightings(
        np.array([[10, 10, 50, 60]], np.float32),
        np.array([0.9], np.float32),
        np.zeros((1, 5, 2), np.float32),
    )
    two = one.moved((1, 1), (2, 1))
    candidates = join([one, two], [1.0, 1.0])
    assert len(candidates) == 1
    assert candidates.boxes[0] == pytest.approx([11, 10.5, 51, 60.5])
