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
from crowdveil.evidence.record import FileRecord
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
RESULTS = ("exposed", "refused", "clean")
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


def reduced(photo: Annotated, px: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A photo at a longer side, and its annotated boxes there."""
    with Image.open(photo.path) as image:
        picture = np.asarray(image.convert("RGB"))
    scale = min(px / max(picture.shape[:2]), 1.0)
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, np.asarray(photo.boxes * scale, np.float32)


def is_clear(photo: Annotated, px: int) -> bool:
    """Whether a face is large enough, and hidden by nothing, to be surely exposed."""
    sides = (reduced(photo, px)[1] @ np.array([[-1, 0], [0, -1], [1, 0], [0, 1]])).max(axis=1)
    return bool((photo.valid & (photo.occlusion == 0) & (sides >= CLEAR_PX)).any())


@dataclass
class Printed:
    """Notes and prints what is said of each altered copy as soon as it is known."""

    names: list[str]
    bare: bool
    said: dict[str, list[str]] = field(default_factory=dict)

    def gallery(self, done: int, total: int) -> None:
        """No gallery is used."""

    def begin(self, total: int) -> None:
        """Nothing to say yet."""

    def done(self, file: FileRecord) -> None:
        """Note one copy: exposed if a face is, not for what is in the file."""
        name = self.names[int(file.name[:3]) % len(self.names)]
        faces = any(
            one.subject is Subject.FACE and one.verdict is Verdict.EXPOSED for one in file.findings
        )
        result = "exposed" if faces else "refused" if file.error else "clean"
        self.said.setdefault(name, []).append(result)
        print(f"{'bare' if self.bare else 'veiled':6s} {name:28s} {result}", flush=True)


def altered(photos: Sequence[Annotated], names: list[str], *, px: int, quick: bool) -> None:
    """Print what a check says of altered copies, bare and veiled, of each photo one."""
    finder = FaceFinder()
    for bare in (True, False):
        told = Printed(names, bare)
        with tempfile.TemporaryDirectory() as folder:
            originals, copies = Path(folder, "originals"), Path(folder, "copies")
            originals.mkdir()
            copies.mkdir()
            for number, photo in enumerate(photos):
                picture, boxes = reduced(photo, px)
                path = originals / f"{number:03}.png"
                Image.fromarray(picture).save(path)
                if not bare:
                    real = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
                    found = np.concatenate([real, finder.find(picture).boxes]).tolist()
                    regions = [Region(id=str(k), box=tuple(box)) for k, box in enumerate(found)]
                    frame = read_photo(path).frames[0]
                    picture = render_picture(frame, regions, Look()).rgb()
                change = OF_PICTURES[names[number % len(names)]]
                Image.fromarray(contiguous(change(picture))).save(copies / path.name)
            check(originals, copies, options=CheckOptions(quick=quick), watcher=told)
        every = [one for results in told.said.values() for one in results]
        wrong = every.count("clean" if bare else "exposed")
        low, high = interval(wrong, len(every))
        print(
            f"{'bare' if bare else 'veiled'} copies{', --quick' if quick else ''}, {px} pixels: "
            f"{', '.join(f'{every.count(one)} {one}' for one in RESULTS)}; "
            f"{wrong} of {len(every)} wrong ({low:.1%}-{high:.1%})",
            flush=True,
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
    parser.add_argument("--shift", type=int, default=0, help="number of the first alteration")
    parser.add_argument("--full", action="store_true", help="check altered photos without --quick")
    arguments = parser.parse_args()
    photos = load(eval_dir() / "wider_protest")
    if arguments.alterations:
        chosen = half(photos, arguments.half)[arguments.first :: arguments.every]
        chosen = [photo for photo in chosen if is_clear(photo, arguments.px)][: arguments.most]
        names = list(OF_PICTURES)
        names = names[arguments.shift :] + names[: arguments.shift]
        altered(chosen, names, px=arguments.px, quick=not arguments.full)
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
