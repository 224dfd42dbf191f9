"""Makes the picture in README.md: the demo's crowd before and after, side by side.

Run `python docs/pictures.py` after a change to the demo, to detection or to the default veil.
"""

import tempfile
from pathlib import Path

from PIL import Image

import crowdveil
from crowdveil.demo import write_demo

TARGET = Path(__file__).resolve().parent / "images" / "demo.jpg"
EACH_WH = (800, 500)
GAP_PX = 8


def main() -> None:
    """Write `docs/images/demo.jpg`."""
    with tempfile.TemporaryDirectory() as folder:
        before = write_demo(Path(folder))
        after = before.with_name("after.png")
        summary = crowdveil.veil(before, after)
        if summary.failures:
            raise SystemExit(str(summary.failures[0].error))
        pair = Image.new("RGB", (2 * EACH_WH[0] + GAP_PX, EACH_WH[1]), "white")
        for left, path in ((0, before), (EACH_WH[0] + GAP_PX, after)):
            with Image.open(path) as image:
                pair.paste(image.resize(EACH_WH, Image.Resampling.LANCZOS), (left, 0))
    TARGET.parent.mkdir(exist_ok=True)
    pair.save(TARGET, quality=85, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
