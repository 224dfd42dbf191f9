"""Copies that do not lie as their originals: compared all the same, or refused."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from crowdveil.evidence.alignment import align
from crowdveil.evidence.check import check
from crowdveil.evidence.findings import Finding, Subject
from crowdveil.evidence.likeness import Drawing, likeness
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.orientation import ORIENTATIONS, Orientation
from crowdveil.evidence.record import FileRecord, Result
from crowdveil.evidence.registration import register
from crowdveil.media.photos import read_photo
from crowdveil.media.picture import RGB
from crowdveil.plan import Region
from crowdveil.redact.look import Look
from crowdveil.redact.masks import mask_of
from crowdveil.redact.render import render_picture

from .conftest import Veiled

QUICK = CheckOptions(quick=True)

Change = Callable[[Image.Image], Image.Image]


def brightened(image: Image.Image) -> Image.Image:
    return image.point(lambda level: min(level + 60, 255))


ALTERED: dict[str, tuple[Change, str]] = {
    "turned": (lambda image: image.rotate(180), "turned by 180 degrees"),
    "mirrored": (ImageOps.mirror, "mirror image"),
    "inverted": (ImageOps.invert, "light and shade swapped"),
    "shifted": (
        lambda image: image.transform(image.size, Image.Transform.AFFINE, (1, 0, 9, 0, 1, -7)),
        "of the original",
    ),
    "lying, cropped, smaller, brighter": (
        lambda image: brightened(
            image.transpose(Image.Transpose.ROTATE_270).crop((12, 30, 350, 470)).resize((254, 330))
        ),
        "turned a quarter clockwise",
    ),
}


def open_faces(file: FileRecord) -> list[Finding]:
    return [one for one in file.exposed if one.subject is Subject.FACE]


def altered(source: Path, change: Change, out: Path) -> Path:
    with Image.open(source) as image:
        change(image.convert("RGB")).save(out)
    return out


@pytest.fixture(scope="module")
def picture(people: Veiled) -> RGB:
    with Image.open(people.original) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("change", "told"), ALTERED.values(), ids=ALTERED)
def test_a_bare_copy_is_exposed_however_it_lies_and_a_veiled_one_is_not(
    people: Veiled, tmp_path: Path, change: Change, told: str
) -> None:
    bare = altered(people.original, change, tmp_path / "bare.png")
    file = check(people.original, bare, options=QUICK).record.files[0]
    assert len(open_faces(file)) >= 2
    assert any(told in one.what for one in file.doubtful)
    veiled = altered(people.copy, change, tmp_path / "veiled.png")
    file = check(people.original, veiled, options=QUICK).record.files[0]
    assert (file.exposed, file.error) == ((), None)


def test_a_photo_that_only_lost_its_orientation_tag_is_not_clean(
    people: Veiled, tmp_path: Path
) -> None:
    with Image.open(people.original) as image:
        upright = image.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 3
    stored = upright.rotate(180)
    stored.save(tmp_path / "original.jpg", quality=92, exif=exif)
    stored.save(tmp_path / "stripped.jpg", quality=92)
    checked = check(tmp_path / "original.jpg", tmp_path / "stripped.jpg", options=QUICK)
    (file,) = checked.record.files
    assert file.result is Result.EXPOSED
    assert len(open_faces(file)) >= 2
    with Image.open(io.BytesIO(checked.sheets[0].stills[0].jpeg)) as still:
        shown = np.asarray(still.convert("RGB"), np.int16)
    for x0, y0, x1, y1 in (one.box for one in open_faces(file) if one.box is not None):
        inside = shown[max(int(y0), 0) : int(y1), max(int(x0), 0) : int(x1)]
        assert inside.std(axis=(0, 1)).max() < 8  # one colour, whatever JPEG made of it


def test_a_face_of_another_photo_over_a_veil_is_exposed(people: Veiled, tmp_path: Path) -> None:
    with Image.open(people.copy) as image:
        copy = image.convert("RGB")
    with Image.open(people.original) as image:
        original = image.convert("RGB")
    ranked = sorted(people.plan.regions, key=lambda one: one.box[1] - one.box[3])
    here, there = ranked[0], ranked[2]  # the second is half hidden
    x0, y0, x1, y1 = (round(side) for side in there.box)
    more = (x1 - x0) // 4
    face = original.crop((x0 - more, y0 - more, x1 + more, y1 + more)).transpose(
        Image.Transpose.FLIP_LEFT_RIGHT
    )
    x, y = (round((here.box[k] + here.box[k + 2]) / 2) for k in (0, 1))
    copy.paste(face, (x - face.width // 2, y - face.height // 2))
    copy.save(tmp_path / "pasted.png")
    file = check(people.original, tmp_path / "pasted.png", options=QUICK).record.files[0]
    assert any(
        one.box is not None and one.box[0] < x < one.box[2] and one.box[1] < y < one.box[3]
        for one in open_faces(file)
    )


def test_a_bare_picture_beside_a_veiled_one_is_exposed(people: Veiled, tmp_path: Path) -> None:
    with Image.open(people.copy) as image, Image.open(people.original) as bare:
        both = Image.new("RGB", (image.width * 2, image.height))
        both.paste(image, (0, 0))
        both.paste(bare, (image.width, 0))
    both.save(tmp_path / "both.png")
    file = check(people.original, tmp_path / "both.png", options=QUICK).record.files[0]
    assert file.result is Result.EXPOSED
    assert open_faces(file)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_each_orientation_is_found_and_undone_to_the_sample(
    picture: RGB, orientation: Orientation
) -> None:
    copy = orientation.apply(picture)
    found = register(picture, copy)
    assert found is not None
    assert (found.orientation, found.exact) == (orientation, True)
    assert np.array_equal(found.aligned(copy), picture)


@settings(max_examples=8, deadline=None)
@given(
    degrees=st.floats(-25, 25),
    scale=st.floats(0.6, 1.4),
    x=st.floats(-30, 30),
    y=st.floats(-30, 30),
    stretch=st.floats(0.93, 1.07),
    gamma=st.floats(0.6, 1.6),
)
def test_what_was_moved_lies_within_a_pixel_of_its_original(
    picture: RGB, degrees: float, scale: float, x: float, y: float, stretch: float, gamma: float
) -> None:
    height, width = picture.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale))
    matrix = matrix + np.array([[0, 0, x], [0, 0, y]])
    matrix[0] *= stretch
    moved = cv2.warpAffine(picture, matrix, (width, height))
    aligned = align(picture, np.asarray(np.rint(255 * (moved / 255) ** gamma), np.uint8))
    assert aligned is not None
    points = np.array([[100, 80, 1], [380, 80, 1], [240, 180, 1], [120, 280, 1]], np.float64)
    # OpenCV moves the middles of pixels, a registration their edges.
    truth = (points - (0.5, 0.5, 0)) @ matrix.T + 0.5
    mapped = points @ aligned.registration.matrix.T
    assert np.abs(mapped[:, :2] / mapped[:, 2:] - truth).max() < 1.0 * max(scale, 1)


def test_noise_and_other_pictures_are_never_brought_together(picture: RGB) -> None:
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, picture.shape, np.uint8)
    assert register(picture, noise) is None
    waves = np.add.outer(np.arange(360) * 3, np.arange(480) * 2) % 256
    assert register(picture, np.repeat(waves.astype(np.uint8)[..., None], 3, axis=2)) is None


def test_a_veil_over_a_ground_of_its_own_colour_is_no_open_place() -> None:
    rng = np.random.default_rng(2)
    dark = np.asarray(rng.normal(12, 1.2, (120, 160, 3)).clip(0, 255), np.uint8)
    drawn = np.asarray(rng.normal(12, 1.2, (120, 160, 3)).clip(0, 255), np.uint8)
    veils = np.zeros((120, 160), np.bool_)
    veils[20:100, 40:120] = True
    picture = np.where(veils[..., None], drawn, dark)
    box = np.array([[50, 30, 110, 90]], np.float32)
    assert likeness(dark, picture, box).unchanged[0] > 0.5
    drawing = Drawing(picture, veils)
    assert likeness(dark, picture, box, drawing=drawing).unchanged[0] == 0


def test_with_the_plan_at_hand_a_bare_face_is_open_still(people: Veiled, picture: RGB) -> None:
    original = read_photo(people.original).frames[0]
    regions: tuple[Region, ...] = people.plan.regions
    drawing = Drawing(
        render_picture(original, regions, Look()).rgb(), mask_of(regions, original.size_wh, Look())
    )
    found = likeness(picture, picture, people.boxes(), drawing=drawing)
    assert (found.unchanged > 0.5).all()
