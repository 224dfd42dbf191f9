"""Veiled copies of real faces, made once: what the tests of the evidence look at."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from crowdveil.api import veil
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.options import VeilOptions
from crowdveil.plan import Plan, Region
from crowdveil.redact.look import Look
from crowdveil.redact.masks import mask_of
from crowdveil.redact.render import render_picture


@dataclass(frozen=True)
class Veiled:
    """A photo, its veiled copy and its plan."""

    original: Path
    copy: Path
    plan: Plan
    plans: Path

    def boxes(self) -> NDArray[np.float32]:
        return np.array([region.box for region in self.plan.regions], np.float32)


@pytest.fixture(scope="session")
def people(people_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Veiled:
    """A few people, veiled by crowdveil."""
    folder = tmp_path_factory.mktemp("people")
    veil(people_photo, folder / "veiled", options=VeilOptions(plans=folder / "plans"))
    name = people_photo.name
    plan = Plan.load(folder / "plans" / f"{name}.plan.json")
    return Veiled(people_photo, folder / "veiled" / name, plan, folder / "plans")


@pytest.fixture(scope="session")
def one_open(people: Veiled, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Region]:
    """A copy in which one face is left open, and that face."""
    photo = read_photo(people.original)
    size = photo.frames[0].size_wh

    def covered(region: Region) -> float:
        others = [one for one in people.plan.regions if one is not region]
        x0, y0, x1, y1 = (max(round(side), 0) for side in region.box)
        return float(mask_of(others, size, Look())[y0:y1, x0:x1].mean())

    bare = min(people.plan.regions, key=covered)
    assert covered(bare) < 0.1
    others = [region for region in people.plan.regions if region is not bare]
    drawn = render_picture(photo.frames[0], others, Look())
    path = tmp_path_factory.mktemp("open") / people.original.name
    path.write_bytes(encode_photo(replace(photo, frames=(drawn,))))
    return path, bare


def saved(image: Image.Image, format: str, **settings: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **settings)
    return out.getvalue()


@pytest.fixture
def plain() -> Image.Image:
    """A small picture without anything else."""
    y, x = np.mgrid[0:48, 0:64]
    rows = np.stack([x * 4, y * 5, (x + y) * 2], axis=-1)
    return Image.fromarray(np.asarray(rows % 256, np.uint8))


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[bytes, str], Path]:
    def write(data: bytes, name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write
