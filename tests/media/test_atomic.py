"""Outputs appear whole, replace nothing unasked, and leave nothing behind when they fail."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crowdveil.errors import OutputRefused
from crowdveil.media.atomic import NEUTRAL_TIME_S, write_whole


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


FAILURES = [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]


def test_the_file_holds_what_was_written_and_nothing_else_is_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "out.jpg", b"abc")
    assert (tmp_path / "out.jpg").read_bytes() == b"abc"
    assert names_in(tmp_path) == ["out.jpg"]


def test_the_file_does_not_tell_when_it_was_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "out.jpg", b"abc")
    assert (tmp_path / "out.jpg").stat().st_mtime == NEUTRAL_TIME_S


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_others_may_read_the_file_as_far_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "out.jpg", b"abc")
    finally:
        os.umask(before)
    assert (tmp_path / "out.jpg").stat().st_mode & 0o777 == 0o640


def test_an_existing_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    path.write_bytes(b"first")
    with pytest.raises(OutputRefused, match="--overwrite"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert names_in(tmp_path) == ["out.jpg"]


def test_an_existing_file_is_replaced_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    path.write_bytes(b"first, and longer")
    write_whole(path, b"second", overwrite=True)
    assert path.read_bytes() == b"second"


def test_a_link_to_an_original_is_replaced_and_the_original_stays(tmp_path: Path) -> None:
    original, path = tmp_path / "original.jpg", tmp_path / "out.jpg"
    original.write_bytes(b"original")
    path.symlink_to(original)
    with pytest.raises(OutputRefused):
        write_whole(path, b"new")
    write_whole(path, b"new", overwrite=True)
    assert original.read_bytes() == b"original"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
@pytest.mark.parametrize("failure", FAILURES, ids=["disk full", "Ctrl-C"])
@pytest.mark.parametrize("step", ["fsync", "utime"])
def test_a_failure_leaves_what_was_there_and_no_partial_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    step: str,
    overwrite: bool,
) -> None:
    path = tmp_path / "out.jpg"
    if overwrite:
        path.write_bytes(b"first")
    monkeypatch.setattr(os, step, _raiser(failure))
    expected = OutputRefused if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_whole(path, b"second", overwrite=overwrite)
    assert names_in(tmp_path) == (["out.jpg"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"first"


def test_a_file_system_without_links_still_refuses_to_replace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _raiser(OSError(errno.EPERM, "Operation not permitted")))
    write_whole(tmp_path / "out.jpg", b"first")
    with pytest.raises(OutputRefused, match="exists"):
        write_whole(tmp_path / "out.jpg", b"second")
    assert (tmp_path / "out.jpg").read_bytes() == b"first"
    assert names_in(tmp_path) == ["out.jpg"]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match=r"out\.jpg: cannot be written \(No such file"):
        write_whole(tmp_path / "none" / "out.jpg", b"abc")


def _raiser(failure: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise failure

    return fail
