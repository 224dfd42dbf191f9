"""How large a photo is, counted in photos of the size that detection was learned on.

The trees and the rule know pictures of about 1,024 pixels. In a larger one the same face has more
pixels, and pixels hold more that looks like a face. The size of a picture and how many sure faces
are in it come in; the `Frame` by which candidates are described and judged goes out. Knows nothing
of pixels, detectors or trees.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Boxes, SizeWH

LEARNED_PX2 = 1_500_000
"""Pictures of at most so many pixels are like those that the trees were learned on."""
LEARNED_PX = 1024
"""Longer side of a usual one of these."""
SEEN_PX = 2048
"""Longest side of what is looked at as one view, unless it holds a crowd."""
USUAL_FACES = 16
"""Sure faces in a usual photo; the mean over the photos of bench/recall.py is 14."""

COARSE, COARSE_PX = 0.8, 192.0
"""What is seen at a scale of less than this share of the coarsest at which learned pictures were
looked at counts only from this size on (longer side, in pixels of the frame), ..."""
FINE, FINE_PX = 1.4, 24.0
"""... and what is seen at a scale above this, in the frame, only up to this size: each face is seen
at as many scales as it was in learned pictures. More scales are more chances for what is none."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a candidate of one picture is measured against.

    Attributes:
        size_wh: size of the picture in pixels.
        pixel: how many pixels of the picture a pixel of the frame is wide, >= 1.
        window: longer side, over the picture's, of the part that counts as one photo where it is
            asked what a needless veil would cost, 0-1.
    """

    size_wh: SizeWH
    pixel: float = 1.0
    window: float = 1.0

    @classmethod
    def of_photo(cls, size_wh: SizeWH, faces: int) -> Self:
        """The frame for a photo in which so many faces are sure.

        Few faces: the photo is one view with more pixels, and all that is in it is larger. Many:
        it is like many photos side by side, and each face counts as in one of them.
        """
        if size_wh[0] * size_wh[1] <= LEARNED_PX2:
            return cls(size_wh)
        longest = max(size_wh)
        few = min(USUAL_FACES / max(faces, 1), 1.0)
        pixel = max(longest / SEEN_PX * math.sqrt(few), 1.0)
        return cls(size_wh, pixel, min(max(LEARNED_PX / longest, few), 1.0))

    @property
    def usual(self) -> bool:
        """Whether the picture is measured against itself."""
        return self.pixel == 1 and self.window == 1

    @property
    def closer(self) -> int:
        """How many times the finest scale is doubled, as the faces are smaller than usual."""
        if self.usual:
            return 0
        widest = max(max(self.size_wh) / SEEN_PX, 1.0)
        return int(math.log2(widest / self.pixel) + 0.25)

    @property
    def window_wh(self) -> SizeWH:
        """Size of a usual photo within the picture, in pixels of the picture."""
        if self.window == 1:
            return self.size_wh
        width, height = (max(round(side * self.window), 1) for side in self.size_wh)
        return width, height

    def counts(self, boxes: Boxes, scale: float, coarsest_px: int) -> NDArray[np.bool_]:
        """Which of n boxes count, (n,) bool.

        Args:
            boxes: (n, 4) float32, pixels of the picture.
            scale: of the picture, at which they were seen.
            coarsest_px: as `passes.Reach` has it, of the pass that saw them.
        """
        relative = scale * self.pixel
        side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / self.pixel
        if not self.usual and relative < COARSE * min(coarsest_px / LEARNED_PX, 1):
            return np.asarray(side >= COARSE_PX)
        if not self.usual and relative > FINE:
            return np.asarray(side <= FINE_PX)
        return np.ones(len(boxes), np.bool_)
