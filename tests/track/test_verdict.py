"""Who is veiled in a video, and for how long, to the frame: the rule that ships, no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crowdveil.detect.fusion import Rule, load_fusion
from crowdveil.detect.points import Caution
from crowdveil.models.registry import weights_path
from crowdveil.track.trail import UNSEEN, Trail
from crowdveil.track.verdict import CAREFUL, LARGE, SMALL, Policy, Veiled, verdict

SIZE, RATE = (1280, 720), 30
SHOT = range(0, 300)
FLAT = Rule(odds=0.1, growth=0, least=0.1, most=0.5)
"""Asks for 0.1 of every face, whatever its size."""


def trail(
    *seen: float,
    start: int = 100,
    side_px: float = 20,
    looked: tuple[bool, ...] | None = None,
    firm: tuple[bool, ...] | None = None,
) -> Trail:
    """A face that moves 2 pixels a frame to the right; `UNSEEN` where nobody saw it."""
    n = len(seen)
    boxes = [np.array([300, 200, 300 + side_px, 200 + side_px], np.float32) for _ in seen]
    for k, box in enumerate(boxes):
        box[[0, 2]] += 2 * k
    return Trail(
        start=start,
        boxes=boxes,
        seen=list(seen),
        firm=list(firm or (True,) * n),
        looked=list(looked or (True,) * n),
        detectors={"yunet": None},
    )


def judged(
    one: Trail, rule: Rule = FLAT, policy: Policy | None = None, shot: range = SHOT
) -> Veiled | None:
    return verdict(one, rule, SIZE, RATE, policy or Policy(), shot)


def frames(found: Veiled | None) -> range:
    assert found is not None
    assert len(found.boxes) == found.stop - found.start
    return range(found.start, found.stop)


@pytest.fixture(scope="module", params=list(Caution), ids=str)
def shipped(request: pytest.FixtureRequest) -> Rule:
    return load_fusion(weights_path("fusion"), request.param).rule


@given(st.floats(4, 700), st.floats(0.5, 1))
@pytest.mark.parametrize("caution", list(Caution), ids=str)
def test_what_is_more_likely_a_face_than_not_is_never_let_go(
    caution: Caution, side_px: float, probability: float
) -> None:
    rule = load_fusion(weights_path("fusion"), caution).rule
    assert rule.most == 0.5
    assert judged(trail(probability, side_px=side_px), rule) is not None


def test_a_video_asks_for_more_than_a_photo_but_never_for_more_than_even_odds(
    shipped: Rule,
) -> None:
    for side_px in (16, 60, 400):
        box = np.array([[0, 0, side_px, side_px]], np.float32)
        photo = float(shipped.threshold(box, SIZE)[0])
        asked = min(1.75 * photo, 0.5)
        assert judged(trail(asked + 0.001, side_px=side_px), shipped) is not None
        assert judged(trail(asked - 0.001, side_px=side_px), shipped) is None


def test_a_glance_counts_a_fifth_of_a_look() -> None:
    # 0.1 is asked of a photo and so 0.175 of a video, which is 0.875 of a glance.
    assert judged(trail(0.87, looked=(False,))) is None
    assert judged(trail(0.88, looked=(False,))) is not None
    assert judged(trail(0.174)) is None
    assert judged(trail(0.176)) is not None


def test_one_good_look_among_many_poor_ones_decides() -> None:
    found = judged(trail(0.05, 0.05, 0.3, 0.05))
    assert found is not None
    assert found.score == pytest.approx(0.3)


def test_the_score_is_that_of_looks_and_of_glances_only_where_there_are_no_others() -> None:
    found = judged(trail(0.95, 0.4, looked=(False, True)))
    assert found is not None
    assert found.score == pytest.approx(0.4)
    assert found.uncertain
    alone = judged(trail(0.95, looked=(False,)))
    assert alone is not None
    assert alone.score == pytest.approx(0.95)


@pytest.mark.parametrize(("best", "uncertain"), [(0.49, True), (0.5, False), (0.9, False)])
def test_a_person_is_asked_below_even_odds(best: float, uncertain: bool) -> None:
    found = judged(trail(0.2, best))
    assert found is not None
    assert found.uncertain is uncertain
    assert found.detectors == ("yunet",)


def test_a_sure_face_is_veiled_a_tenth_of_a_second_longer_on_either_side() -> None:
    assert frames(judged(trail(*[0.9] * 10))) == range(100 - 3, 110 + 3)


@pytest.mark.parametrize(
    "doubt", [trail(*[0.4] * 10), trail(0.9)], ids=["never sure", "seen only once"]
)
def test_a_doubtful_one_is_veiled_twice_as_much_longer(doubt: Trail) -> None:
    found = frames(judged(doubt))
    assert found == range(100 - 6, 100 + len(doubt) + 6)


def test_a_tail_is_never_shorter_than_a_frame() -> None:
    slow = verdict(trail(0.9, 0.9), FLAT, SIZE, 2, Policy(), SHOT)
    assert frames(slow) == range(99, 103)


def test_no_veil_leaves_its_shot() -> None:
    assert frames(judged(trail(*[0.9] * 10), shot=range(99, 111))) == range(99, 111)
    assert frames(judged(trail(*[0.9] * 10), shot=range(100, 110))) == range(100, 110)


def test_a_tail_grows_by_half_a_face_a_second_and_stays_where_nothing_is_known() -> None:
    found = judged(trail(*[0.9] * 10))
    assert found is not None
    last = found.boxes[-4]
    for k, box in enumerate(found.boxes[-3:], start=1):
        grown = 10 * 0.5 * k / RATE
        assert box == pytest.approx(last + np.array([-10, -10, 10, 10]) * 0.05 * k / 3, abs=1e-3)
        assert box[2] - box[0] == pytest.approx(20 + 2 * grown, abs=1e-3)


def test_a_tail_goes_along_where_the_camera_is_known() -> None:
    # Lost after the second frame: the boxes still say where the camera carried it.
    seen = (0.9, 0.9, UNSEEN, UNSEEN, UNSEEN)
    found = judged(trail(*seen, firm=(True, True, False, False, False)))
    assert found is not None
    assert frames(found) == range(97, 105)
    centres = (found.boxes[-3:, 0] + found.boxes[-3:, 2]) / 2
    assert centres.tolist() == pytest.approx([314, 316, 318])


def unseen_around(n: int, *, side_px: float) -> Trail:
    return trail(*[UNSEEN] * n, 0.3, *[UNSEEN] * n, side_px=side_px)


def test_a_small_doubt_is_held_for_half_a_second_around_its_sighting() -> None:
    # 0.5 s of 30 frames a second, and a doubtful tail of 6 frames.
    found = frames(judged(unseen_around(40, side_px=SMALL * 1280)))
    assert found == range(140 - 15 - 6, 141 + 15 + 6)


def test_a_large_doubt_is_held_for_a_fifth_of_a_second() -> None:
    found = frames(judged(unseen_around(40, side_px=LARGE * 1280)))
    assert found == range(140 - 6 - 6, 141 + 6 + 6)


def test_between_small_and_large_the_hold_lies_between() -> None:
    # A third of the way from 0.5 to 0.2 seconds: 12 frames.
    found = frames(judged(unseen_around(40, side_px=(2 * SMALL + LARGE) / 3 * 1280)))
    assert found == range(140 - 12 - 6, 141 + 12 + 6)


def test_who_is_careful_holds_large_doubts_as_long_as_small_ones() -> None:
    found = frames(judged(unseen_around(40, side_px=LARGE * 1280), policy=CAREFUL))
    assert found == range(140 - 15 - 6, 141 + 15 + 6)


def test_a_hold_ends_where_it_was_not_followed_firmly() -> None:
    firm = (False,) * 36 + (True,) * 4 + (True,) + (True,) * 5 + (False,) * 35
    one = trail(*[UNSEEN] * 40, 0.3, *[UNSEEN] * 40, firm=firm)
    assert frames(judged(one)) == range(136 - 6, 146 + 6)


def test_all_between_the_first_sighting_and_the_last_is_veiled_where_it_was_followed() -> None:
    one = trail(0.9, *[UNSEEN] * 20, 0.1)
    found = judged(one)
    assert found is not None
    inner: NDArray[np.float32] = found.boxes[3:25]
    np.testing.assert_array_equal(inner, np.stack(one.boxes))
