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

TOLERANCE = 0.05
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
    n = len(boxes)
    allowed = TOLERANCE * np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    kept = [0]
    waiting = [n - 1] if n > 1 else []
    while waiting:
        start, end = kept[-1], waiting[-1]
        off = np.abs(_between(boxes[start], boxes[end], end - start) - boxes[start : end + 1])
        worst = (off.max(axis=1) - allowed[start : end + 1]).argmax()
        if off[worst].max() > allowed[start + worst] and 0 < worst < end - start:
            waiting.append(start + int(worst))
        else:
            kept.append(waiting.pop())
    index = np.array(kept, np.intp)
    return index, _containing(boxes, index)


def _containing(boxes: Boxes, index: NDArray[np.intp]) -> Boxes:
    """The boxes of keyframes, widened by what the frames on either side lack."""
    keys = boxes[index].astype(np.float64)
    outward = np.array([-1, -1, 1, 1])
    widest = np.zeros_like(keys)
    for k, (start, end) in enumerate(pairwise(index.tolist())):
        run = _between(boxes[start], boxes[end], end - start)
        short = np.maximum((boxes[start : end + 1] - run) * outward, 0).max(axis=0)
        widest[k : k + 2] = np.maximum(widest[k : k + 2], short)
    return np.asarray(keys + widest * outward, np.float32)


def _between(first: Boxes, last: Boxes, steps: int) -> NDArray[np.float64]:
    share = np.arange(steps + 1)[:, None] / max(steps, 1)
    return np.asarray(first * (1 - share) + last * share, np.float64)


def _windows(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """(n, 2 reach + 1, 2): each frame with its neighbours, the ends repeated."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    index = np.arange(len(values))[:, None] + np.arange(2 * reach + 1)
    return np.asarray(padded[index], np.float32)
