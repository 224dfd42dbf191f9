"""What each style costs: milliseconds a photo and a face, on one core.

Run `python bench/styles.py`. Photos are synthetic (coloured patches under a camera's noise),
because the cost of a veil does not depend on what a photo shows. Prints the machine, the
versions and one line for each photo and style; `--json` prints the same for machines.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import cv2
import numpy as np

from crowdveil.media.picture import ColourSpace, Picture
from crowdveil.plan import Region
from crowdveil.redact.look import Look, Style
from crowdveil.redact.render import render_picture

PHOTOS = (
    # width, height, faces, face side in pixels
    (1024, 683, 30, 60),
    (1024, 683, 300, 16),
    (4000, 3000, 5, 60),
    (4000, 3000, 30, 200),
)


def photo(width: int, height: int, seed: int = 0) -> Picture:
    """Coloured patches of several sizes under noise of standard deviation 3."""
    rng = np.random.default_rng(seed)
    samples = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64):
        patches = rng.uniform(0, 255 / 3, (cells, cells, 3)).astype(np.float32)
        samples += cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
    samples += 3 * rng.standard_normal(samples.shape, np.float32)
    return Picture(np.clip(samples, 0, 255).astype(np.uint8), ColourSpace.RGB)


def faces(width: int, height: int, count: int, side_px: int, seed: int = 0) -> list[Region]:
    """Faces a quarter taller than wide, scattered over the photo, at times side by side."""
    rng = np.random.default_rng(seed)
    columns = max(round((count * width / height * 1.25) ** 0.5), 1)
    rows = -(-count // columns)
    cells = np.argwhere(np.ones((rows, columns)))[:count, ::-1]
    room = np.maximum((width / columns - side_px, height / rows - 1.25 * side_px), 0)
    corners = cells * (width / columns, height / rows) + rng.uniform(0, 1, (count, 2)) * room
    return [
        Region(id=str(number), box=(x, y, x + side_px, y + 1.25 * side_px))
        for number, (x, y) in enumerate(corners.tolist())
    ]


def cost_ms(picture: Picture, regions: list[Region], look: Look, repeats: int) -> float:
    """Least processor time of one rendering: other work on the machine can only add."""
    render_picture(picture, regions, look)
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        render_picture(picture, regions, look)
        taken.append(time.process_time() - start)
    return min(taken) * 1000


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    machine = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }
    rows = []
    for width, height, count, side_px in PHOTOS:
        picture, regions = photo(width, height), faces(width, height, count, side_px)
        nothing = cost_ms(picture, [], Look(), options.repeats)
        for style in Style:
            photo_ms = cost_ms(picture, regions, Look(style=style), options.repeats)
            rows.append(
                {
                    "photo": f"{width}x{height}",
                    "faces": f"{count} of {side_px} px",
                    "style": str(style),
                    "photo_ms": round(photo_ms, 1),
                    "face_ms": round((photo_ms - nothing) / count, 2),
                }
            )
    if options.json:
        print(json.dumps({"machine": machine, "rows": rows}, indent=2))
        return
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    print("| photo | faces | style | ms a photo | ms a face |")
    print("|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")


if __name__ == "__main__":
    main()
