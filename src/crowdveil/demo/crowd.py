"""Composes a crowd out of one cut-out person, and knows where every face is.

A portrait, a size and a seed come in; a picture and the boxes of its visible faces go out,
always the same for the same seed. Writing it as a camera would is left to `camera`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from crowdveil.demo.sitter import FACE_XYXY, HEIGHT_PX, Disguise, Matte, Sitter, cut_out
from crowdveil.demo.street import street
from crowdveil.geometry import Boxes, SizeWH
from crowdveil.media.picture import RGB

ROWS = (0.17, 0.25, 0.37, 0.55, 0.82, 1.2, 1.68)
"""Sizes of the rows of people, far to near, relative to the portrait at a 1000-pixel height."""
SPACING_PX = 300
"""From one person of a row to the next, in pixels of the portrait; there is air between veils."""
VISIBLE = 0.35
"""Share of a face that must be in sight for it to count as one."""

_HAIR = ((34, 28, 26), (58, 42, 32), (92, 66, 44), (132, 98, 62), (120, 112, 108), (112, 62, 42))
# Only as far as light and sun change one face: painting a person in another's skin is no test
# of anything, and in bad taste.
_SKIN = ((1.02, 1.0, 0.99), (0.97, 0.93, 0.89), (0.92, 0.86, 0.8), (0.84, 0.77, 0.71))
_CLOTH = (
    (46, 58, 84),
    (58, 60, 66),
    (92, 96, 70),
    (122, 44, 52),
    (190, 146, 62),
    (70, 102, 138),
    (176, 172, 164),
    (44, 44, 48),
    (52, 92, 76),
    (202, 96, 62),
    (134, 108, 88),
    (120, 86, 128),
)
_SIGNS = {
    1: ((0.33, "WE ARE HERE"), (0.62, "LISTEN!")),
    2: ((0.14, "WATER FOR ALL"), (0.47, "NO MORE DELAY"), (0.81, "OUR STREETS")),
    4: ((0.29, "CLEAN AIR NOW"),),
}
"""Signs by row: where, as a share of the width, and what they say."""
_HAZE = np.array([214, 202, 190], np.float32)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A composed crowd and the truth about it.

    Attributes:
        picture: (h, w, 3) uint8 RGB.
        boxes: (n, 4) float32 `x0, y0, x1, y1`, pixels, half-open: every face of which at
            least a third can be seen, hairline to chin, far to near; may reach outside.
    """

    picture: RGB
    boxes: Boxes


@dataclass(frozen=True, slots=True)
class _Person:
    """Where and how one person stands."""

    at_xy: tuple[float, float]
    """Centre of the face, in pixels of the picture."""
    scale: float
    turn: float
    """Width over natural width, 0.65-1: how far the head is turned away."""
    lean_deg: float
    shear: float
    mirrored: bool
    light: float
    disguise: Disguise


def compose_crowd(portrait: RGB, *, size_wh: SizeWH = (1600, 1000), seed: int = 7) -> Crowd:
    """Compose a street full of people from one portrait.

    Args:
        portrait: (512, 512, 3) uint8 RGB, the picture in `models.catalogue.PORTRAIT`.
        size_wh: width and height of the crowd in pixels, each at least 200.
        seed: the same seed gives the same crowd.

    Raises:
        ValueError: a portrait of another shape, or a size below 200 pixels.
    """
    if min(size_wh) < 200:
        raise ValueError(f"a crowd needs at least 200 x 200 pixels, not {size_wh}")
    sitter = cut_out(portrait)
    near_to_far = (sitter, sitter.halved(), sitter.halved().halved())
    random = np.random.default_rng(seed)
    picture = street(size_wh, random)
    # Which face each pixel shows, counted from 1, to know what remains in sight.
    shown = np.zeros(picture.shape[:2], np.int32)
    faces: list[tuple[NDArray[np.float32], int]] = []
    for row, scale in enumerate(ROWS):
        for person in _stand(scale * size_wh[1] / 1000, size_wh, random):
            # From twice too large at most: shrinking more turns hair into glitter.
            halvings = sum(person.scale <= limit for limit in (0.5, 0.25))
            sitter = near_to_far[halvings]
            faces.append(_paint_person(picture, shown, sitter, person, len(faces) + 1))
        _paint_haze(picture, scale)
        if row in _SIGNS:
            _paint_signs(picture, shown, scale * size_wh[1] / 1000, _SIGNS[row], random)
    seen = np.bincount(shown.ravel(), minlength=len(faces) + 1)[1:]
    boxes = [box for (box, whole), left in zip(faces, seen, strict=True) if left >= VISIBLE * whole]
    return Crowd(_developed(picture, random), np.array(boxes, np.float32).reshape(-1, 4))


def _stand(scale: float, size_wh: SizeWH, random: np.random.Generator) -> list[_Person]:
    """The people of one row, far to near."""
    width, height = size_wh
    pitch = SPACING_PX * scale
    people = []
    for x in np.arange(-0.2 * pitch + random.random() * 0.5 * pitch, width + 0.3 * pitch, pitch):
        size = scale * (1 + 0.1 * random.uniform(-1, 1))
        y = height * 0.245 + 355 * size + random.normal(0, 9) * scale
        away = random.random()
        people.append(
            _Person(
                at_xy=(x + random.normal(0, 0.12) * pitch, y),
                scale=size,
                turn=1.0 if away < 0.55 else random.uniform(0.66, 0.95),
                lean_deg=random.normal(0, 5),
                shear=0.0 if away < 0.55 else random.uniform(-0.18, 0.18),
                mirrored=bool(random.random() < 0.5),
                light=random.uniform(0.84, 1.08),
                disguise=Disguise(
                    hair=_HAIR[random.integers(len(_HAIR))],
                    skin=_SKIN[random.integers(len(_SKIN))],
                    cloth=_CLOTH[random.integers(len(_CLOTH))],
                ),
            )
        )
    return sorted(people, key=lambda person: person.scale)


def _paint_person(
    picture: NDArray[np.float32],
    shown: NDArray[np.int32],
    sitter: Sitter,
    person: _Person,
    number: int,
) -> tuple[NDArray[np.float32], int]:
    """Paint one person into `picture` and `shown`; the box of the face and its whole area."""
    move = _placement(person)
    corners = np.array([[0, 0], [512, 0], [0, HEIGHT_PX], [512, HEIGHT_PX]], np.float64)
    reach = corners @ move[:, :2].T + move[:, 2]
    near = np.floor(reach.min(axis=0)).astype(int)
    far = np.ceil(reach.max(axis=0)).astype(int)
    move[:, 2] -= near
    size = (int(far[0] - near[0]), int(far[1] - near[1]))
    from_sitter = move * np.array([512 / sitter.matte.shape[1]] * 2 + [1])
    method = cv2.INTER_CUBIC if person.scale > 1 else cv2.INTER_LINEAR
    lit = sitter.disguised(person.disguise) * np.float32(person.light)
    pixels = cv2.warpAffine(lit, from_sitter, size, flags=method, borderMode=cv2.BORDER_REPLICATE)
    matte = np.clip(cv2.warpAffine(sitter.matte, from_sitter, size, flags=method), 0, 1)

    outline = _face_oval() @ move[:, :2].T + move[:, 2]
    face = np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(face, [np.round(outline * 16).astype(np.int32)], (1,), cv2.LINE_8, 4)
    box = np.concatenate([outline.min(axis=0) + near, outline.max(axis=0) + near])

    there, here = _overlap(near, size, picture.shape[:2])
    opacity = matte[here][..., None]
    picture[there] += (np.clip(pixels[here], 0, 255) - picture[there]) * opacity
    shown[there][matte[here] > 0.5] = 0
    shown[there][face[here] > 0] = number
    return box.astype(np.float32), int(face.sum())


def _placement(person: _Person) -> NDArray[np.float64]:
    """The (2, 3) affine map from the portrait to the picture."""
    centre = np.array([(FACE_XYXY[0] + FACE_XYXY[2]) / 2, (FACE_XYXY[1] + FACE_XYXY[3]) / 2])
    angle = np.deg2rad(person.lean_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flip = -1.0 if person.mirrored else 1.0
    squeeze = np.array([[flip * person.turn, person.shear], [0.0, 1.0]])
    linear = person.scale * turn @ squeeze
    return np.concatenate([linear, (np.array(person.at_xy) - linear @ centre)[:, None]], axis=1)


def _face_oval() -> NDArray[np.float64]:
    """Outline of the face in the portrait: the ellipse inscribed in its box, (64, 2)."""
    x0, y0, x1, y1 = FACE_XYXY
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack(
        [
            (x0 + x1) / 2 + (x1 - x0) / 2 * np.cos(angle),
            (y0 + y1) / 2 + (y1 - y0) / 2 * np.sin(angle),
        ],
        axis=1,
    )


def _overlap(
    near: NDArray[np.int_], size_wh: SizeWH, picture_hw: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Which part of a picture a patch at `near` covers, and which part of the patch that is."""
    there, here = [], []
    for start, side, limit in zip(near[::-1], size_wh[::-1], picture_hw, strict=True):
        first = min(max(int(start), 0), limit)
        last = max(min(int(start) + side, limit), first)
        there.append(slice(first, last))
        here.append(slice(first - int(start), last - int(start)))
    return (there[0], there[1]), (here[0], here[1])


def _paint_haze(picture: NDArray[np.float32], scale: float) -> None:
    """Veil all that is painted so far in evening air, more of it the farther away."""
    picture += (_HAZE - picture) * 0.055 * (1 - min(scale, 1.0))


def _paint_signs(
    picture: NDArray[np.float32],
    shown: NDArray[np.int32],
    scale: float,
    signs: tuple[tuple[float, str], ...],
    random: np.random.Generator,
) -> None:
    """Hold hand-lettered signs above the people who stand so far."""
    height, width = picture.shape[:2]
    for share, text in signs:
        board, matte = _board(text, random)
        at = np.array([share * width, height * 0.245 + 355 * scale - 215 * scale])
        angle = np.deg2rad(random.normal(0, 6))
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([board.shape[1] / 2, _BOARD_WH[1] / 2])
        move = np.concatenate([linear, (at - linear @ middle)[:, None]], axis=1)
        painted = cv2.warpAffine(board, move, (width, height), flags=cv2.INTER_AREA)
        opacity = cv2.warpAffine(matte, move, (width, height), flags=cv2.INTER_LINEAR)
        picture += (painted - picture) * opacity[..., None]
        shown[opacity > 0.5] = 0


_BOARD_WH = (330, 170)
"""A sign without its stick, in pixels of the portrait."""


def _board(text: str, random: np.random.Generator) -> tuple[NDArray[np.float32], Matte]:
    """A cardboard sign on a stick, and its matte."""
    width, height = _BOARD_WH
    stick = 150
    board = np.full((height + stick, width, 3), (112.0, 86.0, 62.0), np.float32)
    matte = np.zeros((height + stick, width), np.float32)
    paper = np.array(((226, 220, 206), (200, 172, 128), (232, 206, 120))[random.integers(3)])
    board[:height] = paper + random.normal(0, 2.5, (height, width, 1))
    board[:height] *= np.linspace(1.02, 0.9, height)[:, None, None]
    matte[:height] = 1
    matte[height:, width // 2 - 6 : width // 2 + 6] = 1
    ink = ((38, 36, 44), (128, 28, 30), (24, 58, 92))[random.integers(3)]
    words = text.split()
    lines = [" ".join(words[:2]), " ".join(words[2:])] if len(words) > 2 else words
    lines = [line for line in lines if line]
    lettering = Image.new("L", (width, height))
    draw = ImageDraw.Draw(lettering)
    widest = max(draw.textlength(line, ImageFont.load_default(100)) for line in lines)
    font = ImageFont.load_default(min(100 * (width - 44) / widest, 0.8 * height / len(lines)))
    for i, line in enumerate(lines):
        middle = (width / 2, height * (i + 0.5) / len(lines))
        draw.text(middle, line, 255, font, anchor="mm", stroke_width=2)
    drawn = np.asarray(lettering, np.float32)[..., None] / 255
    board[:height] += (np.array(ink, np.float32) - board[:height]) * drawn
    return board, matte


def _developed(picture: NDArray[np.float32], random: np.random.Generator) -> RGB:
    """Darken the corners, add grain and round to 8 bits."""
    height, width = picture.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    corner = 1 - 0.11 * (x**2 + y**2)
    grain = random.normal(0, 2.6, (height, width, 1)).astype(np.float32)
    return np.clip(np.round(picture * corner[..., None] + grain), 0, 255).astype(np.uint8)
