"""What the fusion knows of each candidate, as a table of numbers.

Candidates (and second looks) of one picture come in, one row of named features each goes
out: what every pass and view thought, how their boxes and landmarks agree, and how the
candidate fits the other faces of the crowd. Nothing here is about who or what kind of
person a face shows: no colour, no texture.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.candidates import ROWS, Candidates
from crowdveil.detect.frame import Frame
from crowdveil.detect.second_look import Looks
from crowdveil.geometry import Boxes, SizeWH, area_px, pairwise_intersection

MISSING = -9.0
"""Stands for what a pass or view could not tell; below every real value."""

Table = NDArray[np.float32]

_LANDMARKS = (
    "eyes_apart", "mouth_wide", "eyes_to_mouth", "nose_off_middle", "tilt",
    "eyes_x", "eyes_y", "mouth_y",
)  # fmt: skip
_AGREEMENT = ("dx", "dy", "wider", "taller")
_SHAPE = ("size", "share", "aspect", "votes", "belief", "seen_share", "y")
_CROWD = (
    "others", "size_to_all", "near", "size_to_near", "row", "size_to_row", "inside", "contains",
)  # fmt: skip


def candidate_names(passes: Sequence[str]) -> list[str]:
    """Names of the columns of `candidate_table` for passes of these names."""
    each = ("score", *_AGREEMENT, *_LANDMARKS)
    return [*_SHAPE, *_CROWD, *(f"{name}.{what}" for name in passes for what in each)]


def candidate_table(candidates: Candidates, frame: Frame) -> Table:
    """Describe candidates by what the passes over the whole picture saw.

    Args:
        candidates: n candidates seen by p passes; n may be 0.
        frame: what sizes, places and numbers are measured against.

    Returns:
        (n, 15 + 13 p) float32, columns as `candidate_names`.
    """
    columns = [
        _shape(candidates, frame),
        _crowd(candidates.boxes, candidates.belief, frame),
    ]
    for k in range(candidates.scores.shape[1]):
        columns.append(
            _opinion(
                candidates.boxes,
                candidates.scores[:, k],
                candidates.seen[:, k],
                candidates.landmarks[:, k],
            )
        )
    return np.concatenate(columns, axis=1).astype(np.float32)


def look_names(views: Sequence[str]) -> list[str]:
    """Names of the columns of `look_table` for views of these names."""
    each = ("score", *_AGREEMENT, *_LANDMARKS)
    return ["first", *(f"{name}.{what}" for name in views for what in each)]


def look_table(first: NDArray[np.float32], boxes: Boxes, looks: Looks) -> Table:
    """Describe candidates by what the second looks saw.

    Args:
        first: (n,) float32, each candidate's probability before the second look.
        boxes: (n, 4) float32, the candidates.
        looks: n candidates in v views.

    Returns:
        (n, 1 + 13 v) float32, columns as `look_names`.
    """
    columns = [first[:, None]]
    for v in range(looks.scores.shape[1]):
        columns.append(
            _opinion(boxes, looks.scores[:, v], looks.boxes[:, v], looks.landmarks[:, v])
        )
    return np.concatenate(columns, axis=1).astype(np.float32)


def _shape(candidates: Candidates, frame: Frame) -> NDArray[np.float32]:
    size_wh, (window_w, window_h) = frame.size_wh, frame.window_wh
    boxes = candidates.boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    area = np.maximum(area_px(boxes), 1e-6)
    limit = np.array(size_wh, np.float32)
    seen = np.clip(boxes[:, 2:], 0, limit) - np.clip(boxes[:, :2], 0, limit)
    return np.stack(
        [
            np.log(area) / 2 - np.float32(np.log(frame.pixel)),
            np.log(area / (window_w * window_h)) / 2,
            np.log(np.maximum(sides[:, 0], 1e-3) / np.maximum(sides[:, 1], 1e-3)),
            candidates.votes,
            candidates.belief,
            seen[:, 0] * seen[:, 1] / area,
            (boxes[:, 1] + boxes[:, 3]) / 2 / size_wh[1],
        ],
        axis=1,
    ).astype(np.float32)


def _opinion(
    boxes: Boxes,
    scores: NDArray[np.float32],
    seen: Boxes,
    landmarks: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Score, agreement of the box and geometry of the landmarks, (n, 13)."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    shift = np.abs((seen[:, :2] + seen[:, 2:]) / 2 - middle) / sides
    growth = np.log(np.maximum(seen[:, 2:] - seen[:, :2], 1e-3) / sides)
    at = (landmarks - boxes[:, None, :2]) / sides[:, None]
    eyes, mouth = (at[:, 0] + at[:, 1]) / 2, (at[:, 3] + at[:, 4]) / 2
    geometry = np.stack(
        [
            at[:, 1, 0] - at[:, 0, 0],
            at[:, 4, 0] - at[:, 3, 0],
            mouth[:, 1] - eyes[:, 1],
            at[:, 2, 0] - eyes[:, 0],
            at[:, 1, 1] - at[:, 0, 1],
            eyes[:, 0],
            eyes[:, 1],
            mouth[:, 1],
        ],
        axis=1,
    )
    opinion = np.concatenate([shift, growth, geometry], axis=1)
    opinion[scores == 0] = MISSING
    return np.concatenate([scores[:, None], opinion], axis=1).astype(np.float32)


def _crowd(boxes: Boxes, belief: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    """How a candidate fits the others: faces of a crowd have like sizes at like places."""
    fits = np.empty((len(boxes), len(_CROWD)), np.float32)
    for start in range(0, len(boxes), ROWS):
        rows = np.arange(start, min(start + ROWS, len(boxes)))
        fits[rows] = _crowd_of(rows, boxes, belief, frame.window_wh)
    fits[:, 0] *= np.float32(frame.window**2)  # as many others as a usual photo would hold
    return fits


def _crowd_of(
    rows: NDArray[np.intp], boxes: Boxes, belief: NDArray[np.float32], window_wh: SizeWH
) -> NDArray[np.float32]:
    """The same for some of the n candidates, against all n."""
    size = np.log(np.maximum(area_px(boxes), 1e-6)) / 2
    side = np.exp(size)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    itself = (np.arange(len(rows)), rows)
    weight = np.repeat(belief[None], len(rows), axis=0)
    weight[itself] = 0
    gap = np.hypot(*(centre[rows, None, k] - centre[None, :, k] for k in (0, 1)))
    gap /= np.maximum(side[rows, None], side[None])
    near = weight * np.exp(-((gap / 6) ** 2))
    rise = np.abs(centre[rows, None, 1] - centre[None, :, 1]) / window_wh[1]
    row = weight * np.exp(-((rise / 0.08) ** 2))
    columns = []
    for kernel, enough in ((weight, 0.1), (near, 0.05), (row, 0.1)):
        total = kernel.sum(axis=1)
        usual = (kernel * size[None]).sum(axis=1) / np.maximum(total, 1e-6)
        columns += [total, np.where(total > enough, size[rows] - usual, 0)]
    shared = pairwise_intersection(boxes[rows], boxes)
    shared[itself] = 0
    area = np.maximum(area_px(boxes), 1e-6)
    stronger = belief[None] > belief[rows, None]
    columns.append((shared / area[rows, None] * belief[None] * stronger).max(axis=1))
    columns.append((shared / area[None] * belief[None]).max(axis=1))
    return np.stack(columns, axis=1).astype(np.float32)
