"""What was found, or made, is never lost with the output, the run or the name."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from crowdveil.media.atomic import claim
from crowdveil.media.leftovers import partial_path, sweep

COMMAND = [sys.executable, "-m", "crowdveil"]
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs locks and limits of POSIX")


@pytest.fixture
def bare(people_photo: Path, tmp_path: Path) -> Path:
    """A photo and its copy, which is bare."""
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(people_photo.read_bytes())
    return tmp_path


@POSIX
@pytest.mark.parametrize("way", ["full", "a file"])
def test_check_tells_what_it_found_though_it_cannot_write(way: str, bare: Path) -> None:
    out = bare / "evidence"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    words = ["crowdveil", "check", str(bare / "in"), str(bare / "out"), "--quick", "-o", str(out)]
    if way == "a file":
        # Appears once the check has begun, as a disk fills while it goes on.
        limit = (
            "from pathlib import Path; import crowdveil.cli.checking as c; old = c.check\n"
            f"def late(*a, **k):\n Path({str(out)!r}).write_text('x')\n return old(*a, **k)\n"
            "c.check = late"
        )
    code = f"import sys\n{limit}\nsys.argv = {words!r}\nfrom crowdveil.cli import main\nmain()"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 3, said.stderr
    assert "Exposed:" in said.stdout
    assert "a.jpg" in said.stdout
    assert "Report:" not in said.stdout
    assert str(out) in said.stderr
    assert "Traceback" not in said.stderr


def test_a_resumed_check_looks_at_what_earlier_runs_veiled(
    crowdveil: Callable[..., Any], people_photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(people_photo.read_bytes())
    assert crowdveil("veil", "in", "-o", "out").code == 0
    (tmp_path / "out" / "a.jpg").write_bytes(people_photo.read_bytes())
    for _ in range(2):  # the second takes the place of the first's record
        said = crowdveil("veil", "in", "-o", "out", "--resume", "--check")
        assert said.code == 3
        assert "a.jpg" in said.out
    record = json.loads((tmp_path / "evidence" / "evidence.json").read_text())
    assert [file["result"] for file in record["files"]] == ["exposed"]


@POSIX
def test_leftovers_of_a_killed_run_go_with_the_next_and_others_stay(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    out = tmp_path / "out"
    out.mkdir()
    dead, living = partial_path(out / "x"), partial_path(out / "y")
    dead.write_bytes(b"half a video")
    others = [out / ".mine.partial", out / "notes.partial", out / ".0123456789abcdef.part"]
    for path in others:
        path.write_bytes(b"precious")
    linked = partial_path(out / "z")
    linked.symlink_to(others[0])
    writer = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, time; from pathlib import Path; from crowdveil.media.atomic import claim\n"
            f"file = claim(Path({str(living)!r})); print('held', flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"held\n"
    words = [*COMMAND, "veil", str(tmp_path / "a.png"), "-o", str(out)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    assert not dead.exists()
    assert living.exists()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    sweep([out, out / "not there"])
    assert not living.exists()
    assert all(path.read_bytes() == b"precious" for path in others)
    assert linked.is_symlink()


@POSIX
def test_what_is_being_written_is_held_from_its_first_moment(tmp_path: Path) -> None:
    for _ in range(50):
        partial = partial_path(tmp_path / "a")
        with claim(partial):
            sweep([tmp_path])
            assert partial.exists()
        sweep([tmp_path])
        assert not partial.exists()


@POSIX
def test_a_video_that_is_killed_leaves_nothing_for_ever(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [*COMMAND, "veil", str(film), "-o", str(out), "--caution", "low"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(out.glob(".*.partial")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    left = list(out.glob(".*.partial"))
    assert left, "killed too late to leave anything"
    sweep([out])
    assert not list(out.iterdir())


@pytest.fixture
def film(tmp_path: Path) -> Path:
    import av
    import numpy as np

    path = tmp_path / "film.mp4"
    with av.open(path, "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(40):
            picture = np.full((240, 320, 3), number * 5, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


@POSIX
@pytest.mark.parametrize("command", ["crowd", "audit"])
def test_a_full_disk_is_one_sentence(command: str, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    rows = "".join(f"{n % 2},{n % 3 % 2},{'ab'[n % 2]}\n" for n in range(60))
    table.write_text("truth,predicted,skin\n" + rows)
    words = {
        "crowd": ["crowdveil", "crowd", "example-square", "-o", str(tmp_path / "out")],
        "audit": [
            *("crowdveil", "audit", "classify", str(table), "--group", "skin"),
            *("-o", str(tmp_path / "out"), "--draws", "200"),
        ],
    }[command]
    code = (
        "import sys, resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        f"sys.argv = {words!r}\nfrom crowdveil.cli import main\nmain()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stderr
    assert "Traceback" not in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert "cannot be written (File too large)" in said.stderr
    assert not list(tmp_path.glob("out/*"))
    assert not list(tmp_path.glob(".*.partial"))
