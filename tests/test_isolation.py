"""What becomes of a batch when the process that works on one of its files dies, hangs or grows."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from PIL import Image

import crowdveil
from crowdveil.batch import MOST_WORKERS, Hands, share
from crowdveil.evidence.options import CheckOptions
from crowdveil.options import VeilOptions
from crowdveil.outputs import Job

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def started_by(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        found |= {int(child) for child in (task / "children").read_text().split()}
    return found


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def five(people_photo: Path, tmp_path: Path) -> Path:
    """Five photos of the same people."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abcde":
        (folder / f"{name}.jpg").write_bytes(people_photo.read_bytes())
    return folder


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "crowdveil", *map(str, words)]


@linux
@pytest.mark.parametrize("way", [signal.SIGSEGV, signal.SIGKILL])
def test_a_photo_on_which_its_decoder_crashes_is_named_and_the_rest_is_veiled(
    way: signal.Signals, five: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command("veil", five, "-o", out, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    # One is done, so the worker is at the next.
    (worker,) = started_by(process.pid)
    os.kill(worker, way)
    said, complaints = process.communicate(timeout=100)
    outcomes = [json.loads(line) for line in (first + said).splitlines()]
    status = {Path(one["source"]).name: one["status"] for one in outcomes if "status" in one}
    (named,) = [name for name, how in status.items() if how == "failed"]
    assert list(status.values()).count("done") == 4
    assert {path.name for path in out.iterdir()} == set(status) - {named}
    (line,) = complaints.splitlines()
    assert line.startswith(str(five / named))
    assert "NOT copied" in line
    assert ("SIGSEGV" if way is signal.SIGSEGV else "killed from outside") in line
    assert process.returncode == 1


@linux
def test_a_pair_on_which_its_decoder_crashes_is_not_checked_and_the_rest_is(
    five: Path, tmp_path: Path
) -> None:
    crowdveil.veil(five, tmp_path / "out")
    killed: list[int] = []

    class Killer:
        def gallery(self, done: int, total: int) -> None: ...

        def begin(self, total: int) -> None: ...

        def done(self, file: Any) -> None:
            if not killed:
                killed.extend(started_by(os.getpid()))
                os.kill(killed[0], signal.SIGSEGV)

    checked = crowdveil.check(
        five, tmp_path / "out", options=CheckOptions(quick=True), watcher=Killer()
    )
    assert len(killed) == 1
    (file,) = [file for file in checked.record.files if file.error]
    assert file.result == checked.record.result == "unchecked"
    assert file.error is not None
    assert file.name in file.error
    assert "NOT checked" in file.error
    assert len(checked.record.files) == 5
    assert not started_by(os.getpid())


def endless(folder: Path, *, while_dark: bool) -> Path:
    """A detector that never ends, or ends only where the picture is black."""
    always = helper.make_tensor("always", TensorProto.BOOL, [], [True])
    many = helper.make_tensor("many", TensorProto.INT64, [], [2**62])
    body = helper.make_graph(
        [
            helper.make_node("Add", ["sum", "sum"], ["more"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("step", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", TensorProto.FLOAT, None),
        ],
    )
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [1, 1, 4])
    flat = helper.make_tensor("flat", TensorProto.INT64, [2], [1, 1])
    box = helper.make_tensor("box", TensorProto.FLOAT, [1, 1, 4], [1.0, 1.0, 9.0, 9.0])
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMax", ["picture"], ["brightest"], keepdims=0),
            helper.make_node("Greater", ["brightest", "zero"], ["light"]),
            helper.make_node(
                "Identity", ["light" if while_dark else "always"], ["begin"], name="begin"
            ),
            helper.make_node("Loop", ["many", "begin", "brightest"], ["total"], body=body),
            helper.make_node("Mul", ["total", "zero"], ["nought"]),
            helper.make_node("Reshape", ["nought", "flat"], ["scores"]),
            helper.make_node("Add", ["box", "nought"], ["boxes"]),
        ],
        "endless",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 1, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1]),
        ],
        [always, many, zero, shape, flat, box],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    path = folder / "endless.onnx"
    onnx.save(model, str(path))
    path.with_suffix(".toml").write_text(
        'name = "endless"\nfamily = "boxes"\noutputs = ["boxes", "scores"]\n'
    )
    return path


def test_a_detector_that_never_ends_is_given_up_before_any_work(
    people_photo: Path, tmp_path: Path
) -> None:
    detector = endless(tmp_path, while_dark=False)
    out = tmp_path / "out"
    done = subprocess.run(
        command("veil", people_photo, "-o", out, "--patience", "4", "--detector", detector),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 1
    assert "it may never end" in done.stderr
    assert not out.exists()


def test_a_photo_on_which_a_detector_never_ends_is_given_up_alone(
    people_photo: Path, tmp_path: Path
) -> None:
    dark = tmp_path / "dark.png"
    Image.fromarray(np.zeros((200, 300, 3), np.uint8)).save(dark)
    options = VeilOptions(detector=endless(tmp_path, while_dark=True), patience_s=4)
    summary = crowdveil.veil([people_photo, dark], tmp_path / "out", options=options)
    assert [outcome.status for outcome in summary.outcomes] == ["failed", "done"]
    assert "no progress for 4 s" in str(summary.failures[0].error)


def test_a_photo_that_needs_too_much_memory_is_named_and_the_rest_is_veiled(
    people_photo: Path, tmp_path: Path
) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("RGB", (14_000, 12_000)).save(bomb, compress_level=1)
    options = VeilOptions(memory_gb=0.8)
    summary = crowdveil.veil([bomb, people_photo], tmp_path / "out", options=options)
    assert [outcome.status for outcome in summary.outcomes] == ["failed", "done"]
    assert "more than the 0.8 GB of memory" in str(summary.failures[0].error)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [people_photo.name]


@linux
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_however_a_batch_is_ended_no_process_of_it_is_left(
    way: signal.Signals, five: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        command("veil", five, "-o", tmp_path / "out", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    workers = started_by(process.pid)
    assert workers
    process.send_signal(way)
    process.communicate(timeout=100)
    wait_until(lambda: not any(map(running, workers)))


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """A folder with photos and with files named like modules that everything imports."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in ("numpy", "cv2", "json", "msgspec", "struct", "sitecustomize"):
        (folder / f"{name}.py").write_text("open('trapped', 'w').close(); raise SystemExit(9)")
    yield folder
    assert not (folder / "trapped").exists()


def test_a_script_without_a_main_guard_works_and_nothing_of_its_folder_is_imported(
    people_photo: Path, trap: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import crowdveil, sys\n"
        "summary = crowdveil.veil(sys.argv[1], sys.argv[2])\n"
        "print(len(summary.done), 'done')\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(people_photo), str(tmp_path / "out.jpg")],
        cwd=trap,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stdout) == (0, "1 done\n"), done.stderr
    assert (tmp_path / "out.jpg").is_file()


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
def test_bundled_into_a_program_it_is_its_own_worker(people_photo: Path, tmp_path: Path) -> None:
    main = "import sys; sys.frozen = True; sys.executable = sys.argv.pop(1); "
    main += "from crowdveil.cli import main; main()"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{main}" "$0" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [program, "veil", people_photo, "-o", tmp_path / "out.jpg"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.jpg").is_file()


def test_several_threads_can_veil_at_once(people_photo: Path, tmp_path: Path) -> None:
    done: list[int] = []

    def veil(number: int) -> None:
        out = tmp_path / f"{number}.jpg"
        done.append(len(crowdveil.veil(people_photo, out).done))

    threads = [threading.Thread(target=veil, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [1, 1]
    assert (tmp_path / "0.jpg").read_bytes() == (tmp_path / "1.jpg").read_bytes()


def test_how_far_an_animation_is_is_told(people_photo: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []

    class Watcher:
        def begin(self, total: int) -> None: ...

        def done(self, outcome: Any) -> None: ...

        def progress(self, source: Path, progress: Any) -> None:
            told.append((progress.stage.value, progress.frames_done, progress.frames))

    with Image.open(people_photo) as photo:
        small = photo.convert("RGB").reduce(4)
    frames = [small.rotate(angle) for angle in range(3)]
    film = tmp_path / "a.gif"
    frames[0].save(film, save_all=True, append_images=frames[1:], duration=40)
    crowdveil.veil(film, tmp_path / "out", watcher=Watcher())
    assert told == [(stage, k, 3) for stage in ("looking", "veiling") for k in (1, 2, 3)]


@given(st.integers(1, 64), st.integers(0, 100))
def test_workers_never_use_more_cores_than_there_are(cores: int, photos: int) -> None:
    hands = share([Job(Path(f"{number}.jpg")) for number in range(photos)], cores)
    assert 1 <= hands.workers <= MOST_WORKERS
    assert hands.threads >= 1
    assert hands.workers * hands.threads <= cores


def test_few_photos_are_left_to_one_worker_and_many_are_not() -> None:
    jobs = [Job(Path(f"{number}.jpg")) for number in range(100)]
    assert share(jobs[:1], 8) == Hands(1, 8)
    assert share(jobs, 8) == Hands(2, 4)
    assert share(jobs * 9, 8) == Hands(MOST_WORKERS, 2)
    assert share(jobs, 1) == Hands(1, 1)


def test_a_few_large_photos_get_all_cores(tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(20_000_000))
    phone = tmp_path / "phone.jpg"
    phone.write_bytes(bytes(4_000_000))
    assert share([Job(large)] * 5, 8) == Hands(1, 8)
    assert share([Job(phone)] * 8, 8) == Hands(2, 4)
    assert share([Job(phone)], 8) == Hands(1, 8)
