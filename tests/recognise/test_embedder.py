"""The recogniser: the same vector for the same face wherever it is run, and never written down."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crowdveil.detect.engine import Network
from crowdveil.detect.finder import FaceFinder
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.detect.points import Caution
from crowdveil.errors import WeightsInvalid
from crowdveil.models.registry import portrait_path, weights_path
from crowdveil.recognise.align import ARCFACE, chip
from crowdveil.recognise.embedder import Embedder, load_embedder


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


def noise(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, 112, 112, 3), np.uint8))


def described(folder: Path, text: str) -> Path:
    path = folder / "mine.onnx"
    path.write_bytes(weights_path("sface").read_bytes())
    path.with_suffix(".toml").write_text(text)
    return path


def portrait() -> tuple[np.ndarray, np.ndarray]:
    with Image.open(portrait_path()) as image:
        picture = np.asarray(image.convert("RGB"))
    boxes = FaceFinder(caution=Caution.LOW).find(picture).boxes[:1]
    return picture, LandmarkFinder().find(picture, boxes).points[0]


def test_templates_are_unit_vectors_and_do_not_depend_on_company(embedder: Embedder) -> None:
    chips = noise(19)
    together = embedder.embed_chips(chips)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for number in (0, 8, 18):
        alone = embedder.embed_chips([chips[number]])[0]
        np.testing.assert_allclose(together[number], alone, atol=1e-5)
    np.testing.assert_array_equal(
        embedder.embed_chips([chips[1], chips[0], chips[1]]), together[[1, 0, 1]]
    )


def test_no_faces_give_no_templates(embedder: Embedder) -> None:
    assert embedder.embed_all([]).shape == (0, 0)


def test_every_compilation_gives_the_same_vectors() -> None:
    # OpenVINO 2026.4 unpacked 8-bit weights wrongly in about half of all compilations with two
    # streams, and said nothing.
    batch = np.stack(noise(8, seed=2))
    first = Network(weights_path("sface"), ["fc1"], side_px=112).run(batch)[0]
    for _ in range(5):
        network = Network(weights_path("sface"), ["fc1"], side_px=112)
        with ThreadPoolExecutor(2) as pool:
            for (again,) in pool.map(network.run, [batch, batch]):
                np.testing.assert_allclose(again, first, atol=1e-4)


def test_one_face_stays_close_turned_reduced_and_darkened_and_another_picture_does_not(
    embedder: Embedder,
) -> None:
    picture, points = portrait()
    template = embedder.embed(picture, points)
    assert template.shape == (128,)
    darker = (picture * 0.6).astype(np.uint8)
    small = np.asarray(Image.fromarray(picture).resize((256, 256), Image.Resampling.LANCZOS))
    turned = np.ascontiguousarray(np.rot90(picture))
    turned_points = np.stack([points[:, 1], picture.shape[1] - points[:, 0]], axis=1)
    for other, places in [(darker, points), (small, points / 2), (turned, turned_points)]:
        assert template @ embedder.embed(other, places.astype(np.float32)) > 0.8
    assert template @ embedder.embed(picture, points + 250) < 0.3


def test_a_template_is_not_printed_or_pickled_with_the_embedder(embedder: Embedder) -> None:
    said = repr(embedder)
    assert said.startswith("Embedder('sface'")
    assert "[" not in said
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not to be pickled"):
            write(embedder)


def test_a_recogniser_of_the_users_own_gives_the_same_vectors_as_built_in(
    tmp_path: Path, embedder: Embedder
) -> None:
    text = 'name = "mine"\noutput = "fc1"\ntemplate = "arcface"\nthreshold = 0.42\n'
    mine = load_embedder(described(tmp_path, text))
    np.testing.assert_allclose(
        mine.embed_chips(noise(2)), embedder.embed_chips(noise(2)), atol=1e-5
    )
    assert mine.recogniser.name == "mine"
    assert mine.recogniser.threshold == 0.42
    assert mine.recogniser.sha256 == embedder.recogniser.sha256


def test_its_colours_and_scale_are_honoured(tmp_path: Path, embedder: Embedder) -> None:
    text = 'name = "mine"\ncolour = "bgr"\nmean = [1, 2, 3]\nscale = [0.5, 0.5, 0.5]\n'
    mine = load_embedder(described(tmp_path, text))
    seen = [np.full((112, 112, 3), (10, 20, 30), np.uint8)]
    # The network gets (30 - 1, 20 - 2, 10 - 3) / 0.5 as its first, second and third channel.
    same = [np.full((112, 112, 3), (58, 36, 14), np.uint8)]
    np.testing.assert_allclose(mine.embed_chips(seen), embedder.embed_chips(same), atol=1e-4)


def test_its_template_may_be_five_places_of_its_own(tmp_path: Path) -> None:
    places = [[x + 1, y] for x, y in ARCFACE.places]
    mine = load_embedder(described(tmp_path, f'name = "mine"\ntemplate = {places}\n'))
    picture, points = portrait()
    shifted, usual = chip(picture, points, mine.frame), chip(picture, points, ARCFACE)
    difference = np.abs(shifted[:, 1:].astype(int) - usual[:, :-1])
    assert difference.max() <= 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "is not TOML"),
        ('name = "sface"', "is taken"),
        ('name = "mine"\nsize = 3', "not permitted"),
        ('name = "mine"\noutput = "absent"', "cannot be run"),
        ('name = "mine"\nside_px = 96', "cannot be run"),
        ('name = "mine"\ntemplate = [[1, 1], [1, 1], [1, 1], [1, 1], [1, 1]]', "must differ"),
        ('name = "mine"\nthreshold = 2', "less than or equal to 1"),
    ],
    ids=["syntax", "name", "entry", "output", "size", "template", "threshold"],
)
def test_a_wrong_description_is_refused_with_a_sentence(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(WeightsInvalid, match=complaint):
        load_embedder(described(tmp_path, text))


def test_a_missing_description_says_where_to_read_about_it(tmp_path: Path) -> None:
    path = described(tmp_path, "")
    path.with_suffix(".toml").unlink()
    with pytest.raises(WeightsInvalid, match=r"docs/reidentification\.md"):
        load_embedder(path)


def test_chips_of_another_size_are_refused(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="every chip must be"):
        embedder.embed_chips([np.zeros((96, 96, 3), np.uint8)])
