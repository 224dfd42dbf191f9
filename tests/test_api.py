import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

import crowdveil
from crowdveil import (
    Action,
    CrowdveilError,
    Outcome,
    PhotoFormat,
    Plan,
    PlanOptions,
    RenderOptions,
    Status,
    Style,
    VeilOptions,
)
from crowdveil.errors import OptionsInvalid, OutputRefused
from crowdveil.geometry import cover
from crowdveil.progress import Progress


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photos(people_photo: Path, tmp_path: Path) -> Path:
    """Three photos in a tree, and one that is broken."""
    folder = tmp_path / "photos"
    for name in ("a.jpg", "b.jpg", "day 2/c.jpg"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(people_photo.read_bytes())
    (folder / "broken.jpg").write_bytes(people_photo.read_bytes()[:500])
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def samples(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.int16)


def test_a_folder_comes_out_as_the_same_tree_and_one_bad_file_fails_alone(photos: Path) -> None:
    before = files(photos)
    summary = crowdveil.veil(photos, "out")
    assert sorted(files(Path("out"))) == ["a.jpg", "b.jpg", "day 2/c.jpg"]
    assert files(photos) == before
    assert [outcome.source.name for outcome in summary.done] == ["a.jpg", "b.jpg", "c.jpg"]
    (failure,) = summary.failures
    assert failure.source == photos / "broken.jpg"
    assert str(failure.source) in str(failure.error)


def test_every_face_of_the_plan_is_painted_over_and_little_else(people_photo: Path) -> None:
    options = VeilOptions(margin=1, plans=Path("plans"))
    (done,) = crowdveil.veil(people_photo, "out.png", options=options).done
    plan = Plan.load("plans/people.jpg.plan.json")
    assert done.faces == len(plan.regions) > 0
    changed = np.abs(samples(people_photo) - samples(Path("out.png"))).max(axis=2) > 0
    hidden = np.zeros_like(changed)
    for region in plan.regions:
        x0, y0, x1, y1 = (max(round(side), 0) for side in region.box)
        centre = changed[
            (y0 * 3 + y1) // 4 : (y0 + y1 * 3) // 4, (x0 * 3 + x1) // 4 : (x0 + x1 * 3) // 4
        ]
        assert centre.mean() > 0.9
        hidden[max(y0 - 2, 0) : y1 + 2, max(x0 - 2, 0) : x1 + 2] = True
    assert not (changed & ~hidden).any()


def test_veil_is_plan_and_then_render_to_the_last_byte(photos: Path) -> None:
    crowdveil.veil(photos, "at once", options=VeilOptions(plans=Path("with plans")))
    crowdveil.plan_photos(photos, "plans")
    summary = crowdveil.render_plans("plans", "in two steps")
    assert not summary.failures
    assert files(Path("at once")) == files(Path("in two steps"))
    # Only what its copy was drawn with is not in a plan that was never drawn.
    bare = {
        place: re.sub(rb'"drawn": \{.*?\}', b'"drawn": null', text, flags=re.DOTALL)
        for place, text in files(Path("with plans")).items()
    }
    assert files(Path("plans")) == bare


def test_the_same_photo_gives_the_same_bytes_whatever_else_is_in_the_batch(
    photos: Path, people_photo: Path
) -> None:
    crowdveil.veil(photos, "many")
    crowdveil.veil(people_photo, "one.jpg")
    assert set(files(Path("many")).values()) == {Path("one.jpg").read_bytes()}


def test_the_seed_and_the_style_change_only_what_is_veiled(people_photo: Path) -> None:
    results = {}
    for name, options in {
        "a": VeilOptions(),
        "b": VeilOptions(seed=1),
        "c": VeilOptions(style=Style.SOLID),
    }.items():
        crowdveil.veil(people_photo, f"{name}.png", options=options)
        results[name] = samples(Path(f"{name}.png"))
    assert (results["a"] != results["b"]).any()
    crowdveil.plan_photos(people_photo)
    plan = Plan.load("plans/people.jpg.plan.json")
    width, height = plan.source.width, plan.source.height
    outside = np.ones((height, width), bool)
    boxes = np.array([region.box for region in plan.regions], np.float32)
    for x0, y0, x1, y1 in cover(boxes, (width, height), scale=VeilOptions().margin):
        outside[max(y0 - 1, 0) : y1 + 1, max(x0 - 1, 0) : x1 + 1] = False
    assert outside.any()
    for result in results.values():
        assert (result == samples(people_photo))[outside].all()


def test_a_face_that_the_edited_plan_keeps_stays_as_it_was(people_photo: Path) -> None:
    crowdveil.plan_photos(people_photo, "plans")
    path = Path("plans/people.jpg.plan.json")
    plan = Plan.load(path)
    kept = plan.regions[0].model_copy(update={"action": Action.KEEP, "reason": "gave consent"})
    path.write_text(plan.model_copy(update={"regions": (kept,)}).to_json(), encoding="utf-8")
    (done,) = crowdveil.render_plans(path, "kept.png").done
    assert (samples(Path("kept.png")) == samples(people_photo)).all()
    assert (done.faces, done.kept) == (0, 1)


def test_a_plan_finds_its_photo_where_it_was_beside_itself_and_under_source(
    photos: Path, tmp_path: Path
) -> None:
    crowdveil.plan_photos(photos, "plans")
    expected = ["a.jpg", "b.jpg", "day 2/c.jpg"]
    photos.rename("moved")
    assert len(crowdveil.render_plans("plans", "lost").failures) == 3
    assert not Path("lost").exists()
    options = RenderOptions(source=tmp_path / "moved")
    crowdveil.render_plans("plans", "found", options=options)
    assert sorted(files(Path("found"))) == expected
    for name in expected:
        Path("moved", name).rename(Path("plans", name))
    crowdveil.render_plans("plans", "beside")
    assert files(Path("beside")) == files(Path("found"))


def test_a_photo_that_changed_since_its_plan_is_refused(photos: Path) -> None:
    crowdveil.plan_photos(photos / "a.jpg", "plans")
    with Image.open(photos / "a.jpg") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "a.jpg")
    (failure,) = crowdveil.render_plans("plans", "out").failures
    assert "SHA-256 differs" in str(failure.error)
    assert not Path("out").exists()


def test_a_plan_cannot_send_its_photo_outside_the_output_folder(photos: Path) -> None:
    crowdveil.plan_photos(photos / "a.jpg", "plans")
    path = Path("plans/a.jpg.plan.json")
    path.write_text(path.read_text().replace('"name": "a.jpg"', '"name": "../../a.jpg"'))
    (done,) = crowdveil.render_plans(path, "deep/out").done
    assert done.output == Path("deep/out/a.jpg")


def test_a_plan_that_is_no_plan_fails_alone(photos: Path) -> None:
    crowdveil.plan_photos(photos / "a.jpg", "plans")
    Path("plans/b.jpg.plan.json").write_text("{}")
    summary = crowdveil.render_plans("plans", "out")
    assert [outcome.source.name for outcome in summary.failures] == ["b.jpg.plan.json"]
    assert list(files(Path("out"))) == ["a.jpg"]


def test_render_never_writes_the_original(photos: Path) -> None:
    crowdveil.plan_photos(photos / "a.jpg", "plans")
    with pytest.raises(OutputRefused, match="originals are never written"):
        crowdveil.render_plans("plans", photos, options=RenderOptions(overwrite=True))


def test_resume_does_what_is_missing_and_touches_nothing_else(photos: Path) -> None:
    (photos / "broken.jpg").unlink()
    crowdveil.veil(photos, "out")
    complete = files(Path("out"))
    Path("out/b.jpg").unlink()
    stamps = {path: path.stat().st_ino for path in Path("out").rglob("*.jpg")}
    summary = crowdveil.veil(photos, "out", options=VeilOptions(resume=True))
    assert [outcome.source.name for outcome in summary.done] == ["b.jpg"]
    assert [outcome.status for outcome in summary.already] == [Status.ALREADY] * 2
    assert files(Path("out")) == complete
    assert all(path.stat().st_ino == inode for path, inode in stamps.items())


def test_existing_outputs_are_refused_before_anything_is_written(photos: Path) -> None:
    Path("out/day 2").mkdir(parents=True)
    Path("out/day 2/c.jpg").write_bytes(b"precious")
    with pytest.raises(OutputRefused, match=r"c\.jpg"):
        crowdveil.veil(photos, "out")
    assert files(Path("out")) == {"day 2/c.jpg": b"precious"}
    crowdveil.veil(photos, "out", options=VeilOptions(overwrite=True))
    assert len(files(Path("out"))) == 3
    assert files(Path("out"))["day 2/c.jpg"] != b"precious"


@pytest.mark.parametrize("format", [None, PhotoFormat.PNG], ids=["two folders", "one format"])
def test_two_photos_with_one_output_are_both_veiled_under_names_of_their_own(
    format: PhotoFormat | None, people_photo: Path
) -> None:
    Path("x").mkdir()
    Path("x/a.jpg").write_bytes(people_photo.read_bytes())
    other = Path("y/a.jpg") if format is None else Path("x/a.png")
    other.parent.mkdir(exist_ok=True)
    with Image.open(people_photo) as image:
        image.save(other)
    paths = [Path("x/a.jpg"), other]
    summary = crowdveil.veil(paths, "out", options=VeilOptions(format=format))
    named = {one.output.name for one in summary.done if one.output}
    assert named == ({"a.jpg", "a-2.jpg"} if format is None else {"a.png", "a.jpg.png"})
    assert sum(bool(one.notices) for one in summary.done) == 1
    assert {path.name for path in Path("out").iterdir()} == named


def test_veiling_into_a_folder_inside_the_input_does_not_veil_twice(photos: Path) -> None:
    crowdveil.veil(photos, photos / "veiled")
    summary = crowdveil.veil(photos, photos / "veiled", options=VeilOptions(resume=True))
    assert len(summary.already) == 3
    assert not (photos / "veiled" / "veiled").exists()


def test_the_suffix_of_a_single_output_chooses_its_format(people_photo: Path) -> None:
    crowdveil.veil(people_photo, "sub/out.png")
    with Image.open("sub/out.png") as image:
        assert image.format == "PNG"
    with pytest.raises(OptionsInvalid, match="PNG"):
        crowdveil.veil(people_photo, "b.png", options=VeilOptions(format=PhotoFormat.JPEG))


def test_a_photo_under_a_wrong_name_comes_out_under_a_right_one(people_photo: Path) -> None:
    Path("in").mkdir()
    Path("in/scan.png").write_bytes(people_photo.read_bytes())
    crowdveil.veil("in", "out")
    assert list(files(Path("out"))) == ["scan.jpg"]


def test_neutral_names_appear_with_their_originals_only_in_the_summary(photos: Path) -> None:
    (photos / "broken.jpg").unlink()
    summary = crowdveil.veil(photos, "out", options=VeilOptions(rename=True))
    names = set(files(Path("out")))
    assert {Path(name).name for name in names} == {f"photo-{i:04}.jpg" for i in (1, 2, 3)}
    assert sorted(Path(name).parent.name for name in names) == ["", "", "folder-01"]
    assert {str(outcome.source) for outcome in summary.done} == {
        str(photos / name) for name in ("a.jpg", "b.jpg", "day 2/c.jpg")
    }


def test_a_face_missed_in_one_frame_of_an_animation_is_veiled_there_too(
    people_photo: Path,
) -> None:
    with Image.open(people_photo) as image:
        people = image.convert("RGB")
    # So soft that no detector sees a face, and yet the same picture.
    soft = people.filter(ImageFilter.GaussianBlur(14))
    soft.save("soft.png")
    frames = [people, soft, people]
    frames[0].save("in.gif", save_all=True, append_images=frames[1:], duration=80)
    options = VeilOptions(style=Style.SOLID, plans=Path("plans"))
    crowdveil.veil("soft.png", "soft-out.png", options=options)
    missed = Plan.load("plans/soft.png.plan.json").regions
    (done,) = crowdveil.veil("in.gif", "out.gif", options=options).done
    plan = Plan.load("plans/in.gif.plan.json")
    sure = [track for track in plan.tracks if track.score > 0.9]
    assert len(sure) > len(missed)
    assert all((track.first, track.last) == (0, 2) for track in sure)
    assert done.faces >= len(sure)
    with Image.open("out.gif") as after:
        assert getattr(after, "n_frames", 1) == 3
        after.seek(1)
        middle = after.convert("RGB")
    for track in sure:
        _, x0, y0, x1, y1 = track.keyframes[0]
        x, y = min((x0 + x1) / 2, middle.width - 1), min((y0 + y1) / 2, middle.height - 1)
        shade = middle.getpixel((int(x), int(y)))
        assert isinstance(shade, tuple)
        assert max(shade) - min(shade) < 12  # the grey of "solid", and no skin


def test_a_photo_without_faces_is_done_and_said_to_be_faceless() -> None:
    Image.new("RGB", (64, 48), (30, 90, 30)).save("meadow.png")
    summary = crowdveil.veil("meadow.png", "out")
    assert [outcome.source for outcome in summary.faceless] == [Path("meadow.png")]
    assert files(Path("out"))


def test_a_watcher_hears_of_every_file_once_and_in_order(photos: Path) -> None:
    class Ears:
        total = 0

        def __init__(self) -> None:
            self.heard: list[Outcome] = []

        def begin(self, total: int) -> None:
            self.total = total

        def done(self, outcome: Outcome) -> None:
            self.heard.append(outcome)

        def progress(self, source: Path, progress: Progress) -> None:
            raise AssertionError(f"{source}: photos tell of no frames")

    ears = Ears()
    summary = crowdveil.veil(photos, "out", watcher=ears)
    assert tuple(ears.heard) == summary.outcomes
    assert ears.total == len(ears.heard) == 4


def test_a_disk_that_cannot_take_the_output_is_one_sentence_for_each_photo(photos: Path) -> None:
    Path("out").write_text("a file where the folder should be")
    summary = crowdveil.veil([photos / "a.jpg", photos / "b.jpg"], "out")
    assert len(summary.failures) == 2
    assert all("out" in str(failure.error) for failure in summary.failures)


def test_plans_are_written_where_asked_and_name_the_photo_from_there(photos: Path) -> None:
    crowdveil.plan_photos(photos / "day 2", "far/away", options=PlanOptions())
    plan = Plan.load(Path("far/away/c.jpg.plan.json"))
    assert Path("far/away", plan.source.path).resolve() == (photos / "day 2/c.jpg").resolve()
    assert plan.made.weights


def test_an_error_of_the_whole_batch_is_one_that_callers_can_catch(people_photo: Path) -> None:
    with pytest.raises(CrowdveilError, match=r"no such\.onnx"):
        crowdveil.veil(people_photo, "out", options=VeilOptions(detector=Path("no such.onnx")))
    assert not Path("out").exists()


def test_importing_crowdveil_imports_nothing_heavy() -> None:
    heavy = "numpy, cv2, openvino, PIL, pydantic, rich, typer"
    code = f"import sys, crowdveil; print(sorted(set('{heavy}'.split(', ')) & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    assert all(hasattr(crowdveil, name) for name in crowdveil.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = crowdveil.nonsense


@pytest.mark.parametrize("command", ["veil", "plan"])
def test_a_file_that_vanishes_after_it_was_found_fails_alone(command: str, photos: Path) -> None:
    gone = [photos / "gone.jpg", photos / "gone.mp4"]
    gone[0].write_bytes((photos / "a.jpg").read_bytes())
    gone[1].write_bytes(b"\0\0\0\x14ftypisom\0\0\2\0isom" + bytes(100))

    class Thief:
        def begin(self, total: int) -> None:
            for path in gone:
                path.unlink()

        def done(self, outcome: object) -> None:
            pass

        def progress(self, source: Path, progress: object) -> None:
            pass

    run = crowdveil.veil if command == "veil" else crowdveil.plan_photos
    summary = run(photos, "out", watcher=Thief())
    failed = {one.source: str(one.error) for one in summary.failures}
    assert set(failed) == {*gone, photos / "broken.jpg"}
    assert len(summary.done) == 3
    assert all("No such file" in failed[path] for path in gone)
    assert not any("bug" in error for error in failed.values())
