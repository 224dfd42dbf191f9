import pytest

from crowdveil.geometry import Box
from crowdveil.plan import Origin, Region
from crowdveil.track.gaps import REACH_FRAMES, fill_gaps

FACE = (10.0, 10.0, 30.0, 40.0)


def found(frame: int, box: Box = FACE) -> Region:
    return Region(id=f"f{frame}", frame=frame, box=box, score=0.8, uncertain=True)


@pytest.mark.parametrize("gap", range(1, 2 * REACH_FRAMES + 1))
def test_a_face_missed_between_two_finds_is_bare_in_no_frame(gap: int) -> None:
    regions = [found(0), found(gap + 1)]
    regions += fill_gaps(regions, gap + 2)
    assert {region.frame for region in regions} == set(range(gap + 2))


def test_a_face_is_veiled_just_before_and_after_it_is_found_and_no_further() -> None:
    added = fill_gaps([found(5)], 20)
    reach = set(range(5 - REACH_FRAMES, 5 + REACH_FRAMES + 1)) - {5}
    assert {region.frame for region in added} == reach
    assert {region.origin for region in added} == {Origin.FILLED}
    assert all(region.uncertain and region.score == 0.8 for region in added)


def test_filled_boxes_hold_the_face_and_grow_with_the_distance() -> None:
    near, far = sorted(fill_gaps([found(0)], 3), key=lambda region: region.frame)
    assert far.box[0] < near.box[0] < FACE[0]
    assert far.box[3] > near.box[3] > FACE[3]


def test_a_steady_face_found_in_every_frame_needs_nothing() -> None:
    assert fill_gaps([found(frame) for frame in range(5)], 5) == []


def test_a_face_that_jumps_is_veiled_where_it_was_too() -> None:
    added = fill_gaps([found(0), found(1, (60.0, 60.0, 80.0, 90.0))], 2)
    assert {region.frame for region in added} == {0, 1}


def test_no_faces_and_a_single_frame_need_nothing() -> None:
    assert fill_gaps([], 3) == []
    assert fill_gaps([found(0)], 1) == []
