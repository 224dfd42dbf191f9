import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import crowdveil

MANY = 80
COMMAND = [sys.executable, "-m", "crowdveil"]


def test_version_and_help_through_the_real_entry_point() -> None:
    for words, expected in (
        (["--version"], f"crowdveil {crowdveil.__version__}"),
        (["--help"], "crowdveil veil photos/"),
        (["veil", "--help"], "--caution"),
    ):
        shown = subprocess.run(
            [*COMMAND, *words], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
        assert expected in shown.stdout
        assert shown.stderr == ""


def test_help_loads_no_inference_and_no_images() -> None:
    code = (
        "import sys; from crowdveil.cli.app import app\n"
        "try: app(['veil', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'openvino', 'PIL', 'pillow_heif', 'rich'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def many(people_photo: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(MANY):
        os.link(people_photo, folder / f"{number}.jpg")
    return folder


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_leaves_whole_files_only_and_the_batch_can_go_on(
    many: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    words = [*COMMAND, "veil", str(many), "-o", str(out), "--caution", "low"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    while process.poll() is None and len(list(out.glob("*.jpg"))) < 3:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    done = sorted(out.iterdir())
    assert 3 <= len(done) < MANY
    # The signal may come after a file is written and before it is counted.
    assert any(f"{count} files done, and whole" in err for count in (len(done), len(done) - 1))
    assert "--resume" in err
    assert "Traceback" not in err
    for path in done:
        assert path.suffix == ".jpg"
        with Image.open(path) as image:
            image.load()
    missing = [photo for photo in many.iterdir() if not (out / photo.name).exists()]
    for photo in missing[3:]:
        photo.unlink()
    again = subprocess.run([*words, "--resume"], capture_output=True, text=True, check=True)
    assert f"{len(done)} done before" in again.stdout
    assert len(list(out.iterdir())) == len(list(many.iterdir()))


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_an_interrupt_before_the_first_photo_is_no_traceback(many: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "veil", str(many), "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
