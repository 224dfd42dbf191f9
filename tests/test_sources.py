import os
from pathlib import Path, PurePath

import pytest

from crowdveil.sources import Found, Why, expand, judge_media, judge_plan


@pytest.fixture
def tree(people_photo: Path, tmp_path: Path) -> Path:
    data = people_photo.read_bytes()
    root = tmp_path / "photos"
    for name in ("10.jpg", "2.jpg", "day one/a.jpg", "day one/b/c.jpg", ".thumbs/t.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "notes.txt").write_text("call me")
    (root / "._2.jpg").write_bytes(b"\0\5\x16\7")
    return root


def places(found: Found) -> list[str]:
    return [str(item.place) for item in found.inputs]


def test_a_folder_is_searched_in_the_order_people_count_and_keeps_its_tree(tree: Path) -> None:
    found = expand([tree], judge_media)
    expected = ["2.jpg", "10.jpg", "day one/a.jpg", "day one/b/c.jpg"]
    assert places(found) == [str(PurePath(place)) for place in expected]


def test_nothing_in_a_folder_is_passed_over_in_silence(tree: Path) -> None:
    (tree / "link.jpg").symlink_to(tree / "2.jpg")
    (tree / "loop").symlink_to(tree)
    (tree / "film.mp4").write_bytes(b"")
    found = expand([tree], judge_media)
    told = {item.path for item in found.inputs} | {item.path for item in found.refusals}
    told |= {item.path for item in found.skipped}
    for path in tree.rglob("*"):
        assert path in told or path.parent in told or (path.is_dir() and not path.is_symlink())
    why = {skipped.path.name: skipped.why for skipped in found.skipped}
    assert why == {
        "notes.txt": Why.OTHER,
        ".thumbs": Why.HIDDEN,
        "._2.jpg": Why.HIDDEN,
        "link.jpg": Why.LINK,
        "loop": Why.LINK,
    }


def test_a_link_or_a_hidden_file_that_is_given_outright_is_taken(tree: Path) -> None:
    (tree / "link.jpg").symlink_to(tree / "2.jpg")
    found = expand([tree / "link.jpg", tree / ".thumbs/t.jpg"], judge_media)
    assert places(found) == ["link.jpg", "t.jpg"]


def test_a_linked_folder_that_is_given_outright_is_searched(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "card").symlink_to(tree)
    assert places(expand([tmp_path / "card"], judge_media)) == places(expand([tree], judge_media))


def test_the_output_folder_inside_an_input_folder_is_not_searched(tree: Path) -> None:
    found = expand([tree], judge_media, outputs=[tree / "day one", tree / "not there"])
    assert places(found) == ["2.jpg", "10.jpg"]
    assert Why.OUTPUT in {skipped.why for skipped in found.skipped}


def test_a_photo_given_twice_is_taken_once(tree: Path) -> None:
    assert places(expand([tree, tree, tree / "2.jpg"], judge_media)) == places(
        expand([tree], judge_media)
    )


def test_what_is_given_outright_and_is_no_photo_is_refused(tree: Path) -> None:
    found = expand([tree / "notes.txt", tree / "gone.jpg"], judge_media)
    assert not found.inputs
    assert [refusal.path.name for refusal in found.refusals] == ["notes.txt", "gone.jpg"]
    assert "neither a photo nor a video" in found.refusals[0].error


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open any folder"
)
def test_a_folder_that_may_not_be_opened_is_told(tree: Path) -> None:
    (tree / "day one").chmod(0)
    found = expand([tree], judge_media)
    (tree / "day one").chmod(0o700)
    assert [refusal.path.name for refusal in found.refusals] == ["day one"]
    assert "permissions" in found.refusals[0].error


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_is_no_text_is_refused_instead_of_breaking_the_plan(tree: Path) -> None:
    path = tree / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes((tree / "2.jpg").read_bytes())
    found = expand([tree], judge_media)
    assert [refusal.path for refusal in found.refusals] == [path]
    assert "not valid UTF-8" in found.refusals[0].error


def test_plans_are_found_by_name_in_folders_and_taken_outright_under_any(tmp_path: Path) -> None:
    for name in ("a.jpg.plan.json", "other.json"):
        (tmp_path / name).write_text("{}")
    assert places(expand([tmp_path], judge_plan)) == ["a.jpg.plan.json"]
    assert places(expand([tmp_path / "other.json"], judge_plan)) == ["other.json"]


def test_sound_and_what_may_hold_pictures_are_listed_under_any_suffix(tmp_path: Path) -> None:
    archive = b"PK\3\4" + bytes(30)
    for name in ("a.docx", "b.xyz", "c"):
        (tmp_path / name).write_bytes(archive)
    for name in ("d.mp3", "e.ogg", "f"):
        (tmp_path / name).write_bytes(b"ID3\4\0\0\0\0\0\0")
    found = expand([tmp_path], judge_media)
    assert not found.inputs
    assert not found.refusals
    why = {skipped.path.name: skipped.why for skipped in found.skipped}
    assert why == {
        **dict.fromkeys(("a.docx", "b.xyz", "c"), Why.HOLDER),
        **dict.fromkeys(("d.mp3", "e.ogg", "f"), Why.SOUND),
    }
    given = expand([tmp_path / "f"], judge_media)
    assert "MP3" in given.refusals[0].error


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
def test_a_path_that_leads_nowhere_is_refused_alone(tree: Path) -> None:
    (tree.parent / "loop").symlink_to(tree.parent / "loop")
    bad = [
        tree.parent / "loop",
        Path("x" * 300),
        Path("x/" * 3000),
        Path("a\0b"),
        Path("/dev/zero"),
    ]
    found = expand([*bad, tree], judge_media)
    assert [refusal.path for refusal in found.refusals] == bad
    assert len(found.inputs) == 4
