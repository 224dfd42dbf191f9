"""How well faces stay hidden in videos, told from the plans alone: minutes instead of an hour.

For choosing how faces are followed and who is veiled. Watches the films of `bench/video.py` and
judges the outlines that the plans ask for at a quarter of the size; nothing is painted or encoded.
Its figures lie within a few tenths of a point of those of `bench/video.py`, which decide.

    python bench/plans.py --work /tmp/films --clips 20 --policy large_hold_s=0.5 enter=2
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

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
from video import Judged, Tally, film_options, films, judge, report

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
    about = __doc__.splitlines()[0] if __doc__ else None
    parser = argparse.ArgumentParser(description=about, parents=[film_options()])
    parser.add_argument("--caution", type=Caution, default=Caution.NORMAL)
    parser.add_argument("--every-frame", type=Effort, default=Effort.AUTO)
    parser.add_argument("--fusion", type=Path, help="learned from the other half of the photos")
    parser.add_argument("--policy", nargs="*", default=[], help="as large_hold_s=0.5")
    parser.add_argument("--habits", nargs="*", default=[], help="as back_s=1")
    args = parser.parse_args()
    made = films(args)
    watch = Watch(
        caution=args.caution,
        every_frame=args.every_frame,
        policy=Policy(**settings(args.policy)) if args.policy else None,
        habits=Habits(**settings(args.habits)),
        fusion=args.fusion,
    )
    tally = Tally()
    for path, truth in made:
        judge(outlined(planned(path, watch)), reduced(truth), tally)
    report(f"plans {' '.join([args.caution, args.every_frame, *args.policy, *args.habits])}", tally)


if __name__ == "__main__":
    main()
