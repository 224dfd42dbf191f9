"""One upright raster in the file's own colour space, and the photo that it belongs to.

What decoders return and encoders take, so that detection and redaction know nothing of
file formats. Reading and writing files is left to the format modules.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
"""(height, width, channels) samples, full range of the dtype, C-contiguous."""

RGB: TypeAlias = NDArray[np.uint8]
"""(height, width, 3) uint8, red first."""


def contiguous(samples: Any) -> Samples:
    """The samples in one piece of memory, copied if they are not."""
    whole: Samples = np.ascontiguousarray(samples)
    return whole


class ColourSpace(StrEnum):
    """What the colour channels of a picture mean. CMYK is ink: 0 is no ink."""

    GREY = "grey"
    RGB = "rgb"
    CMYK = "cmyk"


CHANNELS = {ColourSpace.GREY: 1, ColourSpace.RGB: 3, ColourSpace.CMYK: 4}


class PhotoFormat(StrEnum):
    """The photo formats that are read and written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    HEIF = "heif"
    AVIF = "avif"
    GIF = "gif"
    BMP = "bmp"


@dataclass(frozen=True, slots=True)
class Picture:
    """One upright raster.

    Attributes:
        samples: (h, w, c) uint8 or uint16; colour channels first, alpha last if any.
        space: meaning of the colour channels.
        alpha: whether the last channel is (straight) alpha.
    """

    samples: Samples
    space: ColourSpace
    alpha: bool = False

    def __post_init__(self) -> None:
        """Refuse samples of a shape or dtype that does not belong to the colours."""
        expected = CHANNELS[self.space] + self.alpha
        if self.samples.ndim != 3 or self.samples.shape[2] != expected:
            raise ValueError(
                f"samples must have shape (h, w, {expected}), not {self.samples.shape}"
            )
        if self.samples.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"samples must be uint8 or uint16, not {self.samples.dtype}")

    @property
    def size_wh(self) -> SizeWH:
        """Width and height in pixels."""
        return self.samples.shape[1], self.samples.shape[0]

    def rgb(self) -> RGB:
        """The picture as detectors see it: (h, w, 3) uint8.

        Alpha is ignored on purpose: what is transparent is still in the file, and a viewer
        that drops alpha shows it.
        """
        colour = self.samples[..., : CHANNELS[self.space]]
        if colour.dtype == np.uint16:
            colour = (colour >> 8).astype(np.uint8)
        if self.space is ColourSpace.GREY:
            return np.ascontiguousarray(np.repeat(colour, 3, axis=2))
        if self.space is ColourSpace.CMYK:
            paper = 255 - colour.astype(np.uint16)
            return np.asarray((paper[..., :3] * paper[..., 3:] + 127) // 255, np.uint8)
        return np.ascontiguousarray(colour)


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo or animation with what is needed to show it, and nothing else.

    Attributes:
        format: the format of the source file.
        frames: one picture, or the frames of an animation, fully composited and upright,
            all of one size.
        durations_ms: one duration a frame for an animation, else empty.
        loop: how often an animation plays, 0 for ever, None if the file does not say.
        icc: the ICC profile, if any.
        density: horizontal and vertical density in dots per inch, if the file gives it.
        encoding: what the encoder of the same format needs to write it as it was; opaque
            to everyone else.
        left_out: what else the source's file holds, in words such as "a gain map".
    """

    format: PhotoFormat
    frames: tuple[Picture, ...]
    durations_ms: tuple[int, ...] = ()
    loop: int | None = None
    icc: bytes | None = None
    density: tuple[float, float] | None = None
    encoding: object = field(default=None, repr=False)
    left_out: tuple[str, ...] = ()
