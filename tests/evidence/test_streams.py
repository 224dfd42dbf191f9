"""Copies with other numbers of frames, lengths and offsets than their originals."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

from crowdveil.evidence.streams import differences
from crowdveil.media.video.clip import Span

pytestmark = pytest.mark.skipif(which("ffmpeg") is None, reason="ffmpeg is not installed")


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "film.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3"),
        *("-c:v", "libx264", "-g", "10", "-c:a", "aac", "-shortest", path),
    )
    return path


@pytest.mark.parametrize("name", ["same.mkv", "same.mov", "same.ts", "same.mp4"])
def test_the_same_streams_in_another_container_are_no_difference(
    name: str, film: Path, tmp_path: Path
) -> None:
    ffmpeg("-i", film, "-c", "copy", tmp_path / name)
    assert list(differences(film, tmp_path / name)) == []
    assert list(differences(tmp_path / name, film)) == []


def test_sound_that_was_left_out_is_no_difference(film: Path, tmp_path: Path) -> None:
    ffmpeg("-i", film, "-c", "copy", "-an", tmp_path / "a.mp4")
    assert list(differences(film, tmp_path / "a.mp4")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-vf", "select='not(eq(n,40))'", "-vsync", "passthrough"), "has 74 frames instead of 75"),
        (("-vf", "setpts=PTS*1.5", "-vsync", "passthrough"), "has a picture of 4.4"),
        (("-af", "atrim=0:2"), "s of sound instead of 3."),
        (("-af", "adelay=300"), "s later against the picture"),
    ],
    ids=["a frame less", "slower", "less sound", "silence ahead"],
)
def test_every_difference_is_said(
    arguments: tuple[str, ...], said: str, film: Path, tmp_path: Path
) -> None:
    if arguments[1] == "adelay=300":  # not silence, but a later start
        arguments = ()
        ffmpeg("-i", film, "-itsoffset", "0.3", "-i", film, "-map", "0:v", "-map", "1:a",
               "-c", "copy", tmp_path / "a.mkv")  # fmt: skip
    else:
        ffmpeg("-i", film, *arguments, tmp_path / "a.mkv")
    found = list(differences(film, tmp_path / "a.mkv"))
    assert any(said in clause for clause in found), found


def test_half_of_a_film_whose_clock_starts_anew_is_too_short(film: Path, tmp_path: Path) -> None:
    one, twice = tmp_path / "one.ts", tmp_path / "twice.ts"
    ffmpeg("-i", film, "-c", "copy", one)
    twice.write_bytes(one.read_bytes() * 2)
    # What squeezes the second half keeps all frames.
    ffmpeg("-i", twice, "-c", "copy", "-bsf:v", "setts=ts=min(TS\\,2/TB)+N", "-an",
           tmp_path / "squeezed.mkv")  # fmt: skip
    assert "has 75 frames instead of 150" in list(differences(twice, one))
    assert any("has a picture of" in clause for clause in differences(twice, one))
    assert list(differences(twice, tmp_path / "squeezed.mkv"))
    assert list(differences(twice, twice)) == []


def test_only_the_part_that_was_copied_counts(film: Path, tmp_path: Path) -> None:
    ffmpeg("-i", film, "-ss", "1", "-t", "1", tmp_path / "part.mp4")
    assert list(differences(film, tmp_path / "part.mp4", Span(1.0, 2.0))) == []
    assert list(differences(film, tmp_path / "part.mp4"))
