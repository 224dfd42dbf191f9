import os
import unicodedata
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowdveil.errors import OptionsInvalid, OutputRefused
from crowdveil.media.formats import SUFFIXES
from crowdveil.media.picture import PhotoFormat
from crowdveil.options import Writing
from crowdveil.outputs import (
    PLAN_SUFFIX,
    Job,
    Sorted,
    distinct,
    format_of,
    neutral_places,
    only_file,
    place_under,
    to_do,
)


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


def outputs_of(jobs: list[Job]) -> list[str]:
    return [path.name for job in to_do(jobs, Writing()).rest for path in job.outputs]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a.jpg", "a.jpg"), ["a.jpg", "a-2.jpg"]),
        (("A.JPG", "a.jpg"), ["A.JPG", "a-2.jpg"]),
        (("caf\u00e9.jpg", "cafe\u0301.jpg"), ["caf\u00e9.jpg", "cafe\u0301-2.jpg"]),
        (("1.heic", "1.jpg"), ["1.heic.jpg", "1.jpg"]),
        (("1.heic", "1.png", "1.jpg"), ["1.heic.jpg", "1.png.jpg", "1.jpg"]),
        (("1.heic", "1.heif"), ["1.jpg", "1.heif.jpg"]),
        (("1.jpg", "1.heic", "1.heic.jpg"), ["1.jpg", "1-2.jpg", "1.heic.jpg"]),
    ],
)
def test_two_photos_with_one_output_get_two(
    names: tuple[str, ...], expected: list[str], tmp_path: Path
) -> None:
    jobs = [
        Job(tmp_path / name, output=tmp_path / "o" / place_under(PurePath(name), PhotoFormat.JPEG))
        for name in names
    ]
    assert outputs_of(jobs) == expected
    noticed = [bool(job.notices) for job in to_do(jobs, Writing()).rest]
    wanted = [job.output.name for job in jobs if job.output]
    assert noticed == [a != b for a, b in zip(wanted, expected, strict=True)]


NAMES = st.lists(
    st.tuples(
        st.sampled_from(["", "x", "X"]),
        st.sampled_from(["a", "A", "\u00e9", "e\u0301", "b" * 250, "\u4e16" * 84]),
        st.sampled_from([".jpg", ".JPG", ".heic", "", ".jpg.jpg", "-2.jpg"]),
    ),
    unique=True,
    max_size=24,
)


@given(NAMES)
def test_outputs_are_distinct_on_every_file_system_and_short_enough(
    names: list[tuple[str, str, str]],
) -> None:
    places = [PurePath(folder, stem + suffix) for folder, stem, suffix in names]
    jobs = [
        Job(
            Path("in", place),
            output=Path("out", place_under(place, PhotoFormat.JPEG)),
            plan=Path("out", place.with_name(place.name + PLAN_SUFFIX)),
        )
        for place in places
    ]
    named = distinct(jobs)
    every = [path for job in named for path in job.outputs]
    folded = {unicodedata.normalize("NFC", str(path)).casefold() for path in every}
    assert len(folded) == len(every)
    assert all(len(path.name.encode()) <= 255 for path in every)
    assert all(job.output and job.output.suffix.lower() == ".jpg" for job in named)
    assert all(job.plan and job.plan.name.endswith(PLAN_SUFFIX) for job in named)
    assert distinct(named) == named
    assert distinct(jobs) == named


def test_two_outputs_that_meet_through_a_linked_folder_get_two_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    jobs = [
        Job(tmp_path / "in" / "a.jpg", output=tmp_path / folder / "a.jpg")
        for folder in ("real", "link")
    ]
    assert outputs_of(jobs) == ["a.jpg", "a-2.jpg"]


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
    assert to_do(jobs, Writing(overwrite=True)) == Sorted(jobs, [], [])
    assert to_do(jobs, Writing(resume=True)) == Sorted(jobs[2:], jobs[:2], [])


def test_what_stands_in_the_way_of_one_job_stops_only_that_one(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "c.plan.json").write_text("edited by hand")
    stuck = [
        Job(tmp_path / "a", output=tmp_path / "folder.jpg"),
        Job(tmp_path / "b", output=tmp_path / "link.jpg"),
        Job(tmp_path / "c", output=tmp_path / "c.jpg", plan=tmp_path / "c.plan.json"),
    ]
    free = Job(tmp_path / "d", output=tmp_path / "d.jpg")
    sorted_ = to_do([*stuck, free], Writing(resume=True))
    assert sorted_.rest == [free]
    assert [job for job, _ in sorted_.refused] == stuck
    for (_, sentence), said in zip(
        sorted_.refused, ("is a folder", "exists", "exists"), strict=True
    ):
        assert said in sentence
    # Without --resume, what exists stops the run before it begins; a folder still only its own.
    with pytest.raises(OutputRefused, match="2 outputs exist"):
        to_do([*stuck, free], Writing())
    assert [job for job, _ in to_do([*stuck, free], Writing(overwrite=True)).refused] == stuck[:1]
