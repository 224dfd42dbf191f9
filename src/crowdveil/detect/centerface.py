"""CenterFace: a heat map of face centres, a size and five landmarks for each.

Pictures in, sightings out; nothing outside this file knows the network.
Source: Xu et al. (2019), CenterFace: Joint Face Detection and Alignment Using Face as Point.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.engine import Network, Training
from crowdveil.detect.sightings import Sightings

OUTPUTS = ("537", "538", "539", "540")
"""Heat map, sizes, offsets and landmarks in the published file."""
CELL = 4
"""Side of a heat map's cell, in pixels of the input."""


class CenterFace:
    """CenterFace, compiled once, for batches of any size."""

    def __init__(
        self,
        path: Path,
        outputs: Sequence[str] = OUTPUTS,
        training: Training | None = None,
        *,
        name: str = "centerface",
    ) -> None:
        """Compile the network in `path`; raises `WeightsInvalid`."""
        self.name = name
        self._network = Network(path, outputs, training=training)

    def see(self, batch: NDArray[np.uint8], *, min_score: float) -> list[Sightings]:
        """As `Detector.see`; a score is the height of a peak of the heat map."""
        heat, size, offset, landmarks = self._network.run(batch)
        return [
            _decode(heat[i, 0], size[i], offset[i], landmarks[i], min_score)
            for i in range(len(batch))
        ]

    def rest(self) -> None:
        """As `Detector.rest`."""
        self._network.rest()


def _decode(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    min_score: float,
) -> Sightings:
    """Turn one picture's maps, (h/4, w/4) each, into sightings."""
    # Only local maxima: a face's neighbours in the map say the same with less confidence.
    peak = heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(peak & (heat >= min_score))
    if len(rows) == 0:
        return Sightings.none()
    here = (slice(None), rows, columns)
    height_width = np.exp(np.minimum(size[here], 10.0)) * CELL
    centre_yx = (np.stack([rows, columns]) + offset[here] + 0.5) * CELL
    near_yx = centre_yx - height_width / 2
    far_yx = centre_yx + height_width / 2
    boxes = np.stack([near_yx[1], near_yx[0], far_yx[1], far_yx[0]], axis=1)
    # Landmarks come as y, x pairs in units of the box.
    points = landmarks[here].reshape(5, 2, -1)
    x = points[:, 1] * height_width[1] + near_yx[1]
    y = points[:, 0] * height_width[0] + near_yx[0]
    seen = Sightings(
        boxes.astype(np.float32),
        heat[rows, columns],
        np.stack([x, y], axis=-1).transpose(1, 0, 2).astype(np.float32),
    )
    return seen.suppressed(0.5)
