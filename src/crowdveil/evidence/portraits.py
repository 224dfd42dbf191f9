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

from crowdveil.detect.finder import FaceFinder
from crowdveil.detect.landmarks import SURE, LandmarkFinder, Points, average_points
from crowdveil.detect.warp import warped
from crowdveil.geometry import Box, Boxes
from crowdveil.media.picture import RGB, ColourSpace, Picture
from crowdveil.plan import Region
from crowdveil.recognise.align import similarity
from crowdveil.redact.look import Look
from crowdveil.redact.masks import Mask, mask_of
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
_FACE_MARGIN = 1.1
"""The face and little more is enrolled, so that the outline of any usual veil lies outside."""


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


def enrolled(portrait: Portrait) -> Portrait:
    """The face as if from another photo: turned upright, of one size, before plain grey.

    Where only the photo itself is at hand, its own face is the reference. Compared as it is,
    hair, clothes, light and the very outline of the veil would match, whatever the veil lets
    through: it is the same photo. So everything outside the face's own outline goes, and all
    references get one size, one place and one mask.

    Args:
        portrait: the clean face.
    """
    points = average_points(np.array([_BOX], np.float32))[0]
    turn = similarity(portrait.points, points)
    upright = warped(portrait.picture, turn, _SIDE_PX)
    height, width = portrait.picture.shape[:2]
    face = _outline(portrait.box, (width, height)).view(np.uint8)
    shown = _outline(_BOX, (_SIDE_PX, _SIDE_PX))
    shown &= cv2.warpAffine(face, turn, (_SIDE_PX, _SIDE_PX)) > 0
    return Portrait(np.where(shown[..., None], upright, np.uint8(_GREY)), _BOX, points)


def _outline(box: Box, size_wh: tuple[int, int]) -> Mask:
    return mask_of([Region(id="face", box=box)], size_wh, Look(margin=_FACE_MARGIN))


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
