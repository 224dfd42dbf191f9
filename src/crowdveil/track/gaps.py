"""Veils a face also in the frames just before and after those in which it was found.

A detector that misses a moving face for a frame or two would expose it there. Regions of
all frames of an animation come in; the regions to add come out, none is ever removed.
Knows nothing of pixels, and does not follow faces beyond the reach below.
"""

from collections import defaultdict
from collections.abc import Sequence

from crowdveil.geometry import Box
from crowdveil.plan import Origin, Region

REACH_FRAMES = 2
"""Frames before and after that are filled: a gap of four between two finds closes, and the
animations that people publish seldom run above 12 frames a second."""

GROWTH = 0.15
"""How much wider a filled box is for each frame of distance, as the face may have moved."""

COVERED = 0.8
"""Share of a face's box that other regions of the frame must reach to make filling needless."""


def fill_gaps(regions: Sequence[Region], frames: int) -> list[Region]:
    """Regions to add so that no face is bare next to a frame in which it was found.

    Args:
        regions: the detected regions of all frames, in any order.
        frames: how many frames there are, >= 1.

    Returns:
        Regions with origin `filled` and the score and doubt of the find they extend, frame
        by frame; their ids repeat the find's and are to be replaced.
    """
    of_frame: defaultdict[int, list[Region]] = defaultdict(list)
    for region in regions:
        of_frame[region.frame].append(region)
    added: list[Region] = []
    for frame in range(frames):
        known = [region.box for region in of_frame[frame]]
        for distance in range(1, REACH_FRAMES + 1):
            for near in (frame - distance, frame + distance):
                for face in of_frame[near]:
                    if any(_share(face.box, box) >= COVERED for box in known):
                        continue
                    box = _grown(face.box, 1 + GROWTH * distance)
                    known.append(box)
                    update = {"frame": frame, "box": box, "origin": Origin.FILLED}
                    added.append(face.model_copy(update=update))
    return added


def _share(box: Box, other: Box) -> float:
    """Share of `box` that lies in `other`, 0-1."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    return max(width, 0.0) * max(height, 0.0) / area


def _grown(box: Box, scale: float) -> Box:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half_w, half_h = (box[2] - box[0]) / 2 * scale, (box[3] - box[1]) / 2 * scale
    return x - half_w, y - half_h, x + half_w, y + half_h
