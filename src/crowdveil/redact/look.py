"""What a veil looks like: the styles, and the settings of one rendering.

Says which styles let nothing of a face through and which do, and keeps the sentence that
anyone who asks for a leaking style must read. Outlines are drawn in `masks`, pixels in
`render`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from crowdveil.plan import Shape


class Style(StrEnum):
    """How the pixels under a mask are replaced."""

    SOFT = "soft"
    """The surroundings run on, out of focus, with the photo's own grain."""
    SOLID = "solid"
    """One flat dark grey."""
    PATTERN = "pattern"
    """A woven pattern that says at once: hidden on purpose."""
    MOSAIC = "mosaic"
    """Averages over square blocks of the face. Leaks."""
    BLUR = "blur"
    """The face, blurred. Leaks."""


LOSSY = frozenset({Style.MOSAIC, Style.BLUR})
"""The styles whose output is computed from the face, so that something of it remains."""

LOSSY_WARNING: dict[Style, str] = {
    Style.MOSAIC: (
        "Style 'mosaic' leaks: without any training, an attacker who pixelated a gallery of "
        "1,500 people the same way named the right person among the first ten for 6.4 % of faces "
        "(first guess 1.8 %; chance 0.7 % and 0.07 %), and attackers trained on pixelated faces "
        "do far better (McPherson et al. 2016); use 'soft', 'solid' or 'pattern' when anyone "
        "could be in danger."
    ),
    Style.BLUR: (
        "Style 'blur' leaks: without any training, an attacker who blurred a gallery of 1,500 "
        "people the same way named the right person among the first ten for 9.4 % of faces "
        "(first guess 3.8 %; chance 0.7 % and 0.07 %), and attackers trained on blurred faces do "
        "far better (McPherson et al. 2016); use 'soft', 'solid' or 'pattern' when anyone could "
        "be in danger."
    ),
}
"""One sentence for each lossy style: what `bench/reidentify.py` measured, and what to use."""


@dataclass(frozen=True, slots=True)
class Look:
    """The settings of one rendering.

    Attributes:
        style: how masked pixels are replaced.
        margin: side of the mask over side of the face's box, at least 1. Around doubtful faces
            it adds five sixths as much. With 1.6 no attack that was tried names people more
            often, first or among ten, than with the head blacked out (docs/reidentification.md).
        shape: outline of every mask, or None for each region's own.
        seed: chooses the grain, at least 0; the same seed gives the same pixels.

    Raises:
        ValueError: an unknown style or shape, a margin below 1 or not finite, or a
            negative seed.
    """

    style: Style = Style.SOFT
    margin: float = 1.6
    shape: Shape | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a contradictory look."""
        if not isinstance(self.style, Style):
            raise ValueError(f"style must be a Style, not {self.style!r}")
        if self.shape is not None and not isinstance(self.shape, Shape):
            raise ValueError(f"shape must be a Shape or None, not {self.shape!r}")
        if not math.isfinite(self.margin) or self.margin < 1:
            raise ValueError(f"margin must be a finite number of at least 1, not {self.margin}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, not {self.seed}")
