"""What it costs to decode every file in processes of their own (docs/isolation.md).

Veils the same photos with this tree and with another one, in turns, and compares processor time
(of all processes), time on the clock, and every byte of the copies. The other tree is a checkout
from before workers, with its weights in place; both run in this Python.

    git worktree add /tmp/before v0.1.0
    python bench/isolation.py --before /tmp/before
"""

import argparse
import filecmp
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from protest import eval_dir

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """What one run took, in seconds."""

    processor_s: float
    clock_s: float


def veil(tree: Path, files: Sequence[Path], out: Path) -> Cost:
    """Veil files as a command with the code of one tree."""
    begun, before = time.perf_counter(), _children_s()
    subprocess.run(
        [sys.executable, "-m", "crowdveil", "veil", *map(str, files), "-o", str(out), "--quiet"],
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        cwd=tree,
        check=True,
    )
    return Cost(_children_s() - before, time.perf_counter() - begun)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="the other tree")
    parser.add_argument("--every", type=int, default=4, help="take every n-th photo")
    parser.add_argument("--most", type=int, default=41, help="take so many at most")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    photos = sorted((eval_dir() / "wider_protest" / "images").glob("*.jpg"))
    photos = photos[:: arguments.every][: arguments.most]
    trees = {"before": arguments.before.resolve(), "workers": HERE}
    costs: dict[str, list[Cost]] = {name: [] for name in trees}
    print(f"{len(photos)} photos, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for round in range(arguments.rounds):
            # Each goes first every other time.
            for which in sorted(trees, reverse=bool(round % 2)):
                out = Path(name, f"{which}-{round}")
                costs[which].append(veil(trees[which], photos, out))
                print(f"round {round + 1}, {which}: {costs[which][-1]}", flush=True)
        same, other, missing = filecmp.cmpfiles(
            Path(name, "before-0"), Path(name, "workers-0"), [p.name for p in photos], shallow=False
        )
    for which, runs in costs.items():
        processor, clock = (
            median(getattr(run, what) for run in runs) for what in ("processor_s", "clock_s")
        )
        print(f"{which:8} {processor:7.2f} s of processor {clock:7.2f} s on the clock")
    for what in ("processor_s", "clock_s"):
        ratios = sorted(
            getattr(b, what) / getattr(a, what)
            for a, b in zip(costs["before"], costs["workers"], strict=True)
        )
        shown = ", ".join(f"{100 * (ratio - 1):+.1f} %" for ratio in ratios)
        middle = 100 * (median(ratios) - 1)
        print(f"{what:12} workers against before: median {middle:+.1f} % ({shown})")
    print(f"copies: {len(same)} the same, {len(other)} different, {len(missing)} missing")


if __name__ == "__main__":
    main()
