"""Which pixels are hidden: never fewer than the outlines touch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.plan import Region, Shape
from crowdveil.redact.holes import grounds_of, holes_of
from crowdveil.redact.look import Look
from crowdveil.redact.masks import Outlines, coverage_in, mask_in, mask_of

from .conftest import region, region_lists

SIZE_WH = (80, 60)


def test_no_region_hides_nothing() -> None:
    mask = mask_of([], SIZE_WH, Look())
    assert mask.shape == (60, 80)
    assert not mask.any()


def test_a_kept_region_hides_nothing() -> None:
    kept = region(0, (10, 10, 30, 30), action="keep", reason="consented")
    assert not mask_of([kept], SIZE_WH, Look()).any()


@given(region_lists(), st.floats(1, 3))
@settings(max_examples=60, deadline=None)
def test_every_point_of_an_ellipse_lies_in_a_hidden_pixel(
    regions: list[Region], margin: float
) -> None:
    mask = mask_of(regions, SIZE_WH, Look(margin=margin, shape=Shape.ELLIPSE))
    radius = np.sqrt(np.linspace(0, 1 - 1e-9, 40))[:, None]
    turn = np.linspace(0, 2 * np.pi, 180)
    for one in regions:
        x0, y0, x1, y1 = one.box
        x = (x0 + x1) / 2 + radius * np.cos(turn) * (x1 - x0) / 2 * margin
        y = (y0 + y1) / 2 + radius * np.sin(turn) * (y1 - y0) / 2 * margin
        column, row = np.floor(x).astype(int), np.floor(y).astype(int)
        inside = (column >= 0) & (column < 80) & (row >= 0) & (row < 60)
        if one.action == "veil":
            assert mask[row[inside], column[inside]].all()


@given(region_lists(), st.floats(1, 3))
@settings(max_examples=60, deadline=None)
def test_a_box_mask_is_the_box_grown_and_rounded_outwards(
    regions: list[Region], margin: float
) -> None:
    touched = np.zeros((60, 80), bool)
    near = np.zeros((60, 80), bool)
    for one in regions:
        if one.action == "veil":
            x0, y0, x1, y1 = one.box
            across = (x1 - x0) / 2 * (margin - 1)
            down = (y1 - y0) / 2 * (margin - 1)
            grown = np.array([x0 - across, y0 - down, x1 + across, y1 + down])
            touched |= pixels_that_meet(grown, -1e-9)
            near |= pixels_that_meet(grown, 1)  # tiny boxes are grown to a pixel
    mask = mask_of(regions, SIZE_WH, Look(margin=margin, shape=Shape.BOX))
    assert mask[touched].all()
    assert not mask[~near].any()


def pixels_that_meet(box: np.ndarray, reach_px: float) -> np.ndarray:
    columns, rows = np.arange(80)[None, :], np.arange(60)[:, None]
    x0, y0, x1, y1 = box + np.array([-1, -1, 1, 1]) * reach_px
    met: np.ndarray = (columns < x1) & (columns + 1 > x0) & (rows < y1) & (rows + 1 > y0)
    return met


def test_a_mask_does_not_reach_a_pixel_past_its_outline() -> None:
    mask = mask_of([region(0, (20, 10, 40, 30))], SIZE_WH, Look(margin=1.0))
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max() + 1) == (10, 30)
    assert (columns.min(), columns.max() + 1) == (20, 40)
    assert not mask[10, 20]
    # Between the ellipse itself and one that is a pixel larger all round.
    assert np.pi * 100 < mask.sum() < np.pi * 121


def test_a_region_of_one_pixel_hides_that_pixel() -> None:
    mask = mask_of([region(0, (7, 5, 8, 6))], SIZE_WH, Look(margin=1.0))
    assert np.argwhere(mask).tolist() == [[5, 7]]


@pytest.mark.parametrize(
    ("box", "hidden"),
    [
        pytest.param((-30, -30, -10, -10), False, id="far-outside"),
        pytest.param((-10, -10, 1, 1), True, id="over-the-corner"),
        pytest.param((75, 20, 95, 40), True, id="over-the-right-edge"),
        pytest.param((1e-300, 5, 2e-300, 6), True, id="thinner-than-a-float"),
        pytest.param((-1e9, -1e9, 1e9, 1e9), True, id="larger-than-any-picture"),
    ],
)
@pytest.mark.parametrize("shape", list(Shape))
def test_odd_regions_are_hidden_where_they_meet_the_picture(
    box: tuple[float, float, float, float], hidden: bool, shape: Shape
) -> None:
    mask = mask_of([region(0, box)], SIZE_WH, Look(shape=shape))
    assert mask.any() == hidden


def test_the_last_row_and_column_of_a_face_at_the_border_are_hidden() -> None:
    mask = mask_of([region(0, (60, 40, 80, 60), shape="box")], SIZE_WH, Look(margin=1.0))
    assert mask[40:60, 60:80].all()


def test_each_region_keeps_its_own_shape_unless_the_look_says_otherwise() -> None:
    box = region(0, (10, 10, 30, 30), shape="box")
    ellipse = region(0, (10, 10, 30, 30))
    as_drawn = Look(margin=1.0)
    assert mask_of([box], SIZE_WH, as_drawn)[10, 10]
    assert not mask_of([ellipse], SIZE_WH, as_drawn)[10, 10]
    assert mask_of([ellipse], SIZE_WH, Look(margin=1.0, shape=Shape.BOX))[10, 10]


@given(region_lists(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_regions_does_not_matter(regions: list[Region], random: object) -> None:
    shuffled = sorted(regions, key=lambda _: random.random())  # type: ignore[attr-defined]
    there = mask_of(regions, SIZE_WH, Look())
    assert (there == mask_of(shuffled, SIZE_WH, Look())).all()


@given(region_lists())
@settings(max_examples=60, deadline=None)
def test_every_hidden_pixel_belongs_to_exactly_one_hole(regions: list[Region]) -> None:
    outlines = Outlines.of(regions, Look())
    times = np.zeros(SIZE_WH[::-1], int)
    for hole in holes_of(outlines, SIZE_WH):
        x0, y0, x1, y1 = hole.window
        times[y0:y1, x0:x1] += hole.mask()
        left, top, right, bottom = hole.around
        whole = mask_of(regions, SIZE_WH, Look())
        assert (hole.unknown() == whole[top:bottom, left:right]).all()
    assert (times == mask_of(regions, SIZE_WH, Look())).all()


@given(region_lists())
@settings(max_examples=40, deadline=None)
def test_a_smooth_edge_stays_within_the_mask(regions: list[Region]) -> None:
    outlines = Outlines.of(regions, Look())
    window = (5, 3, 70, 55)
    coverage = coverage_in(window, outlines, inset_px=1.0)
    mask = mask_in(window, outlines)
    assert coverage.min() >= 0
    assert coverage.max() <= 1
    deep = Outlines(
        outlines.centre, np.maximum(outlines.half - 3, 0), outlines.round, outlines.face_px
    )
    thick = deep.half.min(axis=1, initial=np.inf) > 1
    assert not (coverage > 0.5)[~mask].any()
    assert (coverage == 1)[mask_in(window, deep.select(np.flatnonzero(thick)))].all()


@given(region_lists(), st.sampled_from([None, *Shape]), st.floats(1, 3))
@settings(max_examples=40, deadline=None)
def test_boxes_hide_what_the_same_regions_hide(
    regions: list[Region], shape: Shape | None, margin: float
) -> None:
    look = Look(shape=shape, margin=margin)
    veiled = [one for one in regions if one.action == "veil"]
    boxes = np.array([one.box for one in veiled], np.float64).reshape(-1, 4)
    ellipse = np.array([one.shape is Shape.ELLIPSE for one in veiled], bool)
    doubtful = np.array([one.uncertain for one in veiled], bool)
    outlines = Outlines.of_boxes(boxes, ellipse, look, doubtful=doubtful)
    assert (mask_in((0, 0, *SIZE_WH), outlines) == mask_of(regions, SIZE_WH, look)).all()


@given(region_lists(), st.floats(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_doubtful_face_gets_five_sixths_of_the_rim(regions: list[Region], margin: float) -> None:
    doubtful = [one.model_copy(update={"uncertain": True}) for one in regions]
    less = Look(margin=1 + (margin - 1) * 5 / 6)
    mask = mask_of(doubtful, SIZE_WH, Look(margin=margin))
    assert (mask == mask_of(regions, SIZE_WH, less)).all()
    assert not (mask & ~mask_of(regions, SIZE_WH, Look(margin=margin))).any()


@pytest.mark.parametrize(
    ("boxes", "ellipse"),
    [
        pytest.param([[0, 0, np.nan, 5]], [True], id="not-a-number"),
        pytest.param([[0, 0, np.inf, 5]], [True], id="endless"),
        pytest.param([[9, 0, 5, 5]], [True], id="inverted"),
        pytest.param([[5, 0, 5, 5]], [True], id="empty"),
        pytest.param([[0, 0, 5, 5]], [True, False], id="one-shape-too-many"),
        pytest.param([[0, 0, 5]], [True], id="three-corners"),
    ],
)
def test_a_box_that_would_hide_nothing_is_refused(
    boxes: list[list[float]], ellipse: list[bool]
) -> None:
    with pytest.raises(ValueError, match="box"):
        Outlines.of_boxes(
            np.array(boxes, np.float32),
            np.array(ellipse),
            Look(),
            doubtful=np.zeros(len(ellipse), bool),
        )


@given(region_lists(), st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_every_hole_is_filled_once_with_all_of_its_surroundings(
    regions: list[Region], start_px: int
) -> None:
    holes = holes_of(Outlines.of(regions, Look()), SIZE_WH, grid_px=16)
    grounds = grounds_of(holes, start_px=start_px)
    assert sorted(id(hole) for _, within in grounds for hole in within) == sorted(map(id, holes))
    for window, within in grounds:
        for edge, last in zip(window, (*SIZE_WH, *SIZE_WH), strict=True):
            assert edge % 16 == 0 or edge == last
        for hole in within:
            for outer, inner in ((window, hole.around), (hole.around, hole.window)):
                assert outer[0] <= inner[0] < inner[2] <= outer[2]
                assert outer[1] <= inner[1] < inner[3] <= outer[3]


def test_holes_are_filled_together_where_that_is_less_work() -> None:
    size_wh = (2000, 400)
    boxes = [(x, 200, x + 40, 240) for x in (100, 260, 420, 1700)]
    outlines = Outlines.of([region(i, box) for i, box in enumerate(boxes)], Look())
    holes = holes_of(outlines, size_wh)
    assert len(holes) == 4
    counts = {
        start_px: [len(within) for _, within in grounds_of(holes, start_px=start_px)]
        for start_px in (0, 20_000, 10**7)
    }
    assert counts == {0: [1, 1, 1, 1], 20_000: [3, 1], 10**7: [4]}
