"""Cuts the person out of the demo's portrait and dresses her up as somebody else.

The portrait comes in as RGB; a cut-out with a soft matte goes out, recoloured in hair, skin
and clothes. Outlines are in pixels of the 512 x 512 portrait and were drawn by hand. Placing
cut-outs in a picture is left to `crowd`.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.media.picture import RGB

Matte: TypeAlias = NDArray[np.float32]
"""(h, w) float32, 0 outside to 1 inside."""
Colour: TypeAlias = tuple[float, float, float]
"""Red, green, blue, 0-255."""

FACE_XYXY = (180.0, 64.0, 270.0, 182.0)
"""The face in the portrait, hairline to chin, pixels, half-open."""
HEIGHT_PX = 500
"""Height of a cut-out, whose lower third is cloth mirrored, lest anybody end in mid-air."""
WAIST_PX = 335
"""Row below which badges with names begin."""
_EARS_PX, _COLLAR_PX, _CHEST_PX = 114, 146, 305
"""Rows at which ears begin, hair has ended, and all is cloth but for a clasp."""
_CLASP_X = (212, 292)
"""Columns of the clasp."""

_OUTLINE = (
    "173,118 163,112 156,102 153,88 152,74 155,60 162,50 172,42 184,35 191,29 198,22 208,17 220,15"
    " 232,14 244,16 256,20 268,27 280,35 291,45 297,58 301,72 302,86 300,98 295,108 287,118 281,126"
    " 276,134 269,137 266,145 261,157 257,168 258,174 268,179 282,191 294,206 301,221 304,235"
    " 313,240 326,248 338,260 345,275 351,290 356,305 360,320 363,340 21,340 27,330 33,310 38,292"
    " 45,272 52,262 62,250 75,239 90,225 105,213 115,207 113,196 115,186 122,183 126,171 137,158"
    " 152,150 170,148 184,149 183,140 181,132 176,129"
)
_FACE = (
    "184,76 192,72 206,79 230,81 254,86 264,92 271,116 284,122 282,136 271,142 263,152 256,170"
    " 256,186 225,190 187,182 184,160 177,141 171,133 172,116 180,112 182,95"
)
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in luma. Source: ITU-R BT.601."""


@dataclass(frozen=True, slots=True)
class Disguise:
    """What makes one cut-out look unlike the next.

    Attributes:
        hair: the colour that hair of middling brightness takes.
        skin: factors on red, green and blue of the skin, about 0.7-1.1.
        cloth: the colour that cloth in plain light takes.
    """

    hair: Colour
    skin: Colour
    cloth: Colour


@dataclass(frozen=True, slots=True)
class Sitter:
    """The person of the portrait, ready to be disguised.

    Attributes:
        pixels: (h, w, 3) float32 RGB, 0-255; 500 x 512 unless shrunk.
        matte: (h, w), where the person is.
        hair, skin, cloth: (h, w), which part of her is what.
    """

    pixels: NDArray[np.float32]
    matte: Matte
    hair: Matte
    skin: Matte
    cloth: Matte

    def disguised(self, disguise: Disguise) -> NDArray[np.float32]:
        """The pixels in other colours, (h, w, 3) float32 RGB, 0-255."""
        luma = (self.pixels @ _GREY)[..., None]
        hair = np.array(disguise.hair, np.float32) * (luma / 105) ** 0.9
        cloth = np.array(disguise.cloth, np.float32) * (luma / 122) ** 1.1
        skin = self.pixels * np.array(disguise.skin, np.float32)
        worn = self.pixels
        for look, part in ((hair, self.hair), (cloth, self.cloth), (skin, self.skin)):
            worn = (worn + (look - worn) * part[..., None]).astype(np.float32)
        return np.clip(worn, 0, 255)

    def halved(self) -> "Sitter":
        """The same at half the size, for people farther away."""
        size = (self.matte.shape[1] // 2, self.matte.shape[0] // 2)
        planes = (self.pixels, self.matte, self.hair, self.skin, self.cloth)
        return Sitter(
            *(
                cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32)
                for plane in planes
            )
        )


def cut_out(portrait: RGB) -> Sitter:
    """Separate the person from the studio.

    Args:
        portrait: (512, 512, 3) uint8 RGB, the picture in `models.catalogue.PORTRAIT`.

    Raises:
        ValueError: any other shape; the outlines would not fit.
    """
    if portrait.shape != (512, 512, 3):
        raise ValueError(f"the portrait must have shape (512, 512, 3), not {portrait.shape}")
    pixels = portrait.astype(np.float32)
    body = _filled(_OUTLINE, soften_px=0.9)
    face = _filled(_FACE, soften_px=1.5)
    # Hair ends in strands: what is as bright as the studio's wall near the outline is wall.
    strands = np.clip((186 - pixels @ _GREY) / 25, 0, 1)
    rim = cv2.erode(body, np.ones((9, 9), np.uint8)) < 0.99
    rim[_EARS_PX:] = False
    matte = body * np.where(rim, strands, 1)

    above_collar = np.zeros_like(body)
    above_collar[:_COLLAR_PX] = 1
    hue, saturation = _hue_saturation(portrait)
    orange = np.clip((saturation - 105) / 40, 0, 1) * ((hue < 14) | (hue > 172))
    parts = (
        matte.astype(np.float32),
        ((1 - face) * above_collar).astype(np.float32),
        face,
        (cv2.GaussianBlur(orange, (0, 0), 0.8) * (1 - face) * (1 - above_collar)).astype(
            np.float32
        ),
    )
    matte, hair, skin, cloth = (_lengthened(part) for part in parts)
    return Sitter(_lengthened(pixels), matte, hair, skin, cloth)


def _filled(outline: str, *, soften_px: float) -> Matte:
    """The inside of an outline, `x,y x,y ...` in pixels, as a (512, 512) matte."""
    corners = np.array([pair.split(",") for pair in outline.split()], np.float32)
    scaled = np.round(corners * 256).astype(np.int32)
    canvas = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(canvas, [scaled], (255,), cv2.LINE_AA, 8)
    # One pixel in from the drawn line, lest the studio's wall shine through as a halo.
    inner = cv2.erode(canvas, np.ones((3, 3), np.uint8)).astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), soften_px), np.float32)


def _hue_saturation(portrait: RGB) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hue in half degrees, 0-179, and saturation, 0-255, both (512, 512) float32."""
    hsv = cv2.cvtColor(portrait, cv2.COLOR_RGB2HSV).astype(np.float32)
    return hsv[..., 0], hsv[..., 1]


def _lengthened(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut at the waist and go on with the cloth above it, mirrored again and again."""
    cloth = plane[_CHEST_PX:WAIST_PX].copy()
    near, far = _CLASP_X
    cloth[:, near:far] = cloth[:, 2 * near - far : near][:, ::-1]
    folds = [cloth[::-1] if i % 2 == 0 else cloth for i in range(HEIGHT_PX // len(cloth))]
    return np.concatenate([plane[:WAIST_PX], *folds])[:HEIGHT_PX]
