"""Makes videos with exact ground truth out of annotated photos.

A virtual hand-held camera pans, zooms, rolls, shakes and sometimes whips over a photo; sheets,
poles and arms pass in front; cuts lead to other photos. Every annotated face moves with the
picture, so where it is in each frame is known to the pixel. The same seed makes the same film.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from protest import Annotated

RATE = 30
LEAST_PX = 24
COVERED = 0.3
"""Share of a face behind something from which it counts as occluded."""
PAN_PX = 16
"""Fastest steady pan, in pixels a frame of a picture 1280 wide; whips come on top."""
SMEARED = 0.5
"""Share of a face's longer side over which motion may smear it; beyond, nobody is recognised."""
INSIDE = 0.6
"""Share of a face inside the picture from which it is judged."""
SHUTTER = 0.5
"""Part of a frame's time during which the shutter is open."""
MBIT_S = {360: 2, 720: 7, 1080: 16}
"""Bit rates of phones by the height of the picture."""


@dataclass(frozen=True)
class FrameTruth:
    """Where n annotated faces are in one frame.

    Attributes:
        track: (n,) int, the same for one face through one shot.
        centre: (n, 2) float, pixels.
        half: (n, 2) float, half axes of the inscribed ellipse in pixels.
        angle_deg: (n,) float, turn of the ellipses, clockwise on the screen.
        judged: (n,) bool: valid, not occluded, at least 24 pixels, enough inside, not smeared.
        covered: (n,) float, share behind something.
        blur_px: how far the picture moves while the shutter is open.
    """

    track: NDArray[np.int_]
    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    judged: NDArray[np.bool_]
    covered: NDArray[np.float64]
    blur_px: float


@dataclass(frozen=True)
class Sheet:
    """Something that passes in front: a textured rectangle, turned and moving."""

    start: float
    side_wh: tuple[float, float]
    speed_px: tuple[float, float]
    at_xy: tuple[float, float]
    turn_deg: float
    texture: NDArray[np.uint8]


class Camera:
    """Where the camera looks during one shot of `frames` frames."""

    def __init__(
        self,
        rng: np.random.Generator,
        photo: Annotated,
        photo_wh: tuple[int, int],
        size_wh: tuple[int, int],
        frames: int,
    ) -> None:
        """Choose a way through a photo, from near some of its faces to near others."""
        self.size, self.frames = np.array(size_wh, float), frames
        self.photo = np.array(photo_wh, float)
        # Rolled by up to 6 degrees and shaken, the view must stay inside the photo.
        least = (self.size / self.photo).max() * 1.25
        self.zoom = least * rng.uniform(1.0, 1.5, 2)
        self.roll = rng.uniform(-6, 6, 2)
        faces = (photo.boxes[:, :2] + photo.boxes[:, 2:]) / 2
        aims = faces[rng.integers(len(faces), size=2)] if len(faces) else self.photo[None] / 2
        self.centre = aims + self.photo * rng.normal(0, 0.12, (2, 2))
        # A quick pan: the gentle start and end make its middle half as fast again.
        way = self.centre[1] - self.centre[0]
        fastest = 1.5 * np.linalg.norm(way) * self.zoom.max() / frames
        self.centre[1] = self.centre[0] + way * min(1, PAN_PX * size_wh[0] / 1280 / fastest)
        self.whip = np.zeros((frames, 2))
        if rng.random() < 0.35 and frames > 60:
            at = int(rng.integers(20, frames - 30))
            way = rng.uniform(-30, 30, 2) * (1, 0.4) * size_wh[0] / 1280
            for k in range(8):
                self.whip[at + k :] += way * np.sin(np.pi * (k + 0.5) / 8)
            self.whip[at + 8 :] *= np.exp(-np.arange(frames - at - 8) / 25)[:, None]
        walk = np.cumsum(rng.normal(0, 1.3, (frames + 60, 2)), axis=0)
        drift = cv2.blur(walk, (1, 31))
        self.shake = cv2.blur(walk - drift, (1, 3))[30 : 30 + frames] + self.whip

    def matrix(self, k: float) -> NDArray[np.float64]:
        """From the photo to the screen at a time in frames, (2, 3)."""
        share = np.clip(k / max(self.frames - 1, 1), 0, 1)
        ease = share * share * (3 - 2 * share)
        zoom, roll = (pair[0] + (pair[1] - pair[0]) * ease for pair in (self.zoom, self.roll))
        time = float(np.clip(k, 0, self.frames - 1))
        before, after = int(np.floor(time)), int(np.ceil(time))
        shake = self.shake[before] * (1 - time + before) + self.shake[after] * (time - before)
        # The centre keeps the turned view inside the photo.
        turn = np.deg2rad(abs(roll))
        reach = np.array([
            self.size @ (np.cos(turn), np.sin(turn)), self.size @ (np.sin(turn), np.cos(turn)),
        ]) / 2 / zoom  # fmt: skip
        centre = self.centre[0] + (self.centre[1] - self.centre[0]) * ease - shake / zoom
        middle = self.photo / 2
        room = np.maximum(self.photo / 2 - reach, 0)
        centre = np.clip(centre, middle - room, middle + room)
        matrix = np.asarray(cv2.getRotationMatrix2D((0, 0), float(roll), float(zoom)), np.float64)
        matrix[:, 2] = self.size / 2 - matrix[:, :2] @ centre
        return matrix


def make_film(
    photos: Sequence[Annotated], *, seed: int, seconds: float, size_wh: tuple[int, int]
) -> Iterator[tuple[NDArray[np.uint8], FrameTruth]]:
    """The frames of a film, (h, w, 3) uint8 BGR, and where the faces are in each."""
    rng = np.random.default_rng(seed)
    total = round(seconds * RATE)
    cuts = int(rng.integers(1, 4)) if total >= 120 else 0
    bounds = [
        0,
        *sorted(rng.choice(np.arange(30, total - 30), cuts, replace=False).tolist()),
        total,
    ]
    first = 0
    for start, stop in itertools.pairwise(bounds):
        photo = photos[int(rng.integers(len(photos)))]
        yield from _shot(photo, rng, stop - start, size_wh, first)
        first += len(photo.boxes)


def _shot(
    photo: Annotated, rng: np.random.Generator, frames: int, size_wh: tuple[int, int], first: int
) -> Iterator[tuple[NDArray[np.uint8], FrameTruth]]:
    picture = cv2.imread(str(photo.path))
    if picture is None:
        raise SystemExit(f"{photo.path}: cannot be read")
    camera = Camera(rng, photo, (picture.shape[1], picture.shape[0]), size_wh, frames)
    sheets = [_sheet(rng, size_wh, frames) for _ in range(int(rng.integers(1, 4)))]
    light = 1 + np.cumsum(rng.normal(0, 0.002, frames))
    for k in range(frames):
        matrix = camera.matrix(k)
        edges = [camera.matrix(k + d * SHUTTER / 2) for d in (-1, 1)]
        middle = np.array([*camera.photo / 2, 1])
        moved = float(np.abs((edges[1] - edges[0]) @ middle).max())
        count = int(np.clip(np.ceil(moved / 2), 1, 12))
        sharp = np.zeros((size_wh[1], size_wh[0], 3), np.float32)
        for part in (np.arange(count) + 0.5) / count - 0.5:
            sharp += cv2.warpAffine(
                picture,
                camera.matrix(k + part * SHUTTER),
                size_wh,
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
        frame = sharp / count * light[k]
        hidden = np.zeros((size_wh[1], size_wh[0]), np.uint8)
        for sheet in sheets:
            _put_into(frame, hidden, sheet, k)
        frame += rng.normal(0, 2.5, frame.shape[:2])[..., None]
        yield (
            np.clip(frame, 0, 255).astype(np.uint8),
            _truth(photo, matrix, hidden, size_wh, first, moved),
        )


def _sheet(rng: np.random.Generator, size_wh: tuple[int, int], frames: int) -> Sheet:
    """A placard, a pole or an arm, with stripes and blots but no face."""
    wide = rng.uniform(0.03, 0.16) * size_wh[0]
    high = rng.uniform(0.3, 0.9) * size_wh[1]
    blots = rng.integers(0, 255, (6, 3, 3)).astype(np.uint8)
    texture = cv2.resize(blots, (120, 240), interpolation=cv2.INTER_CUBIC)
    texture = np.clip(texture + rng.normal(0, 12, texture.shape), 0, 255).astype(np.uint8)
    speed = rng.uniform(6, 28) * rng.choice([-1, 1]) * size_wh[0] / 1280
    return Sheet(
        float(rng.uniform(0, frames)),
        (wide, high),
        (speed, float(rng.uniform(-1, 1))),
        (size_wh[0] * float(rng.uniform(0.3, 0.7)), size_wh[1] * float(rng.uniform(0.2, 0.9))),
        float(rng.uniform(-25, 25)),
        texture,
    )


def _put_into(frame: NDArray[np.float32], hidden: NDArray[np.uint8], sheet: Sheet, k: int) -> None:
    height, width = sheet.texture.shape[:2]
    away = k - sheet.start
    x, y = (at + speed * away for at, speed in zip(sheet.at_xy, sheet.speed_px, strict=True))
    matrix = np.asarray(cv2.getRotationMatrix2D((0, 0), sheet.turn_deg, 1.0))
    matrix[:, :2] = matrix[:, :2] @ np.diag([sheet.side_wh[0] / width, sheet.side_wh[1] / height])
    matrix[:, 2] = np.array([x, y]) - matrix[:, :2] @ (width / 2, height / 2)
    size = frame.shape[1], frame.shape[0]
    mask = cv2.warpAffine(np.full((height, width), 255, np.uint8), matrix, size)
    paint = cv2.warpAffine(sheet.texture, matrix, size)
    share = (mask / np.float32(255))[..., None]
    frame += (paint - frame) * share
    np.maximum(hidden, mask, out=hidden)


def _truth(
    photo: Annotated,
    matrix: NDArray[np.float64],
    hidden: NDArray[np.uint8],
    size_wh: tuple[int, int],
    first: int,
    blur_px: float,
) -> FrameTruth:
    boxes = photo.boxes.astype(np.float64)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * scale
    # Image rows grow downwards: OpenCV's positive turn is counter-clockwise on the screen.
    angle = np.full(len(boxes), -np.rad2deg(np.arctan2(matrix[0, 1], matrix[0, 0])))
    near, far = centre - half, centre + half
    inside = np.clip(np.minimum(far, size_wh) - np.maximum(near, 0), 0, None).prod(axis=1)
    inside /= np.maximum((far - near).prod(axis=1), 1e-9)
    covered = np.zeros(len(boxes))
    for i in np.flatnonzero(inside > 0):
        x0, y0 = np.maximum(near[i], 0).astype(int)
        x1, y1 = np.ceil(np.minimum(far[i], size_wh)).astype(int)
        covered[i] = (hidden[y0:y1, x0:x1] > 0).mean()
    judged = photo.valid & (photo.occlusion == 0) & (2 * half.max(axis=1) >= LEAST_PX)
    judged &= (inside >= INSIDE) & (covered < COVERED)
    judged &= blur_px <= SMEARED * 2 * half.max(axis=1)
    shown = inside > 0
    return FrameTruth(
        (np.arange(len(boxes)) + first)[shown],
        centre[shown],
        half[shown],
        angle[shown],
        judged[shown],
        covered[shown],
        blur_px,
    )


def write_film(
    path: Path, photos: Sequence[Annotated], *, seed: int, seconds: float, size_wh: tuple[int, int]
) -> list[FrameTruth]:
    """Write a film as a phone would (H.264 in MP4) and return its truth, frame by frame."""
    truth = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(RATE), options={"preset": "veryfast"})
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = MBIT_S[size_wh[1]] * 1_000_000
        for picture, where in make_film(photos, seed=seed, seconds=seconds, size_wh=size_wh):
            truth.append(where)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return truth
