import hashlib
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from crowdveil.models.registry import WEIGHTS

Run = Callable[..., Any]


def test_every_weights_file_is_listed_with_licence_hash_and_origin(crowdveil: Run) -> None:
    said = crowdveil("models")
    assert said.code == 0
    for weights in WEIGHTS:
        for fact in (weights.name, weights.licence, weights.sha256, weights.origin):
            assert fact in said.out


def test_the_hashes_are_those_of_the_files_that_are_there(crowdveil: Run) -> None:
    lines = crowdveil("models", "--json").out.splitlines()
    assert len(lines) == len(WEIGHTS)
    for entry in map(json.loads, lines):
        data = resources.files("crowdveil").joinpath(entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert entry["state"] == "unaltered"
        assert resources.files("crowdveil").joinpath(entry["licence_file"]).is_file()
