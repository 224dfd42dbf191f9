"""Puts a face where a recogniser expects it: five landmarks onto five fixed places.

A picture and landmarks come in; a square chip in which eyes, nose and mouth lie where the
network was trained to find them goes out. Finding the landmarks is left to `detect`, the
network to `embedder`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.landmarks import Points
from crowdveil.detect.warp import warped
from crowdveil.media.picture import RGB


@dataclass(frozen=True, slots=True)
class Frame:
    """The square chip that a network was trained on.

    Attributes:
        side_px: its side.
        places: five `x, y` in its pixels, in the order of `Points`.
    """

    side_px: int
    places: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuse a frame without five places that differ, or without pixels."""
        if (
            self.side_px < 1
            or np.shape(self.places) != (5, 2)
            or not np.isfinite(self.places).all()
        ):
            raise ValueError("a frame has a side of at least 1 pixel and five finite places")
        if np.ptp(self.places, axis=0).max() <= 0:
            raise ValueError("the five places of a frame must differ")


ARCFACE = Frame(
    112,
    (
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ),
)
"""Source: Deng et al. (2019), ArcFace; the places its published code uses, as SFace does."""

DLIB = Frame(
    150,
    tuple(
        ((0.25 + x) / 1.5 * 150, (0.25 + y) / 1.5 * 150)
        for x, y in (
            (0.225490, 0.215994),
            (0.754764, 0.215994),
            (0.490127, 0.515625),
            (0.254149, 0.780233),
            (0.726104, 0.780233),
        )
    ),
)
"""The mean face of dlib's chips of 150 pixels with a padding of a quarter, at the centres of the
eyes, the tip of the nose and the corners of the mouth.
Source: `get_face_chip_details` in dlib/image_transforms/interpolation.h."""


def similarity(points: Points, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The turn, scale and shift that takes points nearest to places, in least squares.

    Never a mirror image. In the plane the closed form is one division of complex numbers.
    Source: Umeyama (1991), IEEE Trans. Pattern Analysis and Machine Intelligence 13(4), 376-380.

    Args:
        points: (n, 2) where they are, n >= 2.
        places: (n, 2) where they should be.

    Returns:
        (2, 3) float64, `places ~ matrix @ [x, y, 1]`.

    Raises:
        ValueError: the points are not finite or all the same.
    """
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() <= 0:
        raise ValueError("landmarks must be finite and must not all lie in one place")
    source = np.asarray(points, np.float64) @ (1, 1j)
    target = np.asarray(places, np.float64) @ (1, 1j)
    spread = source - source.mean()
    power = float((np.abs(spread) ** 2).sum())
    turn = (spread.conj() @ (target - target.mean())) / power
    shift = target.mean() - turn * source.mean()
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float64
    )


def chip(picture: RGB, points: Points, frame: Frame) -> RGB:
    """Cut a face out so that its landmarks lie on a frame's places.

    Args:
        picture: (h, w, 3) uint8 RGB, upright.
        points: the face's landmarks; some may lie outside the picture.
        frame: the chip to make.

    Returns:
        (side, side, 3) uint8 RGB; black where the picture ends.

    Raises:
        ValueError: as for `similarity`, or the picture is not (h, w, 3) uint8.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"a picture must be (h, w, 3) uint8, not {picture.shape} {picture.dtype}")
    return warped(picture, similarity(points, np.array(frame.places)), frame.side_px)
