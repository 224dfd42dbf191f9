"""What is printed cannot fail: whatever the terminal, the disk or the pipe, the work is done."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

COMMAND = [sys.executable, "-m", "crowdveil"]
NAMES = ["Привет.png", "a😀.png", "b\u202ec.png", "x\ny.png", "z\x1b[2J.png"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs such names, and /dev/full")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("named")
    for name in NAMES:
        Image.new("RGB", (64, 64), (90, 90, 90)).save(folder / name)
    return folder


def run(*words: str | Path, encoding: str = "utf-8", **streams: Any) -> Any:
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        stdin=subprocess.DEVNULL,
        check=False,
        **given,
    )


def key_of(text: bytes) -> dict[str, str]:
    """New names and old ones, as printed."""
    pairs = [line.strip().split("  was  ") for line in text.decode().splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_terminal_without_unicode_gets_escapes_and_all_names(
    encoding: str, photos: Path, tmp_path: Path
) -> None:
    said = run("veil", photos, "-o", tmp_path / "out", "--rename", encoding=encoding)
    assert said.returncode == 0
    assert said.stderr == b""
    old = {Path(name).name for name in key_of(said.stdout).values()}
    assert old == {
        name.encode("ascii", "backslashreplace")
        .decode()
        .replace("\n", "\\n")
        .replace("\x1b", "\\x1b")
        for name in NAMES
    }


@pytest.mark.parametrize("json_lines", [False, True], ids=["screen", "json"])
def test_the_key_of_new_names_is_not_lost_with_standard_output(
    json_lines: bool, photos: Path, tmp_path: Path
) -> None:
    key = tmp_path / "private" / "key.json"
    words: list[str | Path] = ["veil", photos, "-o", tmp_path / "out", "--rename", "--names", key]
    with Path("/dev/full").open("wb") as full:
        said = run(*words, *(["--json"] if json_lines else []), stdout=full)
    assert said.returncode == 1
    assert b"No space left on device" in said.stderr
    assert b"Traceback" not in said.stderr
    copies = {str(path) for path in (tmp_path / "out").iterdir()}
    assert len(copies) == len(NAMES)
    assert set(key_of(said.stderr)) == copies
    written = json.loads(key.read_text(encoding="utf-8"))
    assert set(written) == copies
    assert set(written.values()) == {str(photos / name) for name in NAMES}
    assert key.stat().st_mode & 0o777 == 0o600


def test_without_any_output_the_work_is_done_and_goes_into_no_file(
    photos: Path, tmp_path: Path
) -> None:
    words = " ".join(f"'{word}'" for word in [*COMMAND, "veil", str(photos), "-o", "out", "--json"])
    said = subprocess.run(["sh", "-c", f"{words} 0<&- >&- 2>&-"], cwd=tmp_path, check=False)
    assert said.returncode == 1
    copies = list((tmp_path / "out").iterdir())
    assert len(copies) == len(NAMES)
    for path in copies:
        with Image.open(path) as image:
            image.load()
            assert image.size == (64, 64)
    # With nowhere to complain, errors still show in the code, and success is success.
    with Path("/dev/full").open("wb") as full:
        assert run("veil", photos, "-o", tmp_path / "two", stderr=full).returncode == 0


@pytest.mark.parametrize(
    "words",
    [["--help"], ["veil", "--help"], ["models", "--json"], ["crowd", "--show", "example-square"]],
    ids=" ".join,
)
def test_no_command_ends_in_a_traceback_when_its_output_is_full(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        said = run(*words, stdout=full, encoding="ascii")
    assert said.returncode == 1
    assert b"Traceback" not in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_a_closed_pipe_stops_no_work(photos: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    said = run("veil", photos, "-o", tmp_path / "out", "--json", stdout=writing)
    os.close(writing)
    assert said.returncode == 1
    assert b"Broken pipe" in said.stderr
    assert len(list((tmp_path / "out").iterdir())) == len(NAMES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--names", "k.json"], "add --rename"),
        (["--rename", "--names", "out/k.json"], "to publish"),
        (["--rename", "--names", "there.json"], "exists already"),
        (["--rename", "--overwrite", "--names", "photos/a.png"], "is an original"),
    ],
)
def test_the_key_is_refused_where_it_would_be_published_or_replace_something(
    words: list[str], said: str, crowdveil: Any, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    original = (photos / NAMES[0]).read_bytes()
    (tmp_path / "photos" / "a.png").write_bytes(original)
    (tmp_path / "there.json").write_text("precious")
    ended = crowdveil("veil", "photos", "-o", "out", *words)
    assert ended.code in (1, 2)
    assert said in ended.err
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "photos" / "a.png").read_bytes() == original
    assert (tmp_path / "there.json").read_text() == "precious"
