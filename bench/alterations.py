"""What happens to copies on their way: turned, scaled, cropped, brightened, cut, and so on.

Pictures and lists of frames come in, altered ones go out. Used by `check.py` and
`check_videos.py`, which measure whether a check still compares the right things.
"""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]


def _moved(picture: RGB, matrix: Sequence[Sequence[float]] | NDArray[np.float64]) -> RGB:
    size = picture.shape[1], picture.shape[0]
    return np.asarray(cv2.warpAffine(picture, np.array(matrix, np.float64), size), np.uint8)


def _scaled(picture: RGB, across: float, down: float) -> RGB:
    size = max(round(picture.shape[1] * across), 1), max(round(picture.shape[0] * down), 1)
    method = cv2.INTER_AREA if across * down < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def _by_angle(picture: RGB, degrees: float) -> RGB:
    middle = picture.shape[1] / 2, picture.shape[0] / 2
    return _moved(picture, np.asarray(cv2.getRotationMatrix2D(middle, degrees, 1), np.float64))


def _cropped(picture: RGB, left: float, top: float, right: float, bottom: float) -> RGB:
    height, width = picture.shape[:2]
    return picture[
        int(top * height) : height - int(bottom * height),
        int(left * width) : width - int(right * width),
    ]


def _levelled(picture: RGB, change: Callable[[NDArray[np.float64]], NDArray[Any]]) -> RGB:
    return np.asarray(np.clip(np.rint(255 * change(picture / 255)), 0, 255), np.uint8)


def _padded(picture: RGB) -> RGB:
    edges = cv2.copyMakeBorder(picture, 60, 20, 90, 30, cv2.BORDER_CONSTANT, value=(255,) * 3)
    return np.asarray(edges, np.uint8)


def _anew(picture: RGB, quality: int) -> RGB:
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), settings)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def _grey(picture: RGB) -> RGB:
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


OF_PICTURES: dict[str, Callable[[RGB], RGB]] = {
    "as it is": lambda p: p,
    "turned by 90": lambda p: np.rot90(p, -1),
    "turned by 180": lambda p: np.rot90(p, 2),
    "turned by 270": lambda p: np.rot90(p, 1),
    "mirrored": lambda p: p[:, ::-1],
    "upside down": lambda p: p[::-1],
    "transposed": lambda p: p.transpose(1, 0, 2),
    "turned by 3 degrees": lambda p: _by_angle(p, 3),
    "half as large": lambda p: _scaled(p, 0.5, 0.5),
    "1.5 times as large": lambda p: _scaled(p, 1.5, 1.5),
    "stretched by 8 %": lambda p: _scaled(p, 0.92, 1.0),
    "shifted by 3 pixels": lambda p: _moved(p, [[1, 0, 3], [0, 1, 2]]),
    "shifted by 40 pixels": lambda p: _moved(p, [[1, 0, 40], [0, 1, -25]]),
    "cropped": lambda p: _cropped(p, 0.1, 0.12, 0.06, 0.08),
    "padded": _padded,
    "brightened": lambda p: _levelled(p, lambda x: x + 0.2),
    "darkened": lambda p: _levelled(p, lambda x: x * 0.5),
    "gamma 2": lambda p: _levelled(p, lambda x: x**2),
    "gamma 0.5": lambda p: _levelled(p, lambda x: x**0.5),
    "more contrast": lambda p: _levelled(p, lambda x: (x - 0.5) * 1.6 + 0.5),
    "inverted": lambda p: np.asarray(255 - p, np.uint8),
    "grey": _grey,
    "red and blue swapped": lambda p: p[..., ::-1],
    "saved at quality 40": lambda p: _anew(p, 40),
    "mirrored and cropped": lambda p: _cropped(p[:, ::-1], 0.08, 0.05, 0.1, 0.06),
    "turned, smaller, brighter": lambda p: _levelled(
        _scaled(np.rot90(p, 1), 0.7, 0.7), lambda x: x + 0.15
    ),
}
"""Name of each alteration of a picture to what it does to (h, w, 3) uint8."""

Frames = list[RGB]


def _each(change: Callable[[RGB], RGB]) -> Callable[[Frames], Frames]:
    return lambda frames: [change(frame) for frame in frames]


OF_FILMS: dict[str, Callable[[Frames], Frames]] = {
    "as it is": lambda f: f,
    "three frames cut at the start": lambda f: f[3:],
    "a fifth cut at the start": lambda f: f[len(f) // 5 :],
    "five frames cut in the middle": lambda f: f[: len(f) // 2] + f[len(f) // 2 + 5 :],
    "a fifth cut at the end": lambda f: f[: -(len(f) // 5)],
    "every tenth frame dropped": lambda f: [one for k, one in enumerate(f) if k % 10 != 5],
    "every tenth frame doubled": lambda f: [
        one for k, one in enumerate(f) for _ in range(2 if k % 10 == 5 else 1)
    ],
    "twice as fast": lambda f: f[::2],
    "half as fast": lambda f: [one for one in f for _ in range(2)],
    "backwards": lambda f: f[::-1],
    "turned by 180": _each(OF_PICTURES["turned by 180"]),
    "mirrored": _each(OF_PICTURES["mirrored"]),
    "half as large": _each(OF_PICTURES["half as large"]),
    "cropped": _each(OF_PICTURES["cropped"]),
    "brightened": _each(OF_PICTURES["brightened"]),
    "cut, mirrored and cropped": lambda f: [OF_PICTURES["mirrored and cropped"](p) for p in f[4:]],
}
"""Name of each alteration of a film to what it does to its frames."""


def contiguous(picture: RGB) -> RGB:
    """The same picture as encoders want it: in one piece, with even sides."""
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    return np.ascontiguousarray(picture[:height, :width])
