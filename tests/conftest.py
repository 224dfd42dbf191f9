"""What all tests share: where the evaluation photos are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    """The evaluation data beside the repository, or where CROWDVEIL_EVAL says; else skip."""
    folder = Path(os.environ.get("CROWDVEIL_EVAL", ROOT.parent / "shared" / "eval"))
    if not folder.is_dir():
        pytest.skip(f"no evaluation data in {folder}; set CROWDVEIL_EVAL")
    return folder
