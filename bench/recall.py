"""What crowdveil hides on annotated protest photos, judged from the pixels it writes.

Veils every photo with the command line's own code, compares original and result losslessly
and prints, for each operating point, the headline figures with exact intervals, and the same
by perceived group. `--peer DEFACE` runs deface (the path of its command, installed in an
environment of its own) over the same photos and judges it alike. `--size` takes the photos in
other sizes: as a phone's of 12 to 48 megapixels, or as parts of mosaics (bench/sizes.py); each
photo is judged alone, and its faces count by their size in the photo of 1,024 pixels.

    python bench/recall.py normal high --peer ~/deface/bin/deface
    python bench/recall.py normal --size 1024 phone-12 mosaic-12 --every 3 --first 1
"""

import argparse
import platform
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

import crowdveil
from crowdveil.detect.finder import Caution
from crowdveil.media.picture import PhotoFormat
from crowdveil.options import VeilOptions
from protest import Tally, eval_dir, interval, load
from sizes import ALONE, SIZES, Composed, compose, read


def judge(pictures: Sequence[Composed], results: Mapping[Path, Path]) -> Tally:
    """Compare every picture with its veiled copy; a missing copy counts as nothing hidden."""
    tally = Tally()
    for picture in pictures:
        original = read(picture.path)
        result = results.get(picture.path)
        veiled = cv2.imread(str(result)) if result else None
        if veiled is None or veiled.shape != original.shape:
            veiled = original
        changed = np.asarray((veiled != original).any(axis=2))
        for part in picture.parts:
            (x, y), (width, height) = part.corner_xy, part.size_wh
            tally.add(part.photo, changed[y : y + height, x : x + width], part.enlarged)
    return tally


def show(name: str, tally: Tally, seconds: float, pictures: int) -> None:
    """Print one run."""
    print(f"\n{name}: {pictures / seconds:.2f} pictures/s, over-redaction {tally.over:.2%}")
    for figure, (hits, n) in {**tally.headline(), **tally.by_size()}.items():
        low, high = interval(hits, n)
        share = hits / n if n else float("nan")
        print(f"  {figure:22s} {share:7.2%}  ({low:.2%} - {high:.2%}, n={n})")
    for group, labels in tally.by_group().items():
        for label, (hits, n) in labels.items():
            low, high = interval(hits, n)
            print(f"  {group:17s}{label:12s} {hits / n:6.1%}  ({low:.1%} - {high:.1%}, n={n})")


def run_crowdveil(pictures: Sequence[Composed], caution: Caution, folder: Path) -> float:
    """Veil all pictures to PNG; returns the seconds taken."""
    started = time.perf_counter()
    crowdveil.veil(
        [picture.path for picture in pictures],
        folder,
        options=VeilOptions(caution=caution, format=PhotoFormat.PNG),
    )
    return time.perf_counter() - started


def run_peer(command: str, pictures: Sequence[Composed], folder: Path) -> float:
    """Run deface over PNG copies, so that its output is lossless as well."""
    for picture in pictures:
        cv2.imwrite(str(folder / f"{picture.path.stem}.png"), read(picture.path))
    inputs = sorted(str(path) for path in folder.glob("*.png"))
    started = time.perf_counter()
    subprocess.run([command, *inputs], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure the points and sizes named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cautions", nargs="*", type=Caution, default=list(Caution))
    parser.add_argument("--peer", help="path of the command deface")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=[ALONE], help="of the pictures")
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo")
    parser.add_argument("--first", type=int, default=0, help="where to begin, 0 for the first")
    arguments = parser.parse_args()
    photos = load(eval_dir() / "wider_protest")[arguments.first :: arguments.every]
    print(
        f"{platform.processor() or platform.machine()}, {platform.system()}, "
        f"crowdveil {crowdveil.__version__}, OpenVINO {version('openvino')}, "
        f"{len(photos)} photos"
    )
    for size in arguments.size:
        with tempfile.TemporaryDirectory() as name:
            measure(compose(photos, size, Path(name)), size, arguments.cautions, arguments.peer)


def measure(
    pictures: Sequence[Composed], size: str, cautions: Sequence[Caution], peer: str | None
) -> None:
    """Measure each of the points, and perhaps the peer, over the same pictures."""
    for caution in cautions:
        with tempfile.TemporaryDirectory() as name:
            seconds = run_crowdveil(pictures, caution, Path(name) / "out")
            results = {p.path: Path(name) / "out" / f"{p.path.stem}.png" for p in pictures}
            show(f"{size}, crowdveil {caution}", judge(pictures, results), seconds, len(pictures))
    if peer:
        with tempfile.TemporaryDirectory() as name:
            seconds = run_peer(peer, pictures, Path(name))
            results = {p.path: Path(name) / f"{p.path.stem}_anonymized.png" for p in pictures}
            show(f"{size}, deface", judge(pictures, results), seconds, len(pictures))


if __name__ == "__main__":
    main()
