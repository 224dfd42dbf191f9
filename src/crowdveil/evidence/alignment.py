"""Two pictures made comparable: the copy lies as its original, with its levels.

Decoded pictures come in; what `residual` compares goes out, or None for a copy that cannot be
brought to its original. Whether that is told as a failure is left to the callers.
"""

from dataclasses import dataclass, field

import numpy as np

from crowdveil.evidence.levels import Levels, fit_levels
from crowdveil.evidence.registration import Registration, register
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.picture import RGB
from crowdveil.redact.masks import Mask


@dataclass(frozen=True, slots=True)
class Aligned:
    """An original and its copy, which can be compared sample by sample.

    Attributes:
        before: (h, w, 3) uint8, the original; grey if the copy is.
        after: the same size, the copy as the original lies, with the original's levels.
        shown: the same size, the copy as the original lies, with its own levels.
        registration: where the original lies in the copy.
        covered: (h, w) bool, what the copy shows of the original.
        levels: how the copy's levels became the original's.
    """

    before: RGB = field(repr=False)
    after: RGB = field(repr=False)
    shown: RGB = field(repr=False)
    registration: Registration
    covered: Mask = field(repr=False)
    levels: Levels

    def unseen(self, boxes: Boxes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(n,) which boxes of the original the copy hardly shows, or which lie outside it."""
        height, width = self.covered.shape
        out = np.zeros(len(boxes), np.bool_)
        for k, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
            area = max(x1 - x0, 1.0) * max(y1 - y0, 1.0)
            left, top = min(max(int(x0), 0), width), min(max(int(y0), 0), height)
            right, bottom = max(int(np.ceil(x1)), 0), max(int(np.ceil(y1)), 0)
            out[k] = self.covered[top:bottom, left:right].sum() < 0.5 * area
        return out

    def differences(self) -> list[str]:
        """How the copy lies and looks against the original, as clauses after "the copy"."""
        return Alignment(self.registration, self.levels).differences()


def align(original: RGB, copy: RGB) -> Aligned | None:
    """Bring a copy to its original.

    Args:
        original: (h, w, 3) uint8.
        copy: (h', w', 3) uint8, any size.

    Returns:
        None if it cannot be done with certainty.
    """
    registration = register(original, copy)
    if registration is None:
        return None
    shown = registration.aligned(copy)
    levels = fit_levels(original, shown, registration.places, registration.reach_px)
    return Alignment(registration, levels).of(original, copy, shown=shown)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a copy is brought to its original, for one picture or all frames of a film.

    Attributes:
        registration: where the original lies in the copy.
        levels: how the copy's levels become the original's.
    """

    registration: Registration
    levels: Levels

    def differences(self) -> list[str]:
        """How the copy lies and looks against the original, as clauses after "the copy"."""
        told = self.registration.differences()
        if self.registration.inverted:
            told.append("has light and shade swapped")
        elif self.levels.factors is not None:
            told.append("has other levels or colours than the original")
        return told

    def scaled(self, size_wh: SizeWH, copy_wh: SizeWH) -> "Alignment":
        """The same for the two at other sizes."""
        return Alignment(self.registration.scaled(size_wh, copy_wh), self.levels)

    def of(self, original: RGB, copy: RGB, *, shown: RGB | None = None) -> Aligned:
        """Bring one picture to its original; `shown` is the copy as it lies, if that is known."""
        shown = self.registration.aligned(copy) if shown is None else shown
        return Aligned(
            self.levels.original(original),
            self.levels.copy(shown),
            shown,
            self.registration,
            self.registration.covered,
            self.levels,
        )
