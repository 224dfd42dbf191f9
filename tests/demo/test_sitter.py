import numpy as np
import pytest
from PIL import Image

from crowdveil.demo.sitter import FACE_XYXY, HEIGHT_PX, Disguise, Sitter, cut_out
from crowdveil.models.registry import portrait_path


@pytest.fixture(scope="module")
def sitter() -> Sitter:
    with Image.open(portrait_path()) as image:
        return cut_out(np.asarray(image.convert("RGB")))


def test_nothing_shines_through_the_face_and_nothing_of_the_studio_comes_along(
    sitter: Sitter,
) -> None:
    x0, y0, x1, y1 = (round(side) for side in FACE_XYXY)
    assert sitter.matte[y0 : y1 - 18, x0 + 12 : x1 - 16].min() > 0.99
    # The wall above the head, the flag and the model of the shuttle.
    assert sitter.matte[:10].max() == 0
    assert sitter.matte[:200, :100].max() == 0
    assert sitter.matte[:230, 380:].max() == 0


def test_clothes_go_on_to_the_lower_edge(sitter: Sitter) -> None:
    assert sitter.matte.shape == (HEIGHT_PX, 512)
    assert sitter.matte[-1, 120:300].min() > 0.99


def test_a_disguise_changes_hair_and_cloth_but_not_the_eyes(sitter: Sitter) -> None:
    worn = sitter.disguised(Disguise(hair=(30, 30, 30), skin=(1, 1, 1), cloth=(40, 60, 200)))
    crown, chest = worn[30, 230], worn[310, 160]
    assert crown.max() < sitter.pixels[30, 230].max()
    assert chest[2] > 1.5 * chest[0]
    np.testing.assert_allclose(worn[96:108, 195:255], sitter.pixels[96:108, 195:255], atol=1)
