"""Attacks on real veiled faces: what hides is told from what only looks like hiding."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from crowdveil.detect.finder import FaceFinder
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.detect.points import Caution
from crowdveil.evidence.attacks import Alignment, Enrolment
from crowdveil.evidence.portraits import enrolled, portraits, veil_with
from crowdveil.evidence.reidentification import Reidentification, Verdict
from crowdveil.evidence.reidentify import Pair, reidentify
from crowdveil.media.picture import RGB
from crowdveil.models.registry import portrait_path
from crowdveil.recognise.embedder import Embedder, load_embedder
from crowdveil.redact.look import Look, Style

PEOPLE = 16


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture(scope="module")
def landmarks() -> LandmarkFinder:
    return LandmarkFinder()


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(caution=Caution.LOW)


def read(path: Path) -> RGB:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def sitter(finder: FaceFinder) -> tuple[RGB, np.ndarray]:
    picture = read(portrait_path())
    return picture, finder.find(picture).boxes[:1]


@pytest.fixture(scope="module")
def people(eval_dir: Path, finder: FaceFinder) -> list[tuple[RGB, np.ndarray]]:
    found = []
    for folder in sorted((eval_dir / "lfw").iterdir())[:PEOPLE]:
        picture = read(sorted(folder.glob("*.jpg"))[0])
        boxes = finder.find(picture).boxes
        middle = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - 125).sum(axis=1)
        found.append((picture, boxes[[int(middle.argmin())]]))
    return found


def attacked(
    people: list[tuple[RGB, np.ndarray]],
    veil: Any,
    embedder: Embedder,
    landmarks: LandmarkFinder,
    **settings: Any,
) -> Reidentification:
    draw = veil_with(veil) if isinstance(veil, Look) else veil
    pairs = [Pair(picture, draw(picture, boxes), boxes) for picture, boxes in people]
    return reidentify(pairs, embedder=embedder, veil=veil, landmarks=landmarks, **settings)


@pytest.mark.parametrize("style", [Style.SOFT, Style.SOLID, Style.PATTERN])
def test_a_veil_that_hides_all_is_no_better_than_guessing(
    style: Style,
    people: list[tuple[RGB, np.ndarray]],
    embedder: Embedder,
    landmarks: LandmarkFinder,
) -> None:
    result = attacked(people, Look(style=style), embedder, landmarks)
    assert result.people == len(result.faces) == PEOPLE
    assert result.verdict is Verdict.CHANCE
    assert not any(face.recognised for face in result.faces)
    assert {(one.enrolment, one.alignment) for one in result.attacks} == {
        (enrolment, alignment) for enrolment in Enrolment for alignment in Alignment
    }
    assert f"No attack recognised the {PEOPLE} veiled faces" in result.sentences()[0]


def test_a_thin_blur_is_found_out_by_a_gallery_that_is_blurred_alike(
    people: list[tuple[RGB, np.ndarray]], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    import cv2

    def thin(picture: RGB, boxes: np.ndarray) -> RGB:
        out = picture.copy()
        for x0, y0, x1, y1 in boxes.astype(int).clip(0).tolist():
            sigma = (x1 - x0) / 14
            out[y0:y1, x0:x1] = cv2.GaussianBlur(out, (0, 0), sigma)[y0:y1, x0:x1]
        return out

    result = attacked(people, thin, embedder, landmarks)
    assert result.verdict is Verdict.EXPOSED
    assert Enrolment.PARROT in {one.enrolment for one in result.exposing}
    assert result.sentences()[0].startswith("Veiled faces can be recognised")


def test_faces_that_nobody_veiled_are_recognised(
    people: list[tuple[RGB, np.ndarray]], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    result = attacked(people, lambda picture, boxes: picture, embedder, landmarks)
    assert all(one.overall.rank_1.hits == PEOPLE for one in result.attacks)
    assert sum(face.recognised for face in result.faces) > 0.9 * PEOPLE


def test_one_missed_face_in_a_crowd_is_named(
    people: list[tuple[RGB, np.ndarray]], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    draw = veil_with(Look())
    pairs = [
        Pair(picture, picture if k == 3 else draw(picture, boxes), boxes)
        for k, (picture, boxes) in enumerate(people[:8])
    ]
    result = reidentify(pairs, embedder=embedder, veil=Look(), landmarks=landmarks)
    assert result.verdict is Verdict.EXPOSED
    assert [face.pair for face in result.faces if face.recognised] == [3]


def test_a_gallery_and_groups_of_the_users_are_counted(
    people: list[tuple[RGB, np.ndarray]],
    embedder: Embedder,
    landmarks: LandmarkFinder,
    finder: FaceFinder,
) -> None:
    gallery = [
        one for picture, _ in people[8:] for one in portraits(picture, finder, landmarks)[:1]
    ]
    draw = veil_with(Look())
    pairs = [
        Pair(picture, draw(picture, boxes), boxes, groups=("b" if k % 2 else "a",))
        for k, (picture, boxes) in enumerate(people[:7])
    ]
    pairs.append(Pair(people[7][0], people[7][0], people[7][1], groups=(None,)))
    result = reidentify(pairs, embedder=embedder, veil=Look(), landmarks=landmarks, gallery=gallery)
    assert (result.people, result.distractors) == (PEOPLE, len(gallery))
    for one in result.attacks:
        groups = dict(one.groups)
        assert {label: each.rank_1.trials for label, each in groups.items()} == {"a": 4, "b": 3}
        assert all(each.rank_1.chance == 1 / PEOPLE for each in groups.values())


def test_one_face_alone_is_either_recognised_or_nothing_is_proved(
    sitter: tuple[RGB, np.ndarray], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    hidden = attacked([sitter], Look(), embedder, landmarks)
    assert hidden.verdict is Verdict.INCONCLUSIVE
    assert any("this proves little" in sentence for sentence in hidden.sentences())
    shown = attacked([sitter], lambda picture, boxes: picture, embedder, landmarks)
    assert shown.verdict is Verdict.EXPOSED
    assert shown.sentences()[0] == "1 of 1 veiled face can be recognised as if unveiled."


def test_without_a_known_veil_there_is_no_parrot(
    sitter: tuple[RGB, np.ndarray], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    picture, boxes = sitter
    pair = Pair(picture, veil_with(Look())(picture, boxes), boxes)
    result = reidentify([pair], embedder=embedder, veil=None, landmarks=landmarks)
    assert {one.enrolment for one in result.attacks} == {Enrolment.CLEAN}


def test_no_face_and_no_landmarks_are_said(
    sitter: tuple[RGB, np.ndarray], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    picture, _ = sitter
    nothing = reidentify([], embedder=embedder, veil=Look(), landmarks=landmarks)
    assert nothing.verdict is Verdict.NOTHING
    sky = np.array([[2, 2, 42, 42]], np.float32)
    pair = Pair(picture, picture, sky)
    unfit = reidentify([pair], embedder=embedder, veil=Look(), landmarks=landmarks)
    assert (len(unfit.faces), unfit.unfit, unfit.verdict) == (0, 1, Verdict.NOTHING)


def test_what_lies_outside_the_face_cannot_match_itself(
    sitter: tuple[RGB, np.ndarray], landmarks: LandmarkFinder, finder: FaceFinder
) -> None:
    picture, _ = sitter
    (one,) = portraits(picture, finder, landmarks)[:1]
    noisy = one.picture.copy()
    x0, y0, x1, y1 = (round(side) for side in one.box)
    noise = np.random.default_rng(0).integers(0, 256, noisy.shape, np.uint8)
    noisy[: y0 - 30], noisy[y1 + 30 :] = noise[: y0 - 30], noise[y1 + 30 :]
    noisy[:, : x0 - 30], noisy[:, x1 + 30 :] = noise[:, : x0 - 30], noise[:, x1 + 30 :]
    other = dataclasses.replace(one, picture=noisy)
    np.testing.assert_array_equal(enrolled(other).picture, enrolled(one).picture)


def test_references_veiled_so_that_nothing_is_left_are_all_the_same(
    people: list[tuple[RGB, np.ndarray]], landmarks: LandmarkFinder, finder: FaceFinder
) -> None:
    draw = veil_with(Look())
    drawn = [
        draw(reference.picture, np.array([reference.box], np.float32))
        for picture, _ in people[:4]
        for reference in map(enrolled, portraits(picture, finder, landmarks)[:1])
    ]
    for one in drawn[1:]:
        np.testing.assert_array_equal(one, drawn[0])


def test_a_result_holds_no_template_and_no_pixel(
    sitter: tuple[RGB, np.ndarray], embedder: Embedder, landmarks: LandmarkFinder
) -> None:
    result = attacked([sitter], Look(), embedder, landmarks)

    def leaves(value: Any) -> list[Any]:
        if dataclasses.is_dataclass(value):
            return [
                leaf
                for field in dataclasses.fields(value)
                for leaf in leaves(getattr(value, field.name))
            ]
        if isinstance(value, tuple):
            return [leaf for one in value for leaf in leaves(one)]
        return [value]

    assert {type(leaf) for leaf in leaves(result)} <= {
        str, int, float, bool, type(None), Enrolment, Alignment,
    }  # fmt: skip
    picture, boxes = sitter
    said = repr(Pair(picture, picture, boxes))
    assert "original" not in said
    assert "veiled" not in said


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"veiled": np.zeros((5, 5, 3), np.uint8)}, "differ in size"),
        ({"original": np.zeros((9, 9), np.uint8)}, "must be"),
        ({"boxes": np.zeros(4, np.float32)}, r"\(n, 4\)"),
        ({"groups": ("a", "b")}, "one group for each box"),
    ],
    ids=["size", "shape", "boxes", "groups"],
)
def test_pairs_that_do_not_belong_together_are_refused(
    change: dict[str, Any], complaint: str
) -> None:
    blank = np.zeros((9, 9, 3), np.uint8)
    sound = Pair(blank, blank, np.array([[1, 1, 5, 5]], np.float32))
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(sound, **change)
