"""What a photo's file may hold besides its picture, and what each is called.

Counts come in, words for a user go out. Finding it is left to others.
"""

from collections.abc import Mapping
from enum import Enum


class Besides(Enum):
    """One thing, as it is called alone and in number."""

    PICTURE = "a second picture", "{} further pictures"
    STILL = "the still picture for programs that play no animation", "{} still pictures"
    GAIN_MAP = "a gain map", "{} gain maps"
    DEPTH_MAP = "a depth map", "{} depth maps"
    MASK = "a mask of its parts", "{} masks of its parts"
    AUXILIARY = "an auxiliary picture", "{} auxiliary pictures"
    HDR_LAYER = "a layer of high dynamic range", "{} layers of high dynamic range"
    MOTION = "the video of a motion photo", "{} videos"
    SEQUENCE = "a moving version", "{} moving versions"
    SOUND = "sound", "{} pieces of sound"
    THERMAL = "thermal measurements", "thermal measurements"
    LAYERS = "Photoshop's layers", "Photoshop's layers"
    CHANNEL = "an extra channel", "{} extra channels"


def named(found: Mapping[Besides, int]) -> tuple[str, ...]:
    """What was found in words, always in the same order."""
    return tuple(
        one.value[found[one] > 1].format(found[one]) for one in Besides if found.get(one, 0)
    )
