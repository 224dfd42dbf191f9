"""Real files of every format, and exiftool as a reader that shares no code with ours."""

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.media.picture import Photo, PhotoFormat

Tags = dict[str, Any]
ReadTags = Callable[[Path], Tags]
Make = Callable[..., bytes]
Keep = Callable[[bytes], Path]


@pytest.fixture(scope="session")
def exiftool() -> ReadTags:
    """Every tag that exiftool finds in a file, `Group:Name` to value."""
    program = shutil.which("exiftool")
    if program is None:
        reason = "exiftool is missing (Debian: libimage-exiftool-perl)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    def read(path: Path) -> Tags:
        # All duplicates, unknown tags too, and what is embedded deeper.
        command = [program, "-json", "-G1", "-a", "-u", "-U", "-ee3", str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
        (tags,) = json.loads(done.stdout)
        return {k: v for k, v in tags.items() if not k.startswith(("System:", "SourceFile"))}

    return read


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Put bytes into a file of their own."""
    count = iter(range(1000))

    def write(data: bytes) -> Path:
        path = tmp_path / f"file{next(count)}"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def veiled(keep: Keep) -> Callable[[bytes], bytes]:
    """What comes out for a source that is read and written again."""
    return lambda data: encode_photo(read_photo(keep(data)))


def scene(height: int = 48, width: int = 64, channels: int = 3) -> NDArray[np.uint8]:
    """A picture that no flip or turn leaves as it is: ramps, edges and a little noise."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width]
    ramps = [x * 255 / width, y * 255 / height, (x + 2 * y) * 85 / height, 255 - x * 2]
    picture = np.stack(ramps[:channels], axis=-1) + rng.normal(0, 2, (height, width, channels))
    picture[: height // 4, : width // 3] = 230
    picture[-height // 5 :, -width // 6 :] = 20
    return np.clip(picture, 0, 255).astype(np.uint8)


def deep_scene(height: int = 48, width: int = 64, channels: int = 3) -> NDArray[np.uint16]:
    """The same with 16 bits that are all in use."""
    rng = np.random.default_rng(8)
    low = rng.integers(0, 256, (height, width, channels), np.uint16)
    return np.asarray(scene(height, width, channels).astype(np.uint16) * 256 + low, np.uint16)


def saved(image: Image.Image, format: str, **settings: Any) -> bytes:
    """A file as Pillow writes it."""
    out = io.BytesIO()
    image.save(out, format, **settings)
    return out.getvalue()


def saved_heif(samples: NDArray[Any], mode: str = "RGB", **settings: Any) -> bytes:
    """A HEIC file as pillow-heif writes it."""
    out = io.BytesIO()
    size = samples.shape[1], samples.shape[0]
    pillow_heif.encode(mode, size, samples.tobytes(), out, **settings)
    return out.getvalue()


def one_of(format: PhotoFormat) -> bytes:
    """A small plain file of each format."""
    image = Image.fromarray(scene())
    match format:
        case PhotoFormat.HEIF:
            return saved_heif(scene(64, 64))
        case PhotoFormat.GIF:
            return saved(image.quantize(64), "GIF")
    return saved(image, format.value.upper())


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio of two 8-bit arrays in decibels."""
    error = float(((a.astype(np.float64) - b) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def samples_of(photo: Photo) -> NDArray[Any]:
    """The samples of a photo's only frame."""
    (picture,) = photo.frames
    return picture.samples
