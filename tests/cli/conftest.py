"""What the tests of the commands share: the command in this process, and a folder of photos."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crowdveil.cli.app import app


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def crowdveil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Run a command line in an empty folder, on a screen wide enough for long paths."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str | Path) -> Said:
        result = CliRunner().invoke(app, [str(word) for word in words], prog_name="crowdveil")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def photos(people_photo: Path, tmp_path: Path) -> Path:
    """Two photos, one of them in a folder of its own."""
    folder = tmp_path / "photos"
    for name in ("a.jpg", "day 2/b.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(people_photo.read_bytes())
    return folder
