import json
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from crowdveil.demo import write_demo
from crowdveil.demo.camera import AUTHOR, POSITION_DEG, SERIAL, THUMBNAIL_WH, careless_jpeg
from crowdveil.errors import OutputRefused


@pytest.fixture(scope="module")
def crowd_jpg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo(tmp_path_factory.mktemp("demo") / "new")


def exiftool(path: Path, *options: str) -> bytes:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    return subprocess.run(["exiftool", *options, path], capture_output=True, check=True).stdout


def test_the_demo_tells_all_that_a_careless_camera_would(crowd_jpg: Path) -> None:
    (tags,) = json.loads(exiftool(crowd_jpg, "-json", "-n", "-G1", "-a"))
    assert tags["Composite:GPSLatitude"] == pytest.approx(POSITION_DEG[0], abs=1e-4)
    assert tags["Composite:GPSLongitude"] == pytest.approx(POSITION_DEG[1], abs=1e-4)
    assert tags["ExifIFD:SerialNumber"] == tags["XMP-aux:SerialNumber"] == SERIAL
    assert tags["IFD0:Artist"] == tags["XMP-dc:Creator"] == AUTHOR
    assert SERIAL in tags["File:Comment"]
    assert not [name for name in tags if "Warning" in name or "Error" in name]


def test_the_thumbnail_shows_the_unveiled_crowd(crowd_jpg: Path) -> None:
    thumbnail = Image.open(BytesIO(exiftool(crowd_jpg, "-b", "-ThumbnailImage")))
    assert thumbnail.size == THUMBNAIL_WH
    with Image.open(crowd_jpg) as picture:
        small = np.asarray(picture.resize(THUMBNAIL_WH, Image.Resampling.LANCZOS), np.float32)
    assert np.abs(np.asarray(thumbnail, np.float32) - small).mean() < 6


def test_the_demo_opens_as_the_size_it_promises(crowd_jpg: Path) -> None:
    assert crowd_jpg.name == "crowd.jpg"
    with Image.open(crowd_jpg) as picture:
        picture.load()
        assert picture.size == (1600, 1000)


def test_the_same_picture_gives_the_same_bytes() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    assert careless_jpeg(picture) == careless_jpeg(picture)


def test_a_folder_that_cannot_be_made_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputRefused, match="cannot be written"):
        write_demo(tmp_path / "file" / "below")
