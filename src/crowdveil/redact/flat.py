"""Veils that do not pretend: one grey, or a weave.

Says how bright a window is under `solid` or `pattern`, from pixel coordinates and the width
of a strand alone, and what that is in the channels of a picture. Nothing of the photo is
looked at, neither hidden nor shown.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import ColourSpace, Picture
from crowdveil.redact.fill import Field
from crowdveil.redact.masks import Window

Shade: TypeAlias = NDArray[np.float32]
"""(h, w) float32, brightness 0-1."""

GREY = 0.24
"""Brightness of `solid`, 0-1: dark enough to recede, light enough not to look like a hole."""

_WEAVE = (0.21, 0.46)
"""Brightness of the gaps and of the middle of the strands of `pattern`, 0-1."""

STRANDS = 9
"""Strands of `pattern` across a face in a photo."""

_LEAST_STRAND_PX = 2.5
"""Width below which a strand would be a flicker of pixels."""


def solid(at: Window) -> Shade:
    """Dark neutral grey over a window, in pixels of the picture."""
    return np.full((at[3] - at[1], at[2] - at[0]), GREY, np.float32)


def pattern(at: Window, *, strand_px: float) -> Shade:
    """A diagonal weave over a window, in step with every other window of the picture.

    Args:
        at: the window, in pixels of the picture.
        strand_px: width of a strand; narrower than 2.5 is drawn as 2.5.
    """
    strand_px = max(strand_px, _LEAST_STRAND_PX)
    x = np.arange(at[0], at[2], dtype=np.float32)[None, :] + np.float32(0.5)
    y = np.arange(at[1], at[3], dtype=np.float32)[:, None] + np.float32(0.5)
    scale = np.float32(np.sqrt(0.5) / strand_px)
    along, across = (x + y) * scale, (x - y) * scale
    cell, other = np.floor(along), np.floor(across)
    # In every other cell the strand on top runs the other way, rounded like a ribbon: dark
    # at its edges, light in the middle.
    over = (cell + other).astype(np.int32) & 1 == 0
    profile = np.abs(np.where(over, along - cell, across - other) - np.float32(0.5)) * 2
    edge = np.clip((1 - profile) * np.float32(strand_px / 2), 0, 1)
    dark, light = np.float32(_WEAVE[0]), np.float32(_WEAVE[1])
    shade: Shade = dark + (light - dark) * edge * (1 - profile * profile * np.float32(0.6))
    return shade


def painted(shade: Shade, like: Picture) -> Field:
    """A shade in the channels of a picture: (h, w, c) in sample units, alpha opaque."""
    full_scale = np.iinfo(like.samples.dtype).max
    height, width = shade.shape
    field = np.full((height, width, like.samples.shape[2]), full_scale, np.float32)
    if like.space is ColourSpace.CMYK:
        field[..., :3] = 0
        field[..., 3] = (1 - shade) * full_scale
    else:
        colours = field.shape[2] - like.alpha
        field[..., :colours] = shade[..., None] * full_scale
    return field
