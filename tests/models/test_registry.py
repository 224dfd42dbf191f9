import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import crowdveil
from crowdveil.errors import WeightsInvalid
from crowdveil.models.registry import (
    PORTRAIT,
    WEIGHTS,
    Weights,
    portrait_path,
    verify,
    weights_hash,
    weights_path,
)

PACKAGE = Path(crowdveil.__file__).parent
by_name = pytest.mark.parametrize("entry", WEIGHTS, ids=lambda entry: entry.name)


@by_name
def test_weights_are_the_file_that_the_catalogue_names(entry: Weights) -> None:
    path = weights_path(entry.name)
    assert path == PACKAGE / entry.file
    said = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    assert said.split()[0] == entry.sha256 == weights_hash(entry.name)
    assert path.stat().st_size == entry.size


@by_name
def test_weights_come_with_a_licence_text_that_names_its_holder(entry: Weights) -> None:
    text = (PACKAGE / entry.licence_file).read_text(encoding="utf-8")
    if entry.carrier is not None:
        assert f"{entry.licence} License" in text
        holder = r"^(Copyright \(c\) \d{4}|Contributed by) \w+"
        assert re.search(holder, text, re.MULTILINE)


def test_names_of_weights_are_unique() -> None:
    names = [entry.name for entry in WEIGHTS]
    assert len(set(names)) == len(names)


def test_the_demos_portrait_is_verified_too() -> None:
    assert portrait_path() == PACKAGE / PORTRAIT.file


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(WeightsInvalid, match=r"retinaface.*centerface, yunet"):
        weights_path("retinaface")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data[:-1], "instead of"),
        (lambda data: b"", "has 0 bytes"),
        (lambda data: data[:1000] + bytes([data[1000] ^ 1]) + data[1001:], "is not the file"),
    ],
    ids=["truncated", "empty", "one-bit-flipped"],
)
def test_damaged_weights_are_refused_with_a_cure(
    tmp_path: Path, damage: Callable[[bytes], bytes], sentence: str
) -> None:
    entry = WEIGHTS[1]
    path = tmp_path / "weights.onnx"
    path.write_bytes(damage(weights_path(entry.name).read_bytes()))
    with pytest.raises(WeightsInvalid, match=f"{sentence}.*reinstall crowdveil"):
        verify(path, sha256=entry.sha256, size=entry.size)


def test_missing_weights_are_refused_with_a_cure(tmp_path: Path) -> None:
    entry = WEIGHTS[0]
    with pytest.raises(WeightsInvalid, match=r"No such file.*reinstall crowdveil"):
        verify(tmp_path / "gone.onnx", sha256=entry.sha256, size=entry.size)
