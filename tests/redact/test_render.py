"""What rendering changes, what it leaves alone, and what it must not know."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.media.picture import CHANNELS, ColourSpace, Picture
from crowdveil.plan import Region
from crowdveil.redact import fill as fill_module
from crowdveil.redact.holes import holes_of
from crowdveil.redact.look import LOSSY, Look, Style
from crowdveil.redact.masks import Outlines, mask_of
from crowdveil.redact.render import render_picture

from .conftest import Photo, noise_picture, pictures, region, region_lists

ZERO_BIT = sorted(set(Style) - LOSSY)


def under(picture: Picture, mask: np.ndarray, what: str, seed: int) -> Picture:
    """The picture with something else under the mask."""
    samples = picture.samples.copy()
    top = np.iinfo(samples.dtype).max
    rng = np.random.default_rng(seed)
    if what == "noise":
        samples[mask] = rng.integers(0, top, samples[mask].shape, endpoint=True)
    elif what == "dark":
        samples[mask] = 0
    elif what == "bright":
        samples[mask] = top
    elif what == "extremes":
        samples[mask] = rng.integers(0, 2, samples[mask].shape) * top
    elif what == "inverse":
        samples[mask] = top - samples[mask]
    elif what == "rim":
        eroded = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        samples[mask & ~eroded] = top - samples[mask & ~eroded]
    return replace(picture, samples=samples)


@given(
    pictures(),
    region_lists(),
    st.sampled_from(ZERO_BIT),
    st.floats(1, 2.5),
    st.sampled_from(["noise", "dark", "bright", "extremes", "inverse", "rim"]),
    st.integers(0, 99),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_under_the_mask_the_output_is_the_same(
    picture: Picture, regions: list[Region], style: Style, margin: float, what: str, seed: int
) -> None:
    look = Look(style=style, margin=margin, seed=seed)
    other = under(picture, mask_of(regions, picture.size_wh, look), what, seed)
    there = render_picture(picture, regions, look)
    here = render_picture(other, regions, look)
    assert (there.samples == here.samples).all()


@pytest.mark.parametrize("style", ZERO_BIT)
@pytest.mark.parametrize("what", ["noise", "inverse"])
def test_another_face_under_the_mask_of_a_real_photo_changes_nothing(
    protest_photos: list[Photo], style: Style, what: str
) -> None:
    look = Look(style=style)
    for picture, regions in protest_photos[::3]:
        other = under(picture, mask_of(regions, picture.size_wh, look), what, 1)
        there = render_picture(picture, regions, look)
        assert (there.samples == render_picture(other, regions, look).samples).all()


@pytest.mark.parametrize("style", ZERO_BIT)
def test_a_veil_does_not_look_under_the_veil_beside_it(style: Style) -> None:
    picture = noise_picture(12, (220, 120), ColourSpace.RGB)
    regions = [region(0, (30, 30, 90, 90)), region(1, (132, 40, 172, 80))]
    mask = mask_of(regions, picture.size_wh, Look())
    assert len(holes_of(Outlines.of(regions, Look()), picture.size_wh)) == 2
    there = render_picture(picture, regions, Look(style=style))
    here = render_picture(under(picture, mask, "bright", 0), regions, Look(style=style))
    assert (there.samples == here.samples).all()


@pytest.mark.parametrize("style", sorted(LOSSY))
def test_the_lossy_styles_are_made_of_the_face_as_their_warning_says(style: Style) -> None:
    picture = noise_picture(0, (60, 60), ColourSpace.RGB)
    regions = [region(0, (20, 20, 40, 40))]
    mask = mask_of(regions, (60, 60), Look())
    dark = render_picture(under(picture, mask, "dark", 0), regions, Look(style=style))
    bright = render_picture(under(picture, mask, "bright", 0), regions, Look(style=style))
    assert bright.samples[30, 30].min() > dark.samples[30, 30].max() + 50


@given(pictures(), region_lists(), st.sampled_from(Style))
@settings(max_examples=150, deadline=None)
def test_outside_the_masks_every_sample_is_the_original(
    picture: Picture, regions: list[Region], style: Style
) -> None:
    before = picture.samples.copy()
    rendered = render_picture(picture, regions, Look(style=style))
    outside = ~mask_of(regions, picture.size_wh, Look())
    assert (rendered.samples[outside] == before[outside]).all()
    assert (picture.samples == before).all()
    assert rendered.samples.dtype == before.dtype
    assert (rendered.space, rendered.alpha) == (picture.space, picture.alpha)
    assert not np.shares_memory(rendered.samples, picture.samples)


@given(
    pictures(),
    region_lists(),
    st.sampled_from(Style),
    st.randoms(use_true_random=False),
)
@settings(max_examples=80, deadline=None)
def test_the_order_of_regions_does_not_matter(
    picture: Picture, regions: list[Region], style: Style, random: object
) -> None:
    look = Look(style=style)
    shuffled = sorted(regions, key=lambda _: random.random())  # type: ignore[attr-defined]
    there = render_picture(picture, regions, look).samples
    assert (there == render_picture(picture, shuffled, look).samples).all()


@pytest.mark.parametrize("style", list(Style))
def test_the_same_arguments_give_the_same_pixels_on_any_number_of_threads(
    protest_photos: list[Photo], style: Style
) -> None:
    picture, regions = protest_photos[1]
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        once = render_picture(picture, regions, Look(style=style)).samples
        cv2.setNumThreads(7)
        again = render_picture(picture, regions, Look(style=style)).samples
    finally:
        cv2.setNumThreads(threads)
    assert (once == again).all()


def test_another_seed_gives_other_grain_of_the_same_strength(protest_photos: list[Photo]) -> None:
    picture, regions = protest_photos[0]
    mask = mask_of(regions, picture.size_wh, Look())
    one = render_picture(picture, regions, Look(seed=1)).samples[mask].astype(float)
    two = render_picture(picture, regions, Look(seed=2)).samples[mask].astype(float)
    assert (one != two).any(axis=1).mean() > 0.5
    assert abs(one.mean() - two.mean()) < 0.5
    assert np.abs(one - two).max() < 40


def test_nearly_every_pixel_of_real_faces_changes_under_soft(protest_photos: list[Photo]) -> None:
    for picture, regions in protest_photos:
        rendered = render_picture(picture, regions, Look())
        changed = (rendered.samples != picture.samples).any(axis=2)
        mask = mask_of(regions, picture.size_wh, Look())
        assert changed[mask].mean() >= 0.99
        for one in regions:
            ellipse = mask_of([one], picture.size_wh, Look(margin=1.0))
            if ellipse.any():
                assert changed[ellipse].mean() >= 0.8


def test_soft_meets_its_surroundings_without_a_rim() -> None:
    """On a slope of brightness the fill continues the slope, within grain."""
    slope = np.linspace(30, 220, 200)[None, :, None].repeat(200, 0).repeat(3, 2)
    picture = Picture(np.rint(slope).astype(np.uint8), ColourSpace.RGB)
    regions = [region(0, (70, 60, 130, 140))]
    rendered = render_picture(picture, regions, Look()).samples.astype(float)
    mask = mask_of(regions, (200, 200), Look())
    inner = cv2.erode(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    error = rendered - slope
    assert np.abs(error[mask & ~inner]).max() < 12
    assert np.abs(error[mask & ~inner].mean()) < 1
    assert np.abs(error[mask]).max() < 40


def test_soft_stays_within_the_range_of_its_surroundings_but_for_grain() -> None:
    picture = noise_picture(3, (120, 120), ColourSpace.RGB)
    picture = replace(picture, samples=(picture.samples // 4 + 90).astype(np.uint8))
    rendered = render_picture(picture, [region(0, (40, 40, 80, 80))], Look()).samples
    mask = mask_of([region(0, (40, 40, 80, 80))], (120, 120), Look())
    assert rendered[mask].min() > 90 - 15
    assert rendered[mask].max() < 153 + 15


def test_a_bright_speck_at_the_border_does_not_bleed_into_the_hole() -> None:
    samples = np.full((100, 100, 3), 80, np.uint8)
    regions = [region(0, (30, 30, 70, 70))]
    mask = mask_of(regions, (100, 100), Look())
    row = 50
    column = int(np.flatnonzero(mask[row])[0]) - 1
    plain = render_picture(Picture(samples, ColourSpace.RGB), regions, Look()).samples
    speckled = samples.copy()
    speckled[row, column] = 255
    rendered = render_picture(Picture(speckled, ColourSpace.RGB), regions, Look()).samples
    difference = np.abs(rendered.astype(int) - plain.astype(int)).max(axis=2)
    difference[row, column] = 0
    assert difference.max() < 60
    assert difference[:, column + 8 :].max() <= 8


def test_soft_follows_the_strength_of_the_photos_grain() -> None:
    rng = np.random.default_rng(5)
    regions = [region(0, (100, 100, 150, 150))]
    mask = mask_of(regions, (256, 256), Look())
    measured = []
    for sigma in (1.0, 2.0):
        photo = np.rint(128 + sigma * rng.standard_normal((256, 256, 1))).astype(np.uint8)
        rendered = render_picture(Picture(photo, ColourSpace.GREY), regions, Look()).samples
        inside = rendered[..., 0][mask].std()
        assert inside == pytest.approx(photo.std(), rel=0.3)
        measured.append(inside)
    assert measured[1] > 1.5 * measured[0]


def test_sixteen_bits_are_filled_with_sixteen_bits() -> None:
    slope = np.linspace(20_000, 21_000, 300)[None, :, None].repeat(300, 0)
    picture = Picture(np.rint(slope).astype(np.uint16), ColourSpace.GREY)
    regions = [region(0, (100, 100, 200, 200))]
    rendered = render_picture(picture, regions, Look())
    inside = rendered.samples[mask_of(regions, (300, 300), Look())]
    assert len(np.unique(inside % 256)) > 200
    assert inside.min() > 19_900
    assert inside.max() < 21_100


@pytest.mark.parametrize("space", list(ColourSpace))
@pytest.mark.parametrize("deep", [False, True], ids=["8-bit", "16-bit"])
@pytest.mark.parametrize("style", list(Style))
def test_an_opaque_picture_stays_opaque(space: ColourSpace, deep: bool, style: Style) -> None:
    picture = noise_picture(1, (70, 50), space, alpha=True, deep=deep)
    picture.samples[..., -1] = np.iinfo(picture.samples.dtype).max
    rendered = render_picture(picture, [region(0, (20, 10, 50, 40))], Look(style=style))
    assert (rendered.samples[..., -1] == picture.samples[..., -1]).all()


@pytest.mark.parametrize("style", ZERO_BIT)
def test_the_outline_of_a_cut_out_head_does_not_survive_in_alpha(style: Style) -> None:
    """Two heads of different outline, one background: the same alpha afterwards."""
    regions = [region(0, (30, 30, 70, 70))]
    rendered = []
    for radius in (18, 27):
        picture = noise_picture(2, (100, 100), ColourSpace.RGB, alpha=True)
        y, x = np.mgrid[:100, :100]
        head = (x - 50) ** 2 + (y - 50) ** 2 < radius**2
        picture.samples[..., 3] = np.where(head, 255, 0)
        rendered.append(render_picture(picture, regions, Look(style=style)).samples[..., 3])
    mask = mask_of(regions, (100, 100), Look())
    assert (rendered[0] == rendered[1])[mask].all()


def test_colours_under_transparent_pixels_do_not_colour_the_veil() -> None:
    samples = np.zeros((100, 100, 4), np.uint8)
    samples[:, :50] = (255, 0, 255, 0)
    samples[:, 50:] = (90, 100, 110, 255)
    picture = Picture(samples, ColourSpace.RGB, alpha=True)
    regions = [region(0, (30, 30, 70, 70))]
    veil = render_picture(picture, regions, Look()).samples[mask_of(regions, (100, 100), Look())]
    seen = veil[veil[:, 3] > 100].astype(int)
    assert len(seen)
    assert np.abs(seen[:, :3] - (90, 100, 110)).max() < 12


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize("space", list(ColourSpace))
def test_a_picture_that_is_all_mask_comes_out_even(style: Style, space: ColourSpace) -> None:
    picture = noise_picture(4, (40, 30), space)
    rendered = render_picture(picture, [region(0, (-50, -50, 90, 80))], Look(style=style))
    assert rendered.samples.shape == picture.samples.shape
    if style is Style.SOFT:
        assert rendered.samples.mean() == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param([], id="none"),
        pytest.param([(5, 5, 6, 6)], id="one-pixel"),
        pytest.param([(0, 0, 1, 1), (39, 29, 40, 30)], id="corners"),
        pytest.param([(-1e9, -1e9, 1e9, 1e9)], id="endless"),
        pytest.param([(-100, -100, -50, -50)], id="outside"),
        pytest.param([(5, 5, 15, 15)] * 3, id="three-times-the-same"),
    ],
)
def test_odd_regions_render(style: Style, boxes: list[tuple[float, ...]]) -> None:
    picture = noise_picture(6, (40, 30), ColourSpace.RGB)
    regions = [region(i, box) for i, box in enumerate(boxes)]
    rendered = render_picture(picture, regions, Look(style=style)).samples
    outside = ~mask_of(regions, (40, 30), Look())
    assert (rendered[outside] == picture.samples[outside]).all()


@pytest.mark.parametrize("style", [Style.SOLID, Style.PATTERN])
@pytest.mark.parametrize("space", list(ColourSpace))
def test_flat_styles_look_the_same_in_every_colour_space(style: Style, space: ColourSpace) -> None:
    regions = [region(0, (20, 20, 60, 60))]
    heart = (slice(30, 50), slice(30, 50))
    grey = render_picture(noise_picture(7, (80, 80), ColourSpace.RGB), regions, Look(style=style))
    other = render_picture(noise_picture(8, (80, 80), space), regions, Look(style=style))
    assert np.abs(grey.rgb()[heart].astype(int) - other.rgb()[heart].astype(int)).max() <= 1


def test_solid_is_one_colour_but_for_its_edge() -> None:
    picture = noise_picture(9, (80, 80), ColourSpace.RGB)
    regions = [region(0, (20, 20, 60, 60))]
    rendered = render_picture(picture, regions, Look(style=Style.SOLID)).samples
    inner = mask_of([region(0, (24, 24, 56, 56))], (80, 80), Look())
    assert len(np.unique(rendered[inner])) == 1


def test_mosaic_blocks_are_at_least_a_fifth_of_the_face() -> None:
    picture = noise_picture(10, (200, 200), ColourSpace.GREY)
    regions = [region(0, (50, 50, 150, 150), shape="box")]
    look = Look(style=Style.MOSAIC, margin=1.0)
    inside = render_picture(picture, regions, look).samples[50:150, 50:150, 0]
    assert len(np.unique(inside)) <= 25
    assert abs(inside.mean() - picture.samples[50:150, 50:150].mean()) < 1


def test_blur_leaves_no_detail_finer_than_the_face() -> None:
    picture = noise_picture(11, (200, 200), ColourSpace.GREY)
    inside = render_picture(
        picture, [region(0, (60, 60, 140, 140))], Look(style=Style.BLUR)
    ).samples[60:140, 60:140, 0]
    assert np.abs(np.diff(inside.astype(int), axis=1)).max() <= 3


def test_grain_stands_still_when_a_mask_moves() -> None:
    """On an even background the veils of two positions agree where they overlap."""
    picture = Picture(np.full((120, 120, 3), 100, np.uint8), ColourSpace.RGB)
    first, second = [region(0, (30, 30, 70, 70))], [region(0, (38, 33, 78, 73))]
    both = mask_of(first, (120, 120), Look()) & mask_of(second, (120, 120), Look())
    one = render_picture(picture, first, Look()).samples
    two = render_picture(picture, second, Look()).samples
    assert (one[both] == two[both]).all()


def test_working_in_strips_changes_no_pixel(
    protest_photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, regions = protest_photos[2]
    for style in ZERO_BIT:
        whole = render_picture(picture, regions, Look(style=style)).samples
        with monkeypatch.context() as patch:
            patch.setattr(fill_module, "_STRIP_PX", 500)
            assert (render_picture(picture, regions, Look(style=style)).samples == whole).all()


def test_cmyk_and_grey_are_filled_from_their_own_channels() -> None:
    for space in ColourSpace:
        samples = np.empty((60, 60, CHANNELS[space]), np.uint8)
        samples[...] = np.array([40, 90, 140, 190])[: CHANNELS[space]]
        regions = [region(0, (20, 20, 40, 40))]
        veil = render_picture(Picture(samples, space), regions, Look()).samples
        assert np.abs(veil.astype(int) - samples).max() <= 6
