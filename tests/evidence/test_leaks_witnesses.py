"""exiftool and ffprobe beside our own walk: they may end on a file, and they never decide alone."""

import os
import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from crowdveil.errors import CrowdveilError
from crowdveil.evidence.check import check
from crowdveil.evidence.findings import Verdict
from crowdveil.evidence.leaks import programs
from crowdveil.evidence.leaks.leak import Leak
from crowdveil.evidence.leaks.walk import walk
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.options import CheckOptions

from .leaky import SECRET, element, exif, film, gif, jpeg, png, segment, tiff_tags, webp
from .planting import in_boxes, in_elements, in_png

installed = pytest.mark.skipif(
    shutil.which("exiftool") is None or shutil.which("ffprobe") is None,
    reason="exiftool and ffprobe are asked",
)


def program(folder: Path, name: str, body: str) -> None:
    """A program of that name, found before any other."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


ENDINGS = {
    "dies": "cat > /dev/null & read -r line; kill -9 $$",
    "says nothing": "exit 3",
    "hangs": "exec sleep 600",
    "floods": "exec yes flood",
}


@pytest.mark.skipif(os.name == "nt", reason="the programs are shell scripts")
@pytest.mark.parametrize("body", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("name", ["exiftool", "ffprobe"])
def test_a_witness_that_ends_on_a_file_is_told_and_the_search_goes_on(
    name: str, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", name, f'case "$1" in -ver*) echo 99.9; exit;; esac\n{body}')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(programs, "LOOK_S", 1.0)
    monkeypatch.setattr(programs, "MOST_PRINTED_BYTES", 1_000_000)
    path = film(tmp_path / "a.mp4", told=True)
    with Witnesses() as witnesses:
        for _ in range(2):
            seen, looked = witnesses.look(path, video=True)
            (ended,) = [leak for leak in seen if f"{name} ended on this file" in leak.what]
            assert ended.verdict is Verdict.DOUBTFUL
            assert not any(one.startswith(name) for one in looked)


@installed
def test_a_file_on_which_exiftool_dies_does_not_lose_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """exiftool is killed while it looks at the first; the second is looked at by a new one."""
    real = shutil.which("exiftool")
    once = tmp_path / "died"
    body = (
        f'case "$1" in -stay_open) test -e {once} || {{ touch {once}; read -r l; exit 9; }};; esac'
    )
    program(tmp_path / "bin", "exiftool", f'{body}\nexec {real} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    originals, copies = tmp_path / "originals", tmp_path / "copies"
    for folder in (originals, copies):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(jpeg())
        (folder / "b.jpg").write_bytes(jpeg(exif=exif()) if folder == copies else jpeg())
    record = check(originals, copies, options=CheckOptions(quick=True)).record
    first, second = sorted(record.files, key=lambda file: str(file.copy))
    assert first.error is None
    assert second.error is None
    assert any("exiftool ended" in one.what for one in first.doubtful)
    assert any("position" in one.what for one in second.exposed)


@installed
def test_exiftool_takes_no_more_memory_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text of PNG that unpacks to half a gigabyte, where it may take a quarter."""
    monkeypatch.setattr(programs, "MOST_MEMORY_BYTES", 1 << 28)
    packed = zlib.compressobj(1)
    first, again = (
        packed.compress(bytes(1 << 23)) + packed.flush(zlib.Z_FULL_FLUSH) for _ in range(2)
    )
    bomb = first + 63 * again + packed.flush()
    path = tmp_path / "a.png"
    path.write_bytes(in_png(png(), b"zTXt", lambda body: b"Comment\0\0" + bomb))
    with Witnesses() as witnesses:
        seen, _ = witnesses.look(path, video=False)
        assert any("ended on this file" in leak.what or "Comment" in leak.what for leak in seen)
        (tmp_path / "b.jpg").write_bytes(jpeg(exif=exif()))
        seen, looked = witnesses.look(tmp_path / "b.jpg", video=False)
        assert looked
        assert any("GPS" in leak.what for leak in seen)


@installed
@pytest.mark.skipif(os.name == "nt", reason="such a name cannot be made")
@pytest.mark.parametrize("name", ["a\nb.jpg", "a\rb.jpg", "-a.jpg", " a .jpg", "#a.jpg", "ü%d.jpg"])
def test_a_file_of_any_name_is_looked_at(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(jpeg(exif=exif()))
    with Witnesses() as witnesses:
        seen, looked = witnesses.look(path, video=False)
    assert len(looked) == 1
    assert any("GPS" in leak.what for leak in seen)


def _verdict(path: Path, *, video: bool, witnesses: Witnesses | None) -> str:
    """What the search comes to: exposed, refused or clean."""
    found: list[Leak] = []
    if witnesses is not None:
        found += witnesses.look(path, video=video)[0]
    try:
        for leak in walk(path):
            found.append(leak)
    except CrowdveilError:
        return "refused"
    return "exposed" if any(leak.verdict is Verdict.EXPOSED for leak in found) else "clean"


MADE: dict[str, Callable[[], bytes]] = {
    "plain.jpg": jpeg,
    "exif.jpg": lambda: jpeg(exif=exif()),
    "comment.jpg": lambda: jpeg(segment(0xFE, SECRET)),
    "maker.jpg": lambda: jpeg(segment(0xEA, b"AROT" + SECRET)),
    "plain.png": png,
    "text.png": lambda: png((b"tEXt", b"Software\0" + SECRET)),
    "time.png": lambda: png((b"tIME", b"\x07\xe8\6\1\x0c\0\0")),
    "plain.gif": gif,
    "comment.gif": lambda: gif(b"\x21\xfe\x05hello\0"),
    "plain.webp": webp,
    "exif.webp": lambda: webp(exif=exif()),
    "tags.tif": tiff_tags,
}


@installed
@pytest.mark.parametrize("name", MADE)
def test_photos_are_judged_the_same_with_and_without_witnesses(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(MADE[name]())
    with Witnesses() as witnesses:
        both = _verdict(path, video=False, witnesses=witnesses)
    assert both == _verdict(path, video=False, witnesses=None)
    assert (both == "clean") == name.startswith("plain")


def muxed(path: Path, *more: str) -> Path:
    """By FFmpeg as it comes, which signs what it writes."""
    pictures, tone = "testsrc=size=64x48:rate=5:duration=1", "sine=duration=1"
    sound = {".webm": "libopus", ".avi": "libmp3lame", ".mkv": "libvorbis"}.get(path.suffix, "aac")
    encoder = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(path.suffix, "libx264")
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", pictures, "-f", "lavfi"]
    made = ["-i", tone, "-c:v", encoder, "-pix_fmt", "yuv420p", "-c:a", sound, *more, str(path)]
    subprocess.run([*command, *made], check=True, timeout=60)
    return path


KINDS = ["mp4", "mov", "mkv", "webm", "avi"]


@installed
@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg makes the files")
@pytest.mark.parametrize("kind", KINDS)
def test_what_ffmpeg_signs_is_no_exposure_and_what_somebody_signs_is(
    kind: str, tmp_path: Path
) -> None:
    with Witnesses() as witnesses:
        for told, more in (
            ("clean", ()),
            ("exposed", ("-metadata", "title=Ana Ruiz")),
        ):
            path = muxed(tmp_path / f"a.{kind}", *more)
            assert _verdict(path, video=True, witnesses=None) == told, more
            assert _verdict(path, video=True, witnesses=witnesses) == told, more


INFO = (0x18538067, 0x1549A966)


@pytest.mark.parametrize(
    ("number", "body", "exposed"),
    [
        (b"\x73\xa4", random.Random(3).randbytes(16), False),
        (b"\x73\xa4", b"Ana Ruiz, Berlin", True),
        (b"\x73\xa4", random.Random(3).randbytes(40), True),
        (b"\x3c\xb9\x23", random.Random(3).randbytes(16), True),
        (b"\x3e\xb9\x23", random.Random(3).randbytes(16), True),
        (b"\x44\x44", random.Random(3).randbytes(16), True),
        (b"\x57\x41", b"Lavf60.16.100", False),
        (b"\x57\x41", b"HandBrake 1.6.1 2023012300", False),
        (b"\x57\x41", b"Ana's laptop", True),
        (b"\x57\x41", b"Lavf60.16.100 on Ana's laptop", True),
    ],
)
def test_a_random_number_of_the_file_is_none_of_somebody_and_a_link_to_another_is(
    number: bytes, body: bytes, exposed: bool, tmp_path: Path
) -> None:
    data = film(tmp_path / "a.mkv").read_bytes()
    path = tmp_path / "b.mkv"
    path.write_bytes(in_elements(data, INFO, lambda info: info + element(number, body)))
    assert (_verdict(path, video=True, witnesses=None) == "exposed") is exposed


@pytest.mark.parametrize(
    ("writer", "exposed"),
    [(b"Lavf58.76.100", False), (b"HandBrake 1.5.1 2022011000", False), (b"Ana Ruiz", True)],
)
def test_the_program_that_wrote_a_movie_is_named_if_it_is_none_that_many_use(
    writer: bytes, exposed: bool, tmp_path: Path
) -> None:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    tool = box(b"\xa9too", box(b"data", struct.pack(">II", 1, 0) + writer))
    meta = bytes(4) + box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9)) + box(b"ilst", tool)
    data = film(tmp_path / "a.mp4").read_bytes()
    path = tmp_path / "b.mp4"
    udta = box(b"udta", box(b"meta", meta))
    path.write_bytes(in_boxes(data, (b"moov",), lambda movie: movie + udta))
    assert (_verdict(path, video=True, witnesses=None) == "exposed") is exposed
