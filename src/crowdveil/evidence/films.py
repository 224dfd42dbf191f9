"""Videos and animations as one thing: pictures that follow each other, to be read again and again.

Files come in; frames go out, upright, at any size. What is compared is left to `moving`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from crowdveil.evidence.orientation import UPRIGHT, Orientation
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.picture import RGB, Photo, Picture
from crowdveil.media.video.clip import Clip, Span
from crowdveil.media.video.reader import FrameReader
from crowdveil.watching import Scene

_USUAL_RATE = 30.0


class Shown(Protocol):
    """One frame."""

    @property
    def number(self) -> int:
        """0 for the first."""

    @property
    def time_s(self) -> float:
        """Seconds from the first."""

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """The upright picture at a size, (h, w, 3)."""


class Film(Protocol):
    """Pictures that follow each other.

    Attributes:
        scene: what they have in common.
    """

    scene: Scene

    def frames(self) -> Iterator[Shown]:
        """All of them, from the first, as often as asked."""


class Video:
    """A video file, or a part of one."""

    def __init__(self, clip: Clip, span: Span | None = None) -> None:
        """Take a file that was opened."""
        self.clip, self._span = clip, span
        rate = float(clip.rate) if clip.rate else _USUAL_RATE
        self.scene = Scene(clip.size_wh, float(clip.pixel_aspect), rate)

    def frames(self) -> Iterator[Shown]:
        """As `Film.frames`; each is a `StoredFrame`."""
        yield from FrameReader(self.clip, self._span)


class Animation:
    """A photo that plays."""

    def __init__(self, photo: Photo) -> None:
        """Take a decoded photo."""
        self._photo = photo
        self._starts = np.cumsum((0, *photo.durations_ms)) / 1000
        rate = len(photo.frames) / max(float(self._starts[-1]), 0.01 * len(photo.frames))
        self.scene = Scene(photo.frames[0].size_wh, 1.0, rate)

    def frames(self) -> Iterator[Shown]:
        """As `Film.frames`."""
        for number, picture in enumerate(self._photo.frames):
            start = self._starts[min(number, len(self._starts) - 1)]
            yield _Drawn(number, float(start), picture)


def oriented(film: Film, orientation: Orientation) -> Film:
    """A film that was turned, or mirrored, as its original lies."""
    return film if orientation == UPRIGHT else _Oriented(film, orientation)


class _Oriented:
    """A film as it lies after its orientation was undone."""

    def __init__(self, film: Film, orientation: Orientation) -> None:
        self._film, self._orientation = film, orientation
        self.scene = film.scene
        if orientation.lies:
            width, height = film.scene.size_wh
            self.scene = Scene((height, width), 1 / film.scene.aspect, film.scene.rate)

    def frames(self) -> Iterator[Shown]:
        """As `Film.frames`."""
        for frame in self._film.frames():
            yield _Turned(frame.number, frame.time_s, frame, self._orientation)


@dataclass(frozen=True, slots=True)
class _Turned:
    number: int
    time_s: float
    frame: Shown
    orientation: Orientation

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """As `Shown.rgb`, always whole."""
        stored = size_wh[::-1] if self.orientation.lies else size_wh
        return self.orientation.undo(self.frame.rgb((stored[0], stored[1])))


@dataclass(frozen=True, slots=True)
class _Drawn:
    number: int
    time_s: float
    picture: Picture

    def rgb(self, size_wh: SizeWH, only: Boxes | None = None) -> RGB:
        """As `Shown.rgb`, always whole."""
        return resized(self.picture.rgb(), size_wh)


def resized(picture: RGB, size_wh: SizeWH) -> RGB:
    """A picture at another size, itself if it has it."""
    if picture.shape[1::-1] == size_wh:
        return picture
    shrinks = size_wh[0] < picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size_wh, interpolation=method), np.uint8)
