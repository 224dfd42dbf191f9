"""Finds the faces of one picture: passes, candidates, second looks, decision.

The door to detection: RGB pixels in, `Faces` out. Knows nothing of files or plans.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crowdveil.detect.candidates import SAME_FACE_IOU, Candidates, join
from crowdveil.detect.centerface import CenterFace
from crowdveil.detect.custom import Custom, load_detector
from crowdveil.detect.detector import Detector
from crowdveil.detect.engine import cores
from crowdveil.detect.faces import Faces
from crowdveil.detect.features import candidate_table, look_table
from crowdveil.detect.fusion import HOPE, load_fusion
from crowdveil.detect.passes import sight
from crowdveil.detect.points import POINTS, Caution, Point
from crowdveil.detect.second_look import Looks, look
from crowdveil.detect.sightings import Sightings
from crowdveil.detect.yunet import YuNet
from crowdveil.geometry import Boxes, SizeWH, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.models.registry import weights_hash, weights_path

__all__ = ["Caution", "FaceFinder"]

DOUBTFUL = 0.5
"""A face that is veiled with less probability than this is flagged for a person."""


class Eyes:
    """The built-in detectors, compiled, and the threads that run them."""

    def __init__(self, point: Point) -> None:
        """Compile the detectors for an operating point, which says what is looked at."""
        self.point = point
        self._detectors: dict[str, Detector] = {
            "centerface": CenterFace(weights_path("centerface")),
            "yunet": YuNet(weights_path("yunet")),
        }
        self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="crowdveil-look")

    def candidates(self, picture: RGB) -> Candidates:
        """Everything that any pass took for a face, in (h, w, 3) uint8 RGB."""
        reaches = list(self.point.reaches.values())
        passes = sight(picture, reaches, self._detectors, pool=self._pool)
        return join(passes, [reach.sharpness for reach in reaches])

    def see(self, picture: RGB, custom: Custom) -> Sightings:
        """What a detector of the user's sees in the whole picture."""
        detectors = {custom.reach.detector: custom.detector}
        (seen,) = sight(picture, [custom.reach], detectors, pool=self._pool)
        return seen.suppressed(SAME_FACE_IOU)

    def look(self, picture: RGB, boxes: Boxes) -> Looks:
        """The second look at (n, 4) boxes of the same picture."""
        views = list(self.point.views.values())
        return look(picture, boxes, views, self._detectors, pool=self._pool)


class FaceFinder:
    """Finds faces at one operating point; one object serves many threads."""

    def __init__(self, *, caution: Caution = Caution.NORMAL, detector: Path | None = None) -> None:
        """Load and compile everything.

        Args:
            caution: the operating point.
            detector: an ONNX detector of the user's, with its description beside it; its
                faces are veiled in addition to those of the built-in detectors.

        Raises:
            WeightsInvalid: weights are missing or altered, or `detector` cannot be used.
        """
        self._custom = load_detector(detector) if detector else None
        self._eyes = Eyes(POINTS[caution])
        self._fusion = load_fusion(weights_path("fusion"), caution)
        self.weights = {name: weights_hash(name) for name in ("centerface", "yunet", "fusion")}
        if self._custom:
            self.weights[self._custom.detector.name] = self._custom.sha256

    def find(self, picture: RGB) -> Faces:
        """Find the faces of one picture; safe to call from several threads at once.

        Args:
            picture: (h, w, 3) uint8 RGB, upright, h and w >= 1.

        Returns:
            The faces to veil, surest first.
        """
        height, width = picture.shape[:2]
        size_wh = (width, height)
        candidates = self._eyes.candidates(picture)
        boxes, probability = self._judge(picture, candidates)
        needed = self._fusion.rule.threshold(candidates.boxes, size_wh)
        veiled = np.nonzero(probability >= needed)[0]
        veiled = veiled[np.argsort(-probability[veiled], kind="stable")]
        names = [reach.detector for reach in self._eyes.point.reaches.values()]
        faces = Faces(
            boxes[veiled],
            probability[veiled],
            probability[veiled] < DOUBTFUL,
            tuple(_seen_by(candidates.scores[i], names) for i in veiled),
        )
        if self._custom is None:
            return faces
        return _with(faces, self._eyes.see(picture, self._custom), self._custom.detector.name)

    def _judge(self, picture: RGB, candidates: Candidates) -> tuple[Boxes, NDArray[np.float32]]:
        """Box and probability of each candidate, after a second look at those in doubt."""
        size_wh = (picture.shape[1], picture.shape[0])
        table = candidate_table(candidates, size_wh)
        first = self._fusion.first.probability(table)
        doubt = in_doubt(self._eyes.point, candidates.boxes, first, size_wh)
        boxes, probability = candidates.boxes.copy(), first.copy()
        looks = self._eyes.look(picture, boxes[doubt])
        rows = np.concatenate([table[doubt], look_table(first[doubt], boxes[doubt], looks)], axis=1)
        probability[doubt] = self._fusion.second.probability(rows)
        boxes[doubt] = settle(candidates.take(doubt), looks)
        return boxes, probability


def in_doubt(
    point: Point, boxes: Boxes, first: NDArray[np.float32], size_wh: SizeWH
) -> NDArray[np.bool_]:
    """Which of n candidates deserve a second look.

    Args:
        point: says who is beyond hope, certain, or too small.
        boxes: (n, 4) float32.
        first: (n,) float32, their probabilities before the second look.
        size_wh: size of the picture in pixels.

    Returns:
        (n,) bool.
    """
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    hopeful = first >= point.hopeless * HOPE.threshold(boxes, size_wh)
    return np.asarray(hopeful & (first < point.certain) & (longer >= point.smallest_px))


def settle(candidates: Candidates, looks: Looks) -> Boxes:
    """One box for each candidate: the mean of all opinions, weighted by their scores.

    Args:
        candidates: n candidates.
        looks: what the views saw of them.

    Returns:
        (n, 4) float32.
    """
    weight = np.concatenate([candidates.belief[:, None], looks.scores], axis=1)
    boxes = np.concatenate([candidates.boxes[:, None], looks.boxes], axis=1)
    total = (boxes * weight[..., None]).sum(axis=1) / weight.sum(axis=1)[:, None]
    return np.asarray(total, np.float32)


def _with(faces: Faces, seen: Sightings, name: str) -> Faces:
    """Add what a detector of the user's saw; it adds faces and never takes one away."""
    overlap = pairwise_iou(seen.boxes, faces.boxes) >= SAME_FACE_IOU
    new = seen.take(np.asarray(~overlap.any(axis=1)))
    confirmed = np.asarray(overlap.any(axis=0))
    return Faces(
        np.concatenate([faces.boxes, new.boxes]),
        np.concatenate([faces.probability, new.scores]).astype(np.float32),
        np.concatenate([faces.uncertain & ~confirmed, new.scores < DOUBTFUL]),
        (
            *(
                (*names, name) if sure else names
                for names, sure in zip(faces.detectors, confirmed, strict=True)
            ),
            *((name,) for _ in range(len(new))),
        ),
    )


def _seen_by(scores: NDArray[np.float32], names: list[str]) -> tuple[str, ...]:
    """The detectors behind the passes that gave a score, each once, in order."""
    return tuple(dict.fromkeys(name for name, s in zip(names, scores, strict=True) if s > 0))
