"""Faces cut out of their pictures, so that they can be veiled, aligned and compared again.

Pictures, boxes and landmarks come in, portraits go out: small pictures with one face each. A
portrait can be enrolled as if from another photo, so that what matches is the face and not the
photo. Comparing is left to `attacks`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.finder import FaceFinder
from crowdveil.detect.landmarks import SURE, LandmarkFinder, Points, average_points
from crowdveil.detect.warp import warped
from crowdveil.geometry import Box, Boxes
from crowdveil.media.picture import RGB, ColourSpace, Picture
from crowdveil.plan import Region
from crowdveil.recognise.align import similarity
from crowdveil.redact.look import Look
from crowdveil.redact.masks import mask_of
from crowdveil.redact.render import render_picture

Veil: TypeAlias = Callable[[RGB, Boxes], RGB]
"""Veils the faces in (n, 4) boxes of an RGB picture and returns a new picture of its size."""

AROUND = 3.0
"""Side of the cut-out over the longer side of the face: enough for what any veil reads."""

LARGEST_PX = 160
"""Longer side of a face in a portrait; larger ones are reduced, as recognisers see 112 pixels."""

_SIDE_PX = 256
_BOX: Box = (80.0, 64.0, 176.0, 192.0)
_GREY = 128
_FACE_MARGIN = 1.2
"""The face and little more is enrolled, so that any veil's outline lies outside."""
_GAP = 0.05
"""Holes narrower than this share of a portrait are bridged."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One face with its surroundings. Holds the face itself: never to be shown or saved.

    Attributes:
        picture: (h, w, 3) uint8 RGB.
        box: the face in pixels of it.
        points: (5, 2) float32, the landmarks of the unveiled face there.
    """

    picture: RGB = field(repr=False)
    box: Box
    points: Points = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cut:
    """A window of a picture and how much it was reduced.

    Attributes:
        left, top, right, bottom: whole pixels of the picture, half-open, inside it.
        size_wh: of the portrait in pixels.
    """

    left: int
    top: int
    right: int
    bottom: int
    size_wh: tuple[int, int]

    @classmethod
    def about(cls, box: Sequence[float], size_wh: tuple[int, int]) -> "Cut":
        """The window about a face's box in a picture of this size."""
        x0, y0, x1, y1 = (float(side) for side in box)
        longer = max(x1 - x0, y1 - y0, 1.0)
        half = longer * AROUND / 2
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        left = int(min(max(np.floor(x - half), 0), size_wh[0] - 1))
        top = int(min(max(np.floor(y - half), 0), size_wh[1] - 1))
        right = int(max(min(np.ceil(x + half), size_wh[0]), left + 1))
        bottom = int(max(min(np.ceil(y + half), size_wh[1]), top + 1))
        ratio = min(1.0, LARGEST_PX / longer)
        reduced = max(round((right - left) * ratio), 1), max(round((bottom - top) * ratio), 1)
        return cls(left, top, right, bottom, reduced)

    def of(self, picture: RGB, box: Sequence[float], points: Points) -> Portrait:
        """The portrait of a face in the window, for the original and the veiled picture alike."""
        part = picture[self.top : self.bottom, self.left : self.right]
        if self.size_wh != (part.shape[1], part.shape[0]):
            part = np.asarray(
                cv2.resize(part, self.size_wh, interpolation=cv2.INTER_AREA), np.uint8
            )
        ratio = np.array(self.size_wh) / (self.right - self.left, self.bottom - self.top)
        corner = np.array((self.left, self.top))
        x0, y0, x1, y1 = ((np.reshape(box, (2, 2)) - corner) * ratio).reshape(-1).tolist()
        moved = np.asarray((points - corner) * ratio, np.float32)
        return Portrait(np.ascontiguousarray(part), (x0, y0, x1, y1), moved)


def veil_with(look: Look) -> Veil:
    """The veil that crowdveil draws with these settings."""

    def veil(picture: RGB, boxes: Boxes) -> RGB:
        regions = [Region(id=str(n), box=tuple(box)) for n, box in enumerate(boxes.tolist())]
        drawn = render_picture(Picture(picture, ColourSpace.RGB), regions, look)
        return np.asarray(drawn.samples, np.uint8)

    return veil


def enrolled(portrait: Portrait, hidden: NDArray[np.bool_] | None = None) -> Portrait:
    """The face as if from another photo: turned upright, of one size, before plain grey.

    Where only the photo itself is at hand, its own face is the reference. Compared as it is,
    hair, clothes, light and the very outline of the veil would match, whatever the veil lets
    through: it is the same photo. So everything but the face goes, and all references get one
    size, one place and one mask.

    Args:
        portrait: the clean face.
        hidden: (h, w) bool, the pixels of it that the veil hides; what it does not hide goes as
            well, as it would match itself. None for a face of another photo.
    """
    box = np.array([_BOX], np.float32)
    points = average_points(box)[0]
    turn = similarity(portrait.points, points)
    upright = warped(portrait.picture, turn, _SIDE_PX)
    size_wh = (_SIDE_PX, _SIDE_PX)
    shown = mask_of([Region(id="face", box=_BOX)], size_wh, Look(margin=_FACE_MARGIN))
    if hidden is not None:
        shown &= cv2.warpAffine(hidden.view(np.uint8), turn, size_wh) > 0
    return Portrait(np.where(shown[..., None], upright, np.uint8(_GREY)), _BOX, points)


def hidden_in(before: Portrait, after: Portrait) -> NDArray[np.bool_]:
    """The pixels of a portrait that a veil changed, (h, w) bool.

    Single pixels that a veil happens to paint in their own colour count as changed.
    """
    changed = (before.picture != after.picture).any(axis=2).astype(np.uint8)
    size = max(round(min(changed.shape) * _GAP), 3)
    closed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    return np.asarray(closed > 0, np.bool_)


def portraits(picture: RGB, finder: FaceFinder, landmarks: LandmarkFinder) -> list[Portrait]:
    """Every face that is found in a picture of the attacker's: people for a gallery.

    Args:
        picture: (h, w, 3) uint8 RGB, upright; one of a folder given as `--gallery`.
        finder: finds the faces.
        landmarks: finds their landmarks.
    """
    boxes = finder.find(picture).boxes
    found = landmarks.find(picture, boxes)
    size_wh = (picture.shape[1], picture.shape[0])
    return [
        Cut.about(box, size_wh).of(picture, box, points)
        for box, points, score in zip(boxes.tolist(), found.points, found.scores, strict=True)
        if score >= SURE
    ]
