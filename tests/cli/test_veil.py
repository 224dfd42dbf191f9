import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from crowdveil.redact.look import LOSSY_WARNING, Style

Run = Callable[..., Any]


def test_a_clean_batch_exits_0_and_says_what_was_done_and_what_remains(
    crowdveil: Run, photos: Path
) -> None:
    said = crowdveil("veil", photos)
    assert (said.code, said.err) == (0, "")
    assert "Veiled 2 photos, " in said.out
    assert " faces, in veiled" in said.out
    assert "docs/threat-model.md" in said.out
    assert Path("veiled/day 2/b.jpg").is_file()


def test_each_bad_file_is_one_line_and_the_rest_goes_on(crowdveil: Run, photos: Path) -> None:
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "torn.jpg").write_bytes((photos / "a.jpg").read_bytes()[:2000])
    (photos / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    (photos / "raw.dng").write_bytes(b"II*\0\x08\0\0\0\0\0")
    (photos / "notes.txt").write_text("call me")
    said = crowdveil("veil", photos, "gone.jpg")
    assert said.code == 1
    lines = said.err.splitlines()
    assert len(lines) == 5
    for name in ("empty.jpg", "torn.jpg", "film.mp4", "raw.dng", "gone.jpg"):
        assert sum(name in line for line in lines) == 1
    assert "NOT copied" in said.err
    assert "failed, not copied: 5" in said.out
    assert "no photos or videos, not copied: 1 (notes.txt)" in said.out
    assert sorted(path.name for path in Path("veiled").rglob("*.*")) == ["a.jpg", "b.jpg"]


def test_photos_without_a_face_are_named(crowdveil: Run, photos: Path) -> None:
    Image.new("RGB", (80, 60), (40, 90, 40)).save(photos / "meadow.png")
    said = crowdveil("veil", photos)
    assert said.code == 0
    after = said.out.split("No face found, so look for one:\n")[1].splitlines()
    assert after[0].strip() == str(Path("veiled/meadow.png"))


def test_a_folder_without_photos_is_no_success(crowdveil: Run, tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "notes.txt").write_text("call me")
    said = crowdveil("veil", "papers")
    assert said.code == 1
    assert "no file for this command was found" in said.err
    assert "notes.txt" in said.out
    assert not Path("veiled").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["veil"],
        ["veil", "a.jpg", "--style", "invisible"],
        ["veil", "a.jpg", "--margin", "0.5"],
        ["veil", "a.jpg", "--seed", "-1"],
        ["veil", "a.jpg", "--resume", "--overwrite"],
        ["veil", "a.jpg", "--resume", "--rename"],
        ["veil", "a.jpg", "b.jpg", "-o", "c.jpg"],
        ["veil", "a.jpg", "-o", "c.jpg", "--format", "png"],
        ["plan", "a.jpg", "--resume", "--overwrite"],
        ["unveil", "a.jpg"],
    ],
    ids=lambda words: " ".join(words),
)
def test_wrong_usage_exits_2_and_writes_nothing(crowdveil: Run, words: list[str]) -> None:
    said = crowdveil(*words)
    assert said.code == 2
    assert said.err or said.out
    assert not list(Path().iterdir())


def test_an_original_is_never_written(crowdveil: Run, photos: Path) -> None:
    before = (photos / "a.jpg").read_bytes()
    said = crowdveil("veil", photos, "-o", photos, "--overwrite")
    assert said.code == 1
    assert "originals are never written" in said.err
    assert (photos / "a.jpg").read_bytes() == before


def test_existing_outputs_are_refused_resumed_or_replaced(crowdveil: Run, photos: Path) -> None:
    crowdveil("veil", photos)
    refused = crowdveil("veil", photos)
    assert refused.code == 1
    assert "--resume" in refused.err
    assert "a.jpg" in refused.err
    assert "b.jpg" in refused.err
    resumed = crowdveil("veil", photos, "--resume")
    assert resumed.code == 0
    assert "2 done before" in resumed.out
    assert crowdveil("veil", photos, "--overwrite").code == 0


def test_json_says_all_in_one_object_a_line(crowdveil: Run, photos: Path) -> None:
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (photos / "notes.txt").write_text("call me")
    said = crowdveil("veil", photos, "--json")
    *lines, last = [json.loads(line) for line in said.out.splitlines()]
    by_name = {Path(line["source"]).name: line for line in lines}
    assert set(by_name) == {"a.jpg", "b.jpg", "torn.jpg"}
    assert by_name["a.jpg"]["status"] == "done"
    assert by_name["a.jpg"]["faces"] > 0
    assert Path(by_name["a.jpg"]["output"]).is_file()
    assert by_name["torn.jpg"]["status"] == "failed"
    assert by_name["torn.jpg"]["error"] == said.err.strip()
    summary = last["summary"]
    assert (summary["done"], summary["failed"], said.code) == (2, 1, 1)
    assert [Path(skipped["path"]).name for skipped in summary["skipped"]] == ["notes.txt"]
    assert summary["faces"] == sum(line["faces"] for line in lines)


def test_what_is_left_out_of_a_photo_is_said_and_no_failure(crowdveil: Run, photos: Path) -> None:
    path = photos / "a.jpg"
    path.write_bytes(path.read_bytes() * 2)
    said = crowdveil("veil", photos, "--plans", "plans")
    assert said.code == 0
    assert "Note: left out of the copy: a second picture (a.jpg)" in said.out
    rendered = crowdveil("render", "plans", "-o", "again", "--json")
    lines = [json.loads(line) for line in rendered.out.splitlines()][:-1]
    notices = {Path(line["source"]).name: line["notices"] for line in lines}
    assert notices == {"a.jpg": ["left out of the copy: a second picture"], "b.jpg": []}


def test_quiet_says_only_what_went_wrong(crowdveil: Run, photos: Path) -> None:
    assert crowdveil("veil", photos, "--quiet", "-o", "one").out == ""
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    said = crowdveil("veil", photos, "--quiet", "-o", "two")
    assert (said.code, said.out) == (1, "")
    assert "torn.jpg" in said.err


@pytest.mark.parametrize("options", [[], ["--quiet"]], ids=["", "quiet"])
def test_new_names_are_told_to_the_user_and_written_nowhere(
    crowdveil: Run, photos: Path, options: list[str]
) -> None:
    said = crowdveil("veil", photos, "--rename", *options)
    for path in Path("veiled").rglob("*.jpg"):
        assert sum(f"{path}  was  " in line for line in said.out.splitlines()) == 1
        assert b"day 2" not in path.read_bytes()
    assert str(photos / "day 2" / "b.jpg") in said.out


@pytest.mark.parametrize("style", list(Style))
def test_only_styles_that_leak_warn(crowdveil: Run, people_photo: Path, style: Style) -> None:
    said = crowdveil("veil", people_photo, "--style", style.value)
    assert said.code == 0
    assert (LOSSY_WARNING[style] in said.err) if style in LOSSY_WARNING else (said.err == "")


def test_every_option_reaches_the_work(crowdveil: Run, people_photo: Path) -> None:
    said = crowdveil(
        *("veil", people_photo, "-o", "out", "--caution", "high", "--style", "solid"),
        *("--margin", "2", "--shape", "box", "--seed", "3", "--format", "png"),
        *("--keep-credit", "--plans", "plans"),
    )
    assert said.code == 0
    plan = json.loads(Path("plans/people.jpg.plan.json").read_text())
    assert plan["made"]["caution"] == "high"
    with Image.open("out/people.png") as image:
        x0, y0, x1, y1 = plan["regions"][0]["box"]
        # A corner of the box is hidden only by a box with a margin.
        corner = max(x0, 0) + 1, max(y0, 0) + 1
        inside = (x0 + x1) / 2, (y0 + y1) / 2
        colours = {image.getpixel((int(x), int(y))) for x, y in (corner, inside)}
    assert len(colours) == 1


def test_a_file_name_cannot_rewrite_the_screen(crowdveil: Run, photos: Path) -> None:
    (photos / "\x1b[2Jgone[red].jpg").write_bytes(b"")
    said = crowdveil("veil", photos)
    assert "\x1b" not in said.err + said.out
    assert r"\x1b[2Jgone[red].jpg" in said.err


def test_a_format_that_cannot_hold_the_photo_fails_with_the_photos_name(
    crowdveil: Run, photos: Path
) -> None:
    frames = [Image.new("RGB", (40, 30), (shade, 0, 0)) for shade in (0, 255)]
    frames[0].save(photos / "moving.gif", save_all=True, append_images=frames[1:], duration=80)
    said = crowdveil("veil", photos, "--format", "jpeg")
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert line.startswith(str(photos / "moving.gif"))
    assert "animation" in line
