"""How well and how fast faces stay hidden in videos, beside deface.

Makes films with exact ground truth from annotated photos (`films`), veils them with both tools
in the same run, and judges the decoded pixels: a face is hidden in a frame when at least 80 %
of its inscribed ellipse was replaced; a track is exposed when that fails in any one frame in
which the face is clear. Judged are lossless copies (`--crf 0`; deface paints solid, so that
what it hid can be told exactly); speed is measured with each tool's defaults.

    python bench/video.py --work /tmp/films --clips 20 --deface path/to/deface
"""

import argparse
import hashlib
import json
import os
import pickle
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

import crowdveil
from films import FrameTruth, write_film
from protest import FREE_SCALE, HALVES, HIDDEN_FROM, eval_dir, half, interval, load

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
PLAIN_BLACK = 16
"""What deface paints, in the brightness of video."""


@dataclass
class Tally:
    """What became of the faces of several films."""

    face_frames: int = 0
    hidden: int = 0
    over: list[float] = field(default_factory=list)
    tracks: int = 0
    exposed: int = 0
    never: int = 0
    runs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: float = 0.0
    frames: int = 0
    start_s: float = 0.0
    peak_mb: float = 0.0


Judged = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""(h, w) of one frame: where a face counts as hidden, and what of that differs from the source."""


def judge(
    frames: Iterable[Judged], truth: Sequence[FrameTruth], tally: Tally
) -> list[tuple[int, int]]:
    """Add one film to a tally; returns (frame, track) of every exposure."""
    seen: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for number, ((changed, different), where) in enumerate(zip(frames, truth, strict=True)):
        free = np.zeros(changed.shape, np.uint8)
        for i in range(len(where.track)):
            _ellipse_into(free, where, i, FREE_SCALE)
        tally.over.append(float((different & (free == 0)).mean()))
        for i in np.flatnonzero(where.judged).tolist():
            gone = _hidden(changed, where, i)
            tally.face_frames += 1
            tally.hidden += int(gone)
            seen[int(where.track[i])].append((number, gone))
    exposures = []
    for track, times in seen.items():
        bare = [number for number, gone in times if not gone]
        tally.tracks += 1
        tally.exposed += bool(bare)
        tally.never += int(len(bare) == len(times))
        exposures += [(number, track) for number in bare]
        for length in _lengths(bare):
            tally.runs["1-2" if length < 3 else "3-10" if length < 11 else "more"] += 1
    return exposures


def compared(source: Path, veiled: Path, *, solid: bool) -> Iterator[Judged]:
    """What a lossless copy hides, frame by frame; `solid` if it was painted black."""
    for before, after in zip(_planes(source), _planes(veiled), strict=True):
        different = _changed(before, after)
        changed = _painted(after) if solid else different
        yield changed, changed & different


def _planes(path: Path) -> Iterator[NDArray[np.uint8]]:
    """(h * 3 / 2, w) planar 4:2:0 of each frame."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)


def _split(
    planar: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    rows, width = planar.shape
    height = rows * 2 // 3
    colour = planar[height:].reshape(2, height // 2, width // 2)
    return planar[:height], colour[0], colour[1]


def _changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    light, blue, red = (a != b for a, b in zip(_split(before), _split(after), strict=True))
    return np.asarray(light | (blue | red).repeat(2, axis=0).repeat(2, axis=1), np.bool_)


def _painted(after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    light, blue, red = _split(after)
    plain = (np.abs(blue.astype(int) - 128) <= 2) & (np.abs(red.astype(int) - 128) <= 2)
    dark = np.abs(light.astype(int) - PLAIN_BLACK) <= 2
    return np.asarray(dark & plain.repeat(2, axis=0).repeat(2, axis=1), np.bool_)


def _ellipse_into(mask: NDArray[np.uint8], where: FrameTruth, i: int, scale: float) -> None:
    centre = tuple(round(v * 16) for v in where.centre[i])
    axes = tuple(max(round(v * scale * 16), 8) for v in where.half[i])
    cv2.ellipse(mask, centre, axes, float(where.angle_deg[i]), 0, 360, 1, -1, shift=4)


def _hidden(changed: NDArray[np.bool_], where: FrameTruth, i: int) -> bool:
    reach = np.ceil(where.half[i].max()) + 2
    height, width = changed.shape
    x0, y0 = np.maximum(np.floor(where.centre[i] - reach), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(where.centre[i] + reach), (width, height)).astype(int)
    face = np.zeros((y1 - y0, x1 - x0), np.uint8)
    moved = FrameTruth(
        where.track, where.centre - (x0, y0), where.half, where.angle_deg, where.judged,
        where.covered, where.blur_px,
    )  # fmt: skip
    _ellipse_into(face, moved, i, 1.0)
    inside = changed[y0:y1, x0:x1][face > 0]
    return bool(inside.size and inside.mean() >= HIDDEN_FROM)


def _lengths(numbers: Sequence[int]) -> Iterator[int]:
    """Lengths of the runs of successive numbers."""
    run = 0
    for k, number in enumerate(numbers):
        run += 1
        if k + 1 == len(numbers) or numbers[k + 1] != number + 1:
            yield run
            run = 0


def run(command: Sequence[str]) -> tuple[float, float]:
    """Seconds that a command takes and its peak memory in MB; raises `SystemExit` if it fails."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    told = child.stderr.read() if child.stderr else ""
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed: {told[-500:]}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def brief(path: Path) -> Path:
    """A film of the first two frames of another, which costs little more than the start."""
    short = path.with_name(f"brief-{path.name}")
    with av.open(str(path)) as film, av.open(str(short), "w") as out:
        stream = out.add_stream_from_template(film.streams.video[0])
        for packet in list(film.demux(video=0))[:2]:
            packet.stream = stream
            out.mux(packet)
    return short


def film_options() -> argparse.ArgumentParser:
    """What says which films are made; a parent for parsers."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--work", type=Path, required=True, help="folder for films and copies")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--size", choices=SIZES, default="720p")
    parser.add_argument("--seed", type=int, default=0, help="of the first film")
    parser.add_argument("--half", choices=HALVES, help="films of every second photo only")
    return parser


def films(args: argparse.Namespace) -> list[tuple[Path, list[FrameTruth]]]:
    """The films that `film_options` asks for, made unless they are there; prints what is used."""
    photos = half(load(eval_dir() / "wider_protest"), args.half)
    name = f"film-{args.half}" if args.half else "film"
    args.work.mkdir(parents=True, exist_ok=True)
    made = []
    for seed in range(args.seed, args.seed + args.clips):
        path = args.work / f"{name}-{args.size}-{args.seconds:g}s-{seed:03}.mp4"
        known = path.with_suffix(".truth")
        if not known.exists():
            size_wh = SIZES[args.size]
            truth = write_film(path, photos, seed=seed, seconds=args.seconds, size_wh=size_wh)
            known.write_bytes(pickle.dumps(truth))
        made.append((path, pickle.loads(known.read_bytes())))  # our own, just written
        print(f"\r{len(made)} of {args.clips} films", end="", file=sys.stderr)
    print(file=sys.stderr)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, crowdveil {crowdveil.__version__}, "
        f"OpenVINO {version('openvino')}, PyAV {av.__version__}"
    )
    print(
        f"{len(made)} films of {args.seconds:g} s, {args.size}30, H.264, seeds from {args.seed}"
        + (f", of the {args.half} photos" if args.half else "")
    )
    return made


def tools(args: argparse.Namespace) -> dict[str, dict[str, list[str]]]:
    """For each tool the command to judge and the command to time; {} is input and output."""
    ours = [sys.executable, "-m", "crowdveil", "veil", "--quiet", "--overwrite", *args.options]
    found = {"crowdveil": {"judge": [*ours, "--crf", "0"], "time": ours}}
    if args.deface:
        # By itself it scales 1080 rows to 1088, so that nothing could be compared.
        lossless = json.dumps(
            {
                "codec": "libx264",
                "quality": None,
                "macro_block_size": 1,
                "output_params": ["-qp", "0"],
            }
        )
        peer = [str(args.deface)]
        found["deface"] = {
            "judge": [*peer, "--replacewith", "solid", "--ffmpeg-config", lossless],
            "time": peer,
        }
    return {name: commands for name, commands in found.items() if args.only in (None, name)}


def sheet(
    source: Path,
    veiled: Path,
    truth: Sequence[FrameTruth],
    bare: Sequence[tuple[int, int]],
    out: Path,
) -> None:
    """A picture of exposures: the source beside the copy, one row for each of some."""
    wanted = dict(list(dict(bare).items())[:: max(len(dict(bare)) // 60, 1)])
    tiles = []
    with av.open(str(source)) as one, av.open(str(veiled)) as other:
        for number, frames in enumerate(
            zip(one.decode(video=0), other.decode(video=0), strict=False)
        ):
            if number not in wanted:
                continue
            where = truth[number]
            i = int(np.flatnonzero(where.track == wanted[number])[0])
            side = max(where.half[i].max() * 5, 40)
            pair = []
            for frame in frames:
                picture = frame.to_ndarray(format="bgr24")
                zoom = 120 / side
                matrix = np.array(
                    [
                        [zoom, 0, 60 - where.centre[i][0] * zoom],
                        [0, zoom, 60 - where.centre[i][1] * zoom],
                    ]
                )
                pair.append(cv2.warpAffine(picture, matrix, (120, 120)))
            tile = np.hstack(pair)
            label = (
                f"{number} t{wanted[number]} {2 * where.half[i].max():.0f}px b{where.blur_px:.0f}"
            )
            cv2.putText(tile, label, (2, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (0, 255, 255), 1)
            tiles.append(tile)
    if tiles:
        while len(tiles) % 5:
            tiles.append(np.zeros_like(tiles[0]))
        rows = [np.hstack(tiles[k : k + 5]) for k in range(0, len(tiles), 5)]
        cv2.imwrite(str(out), np.vstack(rows))


def report(name: str, tally: Tally) -> None:
    """Print one tool's figures."""
    low, high = interval(tally.hidden, tally.face_frames)
    print(f"\n{name}")
    print(f"  face-frames hidden   {tally.hidden / max(tally.face_frames, 1):.2%}"
          f"  (n = {tally.face_frames:,}, {low:.2%} to {high:.2%} if independent)")  # fmt: skip
    print(f"  tracks exposed       {tally.exposed} of {tally.tracks}"
          f" = {tally.exposed / max(tally.tracks, 1):.1%}; never found {tally.never}")  # fmt: skip
    print(f"  exposures by length  {dict(tally.runs)} frames")
    print(f"  over-redaction       {np.mean(tally.over):.2%}")
    if tally.seconds:
        beyond = tally.seconds - tally.start_s
        print(f"  speed                {tally.frames / tally.seconds:.1f} frames/s")
        print(f"  without the start    {tally.frames / beyond:.1f} frames/s")
        print(f"  peak memory          {tally.peak_mb:,.0f} MB")


def main() -> None:
    """Make films, veil them, judge, print."""
    about = __doc__.splitlines()[0] if __doc__ else None
    parser = argparse.ArgumentParser(description=about, parents=[film_options()])
    parser.add_argument("--deface", type=Path, help="deface's command, to compare with")
    parser.add_argument("--only", choices=["crowdveil", "deface"])
    parser.add_argument("--timed", type=int, default=2, help="films that are timed")
    parser.add_argument("--sheets", action="store_true", help="write pictures of exposures")
    parser.add_argument("--options", nargs="*", default=[], help="more options for crowdveil")
    args = parser.parse_args()
    made = films(args)
    for name, commands in tools(args).items():
        tally = Tally()
        for number, (path, truth) in enumerate(made):
            key = hashlib.sha256(" ".join(commands["judge"]).encode()).hexdigest()[:8]
            veiled = args.work / f"{name}-{key}-{path.name}"
            if name == "crowdveil" or not veiled.exists():
                run([*commands["judge"], str(path), "-o", str(veiled)])
            try:
                bare = judge(compared(path, veiled, solid=name == "deface"), truth, tally)
            except ValueError as error:  # of the strict zips
                raise SystemExit(f"{veiled}: has other frames than its film ({error})") from error
            if args.sheets and bare:
                sheet(path, veiled, truth, bare, args.work / f"{name}-{path.stem}.png")
            if number < args.timed:
                timed = args.work / f"{name}-timed-{path.name}"
                seconds, peak_mb = run([*commands["time"], str(path), "-o", str(timed)])
                tally.seconds += seconds
                tally.start_s += run([*commands["time"], str(brief(path)), "-o", str(timed)])[0]
                tally.frames += len(truth)
                tally.peak_mb = max(tally.peak_mb, peak_mb)
            print(f"\r{name}: {number + 1} of {len(made)}", end="", file=sys.stderr)
        print(file=sys.stderr)
        report(name, tally)


if __name__ == "__main__":
    main()
