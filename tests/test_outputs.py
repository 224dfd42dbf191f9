import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.errors import OptionsInvalid, OutputRefused
from crowdveil.media.formats import SUFFIXES
from crowdveil.media.picture import PhotoFormat
from crowdveil.options import Writing
from crowdveil.outputs import Job, format_of, neutral_places, only_file, place_under, to_do


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.jpg", PhotoFormat.JPEG, "a.jpg"),
        ("a.JPEG", PhotoFormat.JPEG, "a.JPEG"),
        ("a.jpg", PhotoFormat.PNG, "a.png"),
        ("a.b.c", PhotoFormat.JPEG, "a.b.c.jpg"),
        ("march 1.5.2024", PhotoFormat.PNG, "march 1.5.2024.png"),
        ("scan", PhotoFormat.TIFF, "scan" + SUFFIXES[PhotoFormat.TIFF][0]),
        ("broken.jpg", None, "broken.jpg"),
        ("deep/er/a.jpg", PhotoFormat.PNG, "deep/er/a.png"),
    ],
)
def test_a_suffix_tells_the_truth(name: str, format: PhotoFormat | None, expected: str) -> None:
    assert place_under(PurePath(name), format) == PurePath(expected)


@given(st.lists(st.tuples(st.sampled_from(["", "x", "x/y", "z"]), st.integers(0, 99)), unique=True))
def test_neutral_names_are_distinct_and_keep_together_what_was(
    names: list[tuple[str, int]],
) -> None:
    before = [PurePath(folder, f"IMG_{number}.JPG") for folder, number in names]
    after = neutral_places(before)
    assert len(set(after)) == len(before)
    assert {place.suffix for place in after} <= {".jpg"}
    assert not any("IMG" in str(place) for place in after)
    assert not any(part in {"x", "y", "z"} for place in after for part in place.parts)
    pairs = {(old.parent, new.parent) for old, new in zip(before, after, strict=True)}
    assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})


def test_neutral_names_do_not_tell_the_order() -> None:
    before = [PurePath(f"IMG_{number:04}.jpg") for number in range(200)]
    runs = [neutral_places(before) for _ in range(2)]
    assert runs[0] != runs[1]
    assert sorted(runs[0]) != runs[0]
    assert sorted(runs[0]) == sorted(runs[1])


def test_a_single_photo_may_name_its_output(tmp_path: Path) -> None:
    assert only_file([tmp_path / "a.png"], tmp_path / "b.jpg") == tmp_path / "b.jpg"
    assert only_file([tmp_path / "a.png"], tmp_path / "folder") is None
    assert format_of(PurePath("b.JPG")) is PhotoFormat.JPEG


@pytest.mark.parametrize("paths", [["."], ["a.jpg", "b.jpg"]], ids=["folder", "two"])
def test_several_photos_may_not_share_one_output_name(paths: list[str]) -> None:
    with pytest.raises(OptionsInvalid, match="give a folder instead"):
        only_file([Path(path) for path in paths], Path("out.jpg"))


@pytest.mark.parametrize(
    "names", [("a.jpg", "a.jpg"), ("a.jpg", "A.JPG"), ("caf\u00e9.jpg", "cafe\u0301.jpg")]
)
def test_two_photos_with_one_output_are_refused(names: tuple[str, str], tmp_path: Path) -> None:
    jobs = [Job(tmp_path / f"{i}.jpg", output=tmp_path / name) for i, name in enumerate(names)]
    with pytest.raises(OutputRefused, match=r"0\.jpg and .*1\.jpg"):
        to_do(jobs, Writing())


def test_two_outputs_that_meet_through_a_linked_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    jobs = [
        Job(tmp_path / folder, output=tmp_path / folder / "a.jpg") for folder in ("real", "link")
    ]
    with pytest.raises(OutputRefused):
        to_do(jobs, Writing(overwrite=True))


@pytest.mark.parametrize("way", ["same", "symlink", "hardlink", "folder"])
def test_an_output_that_is_an_original_is_refused_even_with_overwrite(
    way: str, tmp_path: Path
) -> None:
    original = tmp_path / "photos" / "a.jpg"
    original.parent.mkdir()
    original.write_bytes(b"original")
    output = tmp_path / "out" / "a.jpg"
    if way == "folder":
        (tmp_path / "out").symlink_to(original.parent)
    else:
        output.parent.mkdir()
    if way == "same":
        output = tmp_path / "photos" / ".." / "photos" / "a.jpg"
    elif way == "symlink":
        output.symlink_to(original)
    elif way == "hardlink":
        os.link(original, output)
    for writing in (Writing(), Writing(overwrite=True), Writing(resume=True)):
        with pytest.raises(OutputRefused, match="originals are never written"):
            to_do([Job(original, output=output)], writing)


def test_the_output_of_one_photo_must_not_be_another_original(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        (tmp_path / name).write_bytes(b"original")
    jobs = [
        Job(tmp_path / "a.png", output=tmp_path / "a.jpg"),
        Job(tmp_path / "a.jpg", output=tmp_path / "out.jpg"),
    ]
    with pytest.raises(OutputRefused, match="is the original"):
        to_do(jobs, Writing(overwrite=True))


def test_every_output_that_exists_is_named_before_work_begins(tmp_path: Path) -> None:
    jobs = [Job(tmp_path / f"in{i}", output=tmp_path / f"out{i}.jpg") for i in range(3)]
    for job in jobs[:2]:
        assert job.output is not None
        job.output.write_bytes(b"done")
    with pytest.raises(OutputRefused, match=r"2 outputs exist.*out0\.jpg, .*out1\.jpg"):
        to_do(jobs, Writing())
    assert to_do(jobs, Writing(overwrite=True)) == (jobs, [])
    assert to_do(jobs, Writing(resume=True)) == (jobs[2:], jobs[:2])


def test_a_link_to_nowhere_counts_as_existing_and_not_as_done(tmp_path: Path) -> None:
    (tmp_path / "out.jpg").symlink_to(tmp_path / "nowhere")
    job = Job(tmp_path / "in.jpg", output=tmp_path / "out.jpg")
    for writing in (Writing(), Writing(resume=True)):
        with pytest.raises(OutputRefused, match="exists already"):
            to_do([job], writing)


def test_a_plan_without_its_photo_is_not_done_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.plan.json").write_text("edited by hand")
    job = Job(tmp_path / "in.jpg", output=tmp_path / "a.jpg", plan=tmp_path / "a.plan.json")
    with pytest.raises(OutputRefused, match=r"a\.plan\.json"):
        to_do([job], Writing(resume=True))


def test_no_folder_is_ever_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(OutputRefused, match="is a folder"):
        to_do([Job(tmp_path / "in.jpg", output=tmp_path / "a.jpg")], Writing(overwrite=True))
