"""What a message advises works when it is followed."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    """A folder with one photo."""
    folder = tmp_path / "in"
    folder.mkdir()
    Image.new("RGB", (64, 64), (90, 90, 90)).save(folder / "a.jpg")
    return folder


def test_outputs_that_exist(crowdveil: Callable[..., Any], grey: Path) -> None:
    assert crowdveil("veil", grey, "-o", "out").code == 0
    said = crowdveil("veil", grey, "-o", "out")
    assert said.code == 1
    for advised in ("--resume", "--overwrite", "-o"):
        assert advised in said.err
        words = [advised, "other"] if advised == "-o" else ["-o", "out", advised]
        assert crowdveil("veil", grey, *words).code == 0


def test_a_folder_in_the_way(crowdveil: Callable[..., Any], grey: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "a.jpg").mkdir(parents=True)
    said = crowdveil("veil", grey, "-o", "out")
    assert said.code == 1
    assert "move it, or choose another folder with -o" in said.err
    assert crowdveil("veil", grey, "-o", "other").code == 0
    (tmp_path / "out" / "a.jpg").rename(tmp_path / "moved")
    assert crowdveil("veil", grey, "-o", "out").code == 0


def test_a_plan_without_its_copy(crowdveil: Callable[..., Any], grey: Path, tmp_path: Path) -> None:
    words = ("veil", grey, "-o", "out", "--plans", "plans", "--resume")
    assert crowdveil(*words).code == 0
    (tmp_path / "out" / "a.jpg").unlink()
    said = crowdveil(*words)
    assert said.code == 1
    assert "move the first away" in said.err
    (tmp_path / "plans" / "a.jpg.plan.json").unlink()
    assert crowdveil(*words).code == 0


def test_a_record_that_exists(crowdveil: Callable[..., Any], grey: Path, tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "evidence.json").write_text("precious")
    said = crowdveil("veil", grey, "-o", "out", "--check")
    assert said.code == 1
    assert "add --overwrite to replace it, or move it away" in said.err
    assert not (tmp_path / "out").exists()
    assert crowdveil("veil", grey, "-o", "out", "--check", "--overwrite").code in (0, 3)
    assert (tmp_path / "evidence" / "evidence.json").read_text() != "precious"


def test_a_picture_that_is_not_read_and_an_archive_under_a_false_name(
    crowdveil: Callable[..., Any], grey: Path
) -> None:
    Image.new("RGB", (64, 64)).save(grey / "b", "PPM")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(grey / "a.jpg", "d.jpg")
    (grey / "c.jpg").write_bytes(file.getvalue())
    said = crowdveil("veil", grey, "-o", "out")
    assert said.code == 1
    assert "export it as JPEG, PNG or TIFF first" in said.err
    assert "give it its right name, or take out what it holds" in said.err
    with Image.open(grey / "b") as picture:
        picture.save(grey / "b.png")
    (grey / "b").unlink()
    (grey / "c.jpg").rename(grey / "c.zip")
    said = crowdveil("veil", grey, "-o", "two")
    assert said.code == 0
    assert "may hold pictures" in said.out
    assert "c.zip" in said.out


def test_a_source_that_is_not_found(
    crowdveil: Callable[..., Any], grey: Path, tmp_path: Path
) -> None:
    assert crowdveil("plan", grey, "-o", "plans").code == 0
    plan = tmp_path / "plans" / "a.jpg.plan.json"
    told = json.loads(plan.read_text())
    told["source"]["path"] = "gone/a.jpg"
    plan.write_text(json.dumps(told))
    said = crowdveil("render", plan, "-o", "out")
    assert said.code == 1
    assert "say with --source which folder holds the originals" in said.err
    assert crowdveil("render", plan, "-o", "out", "--source", grey).code == 0
