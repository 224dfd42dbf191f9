"""What painting the veils of a video frame changes, what it leaves alone, what it must not know."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowdveil.geometry import SizeWH
from crowdveil.media.picture import ColourSpace, Picture
from crowdveil.media.video.clip import Plane
from crowdveil.media.video.layouts import planes_of
from crowdveil.plan import Region, Shape
from crowdveil.redact.frames import measure_grain, paint_into
from crowdveil.redact.look import LOSSY, Look, Style
from crowdveil.redact.masks import Outlines, mask_of
from crowdveil.redact.render import render_picture

from .conftest import Photo, region, region_lists

Planes = list[Plane]

ZERO_BIT = sorted(set(Style) - LOSSY)

LAYOUTS: dict[str, list[tuple[tuple[int, int], bool]]] = {
    # Step of each plane and whether it is one of colour.
    "grey": [((1, 1), False)],
    "4:2:0": [((1, 1), False), ((2, 2), True), ((2, 2), True)],
    "4:2:2": [((1, 1), False), ((2, 1), True), ((2, 1), True)],
    "4:4:0": [((1, 1), False), ((1, 2), True), ((1, 2), True)],
    "4:4:4": [((1, 1), False), ((1, 1), True), ((1, 1), True)],
    "4:1:1": [((1, 1), False), ((4, 1), True), ((4, 1), True)],
    "4:1:0": [((1, 1), False), ((4, 4), True), ((4, 4), True)],
    "rgb": [((1, 1), False)] * 3,
    "4:2:0 with alpha": [((1, 1), False), ((2, 2), True), ((2, 2), True), ((1, 1), False)],
}


def noise_planes(
    seed: int, size_wh: SizeWH, layout: str, *, bits: int = 8, limited: bool = True
) -> Planes:
    rng, top = np.random.default_rng(seed), 2**bits - 1
    dtype = np.uint8 if bits == 8 else np.uint16
    width, height = size_wh
    return [
        Plane(
            rng.integers(0, top, (-(-height // y), -(-width // x), 1), dtype, endpoint=True),
            (x, y),
            top,
            (top + 1) // 2 if colour else None,
            limited,
        )
        for (x, y), colour in LAYOUTS[layout]
    ]


def even_planes(level: int, size_wh: SizeWH, layout: str, *, bits: int = 8) -> Planes:
    planes = noise_planes(0, size_wh, layout, bits=bits)
    for plane in planes:
        plane.samples[...] = level if plane.neutral is None else plane.neutral
    return planes


@st.composite
def frames(draw: st.DrawFn) -> Planes:
    return noise_planes(
        draw(st.integers(0, 1000)),
        (draw(st.integers(1, 90)), draw(st.integers(1, 90))),
        draw(st.sampled_from(sorted(LAYOUTS))),
        bits=draw(st.sampled_from([8, 10, 12])),
        limited=draw(st.booleans()),
    )


def size_of(planes: Planes) -> SizeWH:
    height, width, _ = planes[0].samples.shape
    return width, height


def copied(planes: Planes) -> Planes:
    return [replace(plane, samples=plane.samples.copy()) for plane in planes]


def painted(
    planes: Planes, regions: Sequence[Region], look: Look, **settings_: object
) -> list[np.ndarray]:
    result = copied(planes)
    paint_into(result, Outlines.of(regions, look), look, **settings_)  # type: ignore[arg-type]
    return [plane.samples[..., 0] for plane in result]


def hidden(plane: Plane, regions: Sequence[Region], size_wh: SizeWH, look: Look) -> np.ndarray:
    """Every sample in whose footprint a pixel is hidden, found pixel by pixel."""
    rows, columns = np.nonzero(mask_of(regions, size_wh, look))
    result = np.zeros(plane.samples.shape[:2], bool)
    result[rows // plane.step_xy[1], columns // plane.step_xy[0]] = True
    return result


def under(planes: Planes, regions: Sequence[Region], look: Look, what: str, seed: int) -> Planes:
    """The frame with something else in every hidden sample."""
    rng = np.random.default_rng(seed)
    others = copied(planes)
    for plane in others:
        mask = hidden(plane, regions, size_of(planes), look)
        old, top = plane.samples[mask], plane.full_scale
        if what == "noise":
            plane.samples[mask] = rng.integers(0, top, old.shape, endpoint=True)
        elif what == "extremes":
            plane.samples[mask] = rng.integers(0, 2, old.shape) * top
        else:
            plane.samples[mask] = top - old
    return others


@given(
    frames(),
    region_lists(),
    st.sampled_from(ZERO_BIT),
    st.floats(1, 2.5),
    st.sampled_from(["noise", "extremes", "inverse"]),
    st.integers(0, 99),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_under_the_masks_the_frame_comes_out_the_same(
    planes: Planes, regions: list[Region], style: Style, margin: float, what: str, seed: int
) -> None:
    """No sample of the inverse equals the original, so none can have been left in place."""
    look = Look(style=style, margin=margin, seed=seed)
    other = under(planes, regions, look, what, seed)
    for there, here in zip(
        painted(planes, regions, look), painted(other, regions, look), strict=True
    ):
        assert (there == here).all()


@given(frames(), region_lists(), st.sampled_from(Style))
@settings(max_examples=200, deadline=None)
def test_outside_the_masks_every_sample_is_the_original(
    planes: Planes, regions: list[Region], style: Style
) -> None:
    look = Look(style=style)
    for plane, after in zip(planes, painted(planes, regions, look), strict=True):
        outside = ~hidden(plane, regions, size_of(planes), look)
        assert (after[outside] == plane.samples[..., 0][outside]).all()
        assert after.dtype == plane.samples.dtype
        assert after.max() <= plane.full_scale


@given(frames(), region_lists(), st.sampled_from(Style), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_regions_does_not_matter(
    planes: Planes, regions: list[Region], style: Style, random: object
) -> None:
    look = Look(style=style)
    shuffled = sorted(regions, key=lambda _: random.random())  # type: ignore[attr-defined]
    for there, here in zip(
        painted(planes, regions, look), painted(planes, shuffled, look), strict=True
    ):
        assert (there == here).all()


@given(frames(), region_lists())
@settings(max_examples=60, deadline=None)
def test_the_grain_of_a_shot_is_measured_outside_the_masks(
    planes: Planes, regions: list[Region]
) -> None:
    look = Look()
    outlines = Outlines.of(regions, look)
    there = measure_grain(planes, outlines, look)
    here = measure_grain(under(planes, regions, look, "inverse", 0), outlines, look)
    assert (there.fine == here.fine).all()
    assert (there.coarse == here.coarse).all()
    assert there.colour == here.colour


def test_a_frame_without_masks_stays_as_it_is() -> None:
    planes = noise_planes(1, (64, 48), "4:2:0")
    kept = region(0, (10, 10, 30, 30), action="keep", reason="consented")
    for regions in ([], [kept], [region(0, (-50, -50, -10, -10))]):
        for plane, after in zip(planes, painted(planes, regions, Look()), strict=True):
            assert (plane.samples[..., 0] == after).all()


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize(
    ("size_wh", "boxes"),
    [
        pytest.param((1, 1), [(0, 0, 1, 1)], id="frame-of-one-pixel"),
        pytest.param((1, 50), [(0, 10, 1, 20)], id="frame-one-pixel-wide"),
        pytest.param((41, 31), [(0, 0, 1, 1), (40, 30, 41, 31)], id="corners-of-odd-sizes"),
        pytest.param((40, 30), [(-1e9, -1e9, 1e9, 1e9)], id="endless"),
        pytest.param((40, 30), [(5, 5, 15, 15)] * 3, id="three-times-the-same"),
    ],
)
def test_odd_frames_and_regions_are_painted(
    layout: str, style: Style, size_wh: SizeWH, boxes: list[tuple[float, ...]]
) -> None:
    planes = noise_planes(2, size_wh, layout, bits=10)
    regions = [region(i, box) for i, box in enumerate(boxes)]
    for plane, after in zip(planes, painted(planes, regions, Look(style=style)), strict=True):
        outside = ~hidden(plane, regions, size_wh, Look())
        assert (after[outside] == plane.samples[..., 0][outside]).all()
        assert after.max() <= plane.full_scale


@pytest.mark.parametrize("style", ZERO_BIT)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", list(Shape))
def test_a_grey_frame_looks_like_the_same_grey_photo(style: Style, bits: int, shape: Shape) -> None:
    planes = noise_planes(3, (50, 46), "grey", bits=bits, limited=False)
    # So large that the whole picture is its surroundings.
    regions = [region(0, (13, 12, 35, 34), shape=shape)]
    photo = render_picture(Picture(planes[0].samples, ColourSpace.GREY), regions, Look(style=style))
    assert (painted(planes, regions, Look(style=style))[0] == photo.samples[..., 0]).all()


@pytest.mark.parametrize("style", ZERO_BIT)
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv422p10le", "yuv444p12le"])
def test_a_frame_looks_like_the_photo_it_was_made_of(
    protest_photos: list[Photo], style: Style, pixels: str
) -> None:
    """Converted there and back by the field's own converter, not by ours."""
    picture, regions = protest_photos[1]
    frame = av.VideoFrame.from_ndarray(picture.samples).reformat(format=pixels)
    look = Look(style=style)
    paint_into(planes_of(frame), Outlines.of(regions, look), look)
    there = frame.to_ndarray(format="rgb24").astype(int)
    here = render_picture(picture, regions, look).samples.astype(int)
    mask = mask_of(regions, picture.size_wh, Look())
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    # The weave of a frame has a width of its own; only its mean can be compared.
    mean_apart, apart = {Style.SOFT: (6, 6), Style.SOLID: (2, 2), Style.PATTERN: (12, 45)}[style]
    assert np.abs((there - here)[inner].mean(axis=0)).max() < mean_apart
    assert np.abs(there - here)[inner].mean() < apart


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("limited", [False, True], ids=["full-range", "limited-range"])
def test_solid_is_the_same_neutral_grey_in_every_depth_and_range(bits: int, limited: bool) -> None:
    planes = noise_planes(4, (120, 120), "4:2:0", bits=bits, limited=limited)
    light, *tints = painted(planes, [region(0, (40, 40, 80, 80))], Look(style=Style.SOLID))
    # ITU-R BT.709, part 4: black and white of 8 bits are 16 and 235.
    black, white = (16 * 2 ** (bits - 8), 235 * 2 ** (bits - 8)) if limited else (0, 2**bits - 1)
    heart = (light[45:75, 45:75].astype(float) - black) / (white - black)
    assert np.abs(heart - 0.24).max() < 0.004
    for tint in tints:
        assert (tint[23:37, 23:37] == 2 ** (bits - 1)).all()


def test_a_veil_in_the_corner_of_an_angle_of_veils_is_painted_whole() -> None:
    """The window around the angle holds pixels of the other veil, which was painted before."""
    look = Look(style=Style.SOLID, margin=1.0, shape=Shape.BOX)
    angle = [region(0, (10, 20, 20, 110)), region(1, (10, 100, 110, 110))]
    planes = noise_planes(12, (120, 120), "4:2:0")
    light, *tints = painted(planes, [*angle, region(2, (60, 5, 80, 50))], look)
    assert len(np.unique(light[8:47, 63:77])) == 1
    assert all(len(np.unique(tint[4:23, 32:38])) == 1 for tint in tints)


def test_grain_on_white_does_not_leave_the_scale() -> None:
    planes = even_planes(1023, (64, 64), "4:2:0", bits=10)
    light = painted(planes, [region(0, (20, 20, 44, 44))], Look())[0]
    assert light.max() == 1023
    assert light.min() > 1000


def test_soft_continues_a_slope_in_every_plane() -> None:
    for bits in (8, 10):
        planes = noise_planes(5, (200, 200), "4:2:0", bits=bits)
        for plane in planes:
            span = plane.samples.shape[1]
            slope = np.linspace(0.2, 0.8, span) * plane.full_scale
            plane.samples[...] = np.rint(slope)[None, :, None]
        regions = [region(0, (70, 60, 130, 140))]
        for plane, after in zip(planes, painted(planes, regions, Look()), strict=True):
            mask = hidden(plane, regions, (200, 200), Look()).astype(np.uint8)
            rim = (mask - cv2.erode(mask, np.ones((5, 5), np.uint8))).astype(bool)
            error = (after.astype(float) - plane.samples[..., 0]) / plane.full_scale
            assert np.abs(error[rim]).max() < 0.06
            assert np.abs(error[rim].mean()) < 0.005
            assert np.abs(error[mask.astype(bool)]).max() < 0.17


@given(frames(), region_lists())
@settings(max_examples=60, deadline=None)
def test_colour_stays_within_the_range_of_what_is_seen_of_it(
    planes: Planes, regions: list[Region]
) -> None:
    for plane, after in zip(planes, painted(planes, regions, Look()), strict=True):
        mask = hidden(plane, regions, size_of(planes), Look())
        seen = plane.samples[..., 0][~mask]
        if plane.neutral is not None and mask.any():
            least, most = (seen.min(), seen.max()) if seen.size else (plane.neutral,) * 2
            assert after[mask].min() >= least
            assert after[mask].max() <= most


def test_only_brightness_has_grain() -> None:
    planes = even_planes(100, (128, 128), "4:2:0")
    regions = [region(0, (40, 40, 80, 80))]
    light, *tints = painted(planes, regions, Look())
    assert 0.3 < light[hidden(planes[0], regions, (128, 128), Look())].std() < 2
    assert all((tint == 128).all() for tint in tints)


def test_the_grain_of_a_shot_stands_still_when_a_mask_moves() -> None:
    planes = even_planes(100, (160, 120), "4:2:0")
    look = Look()
    first, second = [region(0, (30, 30, 70, 70))], [region(0, (41, 33, 81, 73))]
    grain = measure_grain(planes, Outlines.of(first, look), look)
    both = mask_of(first, (160, 120), look) & mask_of(second, (160, 120), look)
    one = painted(planes, first, look, grain=grain)[0]
    two = painted(planes, second, look, grain=grain)[0]
    assert (one[both] == two[both]).all()


def test_the_grain_of_a_shot_is_as_strong_as_its_noise() -> None:
    rng = np.random.default_rng(6)
    regions = [region(0, (100, 100, 150, 150))]
    for bits, sigma in ((8, 1.5), (10, 6.0)):
        planes = even_planes(0, (256, 256), "4:2:0", bits=bits)
        noise = 2 ** (bits - 1) + sigma * rng.standard_normal((256, 256, 1))
        planes[0].samples[...] = np.rint(noise)
        light = painted(planes, regions, Look())[0]
        inside = light[mask_of(regions, (256, 256), Look())]
        assert inside.std() == pytest.approx(planes[0].samples.std(), rel=0.3)


def test_a_veil_hardly_changes_when_it_is_filled_together_with_another(
    protest_photos: list[Photo],
) -> None:
    """Else veils would flicker while people come near each other and part again."""
    picture, _ = protest_photos[0]
    grey = picture.samples[..., 1:2].copy()
    planes = [Plane(grey, (1, 1), 255, None, False)]
    size_wh, look = size_of(planes), Look()
    alone = [region(0, (300, 200, 350, 260))]
    for far_px in (90, 110, 130):
        both = [*alone, region(1, (300 + far_px, 230, 330 + far_px, 270))]
        grain = measure_grain(planes, Outlines.of(both, look), look)
        one = painted(planes, alone, look, grain=grain)[0].astype(int)
        two = painted(planes, both, look, grain=grain)[0].astype(int)
        change = np.abs(one - two)[mask_of(alone, size_wh, look)]
        natural = np.abs(np.diff(grey[..., 0].astype(int), axis=1)).mean()
        assert change.mean() < natural / 2


def test_mosaic_stands_on_a_grid_that_does_not_move_with_the_face() -> None:
    planes = noise_planes(8, (200, 200), "4:2:0")
    look = Look(style=Style.MOSAIC, margin=1.0)
    frames_ = [
        painted(planes, [region(0, (50 + i, 60, 120 + i, 130), shape="box")], look) for i in (0, 3)
    ]
    for plane, one, two in zip(planes, *frames_, strict=True):
        across, down = plane.step_xy
        inside = np.s_[60 // down : 130 // down, 54 // across : 120 // across]
        assert (one[inside] == two[inside]).all()
        # At least a fifth of 70 pixels: blocks of 16.
        blocks = one[64 // down : 128 // down, 64 // across : 112 // across]
        tall, wide = 16 // down, 16 // across
        steps = np.abs(np.diff(blocks.astype(int), axis=1)).sum(axis=0)
        assert (np.flatnonzero(steps) % wide == wide - 1).all()
        steps = np.abs(np.diff(blocks.astype(int), axis=0)).sum(axis=1)
        assert (np.flatnonzero(steps) % tall == tall - 1).all()
        original = plane.samples[64 // down : 80 // down, 64 // across : 80 // across]
        assert abs(float(blocks[0, 0]) - original.mean()) <= 1


@pytest.mark.parametrize("layout", ["4:2:0", "4:2:2"])
def test_blur_leaves_no_detail_finer_than_the_face(layout: str) -> None:
    planes = noise_planes(9, (200, 200), layout, bits=10)
    for plane, after in zip(
        planes,
        painted(planes, [region(0, (60, 60, 140, 140))], Look(style=Style.BLUR)),
        strict=True,
    ):
        across, down = plane.step_xy
        inside = after[60 // down : 140 // down, 60 // across : 140 // across].astype(int)
        assert np.abs(np.diff(inside, axis=1)).max() <= 12 * across
        assert np.abs(np.diff(inside, axis=0)).max() <= 12 * down
        assert inside.std() < plane.samples.std() / 4


def test_an_opaque_frame_stays_opaque() -> None:
    planes = noise_planes(10, (80, 60), "4:2:0 with alpha")
    planes[-1].samples[...] = 255
    for style in Style:
        assert (painted(planes, [region(0, (20, 10, 50, 40))], Look(style=style))[-1] == 255).all()


def test_planes_that_share_their_memory_are_painted_like_any_others() -> None:
    """NV12 keeps both colours in one plane, turn about."""
    apart = noise_planes(11, (90, 70), "4:2:0")
    pair = np.concatenate([apart[1].samples, apart[2].samples], axis=2)
    shared = [apart[0], *(replace(apart[1], samples=pair[..., i : i + 1]) for i in (0, 1))]
    regions = [region(0, (20, 10, 60, 50))]
    for style in Style:
        look = Look(style=style)
        expected = painted(apart, regions, look)
        fresh = pair.copy()
        views = [
            replace(plane, samples=fresh[..., i : i + 1]) for i, plane in enumerate(shared[1:])
        ]
        planes = [replace(apart[0], samples=apart[0].samples.copy()), *views]
        paint_into(planes, Outlines.of(regions, look), look)
        for plane, samples in zip(planes, expected, strict=True):
            assert (plane.samples[..., 0] == samples).all()


@pytest.mark.parametrize("style", list(Style))
def test_frames_painted_at_the_same_time_come_out_as_one_after_the_other(style: Style) -> None:
    look = Look(style=style)
    many = [noise_planes(seed, (120, 90), "4:2:0") for seed in range(8)]
    regions = [region(0, (10, 10, 50, 60)), region(1, (70, 30, 100, 70))]
    expected = [painted(planes, regions, look) for planes in many]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda planes: painted(planes, regions, look), many))
    for one, other in zip(expected, found, strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param([], id="no-plane"),
        pytest.param([(30, 40, (1, 1), None), (20, 20, (2, 2), 128)], id="colour-too-high"),
        pytest.param([(30, 40, (1, 1), None), (15, 19, (2, 2), 128)], id="colour-too-narrow"),
        pytest.param([(30, 40, (1, 1), None), (10, 14, (3, 3), 128)], id="steps-of-three"),
        pytest.param([(30, 40, (1, 1), 128)], id="no-brightness"),
    ],
)
def test_planes_that_do_not_belong_to_one_picture_are_refused(
    broken: list[tuple[int, int, tuple[int, int], int | None]],
) -> None:
    planes = [
        Plane(np.zeros((height, width, 1), np.uint8), step_xy, 255, neutral, True)
        for height, width, step_xy, neutral in broken
    ]
    with pytest.raises(ValueError, match=r"plane|stand for"):
        paint_into(planes, Outlines.of([region(0, (5, 5, 9, 9))], Look()), Look())
