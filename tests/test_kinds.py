from pathlib import Path

import pytest

from crowdveil.errors import UnreadableMedia, UnsupportedMedia
from crowdveil.kinds import kind_of
from crowdveil.media.formats import SUFFIXES
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import VideoFormat


def test_a_photo_is_known_by_content_whatever_its_name(people_photo: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.txt", "a"):
        path = tmp_path / name
        path.write_bytes(people_photo.read_bytes())
        assert kind_of(path).format is PhotoFormat.JPEG


@pytest.mark.parametrize("name", ["a.jpg", "a.HEIC", "a.tiff"])
def test_a_file_that_only_claims_to_be_a_photo_counts_as_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("not a photo")
    assert kind_of(path).photo
    assert kind_of(path).format is None


@pytest.mark.parametrize("content", [b"", b"text", b"%!", b"G"], ids=["empty", "a", "b", "c"])
def test_other_files_are_no_photos(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert not kind_of(path).photo


@pytest.mark.parametrize("name", ["a.mp4", "A.MOV", "a.mkv", "a.mts"])
def test_a_file_that_only_claims_to_be_a_video_counts_as_one(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x9c damaged from its first byte on")
    assert kind_of(path).video is not None


def test_real_videos_are_known_by_content_under_any_name(eval_dir: Path, tmp_path: Path) -> None:
    formats = {".mp4": VideoFormat.MP4, ".mov": VideoFormat.MOV, ".mkv": VideoFormat.MKV}
    videos = [
        *(eval_dir / "clips").glob("*.mkv"),
        *(eval_dir / "metadata" / "mp4").iterdir(),
        *(eval_dir / "metadata" / "mov").iterdir(),
    ]
    assert videos
    for video in videos:
        copy = tmp_path / "IMG_1.jpg"
        copy.write_bytes(video.read_bytes()[:4096])
        assert kind_of(copy).video is formats[video.suffix]


def test_every_photo_of_the_evaluation_data_counts_as_one(eval_dir: Path) -> None:
    suffixes = {suffix for known in SUFFIXES.values() for suffix in known}
    photos = [
        path for path in (eval_dir / "metadata").rglob("*.*") if path.suffix.lower() in suffixes
    ]
    assert photos
    assert [path for path in photos if not kind_of(path).photo] == []


@pytest.mark.parametrize("name", ["a.dng", "a.CR2", "a.nef", "a.arw"])
def test_a_camera_raw_file_is_refused_though_it_is_a_tiff_inside(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"II*\0\x08\0\0\0\0\0")
    with pytest.raises(UnsupportedMedia, match=r"raw file.* export it as JPEG"):
        kind_of(path)


def test_a_picture_in_a_format_that_is_not_read_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "poster.psd"
    path.write_bytes(b"8BPS")
    with pytest.raises(UnsupportedMedia, match=r"PSD.* NOT copied"):
        kind_of(path)


def test_a_missing_file_and_a_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadableMedia, match="no ordinary file"):
        kind_of(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadableMedia, match="check that it exists"):
        kind_of(tmp_path / "gone.jpg")
