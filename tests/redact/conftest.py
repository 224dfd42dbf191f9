"""Pictures and regions that the tests of redaction share."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from crowdveil.media.picture import CHANNELS, ColourSpace, Picture
from crowdveil.plan import Action, Region, Shape

Photo = tuple[Picture, list[Region]]


def region(number: int, box: Sequence[float], **fields: object) -> Region:
    return Region.model_validate({"id": str(number), "box": tuple(box), **fields})


def noise_picture(
    seed: int,
    size_wh: tuple[int, int],
    space: ColourSpace,
    *,
    alpha: bool = False,
    deep: bool = False,
) -> Picture:
    channels = CHANNELS[space] + alpha
    dtype = np.uint16 if deep else np.uint8
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    samples = rng.integers(0, top, (size_wh[1], size_wh[0], channels), dtype, endpoint=True)
    return Picture(samples, space, alpha)


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    return noise_picture(
        draw(st.integers(0, 1000)),
        (draw(st.integers(1, 90)), draw(st.integers(1, 90))),
        draw(st.sampled_from(ColourSpace)),
        alpha=draw(st.booleans()),
        deep=draw(st.booleans()),
    )


@st.composite
def region_lists(draw: st.DrawFn) -> list[Region]:
    regions = []
    for number in range(draw(st.integers(0, 6))):
        x, y = draw(st.floats(-40, 110)), draw(st.floats(-40, 110))
        width, height = draw(st.floats(0.01, 80)), draw(st.floats(0.01, 80))
        action = draw(st.sampled_from([Action.VEIL, Action.VEIL, Action.KEEP]))
        regions.append(
            region(
                number,
                (x, y, x + width, y + height),
                shape=draw(st.sampled_from(Shape)),
                action=action,
                reason="a statue" if action is Action.KEEP else None,
            )
        )
    return regions


@pytest.fixture(scope="session")
def protest_photos(eval_dir: Path) -> list[Photo]:
    """Twelve real photos with their annotated faces of at least 16 px."""
    folder = eval_dir / "wider_protest"
    faces: dict[str, list[Region]] = defaultdict(list)
    with (folder / "faces.csv").open() as table:
        for row in csv.DictReader(table):
            x, y, w, h = (float(row[key]) for key in ("x", "y", "width", "height"))
            if max(w, h) >= 16 and row["invalid"] == "0" and min(w, h) > 0:
                name = row["image"]
                faces[name].append(region(len(faces[name]), (x, y, x + w, y + h)))
    photos = []
    for name in sorted(faces)[::22][:12]:
        with Image.open(folder / "images" / name) as image:
            samples = np.array(image.convert("RGB"))
        photos.append((Picture(samples, ColourSpace.RGB), faces[name]))
    return photos
