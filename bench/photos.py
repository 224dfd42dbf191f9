"""Photos per second and peak memory of crowdveil beside deface, on the same files.

Both run as a user runs them, as a command over the same JPEGs, one after the other, start-up
included; crowdveil with each caution. Files: every n-th protest photo (1,024 pixels wide), and
12-megapixel photos put together from them. Recall of the same settings: bench/recall.py.

    python bench/photos.py --peer ~/deface/bin/deface
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
import numpy as np

from crowdveil.detect.points import Caution
from processes import memory_mb
from protest import eval_dir

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


def small(folder: Path, every: int) -> list[Path]:
    """Copies of every n-th protest photo."""
    copies = []
    for path in sorted((eval_dir() / "wider_protest" / "images").glob("*.jpg"))[::every]:
        copy = folder / path.name
        copy.write_bytes(path.read_bytes())
        copies.append(copy)
    return copies


def large(folder: Path, sources: Sequence[Path], count: int) -> list[Path]:
    """Photos of 4000 x 3000 pixels: each a protest photo enlarged, as a phone would see it."""
    made = []
    for k, path in enumerate(sources[:count]):
        picture = cv2.imread(str(path))
        if picture is None:
            raise SystemExit(f"{path}: cannot be read")
        grown = cv2.resize(picture, (4000, 3000), interpolation=cv2.INTER_CUBIC)
        noisy = np.clip(grown + np.random.default_rng(k).normal(0, 3, grown.shape), 0, 255)
        out = folder / f"large-{k}.jpg"
        cv2.imwrite(
            str(out),
            noisy.astype(np.uint8),
            [cv2.IMWRITE_JPEG_QUALITY, 92],
        )
        made.append(out)
    return made


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, help="path of the command deface")
    parser.add_argument("--every", type=int, default=4, help="take every n-th photo")
    parser.add_argument("--caution", nargs="*", type=Caution, default=list(Caution))
    arguments = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"OpenVINO {version('openvino')}, load before {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("small", "large"):
            (folder / part).mkdir()
        photos = small(folder / "small", arguments.every)
        sets = {"1024 px": photos, "12 megapixels": large(folder / "large", photos, 4)}
        for what, files in sets.items():
            paths = [str(path) for path in files]
            peer, memory = run([arguments.peer, *paths])
            for path in files:
                path.with_stem(f"{path.stem}_anonymized").unlink()
            print(f"\n{what}, {len(files)} photos")
            print(f"  deface            {len(files) / peer:6.2f} photos/s  {memory:6.0f} MB")
            for caution in arguments.caution:
                out = folder / f"{what}-{caution}"
                seconds, memory = run(
                    [*COMMAND, "veil", *paths, "-o", str(out), "--caution", caution]
                )
                print(
                    f"  crowdveil {caution:7s} {len(files) / seconds:6.2f} photos/s  "
                    f"{memory:6.0f} MB  {peer / seconds:5.2f} x deface"
                )


if __name__ == "__main__":
    main()
