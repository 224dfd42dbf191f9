"""Photos per second and peak memory of crowdveil beside deface, on the same files.

Both run as a user runs them, as a command over the same JPEGs, one after the other, start-up
included; crowdveil with each caution. Files: every n-th protest photo (1,024 pixels wide), and four
pictures of each larger size that bench/sizes.py makes of them. Recall of the same settings and
sizes: bench/recall.py.

    python bench/photos.py --peer ~/deface/bin/deface --size 1024 phone-12 mosaic-12
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import cv2

from crowdveil.detect.points import Caution
from processes import memory_mb
from protest import Annotated, eval_dir, load
from sizes import ALONE, SIZES, compose, read

LARGE = 4
"""How many pictures of each larger size."""

COMMAND = [sys.executable, "-c", "from crowdveil.cli import main; main()"]


def run(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of a command that must succeed, and peak memory in MB of it and its workers."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=complaints)
        peak_mb = 0.0
        while process.poll() is None:
            peak_mb = max(peak_mb, memory_mb(process.pid))
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        complaints.seek(0)
        if process.returncode:
            reason = complaints.read()[-300:].decode(errors="replace")
            raise SystemExit(f"{command[0]} failed: {reason}")
    return seconds, peak_mb


def files_of(size: str, photos: Sequence[Annotated], folder: Path) -> list[Path]:
    """JPEGs of one size: a copy of every photo, or the first few larger pictures."""
    if size == ALONE:
        copies = [folder / photo.path.name for photo in photos]
        for photo, copy in zip(photos, copies, strict=True):
            copy.write_bytes(photo.path.read_bytes())
        return copies
    count = LARGE if size.startswith("phone") else LARGE * 64
    paths = []
    for picture in compose(photos[:count], size, folder)[:LARGE]:
        jpeg = picture.path.with_suffix(".jpg")
        if jpeg != picture.path:
            cv2.imwrite(str(jpeg), read(picture.path), [cv2.IMWRITE_JPEG_QUALITY, 90])
        paths.append(jpeg)
    return paths


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, help="path of the command deface")
    parser.add_argument("--every", type=int, default=4, help="take every n-th photo")
    parser.add_argument("--caution", nargs="*", type=Caution, default=list(Caution))
    parser.add_argument("--size", nargs="+", choices=SIZES, default=[ALONE, "phone-12"])
    arguments = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"OpenVINO {version('openvino')}, load before {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = load(eval_dir() / "wider_protest")[:: arguments.every]
        for what in arguments.size:
            (folder / what).mkdir()
            files = files_of(what, photos, folder / what)
            paths = [str(path) for path in files]
            peer, memory = run([arguments.peer, *paths])
            for path in files:
                path.with_stem(f"{path.stem}_anonymized").unlink()
            print(f"\n{what}, {len(files)} pictures")
            print(f"  deface            {len(files) / peer:6.2f} pictures/s  {memory:6.0f} MB")
            for caution in arguments.caution:
                out = folder / f"{what}-{caution}"
                seconds, memory = run(
                    [*COMMAND, "veil", *paths, "-o", str(out), "--caution", caution]
                )
                print(
                    f"  crowdveil {caution:7s} {len(files) / seconds:6.2f} pictures/s  "
                    f"{memory:6.0f} MB  {peer / seconds:5.2f} x deface"
                )


if __name__ == "__main__":
    main()
