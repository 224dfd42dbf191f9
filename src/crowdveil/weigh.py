"""How much memory a photo will take, judged by its header before it is decoded.

Keeps two huge photos from being in memory at once. A wrong guess costs speed or memory,
never a photo: what cannot be judged is worked on alone, and decoding has its own limits.
"""

import warnings
from pathlib import Path

BUDGET_PX = 64_000_000
"""Pixels of 8 bits a channel that may be in work at once."""


def weight_px(path: Path) -> int:
    """Pixels of all frames of a photo; the whole budget if its header cannot be read."""
    from PIL import Image

    import crowdveil.media.photos  # noqa: F401 (registers HEIF)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                width, height = image.size
                return width * height * getattr(image, "n_frames", 1)
        except Exception:
            return BUDGET_PX
