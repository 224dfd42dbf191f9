"""What all tests share: where the evaluation photos are."""

import os
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def eval_dir() -> Path:
    """The evaluation data beside the repository, or where CROWDVEIL_EVAL says; else skip."""
    folder = Path(os.environ.get("CROWDVEIL_EVAL", ROOT.parent / "shared" / "eval"))
    if not folder.is_dir():
        pytest.skip(f"no evaluation data in {folder}; set CROWDVEIL_EVAL")
    return folder


@pytest.fixture(scope="session")
def crowd_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's crowd: 1600 x 1000, many faces, full of metadata."""
    from crowdveil.demo import write_demo

    return write_demo(tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="session")
def people_photo(crowd_photo: Path) -> Path:
    """A few people from the front of that crowd: small, so that tests stay quick."""
    path = crowd_photo.with_name("people.jpg")
    with Image.open(crowd_photo) as crowd:
        width, height = crowd.size
        front = crowd.crop((width // 4, height // 2, width // 4 + 480, height // 2 + 360))
        front.save(path, quality=95)
    return path
