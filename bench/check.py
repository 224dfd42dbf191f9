"""What `crowdveil check` costs, how often it cries wolf, and how often it finds a face left open.

On every n-th annotated protest photo (see `protest.py`): seconds of `check`, of `check --quick`
and of `veil` on the same files, as a user runs them; the share of photos with a false alarm
among those whose every annotated face is veiled beside all that crowdveil finds; and, with one
annotated face left open in each photo, how many of these are found, by size. A left-open face
is one of which nothing but the veils of its neighbours may hide a part, at most a tenth.

    python bench/check.py --every 3
    python bench/check.py --alterations --every 1 --half odd --px 640

The second instead alters copies as `alterations.py` says, each photo in another way, and counts
how many are called exposed, refused or clean: bare ones, of which none may be clean, and veiled
ones, of which none should be exposed. Only photos with an annotated face of 24 pixels or more
that nothing hides, so that something can be exposed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alterations import OF_PICTURES, contiguous
from crowdveil.detect.finder import FaceFinder
from crowdveil.evidence.check import check
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.options import CheckOptions
from crowdveil.geometry import pairwise_intersection
from crowdveil.media.photos import encode_photo, read_photo
from crowdveil.media.picture import Photo
from crowdveil.plan import Region
from crowdveil.redact.look import Look
from crowdveil.redact.masks import mask_of
from crowdveil.redact.render import render_picture
from protest import HALVES, Annotated, eval_dir, half, interval, load

COMMAND = [sys.executable, "-c", "from crowdveil.cli import main; main()"]
SIZES = ((8, 16), (16, 24), (24, 48), (48, 10_000))
RESULTS = ("exposed", "unchecked", "clean")
CLEAR_PX = 24
_OPEN = 0.1


@dataclass
class Tally:
    """What adds up over photos."""

    alarms: int = 0
    doubts: int = 0
    photos: int = 0
    left: dict[tuple[int, int], list[str]] = field(default_factory=lambda: {s: [] for s in SIZES})


def veiled(photo: Photo, boxes: NDArray[np.float32], out: Path) -> None:
    """Write a copy of a photo with boxes veiled as crowdveil does."""
    regions = [Region(id=str(k), box=tuple(box)) for k, box in enumerate(boxes.tolist())]
    frame = render_picture(photo.frames[0], regions, Look())
    out.write_bytes(encode_photo(replace(photo, frames=(frame,))))


def found(path: Path, copy: Path) -> tuple[Finding, ...]:
    """The faces that a check finds."""
    record = check(path, copy, options=CheckOptions(quick=True)).record
    return tuple(one for one in record.files[0].findings if one.subject is Subject.FACE)


def left_open(photo: Annotated, boxes: NDArray[np.float32], rng: np.random.Generator) -> int | None:
    """An annotated face that the veils of all others leave open; None if there is none."""
    sides = (photo.boxes[:, 2:] - photo.boxes[:, :2]).max(axis=1)
    for k in rng.permutation(np.flatnonzero(photo.valid & (sides >= SIZES[0][0]))):
        others = without(boxes, photo.boxes[k])
        size = tuple(int(v) for v in np.ceil(photo.boxes[:, 2:].max(axis=0)) + 2)
        regions = [Region(id=str(n), box=tuple(box)) for n, box in enumerate(others.tolist())]
        mask = mask_of(regions, (size[0], size[1]), Look())
        x0, y0, x1, y1 = np.clip(photo.boxes[k], 0, None).astype(int)
        if mask[y0:y1, x0:x1].size and mask[y0:y1, x0:x1].mean() <= _OPEN:
            return int(k)
    return None


def without(boxes: NDArray[np.float32], face: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes but those of a face: what covers a third of it, or lies in it."""
    shared = pairwise_intersection(boxes, face[None])[:, 0]
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    own = float(np.prod(face[2:] - face[:2]))
    kept: NDArray[np.float32] = boxes[shared < 0.33 * np.minimum(area, own)]
    return kept


def measure(photos: Sequence[Annotated], tally: Tally) -> None:
    """Judge photos one by one."""
    finder, rng = FaceFinder(), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.jpg")
        for annotated in photos:
            photo = read_photo(annotated.path)
            drawn = annotated.boxes[(annotated.boxes[:, 2:] > annotated.boxes[:, :2]).all(axis=1)]
            boxes = np.concatenate([drawn, finder.find(photo.frames[0].rgb()).boxes])
            veiled(photo, boxes, copy)
            findings = found(annotated.path, copy)
            tally.photos += 1
            tally.alarms += any(one.verdict is Verdict.EXPOSED for one in findings)
            tally.doubts += bool(findings)
            k = left_open(annotated, boxes, rng)
            if k is None:
                continue
            face = annotated.boxes[k]
            veiled(photo, without(boxes, face), copy)
            side = float((face[2:] - face[:2]).max())
            size = next(size for size in SIZES if size[0] <= side < size[1])
            tally.left[size].append(_verdict(found(annotated.path, copy), face))


def _verdict(findings: Sequence[Finding], face: NDArray[np.float32]) -> str:
    verdicts = set()
    for one in findings:
        if one.box is None:
            continue
        box = np.array(one.box, np.float32)
        shared = pairwise_intersection(box[None], face[None])[0, 0]
        if shared > 0.3 * min(np.prod(box[2:] - box[:2]), np.prod(face[2:] - face[:2])):
            verdicts.add(one.verdict.value)
    return "exposed" if "exposed" in verdicts else "doubtful" if verdicts else "missed"


def altered(photos: Sequence[Annotated], *, first: int, px: int, most: int, quick: bool) -> None:
    """Print what a check says of altered copies, bare and veiled."""
    finder, names = FaceFinder(), list(OF_PICTURES)
    names = names[first % len(names) :] + names[: first % len(names)]
    tallies: dict[tuple[bool, str], list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("originals", "bare", "veiled"):
            (folder / part).mkdir()
        done = 0
        for photo in photos:
            if done == most:
                break
            with Image.open(photo.path) as image:
                picture = np.asarray(image.convert("RGB"))
            scale = min(px / max(picture.shape[:2]), 1.0)
            size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            boxes = photo.boxes * scale
            sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
            if not (photo.valid & (photo.occlusion == 0) & (sides >= CLEAR_PX)).any():
                continue
            stem = f"{done:03}.png"
            done += 1
            Image.fromarray(picture).save(folder / "originals" / stem)
            original = read_photo(folder / "originals" / stem)
            drawn = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
            all_boxes = np.concatenate([drawn, finder.find(picture).boxes])
            regions = [
                Region(id=str(k), box=tuple(box)) for k, box in enumerate(all_boxes.tolist())
            ]
            frame = render_picture(original.frames[0], regions, Look())
            change = OF_PICTURES[names[(done - 1) % len(names)]]
            for part, shown in (("bare", picture), ("veiled", frame.rgb())):
                Image.fromarray(contiguous(change(shown))).save(folder / part / stem)
        for bare in (True, False):
            record = check(
                folder / "originals",
                folder / ("bare" if bare else "veiled"),
                options=CheckOptions(quick=quick),
            ).record
            for file in record.files:
                which = names[int(file.name[:3]) % len(names)]
                tallies.setdefault((bare, which), []).append(file.result.value)
    for bare in (True, False):
        print(f"\n{'bare' if bare else 'veiled'} copies{', --quick' if quick else ''}, {px} pixels")
        for which in names:
            results = tallies.get((bare, which), [])
            counts = ", ".join(f"{results.count(one)} {one}" for one in RESULTS)
            print(f"  {which:26s} n = {len(results):3d}  {counts}")
        every = [one for (b, _), results in tallies.items() if b is bare for one in results]
        wrong = every.count("clean" if bare else "exposed")
        low, high = interval(wrong, len(every))
        print(
            f"  {'called clean' if bare else 'called exposed':26s} {wrong} of {len(every)} "
            f"({low:.1%}-{high:.1%})"
        )


def seconds(words: Sequence[str]) -> float:
    """How long a command takes that may find exposures."""
    started = time.perf_counter()
    done = subprocess.run([*COMMAND, *words], capture_output=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{words[0]} failed: {done.stderr[-300:].decode(errors='replace')}")
    return time.perf_counter() - started


def cost(photos: Sequence[Annotated]) -> None:
    """Print what a check costs beside veiling."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for photo in photos:
            (folder / "photos" / photo.path.name).write_bytes(photo.path.read_bytes())
        source, out, plans = (str(folder / part) for part in ("photos", "veiled", "plans"))
        veil = seconds(["veil", source, "-o", out, "--plans", plans])
        print(f"\n{len(photos)} photos, load {os.getloadavg()[0]:.1f}")
        print(f"  veil                     {veil / len(photos):6.2f} s/photo")
        for what, more in (
            ("check --quick", ["--quick"]),
            ("check", []),
            ("check --plans", ["--plans", plans]),
        ):
            words = ["check", source, out, "-o", str(folder / what.replace(" ", "")), *more]
            took = seconds(words)
            print(f"  {what:24s} {took / len(photos):6.2f} s/photo  {took / veil:5.2f} x veil")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=3, help="take every n-th photo")
    parser.add_argument("--first", type=int, default=0, help="number of the first photo, from 0")
    parser.add_argument("--only-cost", action="store_true", help="measure time alone")
    parser.add_argument("--alterations", action="store_true", help="alter the copies instead")
    parser.add_argument("--half", choices=HALVES, help="with --alterations: which half of photos")
    parser.add_argument("--px", type=int, default=640, help="longer side of altered photos")
    parser.add_argument("--most", type=int, default=1000, help="altered photos at most")
    parser.add_argument("--full", action="store_true", help="check altered photos without --quick")
    arguments = parser.parse_args()
    photos = load(eval_dir() / "wider_protest")
    if arguments.alterations:
        chosen = half(photos, arguments.half)[arguments.first :: arguments.every]
        altered(
            chosen,
            first=arguments.first * 9,
            px=arguments.px,
            most=arguments.most,
            quick=not arguments.full,
        )
        return
    photos = photos[arguments.first :: arguments.every]
    if not arguments.only_cost:
        tally = Tally()
        measure(photos, tally)
        print(f"{tally.photos} photos, every annotated and every found face veiled")
        for what, hits in (("exposed", tally.alarms), ("exposed or doubtful", tally.doubts)):
            low, high = interval(hits, tally.photos)
            print(
                f"  {what:20s} {hits:4d} photos  {hits / tally.photos:6.1%} ({low:.1%}-{high:.1%})"
            )
        print("one annotated face left open in each")
        for size, verdicts in tally.left.items():
            n = len(verdicts)
            if not n:
                continue
            exposed, missed = verdicts.count("exposed"), verdicts.count("missed")
            low, high = interval(exposed, n)
            named = f"{size[0]} px and more" if size is SIZES[-1] else f"{size[0]}-{size[1]} px"
            print(
                f"  {named:16s} n = {n:3d}  exposed {exposed / n:6.1%} ({low:.1%}-{high:.1%})  "
                f"exposed or doubtful {1 - missed / n:6.1%}"
            )
    cost(photos[:12])


if __name__ == "__main__":
    main()
