"""Detectors of the user's own, tried with the networks that crowdveil carries."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from crowdveil.detect.custom import load_detector
from crowdveil.detect.finder import Caution, FaceFinder
from crowdveil.errors import WeightsInvalid
from crowdveil.models.registry import portrait_path, weights_path

YUNET = """
name = "mine"
family = "yunet"
colour = "bgr"
min_score = 0.7
outputs = [
  "cls_8", "obj_8", "bbox_8", "kps_8",
  "cls_16", "obj_16", "bbox_16", "kps_16",
  "cls_32", "obj_32", "bbox_32", "kps_32",
]
"""
CENTERFACE = """
name = "mine"
family = "centerface"
min_score = 0.4
outputs = ["537", "538", "539", "540"]
"""


def described(folder: Path, weights: str, text: str) -> Path:
    path = folder / "mine.onnx"
    shutil.copy(weights_path(weights), path)
    path.with_suffix(".toml").write_text(text)
    return path


def portrait() -> np.ndarray:
    picture = cv2.imread(str(portrait_path()))
    assert picture is not None
    return np.ascontiguousarray(picture[..., ::-1])


@pytest.mark.parametrize(
    ("weights", "text"),
    [("yunet", YUNET), ("centerface", CENTERFACE)],
    ids=["yunet", "centerface"],
)
def test_a_described_detector_confirms_the_face(tmp_path: Path, weights: str, text: str) -> None:
    finder = FaceFinder(caution=Caution.LOW, detector=described(tmp_path, weights, text))
    faces = finder.find(portrait())
    assert any("mine" in names for names in faces.detectors)
    assert len(finder.weights["mine"]) == 64


def test_it_adds_faces_that_the_others_missed(tmp_path: Path) -> None:
    text = YUNET.replace("min_score = 0.7", "min_score = 0.02")
    alone = FaceFinder(caution=Caution.LOW).find(portrait())
    faces = FaceFinder(caution=Caution.LOW, detector=described(tmp_path, "yunet", text)).find(
        portrait()
    )
    assert len(faces) > len(alone)
    np.testing.assert_array_equal(faces.boxes[: len(alone)], alone.boxes)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = 3", "string"),
        ("name = ", "TOML"),
        (YUNET.replace('"cls_8"', '"absent"'), "cannot be run"),
        (YUNET.replace("min_score", "minimum_score"), "not permitted"),
        (CENTERFACE, "cannot be run"),
        (YUNET.replace('"mine"', '"yunet"'), "is taken"),
        (
            YUNET.replace('"yunet"', '"boxes"'),
            "boxes and the scores",
        ),
    ],
    ids=["type", "syntax", "output", "entry", "other network", "name", "family"],
)
def test_a_wrong_description_is_refused_with_a_sentence(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(WeightsInvalid, match=complaint):
        load_detector(described(tmp_path, "yunet", text))


def test_a_detector_without_a_description_says_what_is_missing(tmp_path: Path) -> None:
    path = described(tmp_path, "yunet", YUNET)
    path.with_suffix(".toml").unlink()
    with pytest.raises(WeightsInvalid, match=r"docs/detectors\.md"):
        load_detector(path)
