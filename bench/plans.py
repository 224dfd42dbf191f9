"""How well faces stay hidden in videos, told from the plans alone: minutes instead of an hour.

For choosing how faces are followed and who is veiled. Watches the films of `bench/video.py` and
judges the outlines that the plans ask for at a quarter of the size; nothing is painted or encoded.
Its figures lie within a few tenths of a point of those of `bench/video.py`, which decide.

    python bench/plans.py --work /tmp/films --clips 20 --policy large_hold_s=0.5 enter=2
"""

import argparse
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import av
import numpy as np

import crowdveil
from crowdveil.detect.effort import Effort
from crowdveil.detect.points import Caution
from crowdveil.geometry import Box
from crowdveil.media.video.probe import open_clip
from crowdveil.media.video.reader import FrameReader
from crowdveil.plan import Made, Plan, Source
from crowdveil.redact.look import Look
from crowdveil.redact.masks import Outlines, mask_in
from crowdveil.track.timeline import Timeline
from crowdveil.track.tracker import Habits
from crowdveil.track.verdict import Policy
from crowdveil.watching import Scene, Watch
from films import RATE, FrameTruth
from video import SIZES, Judged, Tally, films, judge, report

REDUCED = 4


def planned(path: Path, watch: Watch) -> Plan:
    """The plan of a film."""
    clip = open_clip(path)
    scene = Scene(clip.size_wh, float(clip.pixel_aspect), RATE)
    tracks, frames = watch.follow(iter(FrameReader(clip)), scene)
    width, height = clip.size_wh
    source = Source(
        name=path.name, path=path.name, sha256="0" * 64, format="mp4", width=width, height=height,
        frames=frames,
    )  # fmt: skip
    return Plan(source=source, made=Made(crowdveil="", caution=watch.caution), tracks=tracks)


def outlined(plan: Plan) -> Iterator[Judged]:
    """What a plan hides in each frame, at the reduced size."""
    timeline, look = Timeline(plan), Look()
    window = (0, 0, plan.source.width // REDUCED, plan.source.height // REDUCED)

    def place(box: Box) -> Box:
        x0, y0, x1, y1 = (edge / REDUCED for edge in box)
        return x0, y0, x1, y1

    for frame in range(plan.source.frames):
        mask = mask_in(window, Outlines.of(timeline.at(frame), look, place=place))
        yield mask, mask


def reduced(truth: Sequence[FrameTruth]) -> list[FrameTruth]:
    """Where the faces are at the reduced size."""
    return [
        replace(where, centre=where.centre / REDUCED, half=where.half / REDUCED) for where in truth
    ]


def settings(pairs: Sequence[str]) -> dict[str, float]:
    """`name=value` pairs as numbers."""
    return {name: float(value) for name, _, value in (pair.partition("=") for pair in pairs)}


def main() -> None:
    """Make films, plan, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, required=True, help="folder for films")
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--size", choices=SIZES, default="720p")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--caution", type=Caution, default=Caution.NORMAL)
    parser.add_argument("--every-frame", type=Effort, default=Effort.AUTO)
    parser.add_argument("--policy", nargs="*", default=[], help="as large_hold_s=0.5")
    parser.add_argument("--habits", nargs="*", default=[], help="as back_s=1")
    args = parser.parse_args()
    seeds = range(args.seed, args.seed + args.clips)
    made = films(args.work, seeds, size=args.size, seconds=args.seconds)
    watch = Watch(
        caution=args.caution,
        every_frame=args.every_frame,
        policy=Policy(**settings(args.policy)) if args.policy else None,
        habits=Habits(**settings(args.habits)),
    )
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, crowdveil {crowdveil.__version__}, "
        f"OpenVINO {version('openvino')}, PyAV {av.__version__}, NumPy {np.__version__}"
    )
    print(f"{len(made)} films of {args.seconds:g} s, {args.size}30, seeds from {args.seed}")
    tally = Tally()
    for path, truth in made:
        judge(outlined(planned(path, watch)), reduced(truth), tally)
    report(f"plans {' '.join([args.caution, args.every_frame, *args.policy, *args.habits])}", tally)


if __name__ == "__main__":
    main()
