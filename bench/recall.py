"""What crowdveil hides on annotated protest photos, judged from the pixels it writes.

Veils every photo with the command line's own code, compares original and result losslessly
and prints, for each operating point, the headline figures with exact intervals, and the same
by perceived group. `--peer DEFACE` runs deface (the path of its command, installed in an
environment of its own) over the same photos and judges it alike.

    python bench/recall.py normal high --peer ~/deface/bin/deface
"""

import argparse
import platform
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

import crowdveil
from crowdveil.detect.finder import Caution
from crowdveil.media.picture import PhotoFormat
from crowdveil.options import VeilOptions
from protest import Annotated, Tally, eval_dir, interval, load


def judge(photos: list[Annotated], results: dict[str, Path]) -> Tally:
    """Compare every photo with its veiled copy; a missing copy counts as nothing hidden."""
    tally = Tally()
    for photo in photos:
        original = cv2.imread(str(photo.path))
        if original is None:
            raise SystemExit(f"{photo.path}: cannot be read")
        result = results.get(photo.path.name)
        veiled = cv2.imread(str(result)) if result else None
        if veiled is None or veiled.shape != original.shape:
            veiled = original
        tally.add(photo, np.asarray((veiled != original).any(axis=2)))
    return tally


def show(name: str, tally: Tally, seconds: float, photos: int) -> None:
    """Print one run."""
    print(f"\n{name}: {photos / seconds:.2f} photos/s, over-redaction {tally.over:.2%}")
    for figure, (hits, n) in tally.headline().items():
        low, high = interval(hits, n)
        print(f"  {figure:22s} {hits / n:7.2%}  ({low:.2%} - {high:.2%}, n={n})")
    for group, labels in tally.by_group().items():
        for label, (hits, n) in labels.items():
            low, high = interval(hits, n)
            print(f"  {group:17s}{label:12s} {hits / n:6.1%}  ({low:.1%} - {high:.1%}, n={n})")


def run_crowdveil(photos: list[Annotated], caution: Caution, folder: Path) -> float:
    """Veil all photos to PNG; returns the seconds taken."""
    started = time.perf_counter()
    crowdveil.veil(
        [photo.path for photo in photos],
        folder,
        options=VeilOptions(caution=caution, format=PhotoFormat.PNG),
    )
    return time.perf_counter() - started


def run_peer(command: str, photos: list[Annotated], folder: Path) -> float:
    """Run deface over PNG copies, so that its output is lossless as well."""
    for photo in photos:
        picture = cv2.imread(str(photo.path))
        if picture is None:
            raise SystemExit(f"{photo.path}: cannot be read")
        cv2.imwrite(str(folder / f"{photo.path.stem}.png"), picture)
    inputs = sorted(str(path) for path in folder.glob("*.png"))
    started = time.perf_counter()
    subprocess.run([command, *inputs], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure the points named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cautions", nargs="*", type=Caution, default=list(Caution))
    parser.add_argument("--peer", help="path of the command deface")
    arguments = parser.parse_args()
    photos = load(eval_dir() / "wider_protest")
    print(
        f"{platform.processor() or platform.machine()}, {platform.system()}, "
        f"crowdveil {crowdveil.__version__}, OpenVINO {version('openvino')}, "
        f"{len(photos)} photos"
    )
    for caution in arguments.cautions:
        with tempfile.TemporaryDirectory() as folder:
            seconds = run_crowdveil(photos, caution, Path(folder) / "out")
            results = {p.path.name: Path(folder) / "out" / f"{p.path.stem}.png" for p in photos}
            show(f"crowdveil {caution}", judge(photos, results), seconds, len(photos))
    if arguments.peer:
        with tempfile.TemporaryDirectory() as folder:
            seconds = run_peer(arguments.peer, photos, Path(folder))
            results = {p.path.name: Path(folder) / f"{p.path.stem}_anonymized.png" for p in photos}
            show("deface", judge(photos, results), seconds, len(photos))


if __name__ == "__main__":
    main()
