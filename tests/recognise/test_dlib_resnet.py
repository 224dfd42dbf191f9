"""The second attacker, where the extra `attackers` is installed."""

import importlib.metadata
import sys
from pathlib import Path

import numpy as np
import pytest

from crowdveil.errors import WeightsInvalid
from crowdveil.recognise import dlib_resnet
from crowdveil.recognise.align import DLIB, chip


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(WeightsInvalid, match=r"pip install 'crowdveil\[attackers\]'"):
        dlib_resnet.load_dlib()


def test_altered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "face_recognition_models-0.3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: face-recognition-models\nVersion: 0.3.0\n"
    )
    weights = tmp_path / dlib_resnet.MEMBER
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"other weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(WeightsInvalid, match="is not the file that was published"):
        dlib_resnet._weights()


def test_faces_are_aligned_as_dlib_aligns_them() -> None:
    dlib = pytest.importorskip("dlib")
    # A face whose 68 landmarks are the mean face itself, somewhere in a picture of noise: dlib's
    # own chip and ours must show the same pixels.
    picture = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    picture = np.asarray(np.kron(picture[::8, ::8], np.ones((8, 8, 1), np.uint8)))
    turn = np.array([[1.9, 0.3], [-0.3, 1.9]]) * 0.6
    size, corner = 150 / 1.5, np.array([90, 120])
    mean = np.zeros((68, 2))
    mean[17:, 0], mean[17:, 1] = MEAN_X, MEAN_Y
    landmarks = (mean * size) @ turn.T + corner
    parts = dlib.full_object_detection(
        dlib.rectangle(90, 100, 260, 270), [dlib.point(int(x), int(y)) for x, y in landmarks]
    )
    theirs = dlib.get_face_chip(picture, parts, size=150, padding=0.25)
    eyes = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    five = np.array([*eyes, landmarks[30], landmarks[48], landmarks[54]], np.float32)
    ours = chip(picture, five, DLIB)
    # Theirs has its landmarks rounded to whole pixels: about half a pixel of shift.
    difference = np.abs(theirs.astype(float) - ours).mean()
    elsewhere = np.abs(theirs.astype(float) - chip(picture, five + 8, DLIB)).mean()
    assert difference < elsewhere / 3


def test_it_embeds_if_it_is_installed() -> None:
    pytest.importorskip("dlib")
    try:
        importlib.metadata.distribution(dlib_resnet.CARRIER)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the weights of the extra are not installed")
    embedder = dlib_resnet.load_dlib()
    noise = np.random.default_rng(1).integers(0, 256, (2, 150, 150, 3), np.uint8)
    templates = embedder.embed_chips(list(noise))
    assert templates.shape == (2, 128)
    np.testing.assert_allclose(np.linalg.norm(templates, axis=1), 1, atol=1e-5)


# Landmarks 17 to 67 of dlib's mean face, of a face one wide and one high.
# fmt: off
MEAN_X = (
    0.000213256, 0.0752622, 0.18113, 0.29077, 0.393397, 0.586856, 0.689483, 0.799124, 0.904991,
    0.98004, 0.490127, 0.490127, 0.490127, 0.490127, 0.36688, 0.426036, 0.490127, 0.554217,
    0.613373, 0.121737, 0.187122, 0.265825, 0.334606, 0.260918, 0.182743, 0.645647, 0.714428,
    0.793132, 0.858516, 0.79751, 0.719335, 0.254149, 0.340985, 0.428858, 0.490127, 0.551395,
    0.639268, 0.726104, 0.642159, 0.556721, 0.490127, 0.423532, 0.338094, 0.290379, 0.428096,
    0.490127, 0.552157, 0.689874, 0.553364, 0.490127, 0.42689,
)
MEAN_Y = (
    0.106454, 0.038915, 0.0187482, 0.0344891, 0.0773906, 0.0773906, 0.0344891, 0.0187482, 0.038915,
    0.106454, 0.203352, 0.307009, 0.409805, 0.515625, 0.587326, 0.609345, 0.628106, 0.609345,
    0.587326, 0.216423, 0.178758, 0.179852, 0.231733, 0.245099, 0.244077, 0.231733, 0.179852,
    0.178758, 0.216423, 0.244077, 0.245099, 0.780233, 0.745405, 0.727388, 0.742578, 0.727388,
    0.745405, 0.780233, 0.864805, 0.902192, 0.909281, 0.902192, 0.864805, 0.784792, 0.778746,
    0.785343, 0.778746, 0.784792, 0.824182, 0.831803, 0.824182,
)
# fmt: on
