"""Paints the demo's background: an evening street, out of focus, without a photograph.

A size and a random generator come in, RGB goes out. Knows nothing of people.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import SizeWH

HORIZON = 0.26
"""Height of the horizon, as a share of the picture's, from the top."""


def street(size_wh: SizeWH, random: np.random.Generator) -> NDArray[np.float32]:
    """Sky, houses on both sides, trees and asphalt: (h, w, 3) float32 RGB, 0-255."""
    width, height = size_wh
    picture = _sky_and_ground(size_wh)
    unit = height / 1000
    for side in (-1, 1):
        _houses(picture, side, unit, random)
    _trees(picture, unit, random)
    blurred = cv2.GaussianBlur(picture, (0, 0), 5.5 * unit)
    clouds = random.normal(0, 1, (6, 9)).astype(np.float32)
    shade = cv2.resize(clouds, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(blurred + shade[..., None] * 3, 0, 255), np.float32)


def _sky_and_ground(size_wh: SizeWH) -> NDArray[np.float32]:
    width, height = size_wh
    row = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    above = np.clip(row / HORIZON, 0, 1)
    below = np.clip((row - HORIZON) / (1 - HORIZON), 0, 1)
    sky = np.array([168, 190, 214], np.float32) * (1 - above) + above * np.array([238, 222, 200])
    ground = np.array([120, 112, 106], np.float32) * (1 - below) + below * np.array([62, 58, 60])
    column = np.where(row < HORIZON, sky, ground).astype(np.float32)
    return np.repeat(column[:, None], width, axis=1)


def _houses(
    picture: NDArray[np.float32], side: int, unit: float, random: np.random.Generator
) -> None:
    """Paint into `picture` a row of fronts that shrink towards the middle; `side` -1 is left."""
    height, width = picture.shape[:2]
    foot = HORIZON * height + 40 * unit
    edge, depth = 0.0, 1.0
    while depth > 0.12:
        front = (150 + 190 * random.random()) * depth * unit
        top = foot - (330 + 190 * random.random()) * depth * unit
        wall = np.array(random.choice(_WALLS), np.float32) * (0.92 + 0.16 * random.random())
        wall = wall + (np.array([226, 214, 198]) - wall) * (1 - depth) * 0.75
        near, far = (edge, edge + front) if side < 0 else (width - edge - front, width - edge)
        _rectangle(picture, near, top, far, foot, wall)
        step_x, step_y = 42 * depth * unit, 58 * depth * unit
        glass = wall * (0.45 + 0.2 * random.random())
        for y in np.arange(top + 0.5 * step_y, foot - step_y, step_y):
            for x in np.arange(near + 0.35 * step_x, far - 0.6 * step_x, step_x):
                lit = np.array([255, 214, 150], np.float32) if random.random() < 0.12 else glass
                _rectangle(picture, x, y, x + step_x * 0.5, y + step_y * 0.58, lit)
        edge += front
        depth *= 0.74


def _trees(picture: NDArray[np.float32], unit: float, random: np.random.Generator) -> None:
    """Paint crowns of leaves into `picture` on both sides of the far end."""
    height, width = picture.shape[:2]
    for share in (0.3, 0.36, 0.63, 0.71):
        centre = np.array([share * width, HORIZON * height - 25 * unit])
        for _ in range(60):
            at = centre + random.normal(0, 1, 2) * np.array([26, 30]) * unit
            leaf = np.array([92, 112, 84]) * (0.8 + 0.4 * random.random())
            radius = round((7 + 7 * random.random()) * unit)
            cv2.circle(picture, (round(at[0]), round(at[1])), max(radius, 1), leaf.tolist(), -1)


_WALLS = ((196, 172, 142), (176, 150, 132), (208, 196, 178), (168, 160, 156), (186, 142, 118))
"""Plaster and brick, red, green and blue, 0-255."""


def _rectangle(
    picture: NDArray[np.float32],
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    colour: NDArray[np.float32],
) -> None:
    """Paint one filled rectangle into `picture`, whole pixels, clipped."""
    near_x, far_x = max(round(x0), 0), max(round(x1), 0)
    near_y, far_y = max(round(y0), 0), max(round(y1), 0)
    picture[near_y:far_y, near_x:far_x] = colour
