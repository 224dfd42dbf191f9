"""Steadies the boxes of a trail and thins them out to keyframes.

Boxes of successive frames come in; they only ever get wider, so that a veil neither trembles
nor lags behind. Between keyframes a box runs evenly, and never leaves what it covered before.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crowdveil.geometry import Boxes

STEADY_S = 0.035
"""How far before and after the size of a box is held up by its neighbours."""

TOLERANCE = 0.02
"""How far a keyframed box may stray before it is widened, over its shorter side."""


def steadied(boxes: Boxes, reach: int) -> Boxes:
    """Boxes of n successive frames that contain the given ones and tremble less.

    Args:
        boxes: (n, 4) float32, n >= 1.
        reach: frames before and after that are looked at, >= 0.

    Returns:
        (n, 4) float32.
    """
    # The place is not smoothed: with a shaking camera that would lag, or cost width for all.
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    widest = np.asarray(_windows(np.asarray(half, np.float32), reach).max(axis=1), np.float32)
    # The mean of maxima that all include a frame is at least what the frame asks for.
    steady = _windows(widest, reach).mean(axis=1)
    return np.concatenate([centre - steady, centre + steady], axis=1).astype(np.float32)


def keyframed(boxes: Boxes) -> tuple[NDArray[np.intp], Boxes]:
    """The frames from which all n boxes can be told, and the boxes there.

    Returns:
        (k,) indices, rising, the first and the last among them, and (k, 4) float32: boxes that,
        run evenly from one to the next, contain all the given ones.
    """
    n, exact = len(boxes), boxes.astype(np.float64)
    allowed = TOLERANCE * (exact[:, 2:] - exact[:, :2]).min(axis=1)
    time = np.arange(n, dtype=np.float64)[:, None]
    kept = [0]
    waiting = [n - 1] if n > 1 else []
    while waiting:
        start, end = kept[-1], waiting[-1]
        off = np.abs(_astray(exact, time, start, end)).max(axis=1) - allowed[start : end + 1]
        worst = int(off.argmax())
        if off[worst] > 0 and 0 < worst < end - start:
            waiting.append(start + worst)
        else:
            kept.append(waiting.pop())
    index = np.array(kept, np.intp)
    return index, _containing(exact, time, index)


def _containing(
    exact: NDArray[np.float64], time: NDArray[np.float64], index: NDArray[np.intp]
) -> Boxes:
    """The boxes of keyframes, widened by what the frames on either side lack."""
    outward = np.array([-1.0, -1.0, 1.0, 1.0])
    widest = np.zeros((len(index), 4))
    for k, (start, end) in enumerate(pairwise(index.tolist())):
        if end - start > 1:
            short = (_astray(exact, time, start, end) * outward).max(axis=0)
            np.maximum(widest[k : k + 2], short, out=widest[k : k + 2])
    return np.asarray(exact[index] + widest * outward, np.float32)


def _astray(
    exact: NDArray[np.float64], time: NDArray[np.float64], start: int, end: int
) -> NDArray[np.float64]:
    """How far the boxes from `start` to `end` lie from an even run between these two."""
    pace = (exact[end] - exact[start]) / max(end - start, 1)
    run = exact[start] + pace * time[: end - start + 1]
    return np.asarray(exact[start : end + 1] - run)


def _windows(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """(n, 2 reach + 1, 2): each frame with its neighbours, the ends repeated."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    index = np.arange(len(values))[:, None] + np.arange(2 * reach + 1)
    return np.asarray(padded[index], np.float32)
