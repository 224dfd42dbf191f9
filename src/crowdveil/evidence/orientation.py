"""The eight ways in which a picture can lie against another: quarter turns and mirror images.

Knows arrays and coordinates; which of the eight it is, `registration` finds out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.media.picture import RGB


@dataclass(frozen=True, slots=True)
class Orientation:
    """How an original was turned to become its copy.

    Attributes:
        mirrored: whether left and right were swapped first.
        quarters: by how many quarters it was then turned clockwise, 0-3.
    """

    mirrored: bool
    quarters: int

    @property
    def lies(self) -> bool:
        """Whether width and height are swapped."""
        return self.quarters % 2 == 1

    def apply(self, picture: RGB) -> RGB:
        """An (h, w, 3) picture as it lies in the copy."""
        turned = picture[:, ::-1] if self.mirrored else picture
        return np.ascontiguousarray(np.rot90(turned, -self.quarters))

    def undo(self, picture: RGB) -> RGB:
        """An (h, w, 3) picture of the copy as the original lies."""
        turned = np.rot90(picture, self.quarters)
        return np.ascontiguousarray(turned[:, ::-1] if self.mirrored else turned)

    @property
    def axes(self) -> NDArray[np.float64]:
        """(2, 2), the directions in the copy of the original's x and y axis, as columns."""
        quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
        turn = np.linalg.matrix_power(quarter, self.quarters)
        return np.asarray(turn @ np.diag([-1.0 if self.mirrored else 1.0, 1.0]), np.float64)

    def matrix(self, size_wh: SizeWH, copy_wh: SizeWH) -> NDArray[np.float64]:
        """(3, 3), from pixels of an original to those of a copy that is the whole frame."""
        centre = np.eye(3)
        centre[:2, 2] = -np.array(size_wh, np.float64) / 2
        turn = np.eye(3)
        turned = size_wh[::-1] if self.lies else size_wh
        scale = np.array(copy_wh, np.float64) / turned
        turn[:2, :2] = np.diag(scale) @ self.axes
        back = np.eye(3)
        back[:2, 2] = np.array(copy_wh, np.float64) / 2
        return np.asarray(back @ turn @ centre, np.float64)

    @property
    def sentence(self) -> str:
        """What became of the original, as a clause after "the copy"."""
        if self.mirrored and self.quarters == 0:
            return "is the mirror image of the original"
        if self.mirrored and self.quarters == 2:
            return "is the original upside down and mirrored"
        mirrored = " mirrored and" if self.mirrored else ""
        how = ("", "a quarter clockwise", "by 180 degrees", "a quarter anticlockwise")
        return f"is{mirrored} turned {how[self.quarters]} against the original"


UPRIGHT = Orientation(mirrored=False, quarters=0)

ORIENTATIONS = tuple(
    Orientation(mirrored=mirrored, quarters=quarters)
    for mirrored in (False, True)
    for quarters in (0, 2, 1, 3)
)
"""All eight, the likeliest first."""
