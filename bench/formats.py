"""What reading and writing costs: loss of a second generation, memory, time.

Prints the tables of docs/formats.md. The loss is measured on the JPEGs of the evaluation
folder (`CROWDVEIL_EVAL` or `../shared/eval`, not part of this project), memory and time on a
photo of it enlarged to 12 and 100 megapixels, each in a process of its own.

    python bench/formats.py loss
    python bench/formats.py turned
    python bench/formats.py memory
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from crowdveil.errors import CrowdveilError
from crowdveil.media import jpeg
from crowdveil.media.orientation import MIRRORED_X, MIRRORED_Y
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.media.picture import ColourSpace, Photo, PhotoFormat, Picture, Samples
from protest import eval_dir

SIZES = {"12 MP": (4000, 3000), "100 MP": (12000, 8333)}
MEMORY_FORMATS = (PhotoFormat.JPEG, PhotoFormat.PNG, PhotoFormat.TIFF, PhotoFormat.WEBP)
OTHER_LOSSY = {PhotoFormat.HEIF: 60, PhotoFormat.WEBP: 80, PhotoFormat.AVIF: 75}
"""Qualities that cameras and programs write by default, or near it."""
TURNED = 6
"""EXIF orientation of a phone held upright, the case that needs a copy more."""


def psnr(a: Samples, b: Samples) -> float:
    """Peak signal-to-noise ratio in decibels; 99 for equal pictures."""
    error = float(((a.astype(np.float32) - b.astype(np.float32)) ** 2).mean())
    return float(10 * np.log10(255**2 / error)) if error else 99.0


def second_generation(path: Path) -> tuple[float, float, float] | None:
    """PSNR in dB with the source's tables and at quality 95, and bytes out over bytes in."""
    try:
        photo = read_photo(path)
    except CrowdveilError:
        return None
    return lost(photo, path.stat().st_size)


def lost(photo: Photo, size: int) -> tuple[float, float, float]:
    """The same of a photo that came out of `size` bytes."""
    before = photo.frames[0].samples
    output = encode_photo(photo)
    after = jpeg.decode(output, "output").frames[0].samples
    usual = jpeg.decode(jpeg.encode(replace(photo, encoding=None)), "output").frames[0].samples
    return psnr(before, after), psnr(before, usual), len(output) / size


def turned_generations(path: Path) -> list[tuple[bool, float, float, float]]:
    """The same of a photo turned in seven ways, and whether its squares move by that."""
    data = path.read_bytes()
    found = []
    for turn in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
        segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
        photo = jpeg.decode(data[:2] + segment + data[2:], str(path))
        with Image.open(path) as image:
            width, height = image.size
        moved = (turn in MIRRORED_X and width % 16) or (turn in MIRRORED_Y and height % 16)
        found.append((bool(moved), *lost(photo, len(data))))
    return found


def turned() -> None:
    """Print the loss of photos that have to be turned upright.

    The steps for moved squares were chosen on every eighth photo; the others are reported.
    """
    paths = sorted((eval_dir() / "wider_protest" / "images").glob("*.jpg"))
    reported = [path for number, path in enumerate(paths) if number % 8]
    with ProcessPoolExecutor(2) as pool:
        each = pool.map(turned_generations, reported, chunksize=8)
        found = np.array([one for photo in each for one in photo])
    print("| after a turn | number | PSNR: worst | 5 % | median | at quality 95: median | size |")
    print("|---|---|---|---|---|---|---|")
    for name, moved in (("squares stay", 0), ("squares move", 1)):
        _, own, usual, size = found[found[:, 0] == moved].T
        print(
            f"| {name} | {len(own)} | {own.min():.1f} dB | {np.percentile(own, 5):.1f} dB "
            f"| {np.median(own):.1f} dB | {np.median(usual):.1f} dB | {np.median(size):.2f} x |"
        )


def loss() -> None:
    """Print percentiles of the loss over all JPEGs of each folder."""
    print("| photos | number | PSNR: worst | 5 % | median | at quality 95: median | size |")
    print("|---|---|---|---|---|---|---|")
    for folder in ("wider_protest/images", "metadata", "lfw"):
        paths = sorted((eval_dir() / folder).rglob("*.jpg"))[:300]
        with ProcessPoolExecutor(2) as pool:
            found = [f for f in pool.map(second_generation, paths, chunksize=8) if f is not None]
        own, usual, size = np.array(found).T
        print(
            f"| `{folder}` | {len(own)} | {own.min():.1f} dB | {np.percentile(own, 5):.1f} dB "
            f"| {np.median(own):.1f} dB | {np.median(usual):.1f} dB | {np.median(size):.2f} x |"
        )


def other_loss() -> None:
    """Print the loss for the other lossy formats, on photos as other programs write them."""
    pillow_heif.register_heif_opener()
    paths = sorted((eval_dir() / "wider_protest" / "images").glob("*.jpg"))[:40]
    print("| format | source's quality | PSNR: worst | median | size |")
    print("|---|---|---|---|---|")
    for format, quality in OTHER_LOSSY.items():
        found = []
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            for path in paths:
                with Image.open(path) as image:
                    image.save(source, format.value.upper(), quality=quality)
                photo = read_photo(source)
                output = source.with_name("output")
                output.write_bytes(encode_photo(photo))
                loss_db = psnr(photo.frames[0].samples, read_photo(output).frames[0].samples)
                found.append((loss_db, output.stat().st_size / source.stat().st_size))
        own, size = np.array(found).T
        print(
            f"| {format.value} | {quality} | {own.min():.1f} dB | {np.median(own):.1f} dB "
            f"| {np.median(size):.2f} x |"
        )


def enlarged(size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A protest photo at this size, with grain as a sensor has it."""
    path = min((eval_dir() / "wider_protest" / "images").glob("*.jpg"))
    with Image.open(path) as small:
        pixels = np.array(small.convert("RGB").resize(size_wh, Image.Resampling.BICUBIC))
    rng = np.random.default_rng(0)
    for rows in np.array_split(np.arange(len(pixels)), 50):
        grain = rng.integers(-4, 5, (len(rows), size_wh[0], 1), np.int16)
        pixels[rows] = np.clip(pixels[rows] + grain, 0, 255)
    return pixels


def write_sources(folder: Path) -> list[Path]:
    """A file of each size and format; the JPEGs lie on their side."""
    exif = Image.Exif()
    exif[0x0112] = TURNED
    paths = []
    for name, size_wh in SIZES.items():
        pixels = enlarged(size_wh)
        for format in MEMORY_FORMATS:
            path = folder / f"{name}.{format}"
            if format is PhotoFormat.JPEG:
                Image.fromarray(pixels).save(path, quality=92, exif=exif)
            elif format is not PhotoFormat.WEBP or name == "12 MP":
                photo = Photo(format, (Picture(pixels, ColourSpace.RGB),))
                path.write_bytes(encode_photo(photo))
            else:
                continue
            paths.append(path)
    return paths


def measure(path: Path) -> None:
    """Read and write one file; print seconds for each and the peak of memory in MB."""
    start = time.perf_counter()
    photo = read_photo(path)
    read = time.perf_counter()
    written = len(encode_photo(photo))
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{read - start:.2f} {done - read:.2f} {peak:.0f} {written}")


def memory() -> None:
    """Print time and peak memory of reading and writing, each file in a fresh process."""
    print("| photo | read | write | peak memory |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(1) as pool:
            paths = pool.submit(write_sources, Path(folder)).result()
        for path in paths:
            command = [sys.executable, __file__, "one", str(path)]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            read, write, peak, _ = done.stdout.split()
            size, kind = path.stem, path.suffix.removeprefix(".").upper()
            print(f"| {size} {kind} | {read} s | {write} s | {peak} MB |")


def main() -> None:
    """Parse the command line and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["loss", "turned", "memory", "one"])
    parser.add_argument("path", type=Path, nargs="?")
    given = parser.parse_args()
    if given.what == "loss":
        loss()
        other_loss()
    elif given.what == "turned":
        turned()
    elif given.what == "memory":
        memory()
    else:
        measure(given.path)


if __name__ == "__main__":
    main()
