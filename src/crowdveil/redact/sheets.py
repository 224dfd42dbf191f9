"""The planes of a stored frame as redaction sees them: which are filled together, and how.

Planes come in, sheets come out: planes of one meaning and one size, which share their masks.
A sheet says which of its samples a window or a mask of the stored picture touches, always
rounding outwards, and how a grey is written in it. What is drawn is left to `frames`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH
from crowdveil.media.video.clip import Plane
from crowdveil.redact.fill import Channel, Field
from crowdveil.redact.flat import Shade
from crowdveil.redact.masks import Mask, Window

STEPS = (1, 2, 4)
"""Pixels of the picture for each sample of a plane, across or down, that video formats have."""

_BLACK, _WHITE = 16 / 256, 235 / 256
"""Black and white of limited range over the number of sample values (ITU-R BT.709, part 4)."""


class Meaning(Enum):
    """What the samples of a plane say."""

    LIGHT = auto()
    """Brightness, or one of three primary colours."""
    TINT = auto()
    """A difference of colours."""
    ALPHA = auto()
    """Opacity."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Planes of one size and meaning.

    Attributes:
        planes: at least one.
        meaning: what their samples say.
    """

    planes: tuple[Plane, ...]
    meaning: Meaning

    @property
    def step_xy(self) -> tuple[int, int]:
        """Pixels of the picture for each sample, across and down."""
        return self.planes[0].step_xy

    @property
    def full_scale(self) -> int:
        """The largest value of a sample."""
        return self.planes[0].full_scale

    @property
    def blank(self) -> float:
        """What stands where nothing is known: mid grey, no colour."""
        neutral = self.planes[0].neutral
        return self.full_scale / 2 if neutral is None else float(neutral)

    def window(self, window: Window) -> Window:
        """The samples that a window of the picture touches, as a window of the planes."""
        (x0, y0, x1, y1), (across, down) = window, self.step_xy
        return x0 // across, y0 // down, -(-x1 // across), -(-y1 // down)

    def channels(self, window: Window) -> list[Channel]:
        """The samples in a window of the planes, (h, w) for each plane, not copied."""
        x0, y0, x1, y1 = window
        return [plane.samples[y0:y1, x0:x1, 0] for plane in self.planes]

    def hidden(self, mask: Mask) -> Mask:
        """The samples that stand for at least one hidden pixel.

        Args:
            mask: (h, w) bool of the picture, from a window that begins at whole samples.
        """
        across, down = self.step_xy
        if self.step_xy == (1, 1):
            return mask
        touched = mask[::down, ::across].copy()
        for i in range(down):
            for j in range(across):
                part = mask[i::down, j::across]
                touched[: part.shape[0], : part.shape[1]] |= part
        return touched

    def means(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of a field (h, w) of the picture over the pixels of each sample.

        As in `hidden`, the field begins at whole samples; samples at its far edge may stand
        for fewer pixels.
        """
        across, down = self.step_xy
        if self.step_xy == (1, 1):
            return field
        height, width = field.shape
        wh = -(-width // across), -(-height // down)
        more = wh[1] * down - height, wh[0] * across - width
        whole = cv2.copyMakeBorder(field, 0, more[0], 0, more[1], cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(whole, wh, interpolation=cv2.INTER_AREA), np.float32)

    def grey(self, shade: Shade) -> Field:
        """A brightness of the picture (h, w), 0-1, as these planes show it: (h, w, 1) float32."""
        plane, means = self.planes[0], self.means(shade)
        if self.meaning is not Meaning.LIGHT:
            even = self.blank if self.meaning is Meaning.TINT else plane.full_scale
            return np.full((*means.shape, 1), even, np.float32)
        black, white = 0.0, float(plane.full_scale)
        if plane.limited:
            black, white = _BLACK * (white + 1), _WHITE * (white + 1)
        return means[..., None] * np.float32(white - black) + np.float32(black)


def sheets_of(planes: Sequence[Plane]) -> tuple[list[Sheet], SizeWH]:
    """The sheets of a frame, and the size of its stored picture in pixels.

    Formats with an even number of planes of brightness, primaries and alpha have alpha last.

    Raises:
        ValueError: no plane of brightness, or the planes' sizes or steps do not belong to one
            picture.
    """
    if any(step not in STEPS for plane in planes for step in plane.step_xy):
        raise ValueError(f"a sample must stand for {STEPS} pixels across and down")
    width = min((plane.samples.shape[1] * plane.step_xy[0] for plane in planes), default=0)
    height = min((plane.samples.shape[0] * plane.step_xy[1] for plane in planes), default=0)
    for plane in planes:
        expected = -(-height // plane.step_xy[1]), -(-width // plane.step_xy[0]), 1
        if plane.samples.shape != expected:
            raise ValueError(
                f"a plane of {plane.samples.shape} does not belong to a picture of "
                f"{width} x {height} pixels; expected {expected}"
            )
    untinted = [plane for plane in planes if plane.neutral is None]
    if not any(plane.step_xy == (1, 1) for plane in untinted):
        raise ValueError("a frame needs a plane of brightness with a sample for every pixel")
    alpha = untinted[-1] if len(untinted) % 2 == 0 else None
    groups: dict[tuple[Meaning, tuple[int, int]], list[Plane]] = {}
    for plane in planes:
        meaning = Meaning.LIGHT if plane.neutral is None else Meaning.TINT
        meaning = Meaning.ALPHA if plane is alpha else meaning
        groups.setdefault((meaning, plane.step_xy), []).append(plane)
    sheets = [Sheet(tuple(group), meaning) for (meaning, _), group in groups.items()]
    return sheets, (width, height)
