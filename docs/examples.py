"""Runs README.md's examples anew: its picture and what its commands print.

Run `python docs/examples.py` after a change to the demo, to detection, to the default veil or
to the summary. Every block in README.md below a line `<!-- run: COMMAND -->` is replaced by
what the command prints; the photos are crowds composed like the demo's.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from crowdveil.demo.camera import careless_jpeg
from crowdveil.demo.crowd import compose_crowd
from crowdveil.models.registry import portrait_path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "demo.jpg"
EACH_WH = (800, 500)
GAP_PX = 8
SEEDS = {"march-1.jpg": 3, "march-2.jpg": 4, "evening/square.jpg": 5}


def compose_photos(folder: Path) -> None:
    """Three crowds, one picture of roofs without people, a video and a note."""
    with Image.open(portrait_path()) as portrait:
        sitter = np.asarray(portrait.convert("RGB"))
    for name, seed in SEEDS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(careless_jpeg(compose_crowd(sitter, seed=seed).picture))
    roofs = compose_crowd(sitter, seed=6).picture[:250]
    Image.fromarray(roofs).save(folder / "roofs.jpg", quality=92)
    (folder / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom")
    (folder / "notes.txt").write_text("call the printer")


def printed(command: str, folder: Path) -> str:
    """What a command prints in `folder`, on both streams, in order."""
    words = [sys.executable, "-m", *command.split()]
    environment = {**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    result = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return result.stdout.strip()


def side_by_side(before: Path, after: Path) -> Image.Image:
    """Two pictures next to each other, reduced."""
    pair = Image.new("RGB", (2 * EACH_WH[0] + GAP_PX, EACH_WH[1]), "white")
    for left, path in ((0, before), (EACH_WH[0] + GAP_PX, after)):
        with Image.open(path) as image:
            pair.paste(image.resize(EACH_WH, Image.Resampling.LANCZOS), (left, 0))
    return pair


def main() -> None:
    """Write the blocks of README.md and `docs/images/demo.jpg`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        compose_photos(folder / "photos")

        def block(found: re.Match[str]) -> str:
            command = found["command"]
            return (
                f"<!-- run: {command} -->\n```console\n$ {command}\n{printed(command, folder)}\n```"
            )

        readme = ROOT / "README.md"
        pattern = r"<!-- run: (?P<command>.+?) -->\n```console\n.*?\n```"
        text = re.sub(pattern, block, readme.read_text(encoding="utf-8"), flags=re.DOTALL)
        readme.write_text(text, encoding="utf-8")
        demo = folder / "crowdveil-demo"
        pair = side_by_side(demo / "crowd.jpg", demo / "crowd-veiled.jpg")
    PICTURE.parent.mkdir(exist_ok=True)
    pair.save(PICTURE, quality=85, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
