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
from typing import Any

import av
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
    """Three crowds, one picture of roofs without people, a photo that was cut off and a note."""
    with Image.open(portrait_path()) as portrait:
        sitter = np.asarray(portrait.convert("RGB"))
    for name, seed in SEEDS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(careless_jpeg(compose_crowd(sitter, seed=seed).picture))
    roofs = compose_crowd(sitter, seed=6).picture[:250]
    Image.fromarray(roofs).save(folder / "roofs.jpg", quality=92)
    whole = (folder / "march-1.jpg").read_bytes()
    (folder / "cut-off.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("call the printer")


def film_crowd(path: Path) -> None:
    """Three seconds of a camera that pans over a crowd, with a tone for sound."""
    with Image.open(portrait_path()) as portrait:
        sitter = np.asarray(portrait.convert("RGB"))
    crowd = compose_crowd(sitter, seed=7).picture
    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=25, options={"crf": "18"})
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        sound: Any = out.add_stream("aac", rate=48_000)
        for k in range(75):
            part = np.ascontiguousarray(crowd[150:870, 4 * k : 4 * k + 1280])
            out.mux(video.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        tone = np.sin(np.arange(48_000 * 3) * 0.06).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate = 48_000
        out.mux(sound.encode(frame))
        out.mux(video.encode(None))
        out.mux(sound.encode(None))


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
        film_crowd(folder / "clip.mp4")

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
