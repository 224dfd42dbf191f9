import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX's")


def read_all(terminal: int) -> str:
    shown = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other side has closed
            break
        if not data:
            break
        shown += data
    return shown.decode()


def test_a_terminal_shows_photos_done_faces_and_time_left_and_is_clean_afterwards(
    people_photo: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(4):
        (photos / f"{number}.jpg").write_bytes(people_photo.read_bytes())
    terminal, screen = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "crowdveil", "veil", str(photos), "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=screen,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        text=True,
    )
    os.close(screen)
    shown = read_all(terminal)
    out, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"Veiling .* [1-4]/4 [\d,]+ faces .*left", plain)
    # The bar is erased and the cursor is back.
    assert shown.rstrip().endswith("\x1b[2K")
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    assert "Veiled 4 photos" in out
