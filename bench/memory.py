"""How much memory a long video takes beside a short one of the same kind.

Makes one film from annotated photos and copies its packets one after the other until it has
each length; veils them with the defaults and watches the memory of all processes together.

    python bench/memory.py --work /tmp/films --seconds 10 60 600
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import av

import crowdveil
from films import RATE, write_film
from processes import memory_mb
from protest import eval_dir, load

SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}
LOOP_S = 10


def looped(source: Path, path: Path, seconds: float) -> None:
    """Write the packets of `source` again and again until they last for `seconds`."""
    length = LOOP_S * RATE
    with av.open(str(path), "w") as out:
        stream, step = None, 0
        for turn in count():
            if turn * LOOP_S >= seconds:
                return
            with av.open(str(source)) as film:
                if stream is None:
                    stream = out.add_stream_from_template(film.streams.video[0])
                    step = round(1 / (RATE * (film.streams.video[0].time_base or 1)))
                for packet in film.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += turn * length * step
                    packet.dts += turn * length * step
                    packet.stream = stream
                    out.mux(packet)


def watched(command: list[str]) -> tuple[float, list[float]]:
    """Seconds that a command takes, and the memory in MB of it and its workers, twice a second."""
    begin, memory = time.perf_counter(), []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            memory.append(memory_mb(child.pid))
            time.sleep(0.5)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return time.perf_counter() - begin, memory


def main() -> None:
    """Make films, veil them, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, required=True, help="folder for films and copies")
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 60, 600])
    parser.add_argument("--size", choices=SIZES, default="360p")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    loop = args.work / f"loop-{args.size}.mp4"
    photos = load(eval_dir() / "wider_protest")
    write_film(loop, photos, seed=0, seconds=LOOP_S, size_wh=SIZES[args.size])
    print(f"{platform.machine()}, {os.cpu_count()} cores, crowdveil {crowdveil.__version__}")
    print(f"{args.size}30, H.264, the same {LOOP_S} s again and again")
    for seconds in args.seconds:
        path, out = args.work / f"long-{seconds:g}.mp4", args.work / f"long-{seconds:g}-out.mp4"
        looped(loop, path, seconds)
        command = [sys.executable, "-m", "crowdveil", "veil", "--quiet", "--overwrite"]
        took, memory = watched([*command, str(path), "-o", str(out)])
        half = memory[len(memory) // 2] if memory else 0
        print(f"{seconds:5g} s: peak {max(memory):,.0f} MB, half-way {half:,.0f} MB, "
              f"{seconds * RATE / took:.1f} frames/s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
