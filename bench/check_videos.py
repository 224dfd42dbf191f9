"""How often `crowdveil check` finds a face that is open in a few frames of a veiled video.

Veils the films of `bench/video.py`, puts the original pixels of some annotated faces back for
some frames in a row, each at another time, and checks the copies.

    python bench/check_videos.py --work /tmp/films --clips 4 --frames 3
    python bench/check_videos.py --work /tmp/films --clips 4 --seconds 2 --alterations

The second instead alters each film, bare and veiled, in every way of `alterations.py`, and counts
how many are called exposed, refused or clean: of the bare ones none may be clean.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

import crowdveil
from alterations import OF_FILMS, contiguous
from crowdveil.evidence.check import check
from crowdveil.evidence.findings import Finding, Subject, Verdict
from crowdveil.evidence.options import CheckOptions
from films import RATE, FrameTruth, write_film
from protest import eval_dir, interval, load

LEAST_PX = 40
MOST = 8
AROUND = 1.5
"""Side of what is opened over side of the face."""

APART = 3
"""Frames at least between two faces that are open."""


@dataclass(frozen=True)
class Opened:
    """A face that is open from one frame on."""

    frame: int
    centre: NDArray[np.float32]
    half: NDArray[np.float32]


def pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, (h, w, 3) uint8 RGB."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def opened(
    film: Path, copy: Path, out: Path, truth: Sequence[FrameTruth], frames: int, seed: int
) -> list[Opened]:
    """Write `copy` with some faces of `film` open for so many frames; returns which."""
    rng = np.random.default_rng(seed)
    seen: dict[int, list[tuple[int, int]]] = {}
    for number, where in enumerate(truth):
        for i in np.flatnonzero(where.judged).tolist():
            if 2 * where.half[i].max() >= LEAST_PX:
                seen.setdefault(int(where.track[i]), []).append((number, i))
    bare: dict[int, int] = {}
    chosen: list[Opened] = []
    for track in rng.permutation(list(seen)).tolist():
        free = [at for at in seen[track] if not any(abs(at[0] - k) <= APART for k in bare)]
        starts = range(len(free) - frames + 1)
        runs = [j for j in starts if free[j + frames - 1][0] - free[j][0] < frames]
        if runs and len(chosen) < MOST:
            run = free[runs[len(runs) // 2] :][:frames]
            bare.update(run)
            number, i = run[0]
            chosen.append(Opened(number, truth[number].centre[i], truth[number].half[i]))
    with av.open(str(out), "w") as target:
        stream: Any = target.add_stream("libx264", rate=RATE, options={"crf": "14"})
        for number, (before, after) in enumerate(zip(pictures(film), pictures(copy), strict=True)):
            if not number:
                stream.height, stream.width = after.shape[:2]
                stream.pix_fmt = "yuv420p"
            if number in bare:
                centre, half = truth[number].centre[bare[number]], truth[number].half[bare[number]]
                x0, y0 = np.maximum(centre - AROUND * half, 0).astype(int)
                x1, y1 = np.maximum(centre + AROUND * half, 0).astype(int)
                after[y0:y1, x0:x1] = before[y0:y1, x0:x1]
            target.mux(stream.encode(av.VideoFrame.from_ndarray(after, format="rgb24")))
        target.mux(stream.encode(None))
    return chosen


def is_of(finding: Finding, face: Opened, frames: int) -> bool:
    """Whether a finding is of a face, in place and time."""
    if finding.box is None or finding.time_s is None:
        return False
    until = finding.time_s if finding.until_s is None else finding.until_s
    first, last = face.frame / RATE, (face.frame + frames) / RATE
    x0, y0, x1, y1 = finding.box
    away = np.abs(np.array([x0 + x1, y0 + y1]) / 2 - face.centre)
    near = bool((away < AROUND * face.half + 10).all())
    return near and finding.time_s <= last + 0.2 and until >= first - 0.2


def write(path: Path, frames: Sequence[NDArray[np.uint8]]) -> None:
    """Write frames, (h, w, 3) uint8 RGB, as a video."""
    with av.open(str(path), "w", container_options={"fflags": "+bitexact"}) as target:
        stream: Any = target.add_stream("libx264", rate=RATE, options={"crf": "18"})
        for number, frame in enumerate(map(contiguous, frames)):
            if not number:
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
            target.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        target.mux(stream.encode(None))


def alter(args: argparse.Namespace, quick: bool) -> None:
    """Alter films, check them, print what is said of their faces."""
    photos = load(eval_dir() / "wider_protest")
    results: dict[tuple[bool, str], list[str]] = {}
    for seed in range(args.seed, args.seed + args.clips):
        film, copy, out = (args.work / f"{part}-{seed:03}.mp4" for part in ("film", "copy", "out"))
        write_film(film, photos, seed=seed, seconds=args.seconds, size_wh=(640, 360))
        words = ["veil", "--quiet", "--overwrite", str(film), "-o", str(copy)]
        subprocess.run([sys.executable, "-m", "crowdveil", *words], check=True)
        for bare, source in ((True, film), (False, copy)):
            frames = list(pictures(source))
            for name in args.only or OF_FILMS:
                write(out, OF_FILMS[name](frames))
                record = check(film, out, options=CheckOptions(quick=quick)).record.files[0]
                faces = any(one.subject is Subject.FACE for one in record.exposed)
                said = "exposed" if faces else "unchecked" if record.error else "clean"
                results.setdefault((bare, name), []).append(said)
                print(f"{seed} {'bare' if bare else 'veiled':6s} {name:30s} {said}", flush=True)
    for bare in (True, False):
        every = [one for (b, _), said in results.items() if b is bare for one in said]
        wrong = every.count("clean" if bare else "exposed")
        low, high = interval(wrong, len(every))
        print(
            f"{'bare' if bare else 'veiled'} films called {'clean' if bare else 'exposed'}: "
            f"{wrong} of {len(every)} ({low:.1%}-{high:.1%})"
        )


def main() -> None:
    """Make films, veil them, open faces, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, required=True, help="folder for films and copies")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--frames", type=int, default=3, help="how long each face is open")
    parser.add_argument("--alterations", action="store_true", help="alter the films instead")
    parser.add_argument("--only", nargs="*", choices=list(OF_FILMS), help="these alterations")
    parser.add_argument("--full", action="store_true", help="check altered films without --quick")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.alterations:
        alter(args, quick=not args.full)
        return
    photos = load(eval_dir() / "wider_protest")
    print(f"{platform.machine()}, {os.cpu_count()} cores, crowdveil {crowdveil.__version__}")
    verdicts: list[str] = []
    others = 0
    for seed in range(args.seed, args.seed + args.clips):
        film, copy, out = (args.work / f"{part}-{seed:03}.mp4" for part in ("film", "copy", "open"))
        truth = write_film(film, photos, seed=seed, seconds=args.seconds, size_wh=(1280, 720))
        words = ["veil", "--quiet", "--overwrite", "--crf", "0", str(film), "-o", str(copy)]
        subprocess.run([sys.executable, "-m", "crowdveil", *words], check=True)
        faces = opened(film, copy, out, truth, args.frames, seed)
        record = check(film, out, options=CheckOptions(quick=True)).record.files[0]
        findings = [one for one in record.findings if one.subject is Subject.FACE]
        for face in faces:
            told = {one.verdict.value for one in findings if is_of(one, face, args.frames)}
            verdicts.append("exposed" if "exposed" in told else "doubtful" if told else "missed")
        surely = [one for one in findings if one.verdict is Verdict.EXPOSED]
        others += sum(not any(is_of(one, face, args.frames) for face in faces) for one in surely)
    n, hits = len(verdicts), verdicts.count("exposed")
    low, high = interval(hits, n)
    print(f"{args.clips} films of {args.seconds:g} s, faces from {LEAST_PX} px, each open for "
          f"{args.frames} frames: {hits} of {n} exposed ({low:.1%}-{high:.1%}), "
          f"{verdicts.count('doubtful')} doubtful, {verdicts.count('missed')} missed; "
          f"{others} other places called exposed")  # fmt: skip


if __name__ == "__main__":
    main()
