"""One item of every bad kind in one folder: the good ones are done, each bad one is named once.

Run as a user who may not open everything, as the administrator, whom tests often run as, may.
"""

import ctypes
import io
import json
import os
import socket
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs pipes, sockets and the rights of Linux"
)

LONG = "n" * 251 + ".jpg"
GOOD = ("a.jpg", "z.jpg", LONG)


@contextmanager
def ordinary() -> Iterator[None]:
    """Have permissions of files apply to this thread, and those it starts, also for root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, low and high halves
    assert libc.capget(header, sets) == 0
    before = sets[0]
    sets[0] = before & ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = before
        assert libc.capset(header, sets) == 0


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", b"x")
    return file.getvalue()


def bad_media(folder: Path, photo: bytes) -> list[Path]:
    """One of every kind, and what each is called."""
    contents = {
        "empty.jpg": b"",
        "text.jpg": b"dear all",
        "archive.jpg": zipped(),
        "cut.jpg": photo[: len(photo) // 2],
        "raw.dng": b"II*\0\x08\0\0\0\0\0\0\0",
        "IMG_0001": b"\xff\x4f\xff\x51" + bytes(60),
        "noise.mp4": b"\x9c" * 500,
        "stuck.jpg": photo,
        "closed.jpg": photo,
        os.fsdecode(b"caf\xe9.jpg"): photo,
        "closed folder/x.jpg": photo,
        "blind folder/y.jpg": photo,
    }
    for name, data in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # the whole path is too long for a socket
        server.bind("socket")
        os.chdir(here)
    (folder / "closed.jpg").chmod(0)
    (folder / "closed folder").chmod(0)
    (folder / "blind folder").chmod(0o444)
    files = [folder / name for name in contents if "folder" not in name]
    files += [folder / "pipe.jpg", folder / "socket"]
    return [*files, folder / "closed folder", folder / "blind folder" / "y.jpg"]


@pytest.fixture
def folder(people_photo: Path, tmp_path: Path) -> Path:
    """The good ones: two photos, one of them with a name as long as a name can be."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with Image.open(people_photo) as photo:
        photo.resize((160, 120)).save(folder / "a.jpg")
    for name in GOOD[1:]:
        (folder / name).write_bytes((folder / "a.jpg").read_bytes())
    return folder


def ended(said: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    assert "Traceback" not in said.err
    assert "bug in crowdveil" not in said.err
    lines = [json.loads(line) for line in said.out.splitlines()]
    return lines[-1]["summary"], [line for line in lines if "source" in line]


def check_each_alone(said: Any, bad: list[Path], good: list[Path]) -> None:
    """Exit code 1, every bad one named exactly once, every good one done."""
    summary, files = ended(said)
    assert said.code == 1
    failed = Counter(file["source"] for file in files if file["status"] == "failed")
    assert failed == Counter(str(path) for path in bad)
    assert {file["source"] for file in files if file["status"] == "done"} == set(map(str, good))
    assert (summary["done"], summary["failed"]) == (len(good), len(bad))
    told = said.err.splitlines()
    assert len(told) == len(bad)
    for file in files:
        if file["status"] == "failed":
            assert file["error"]
            assert Path(file["source"]).name.removesuffix(".plan.json") in file["error"]


@pytest.mark.parametrize("command", ["veil", "plan"])
def test_one_bad_file_of_every_kind_costs_only_itself(
    command: str, crowdveil: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    bad = bad_media(folder, (folder / "a.jpg").read_bytes())
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    given = [tmp_path / "loop.jpg", tmp_path / "gone.jpg", tmp_path / ("x" * 300 + ".jpg")]
    out = tmp_path / "out"
    (out / ("stuck.jpg" if command == "veil" else "stuck.jpg.plan.json")).mkdir(parents=True)
    words = ["--plans", tmp_path / "plans"] if command == "veil" else []
    with ordinary():
        said = crowdveil(command, folder, *given, "-o", out, *words, "--json", "--caution", "low")
    check_each_alone(said, [*bad, *given], [folder / name for name in GOOD])
    if command == "veil":
        assert {LONG, "a.jpg"} <= {path.name for path in out.iterdir()}
    plans = out if command == "plan" else tmp_path / "plans"
    cut = next(path for path in plans.iterdir() if path.name.startswith("nnn"))
    assert cut.name.endswith(".jpg.plan.json")
    with ordinary():
        again = crowdveil(
            command, folder, *given, "-o", out, *words, "--json", "--resume", "--caution", "low"
        )
    summary, _ = ended(again)
    assert (again.code, summary["done"], summary["already"]) == (1, 0, len(GOOD))


def test_one_bad_plan_of_every_kind_costs_only_itself(
    crowdveil: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    plans = tmp_path / "plans"
    said = crowdveil("plan", folder, "-o", plans, "--json", "--caution", "low")
    assert said.code == 0
    good = [plans / ".." / "photos" / name for name in GOOD]
    text = (plans / "a.jpg.plan.json").read_text()
    told = json.loads(text)

    def with_source(**changed: object) -> str:
        return json.dumps({**told, "source": {**told["source"], "name": "?", **changed}})

    blind = tmp_path / "blind"
    blind.mkdir()
    (blind / "p.jpg").write_bytes((folder / "a.jpg").read_bytes())
    contents = {
        "no json": "{",
        "deep": "[" * 100_000,
        "long": with_source(path="x/" * 5000),
        "lost": with_source(path="gone.jpg"),
        "behind": with_source(path=str(blind / "p.jpg")),
        "behind a loop": with_source(path="loop/p.jpg"),
        "nul": with_source(path="a\0b"),
        "other": with_source(path="../photos/a.jpg", sha256="0" * 64),
        "stuck.jpg": with_source(path="../photos/a.jpg"),
        "closed": text,
        "folder/x": text,
    }
    bad = [plans / f"{name}.plan.json" for name in contents]
    for path, content in zip(bad, contents.values(), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    os.mkfifo(plans / "pipe.plan.json")
    (plans / "loop").symlink_to(plans / "loop")
    (plans / "closed.plan.json").chmod(0)
    (plans / "folder").chmod(0)
    blind.chmod(0o444)
    bad = [*bad[:-1], plans / "folder", plans / "pipe.plan.json"]
    (tmp_path / "out" / "stuck.jpg").mkdir(parents=True)
    with ordinary():
        said = crowdveil("render", plans, "-o", tmp_path / "out", "--json")
    check_each_alone(said, bad, good)


def test_one_bad_pair_of_every_kind_costs_only_itself(
    crowdveil: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert crowdveil("veil", folder, "-o", out, "--caution", "low", "--json").code == 0
    copy = (out / "a.jpg").read_bytes()
    bad = bad_media(folder, (folder / "a.jpg").read_bytes())
    bad_media(out, copy)
    with ordinary():
        said = crowdveil("check", folder, out, "--quick", "--json", "-o", tmp_path / "e")
    assert "Traceback" not in said.err
    assert said.code in (1, 3)
    record = json.loads(said.out)
    failed = [file["name"] for file in record["files"] if file["error"]]
    failed += [one["name"] for one in record["unmatched"]]
    for path in bad:
        if path.name == "stuck.jpg":
            continue  # only where it should be written
        name = path.name.encode(errors="backslashreplace").decode()
        assert sum(name in one for one in failed) >= 1, (name, failed)
    fine = [file for file in record["files"] if not file["error"]]
    assert {file["name"] for file in fine} >= set(GOOD)


@pytest.mark.parametrize("mode", [0o555, 0o444, 0], ids=["read-only", "no search", "closed"])
@pytest.mark.parametrize("command", ["veil", "plan"])
def test_an_output_folder_that_takes_nothing_is_one_sentence_for_each(
    command: str, mode: int, crowdveil: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(mode)
    with ordinary():
        said = crowdveil(command, folder / "a.jpg", folder / "z.jpg", "-o", out, "--json")
    out.chmod(0o755)
    _, files = ended(said)
    assert said.code == 1
    assert [file["status"] for file in files] == ["failed", "failed"]
    assert all("Permission denied" in file["error"] for file in files)
    assert not list(out.iterdir())
