"""Turns the faces found in each page of a photo into the regions of a plan.

Decides their order, ids and precision. What moves is left to `watching`. Finding faces and
painting are left to `detect` and `redact`.
"""

import math
from collections.abc import Sequence

from crowdveil.detect.faces import Faces
from crowdveil.geometry import Box
from crowdveil.plan import Region

_STEPS_PER_PX = 100
"""Boxes are written to a hundredth of a pixel, rounded outwards, so that plans stay readable."""


def draft_regions(found: Sequence[Faces]) -> tuple[Region, ...]:
    """Regions r1, r2, ... for every face, frame by frame and in reading order within each.

    Args:
        found: the faces of each page, in order.
    """
    regions = [
        Region(
            id=f"{frame}-{number}",
            frame=frame,
            box=written(faces.boxes[number].tolist()),
            score=round(min(max(float(faces.probability[number]), 0.0), 1.0), 4),
            detectors=faces.detectors[number],
            uncertain=bool(faces.uncertain[number]),
        )
        for frame, faces in enumerate(found)
        for number in range(len(faces))
    ]
    ordered = [
        region
        for frame in range(len(found))
        for region in reading_order([region for region in regions if region.frame == frame])
    ]
    return tuple(
        region.model_copy(update={"id": f"r{number}"}) for number, region in enumerate(ordered, 1)
    )


def reading_order(regions: Sequence[Region]) -> list[Region]:
    """Rows from the top, and each row from the left.

    A row is opened by the highest centre left and takes every region whose centre lies
    above the lower edge of the region that opened it.
    """
    waiting = sorted(regions, key=lambda region: (_centre_y(region.box), region.box))
    ordered: list[Region] = []
    while waiting:
        floor = waiting[0].box[3]
        row = [region for region in waiting if _centre_y(region.box) <= floor]
        waiting = waiting[len(row) :]
        ordered += sorted(row, key=lambda region: region.box)
    return ordered


def _centre_y(box: Box) -> float:
    return (box[1] + box[3]) / 2


def written(box: Sequence[float]) -> Box:
    """A box as plans write it: rounded outwards to a hundredth of a pixel."""
    x0, y0, x1, y1 = (side * _STEPS_PER_PX for side in box)
    return (
        math.floor(x0) / _STEPS_PER_PX,
        math.floor(y0) / _STEPS_PER_PX,
        math.ceil(x1) / _STEPS_PER_PX,
        math.ceil(y1) / _STEPS_PER_PX,
    )
