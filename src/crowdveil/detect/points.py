"""The operating points: how hard to look, for each degree of caution.

Pure settings, each with what it was measured to cost and to find in docs/recall.md. What
was learned for a point (its trees and its threshold) is in `models/fusion.json`.
"""

from dataclasses import dataclass
from enum import StrEnum

from crowdveil.detect.passes import Reach
from crowdveil.detect.second_look import View


class Caution(StrEnum):
    """How much is veiled when in doubt, and how long crowdveil may look."""

    HIGH = "high"
    """Looks hardest and veils every doubt: when an exposed face can cost someone dearly."""
    NORMAL = "normal"
    """Finds nearly every face and leaves the picture reportable."""
    LOW = "low"
    """Fastest; misses more of the small and hidden faces."""


@dataclass(frozen=True, slots=True)
class Point:
    """How one operating point looks at a picture.

    Attributes:
        reaches: name of each pass to what it looks at; the order is that of the features.
        views: name of each view of the second look to the view.
        hopeless: a candidate gets a second look unless its probability is below this share
            of what `fusion.HOPE` asks for, > 0.
        certain: or at least this, 0-1.
        smallest_px: or unless its longer side is shorter: too few pixels to tell more.
    """

    reaches: dict[str, Reach]
    views: dict[str, View]
    hopeless: float = 0.5
    certain: float = 0.95
    smallest_px: float = 14.0


_CF, _YN = "centerface", "yunet"

POINTS: dict[Caution, Point] = {
    Caution.HIGH: Point(
        reaches={
            "cf": Reach(_CF, 0.04, 1.0, finest_px=4096, coarsest_px=512),
            "cf_flip": Reach(_CF, 0.04, 1.0, finest_px=2048, coarsest_px=2048, mirrored=True),
            "cf_large": Reach(_CF, 0.05, 1.0, finest_px=4096, coarsest_px=0, enlarge=2),
            "yn": Reach(_YN, 0.15, 2.5, finest_px=8192, coarsest_px=256),
            "yn_large": Reach(_YN, 0.2, 2.5, finest_px=4096, coarsest_px=0, enlarge=2),
        },
        views={
            "face": View(_CF, 128, 56),
            "face_flip": View(_CF, 128, 56, mirrored=True),
            "around": View(_CF, 128, 36),
            "yn_face": View(_YN, 128, 56),
        },
        hopeless=0.2,
        certain=0.985,
        smallest_px=10.0,
    ),
    Caution.NORMAL: Point(
        reaches={
            "cf": Reach(_CF, 0.04, 1.0, finest_px=2048, coarsest_px=1024),
            "yn": Reach(_YN, 0.15, 2.5, finest_px=4096, coarsest_px=512),
        },
        views={"face": View(_CF, 128, 56)},
        smallest_px=12.0,
    ),
    Caution.LOW: Point(
        reaches={"yn": Reach(_YN, 0.2, 2.5, finest_px=2048, coarsest_px=512)},
        views={"face": View(_CF, 96, 40)},
    ),
}
