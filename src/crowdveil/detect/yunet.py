"""YuNet: a tiny anchor-free detector with strides 8, 16 and 32 and five landmarks.

Pictures in, sightings out; nothing outside this file knows the network.
Source: Wu, Peng and Yu (2023), YuNet: A Tiny Millisecond-level Face Detector.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.engine import Network, Training
from crowdveil.detect.sightings import Sightings, gather

STRIDES = (8, 16, 32)
OUTPUTS = tuple(f"{head}_{stride}" for stride in STRIDES for head in ("cls", "obj", "bbox", "kps"))
"""In the published file: face and object confidence, box and landmarks for each stride."""


class YuNet:
    """YuNet, compiled once, for batches of any size."""

    def __init__(
        self,
        path: Path,
        outputs: Sequence[str] = OUTPUTS,
        training: Training | None = None,
        *,
        name: str = "yunet",
    ) -> None:
        """Compile the network in `path`; raises `WeightsInvalid`."""
        self.name = name
        self._network = Network(path, outputs, training=training or Training(bgr=True))

    def see(self, batch: NDArray[np.uint8], *, min_score: float) -> list[Sightings]:
        """As `Detector.see`; a score is the geometric mean of face and object confidence."""
        count, _, width = batch.shape[:3]
        outputs = self._network.run(batch)
        found: list[list[Sightings]] = [[] for _ in range(count)]
        for level, stride in enumerate(STRIDES):
            # The network flattens a batch into its cells; undo that.
            face, thing, box, points = (
                output.reshape(count, -1, output.shape[-1])
                for output in outputs[level * 4 : level * 4 + 4]
            )
            columns = width // stride
            for i in range(count):
                found[i].append(
                    _decode(face[i], thing[i], box[i], points[i], stride, columns, min_score)
                )
        return [gather(parts).suppressed(0.5) for parts in found]

    def rest(self) -> None:
        """As `Detector.rest`."""
        self._network.rest()


def _decode(
    face: NDArray[np.float32],
    thing: NDArray[np.float32],
    box: NDArray[np.float32],
    points: NDArray[np.float32],
    stride: int,
    columns: int,
    min_score: float,
) -> Sightings:
    """Turn one level's cells, (cells, 1 | 1 | 4 | 10) in row order, into sightings."""
    product = np.clip(face[:, 0], 0, 1) * np.clip(thing[:, 0], 0, 1)
    which = np.nonzero(product >= min_score**2)[0]
    cell = np.stack([which % columns, which // columns], axis=1).astype(np.float32)
    centre = (cell + box[which, :2]) * stride
    half = np.exp(np.minimum(box[which, 2:], 10.0)) * stride / 2
    landmarks = (points[which].reshape(-1, 5, 2) + cell[:, None]) * stride
    return Sightings(
        np.concatenate([centre - half, centre + half], axis=1).astype(np.float32),
        np.sqrt(product[which]).astype(np.float32),
        landmarks.astype(np.float32),
    )
