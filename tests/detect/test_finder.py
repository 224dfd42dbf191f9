"""Finding faces in a crowd whose faces are known, and in real photos."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest

from crowdveil.demo.crowd import Crowd, compose_crowd
from crowdveil.detect.faces import Faces
from crowdveil.detect.finder import Caution, FaceFinder
from crowdveil.geometry import pairwise_iou
from crowdveil.models.registry import portrait_path, weights_path


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    import cv2

    portrait = cv2.imread(str(portrait_path()))
    assert portrait is not None
    return compose_crowd(np.ascontiguousarray(portrait[..., ::-1]))


def share_found(faces: Faces, boxes: np.ndarray) -> float:
    return float((pairwise_iou(boxes, faces.boxes).max(axis=1, initial=0) >= 0.3).mean())


def test_nearly_all_larger_faces_of_the_crowd_are_found(finder: FaceFinder, crowd: Crowd) -> None:
    boxes = np.asarray(crowd.boxes, np.float32)
    large = boxes[(boxes[:, 3] - boxes[:, 1]) >= 24]
    assert share_found(finder.find(crowd.picture), large) >= 0.95


@pytest.mark.parametrize(
    "size_wh", [(1, 1), (1, 700), (33, 2), (2000, 20)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_a_picture_of_any_size_can_be_searched(
    finder: FaceFinder, size_wh: tuple[int, int]
) -> None:
    grey = np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)
    assert len(finder.find(grey)) == 0


def test_a_face_that_fills_the_picture_is_found(finder: FaceFinder) -> None:
    import cv2

    portrait = cv2.imread(str(portrait_path()))
    assert portrait is not None
    face = np.ascontiguousarray(portrait[60:230, 150:290, ::-1])
    for zoom in (1, 4, 12):
        large = cv2.resize(face, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        assert len(finder.find(np.asarray(large, np.uint8))) >= 1, zoom


def test_a_picture_of_the_learned_size_is_judged_as_a_frame_of_a_video_is(
    finder: FaceFinder, crowd: Crowd
) -> None:
    picture = np.ascontiguousarray(crowd.picture[:700, :1024])
    guesses = finder.guess(picture)
    judged = finder.judge(picture, guesses, finder.in_doubt(guesses))
    needed = finder.rule.threshold(guesses.candidates.boxes, guesses.size_wh)
    veiled = judged.take(judged.probability >= needed)
    faces = finder.find(picture)
    assert 0 < len(faces) <= len(veiled)
    overlap = pairwise_iou(faces.boxes, veiled.boxes)
    np.testing.assert_array_equal(overlap.max(axis=1), 1)
    np.testing.assert_array_equal(faces.probability, veiled.probability[overlap.argmax(axis=1)])


def test_a_mosaic_is_veiled_as_its_parts_are_alone(finder: FaceFinder, crowd: Crowd) -> None:
    part = np.ascontiguousarray(crowd.picture[:700, :1024])
    alone = finder.find(part)
    mosaic = finder.find(np.tile(part, (3, 3, 1)))
    count = 0
    for x, y in ((x * part.shape[1], y * part.shape[0]) for x in range(3) for y in range(3)):
        middle = (mosaic.boxes[:, :2] + mosaic.boxes[:, 2:]) / 2 - (x, y)
        here = ((middle >= 0) & (middle < part.shape[1::-1])).all(axis=1)
        boxes = mosaic.take(np.asarray(here)).boxes - np.array([x, y, x, y], np.float32)
        sure = alone.boxes[alone.probability >= 0.5]
        assert (pairwise_iou(sure, boxes).max(axis=1, initial=0) >= 0.3).mean() >= 0.95
        count += len(boxes)
    assert count <= 9 * len(alone) * 1.15


def test_many_threads_find_what_one_finds(finder: FaceFinder, crowd: Crowd) -> None:
    parts = [np.ascontiguousarray(crowd.picture[:, k * 200 :][:, :700]) for k in range(4)]
    alone = [finder.find(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(finder.find, parts))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.5)


def test_resting_changes_nothing_even_while_others_look(finder: FaceFinder, crowd: Crowd) -> None:
    alone = finder.find(crowd.picture)
    finder.rest()
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(finder.find, crowd.picture) for _ in range(4)]
        while not all(one.done() for one in found):
            finder.rest()
            wait(found, 0.002)
    for faces in (*(one.result() for one in found), finder.find(crowd.picture)):
        np.testing.assert_array_equal(faces.boxes, alone.boxes)
        np.testing.assert_array_equal(faces.probability, alone.probability)


def test_no_face_counts_twice(finder: FaceFinder, crowd: Crowd) -> None:
    faces = finder.find(crowd.picture)
    overlap = np.triu(pairwise_iou(faces.boxes, faces.boxes), 1)
    assert overlap.max() <= 0.75


def test_more_caution_never_hides_less(crowd: Crowd) -> None:
    picture = np.ascontiguousarray(crowd.picture[200:800, 300:1200])
    covered = {}
    for caution in Caution:
        faces = FaceFinder(caution=caution).find(picture)
        covered[caution] = len(faces)
    assert covered[Caution.HIGH] >= covered[Caution.NORMAL]


def test_every_face_says_who_saw_it_and_how_sure_that_is(finder: FaceFinder, crowd: Crowd) -> None:
    faces = finder.find(crowd.picture)
    assert all(set(names) <= {"centerface", "yunet"} and names for names in faces.detectors)
    assert ((faces.probability < 0.5) == faces.uncertain).all()
    assert list(faces.probability) == sorted(faces.probability, reverse=True)


def test_a_finder_with_another_fusion_decides_by_it_and_says_so(
    finder: FaceFinder, tmp_path: Path
) -> None:
    model = json.loads(weights_path("fusion").read_text())
    model["points"]["normal"]["rule"]["odds"] *= 2
    other = tmp_path / "other.json"
    other.write_text(json.dumps(model))
    changed = FaceFinder(fusion=other)
    assert changed.rule.odds == 2 * finder.rule.odds
    assert changed.weights["fusion"] == hashlib.sha256(other.read_bytes()).hexdigest()
    assert changed.weights["fusion"] != finder.weights["fusion"]
    assert changed.weights["yunet"] == finder.weights["yunet"]
