"""Searching and counting, on templates whose truth is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.evidence.attacks import FMR, Share, Threshold, search


def unit(rng: np.random.Generator, count: int, width: int = 64) -> np.ndarray:
    vectors = rng.normal(size=(count, width))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 30))
def test_ranks_are_those_of_sorting_by_similarity(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    probes, references = unit(rng, n), unit(rng, m)
    mates = rng.integers(0, m, n)
    found = search(probes, references, mates)
    for k in range(n):
        order = np.argsort(-(references @ probes[k]), kind="stable")
        assert found.rank[k] == 1 + list(order).index(mates[k])


def test_equal_templates_rank_as_guessing_does() -> None:
    same = np.repeat(unit(np.random.default_rng(0), 1), 400, axis=0)
    found = search(same, same, np.arange(400))
    first, ten = found.within(1), found.within(10)
    assert first.chance == 1 / 400
    assert first.p_value > 0.01
    assert ten.p_value > 0.01
    assert abs(found.rank.mean() - 200.5) < 25


def test_nearly_equal_templates_do_not_betray_their_owner_by_rounding() -> None:
    rng = np.random.default_rng(1)
    same = np.repeat(unit(rng, 1), 300, axis=0)
    jittered = (same + rng.normal(size=same.shape) * 1e-8).astype(np.float32)
    assert search(jittered, jittered, np.arange(300)).within(1).hits < 10


def test_the_threshold_lets_one_stranger_in_ten_thousand_pass() -> None:
    rng = np.random.default_rng(2)
    probes, references = unit(rng, 400), unit(rng, 500)
    matches = search(probes, references, np.arange(400)).matches()
    assert matches is not None
    assert matches.false_trials == 400 * 499
    assert matches.false_hits <= FMR * matches.false_trials
    assert matches.false_hits >= FMR * matches.false_trials - 2
    assert "199,600 comparisons" in matches.threshold.source


def test_with_few_comparisons_the_fallback_holds_and_chance_is_what_is_left_open() -> None:
    probes = unit(np.random.default_rng(3), 3)
    known = Threshold(0.42, "measured elsewhere")
    assert search(probes, probes, np.arange(3)).matches() is None
    matches = search(probes, probes, np.arange(3), fallback=known).matches()
    assert matches is not None
    assert matches.threshold == known
    assert matches.share.hits == 3
    # None of 6 strangers passed: at 95 % up to 1 - 0.05 ** (1 / 6) of them might.
    assert matches.share.chance == pytest.approx(1 - 0.05 ** (1 / 6))
    assert matches.share.p_value > 0.05


def test_groups_are_counted_apart_in_the_whole_gallery() -> None:
    rng = np.random.default_rng(4)
    references = unit(rng, 20)
    probes = np.concatenate([references[:5], unit(rng, 5)])
    found = search(probes, references, np.arange(10))
    known = np.arange(10) < 5
    assert found.within(1, known) == Share(5, 5, 1 / 20)
    assert found.within(1, ~known).trials == 5


def test_a_share_without_trials_and_a_gallery_of_one_say_nothing() -> None:
    assert math.isnan(Share(0, 0, 0.5).rate)
    low, high = Share(0, 0, 0.5).interval
    assert (float(low), float(high)) == (0, 1)
    one = unit(np.random.default_rng(5), 1)
    assert search(one, one, np.zeros(1, np.intp)).within(1) == Share(1, 1, 1.0)
    none = search(one[:0], one, np.empty(0, np.intp))
    assert none.within(10).trials == 0


@pytest.mark.parametrize("mates", [[0, 3], [-1, 0], [0]], ids=["absent", "negative", "too few"])
def test_a_mate_that_is_not_there_is_refused(mates: list[int]) -> None:
    probes = unit(np.random.default_rng(6), 2)
    with pytest.raises(ValueError, match="index of its own reference"):
        search(probes, probes, np.array(mates, np.intp))
