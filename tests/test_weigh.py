from pathlib import Path

import pytest
from PIL import Image

from crowdveil.weigh import BUDGET_PX, weight_px


@pytest.mark.parametrize(("suffix", "times"), [("jpg", 1), ("webp", 1), ("png", 2), ("tiff", 2)])
def test_a_photo_weighs_its_pixels_and_twice_where_they_may_be_deep(
    suffix: str, times: int, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (300, 200)).save(path)
    assert weight_px(path) == 300 * 200 * times


def test_every_frame_of_an_animation_weighs(tmp_path: Path) -> None:
    frames = [Image.new("L", (30, 20), shade) for shade in (0, 80, 160)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert weight_px(tmp_path / "a.gif") == 3 * 30 * 20


def test_what_cannot_be_judged_goes_alone(crowd_photo: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.jpg").write_bytes(crowd_photo.read_bytes()[:100])
    assert weight_px(tmp_path / "torn.jpg") == BUDGET_PX
    assert weight_px(tmp_path / "gone.jpg") == BUDGET_PX


def test_what_is_no_photo_weighs_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("call me")
    assert weight_px(tmp_path / "notes.jpg") == 0
