"""Leaks that someone hid, or that tools leave without a word: each is found where it lies."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks.walk import leaks_of

from .leaky import SECRET, box, exif, film, heif, jpeg, picture, png, saved, told_of, webp

FRAGMENTED = {
    "keyframes": "frag_keyframe+empty_moov",
    "from-moof": "frag_keyframe+empty_moov+default_base_moof",
    "every-frame": "frag_every_frame+empty_moov+separate_moof",
    "half": "frag_every_frame",
    "dash": "dash+frag_keyframe+empty_moov",
    "cmaf": "cmaf+frag_keyframe+empty_moov",
}


def behind(path: Path, data: bytes) -> Path:
    path.write_bytes(path.read_bytes() + data)
    return path


@pytest.mark.parametrize("flags", FRAGMENTED.values(), ids=FRAGMENTED)
def test_a_fragmented_video_is_walked_to_its_last_sample(flags: str, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames=30, movflags=flags)
    assert path.read_bytes().count(b"moof") >= 1
    leaks = leaks_of(path)
    assert {leak.what for leak in leaks} <= {"the name of a common encoder", "notes of the encoder"}
    assert all(leak.verdict is Verdict.DOUBTFUL for leak in leaks)


@pytest.mark.parametrize("flags", FRAGMENTED.values(), ids=FRAGMENTED)
def test_what_no_fragment_refers_to_is_found(flags: str, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames=30, movflags=flags)
    hidden = saved(picture(), "JPEG")
    assert told_of(behind(path, box(b"mdat", hidden))) == [
        f"{len(hidden):,} bytes that belong to no stream"
    ]


def test_slack_at_the_end_of_a_fragment_s_own_data_is_found(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames=30, movflags=FRAGMENTED["from-moof"])
    data = path.read_bytes()
    at = data.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", data, at)
    more = struct.pack(">I", size + len(SECRET)) + data[at + 4 : at + size] + SECRET
    path.write_bytes(data[:at] + more + data[at + size :])
    assert told_of(path) == [f"{len(SECRET)} bytes that belong to no stream"]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (b"emsg", "timed events"),
        (b"prft", "time of the recording"),
        (b"uuid", "private box"),
        (b"free", "JPEG picture in padding"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else "",
)
def test_a_box_between_fragments_is_found(kind: bytes, told: str, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames=30, movflags=FRAGMENTED["from-moof"])
    data = path.read_bytes()
    at = data.index(b"moof") - 4
    path.write_bytes(data[:at] + box(kind, bytes(16) + saved(picture(), "JPEG")) + data[at:])
    assert any(told in what for what in told_of(path))


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "f.mp4"])
def test_a_picture_behind_the_end_of_a_video_is_found(name: str, tmp_path: Path) -> None:
    flags = FRAGMENTED["keyframes"] if name == "f.mp4" else "0"
    path = behind(film(tmp_path / name, movflags=flags), saved(picture(), "JPEG"))
    assert told_of(path) == ["a JPEG picture after the end of the video"]


@pytest.mark.parametrize(
    ("name", "make"),
    [("a.heic", heif), ("a.avif", lambda: saved(picture(), "AVIF"))],
    ids=["heic", "avif"],
)
def test_a_picture_behind_the_end_of_a_picture_of_boxes_is_found(
    name: str, make: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(make() + saved(picture(), "JPEG"))
    assert told_of(path) == ["a JPEG picture after the end of the picture"]


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_pictures_that_a_list_of_edits_leaves_out_are_counted(suffix: str, tmp_path: Path) -> None:
    """As whoever cuts a video without coding it anew leaves the beginning in it."""
    path = film(tmp_path / f"a.{suffix}", frames=30)
    assert told_of(path) == []
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    assert struct.unpack_from(">I", data, at + 4) == (1,)
    (begin,) = struct.unpack_from(">i", data, at + 12)
    media = data.index(b"mdhd") + 4
    (scale,) = struct.unpack_from(">I", data, media + 12)
    struct.pack_into(">i", data, at + 12, begin + scale * 10 // 25)
    path.write_bytes(data)
    assert told_of(path) == ["10 pictures that the list of edits leaves out"]


def test_a_second_stream_of_pictures_in_an_avi_is_found(tmp_path: Path) -> None:
    assert told_of(film(tmp_path / "a.avi", second=True)) == ["another stream of pictures"]


def test_an_exif_block_with_nothing_but_a_thumbnail_is_found(tmp_path: Path) -> None:
    thumbnail = saved(picture(), "JPEG")
    first = b"II*\0\x08\0\0\0" + struct.pack("<HI", 0, 14)
    second = struct.pack("<H", 2)
    second += struct.pack("<HHII", 0x0201, 4, 1, 14 + 2 + 24 + 4)
    second += struct.pack("<HHII", 0x0202, 4, 1, len(thumbnail)) + bytes(4)
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(exif=b"Exif\0\0" + first + second + thumbnail))
    assert any("EXIF metadata: thumbnail" in what for what in told_of(path))


def test_bytes_that_no_field_of_an_exif_block_speaks_of_are_found(tmp_path: Path) -> None:
    block = Image.Exif()
    block[0x0112] = 1
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(exif=block.tobytes()))
    assert told_of(path) == []
    path.write_bytes(jpeg(exif=block.tobytes() + SECRET))
    (told,) = told_of(path)
    assert re.search(r"EXIF metadata: \d+ bytes that no field speaks of", told)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def before_the_end(data: bytes, more: bytes) -> bytes:
    at = data.index(b"IEND") - 4
    return data[:at] + more + data[at:]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (chunk(b"IDAT", SECRET), f"{len(SECRET)} bytes behind the picture's own data"),
        (
            chunk(b"fdAT", bytes(4) + zlib.compress(SECRET)),
            "frames of an animation that are never shown",
        ),
    ],
    ids=["behind-the-stream", "frames-without-animation"],
)
def test_what_a_png_hides_among_its_picture_chunks_is_found(
    more: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(before_the_end(png(), more))
    assert told_of(path) == [told]


def test_an_animated_png_is_no_leak(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture().save(path, save_all=True, append_images=[picture().rotate(90)], duration=100)
    assert told_of(path) == []


def test_bytes_where_a_chunk_of_a_webp_should_begin_are_found(tmp_path: Path) -> None:
    data = webp()
    hidden = saved(picture(), "JPEG")
    size = struct.pack("<I", len(data) - 8 + len(hidden))
    path = tmp_path / "a.webp"
    path.write_bytes(data[:4] + size + data[8:] + hidden)
    assert told_of(path) == ["a JPEG picture where no chunk begins"]


def test_what_was_found_before_a_walk_fails_is_told_all_the_same(tmp_path: Path) -> None:
    from crowdveil.evidence.check import check
    from crowdveil.evidence.options import CheckOptions

    (tmp_path / "a.jpg").write_bytes(jpeg())
    whole = jpeg(exif=exif())
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    found = check(tmp_path / "a.jpg", tmp_path / "b.jpg", options=CheckOptions(quick=True))
    (file,) = found.record.files
    assert any("position" in one.what for one in file.exposed)
    assert "cannot be walked through" in (file.error or "")
