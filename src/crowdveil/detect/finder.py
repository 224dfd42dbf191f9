"""Finds the faces of one picture: passes, candidates, second looks, decision.

The door to detection: RGB pixels in, `Faces` out. Knows nothing of files or plans.
"""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from crowdveil.detect.frame import Frame
from crowdveil.detect.fusion import HOPE, Rule, load_fusion
from crowdveil.detect.passes import Level, sight, sight_at
from crowdveil.detect.points import POINTS, Caution, Point
from crowdveil.detect.second_look import Looks, look, windows
from crowdveil.detect.sightings import Sightings, gather, strongest
from crowdveil.detect.yunet import YuNet
from crowdveil.geometry import Boxes, SizeWH, pairwise_iou
from crowdveil.media.picture import RGB
from crowdveil.models.registry import weights_hash, weights_path
from crowdveil.validation import chosen

__all__ = ["Caution", "FaceFinder"]

DOUBTFUL = 0.5
"""A face that is veiled with less probability than this is flagged for a person."""

SURE = 0.5
"""Belief from which a sighting counts as a sure face, before anything is weighed."""

TWICE_IOU = 0.75
"""Boxes that second looks moved together by more than this show one face, and count as one."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """Candidate faces of one picture with what the passes over the whole picture tell.

    Attributes:
        candidates: n candidates, best first.
        table: (n, f) float32, their features for the second look.
        probability: (n,) float32, that each shows a face, before any second look, 0-1.
        frame: what the candidates are measured against.
    """

    candidates: Candidates
    table: NDArray[np.float32]
    probability: NDArray[np.float32]
    frame: Frame

    @property
    def size_wh(self) -> SizeWH:
        """Size of the picture in pixels."""
        return self.frame.size_wh


def load_detectors() -> dict[str, Detector]:
    """The built-in detectors, compiled; raises `WeightsInvalid`."""
    return {
        "centerface": CenterFace(weights_path("centerface")),
        "yunet": YuNet(weights_path("yunet")),
    }


class Eyes:
    """The built-in detectors and the threads that run them, at one operating point."""

    def __init__(self, point: Point, detectors: Mapping[str, Detector] | None = None) -> None:
        """Take the detectors that `load_detectors` gave, or load them if None."""
        self.point = point
        self._detectors = load_detectors() if detectors is None else detectors
        self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="crowdveil-look")

    def candidates(self, picture: RGB) -> Candidates:
        """Everything that any pass took for a face, in (h, w, 3) uint8 RGB."""
        reaches = list(self.point.reaches.values())
        passes = sight(picture, reaches, self._detectors, pool=self._pool)
        return join(passes, [reach.sharpness for reach in reaches])

    def candidates_of_photo(self, picture: RGB) -> tuple[Candidates, Frame]:
        """The same for a photo, however large: closer if its faces are small.

        Args:
            picture: (h, w, 3) uint8 RGB.

        Returns:
            What counts in the photo's frame, and that frame.
        """
        reaches, size_wh = list(self.point.reaches.values()), (picture.shape[1], picture.shape[0])
        sharpness = [reach.sharpness for reach in reaches]

        def seen(scales: list[tuple[float, ...]]) -> list[list[Level]]:
            return sight_at(picture, reaches, scales, self._detectors, pool=self._pool)

        levels = seen([reach.scales(size_wh) for reach in reaches])
        frame = Frame.of_photo(size_wh, sure_faces(levels, sharpness))
        if frame.closer:
            more = seen([reach.closer(size_wh, frame.closer) for reach in reaches])
            levels = [one + other for one, other in zip(levels, more, strict=True)]
        passes = [
            gather(
                [
                    part.take(frame.counts(part.boxes, scale, reach.coarsest_px))
                    for scale, part in level
                ]
            )
            for reach, level in zip(reaches, levels, strict=True)
        ]
        return join(passes, sharpness), frame

    def see(self, picture: RGB, custom: Custom) -> Sightings:
        """What a detector of the user's sees in the whole picture."""
        detectors = {custom.reach.detector: custom.detector}
        (seen,) = sight(picture, [custom.reach], detectors, pool=self._pool)
        return seen.suppressed(SAME_FACE_IOU)

    def look(self, picture: RGB, boxes: Boxes) -> Looks:
        """The second look at (n, 4) boxes of the same picture."""
        views = list(self.point.views.values())
        return look(picture, boxes, views, self._detectors, pool=self._pool)

    def rest(self) -> None:
        """Give back the memory that only looking needs; nothing while another thread looks."""
        for detector in self._detectors.values():
            detector.rest()


class FaceFinder:
    """Finds faces at one operating point; one object serves many threads."""

    def __init__(
        self,
        *,
        caution: Caution = Caution.NORMAL,
        detector: Path | None = None,
        detectors: Mapping[str, Detector] | None = None,
        fusion: Path | None = None,
    ) -> None:
        """Load and compile everything.

        Args:
            caution: the operating point.
            detector: an ONNX detector of the user's, with its description beside it; its
                faces are veiled in addition to those of the built-in detectors.
            detectors: what `load_detectors` gave, to be shared; None to load them.
            fusion: another fusion model than the built-in one, for benchmarks; None for that.

        Raises:
            OptionsInvalid: `caution` is no operating point.
            WeightsInvalid: weights are missing or altered, or `detector` cannot be used.
        """
        self.caution = caution = chosen("caution", caution, Caution)
        self._custom = load_detector(detector) if detector else None
        self._eyes = Eyes(POINTS[caution], detectors)
        self._fusion = load_fusion(fusion or weights_path("fusion"), caution)
        self.weights = {name: weights_hash(name) for name in ("centerface", "yunet", "fusion")}
        if fusion:  # plans must not name the built-in one
            self.weights["fusion"] = hashlib.sha256(fusion.read_bytes()).hexdigest()
        if self._custom:
            self.weights[self._custom.detector.name] = self._custom.sha256

    def find(self, picture: RGB) -> Faces:
        """Find the faces of one picture; safe to call from several threads at once.

        Args:
            picture: (h, w, 3) uint8 RGB, upright, h and w >= 1.

        Returns:
            The faces to veil, surest first.
        """
        if self.caution == Caution.HIGH:
            # Frames were measured at `normal` only. Where a face could cost someone dearly,
            # doubts in large photos stay as cheap as they were.
            guesses = self.guess(picture)
        else:
            guesses = self._guesses(*self._eyes.candidates_of_photo(picture))
        boxes, probability = self._judged(picture, guesses, self.in_doubt(guesses))
        needed = self.rule.threshold(guesses.candidates.boxes, guesses.frame.window_wh)
        veiled = np.flatnonzero(probability >= needed)
        surest = veiled[strongest(boxes[veiled], probability[veiled], TWICE_IOU)]
        return self.add_custom(picture, self._faces(guesses, boxes, probability, surest))

    def guess(self, picture: RGB) -> Guesses:
        """Everything that any pass took for a face, with a first probability."""
        size_wh = (picture.shape[1], picture.shape[0])
        return self._guesses(self._eyes.candidates(picture), Frame(size_wh))

    def _guesses(self, candidates: Candidates, frame: Frame) -> Guesses:
        table = candidate_table(candidates, frame)
        return Guesses(candidates, table, self._fusion.first.probability(table), frame)

    def in_doubt(self, guesses: Guesses, *, closer: float = 1.0) -> NDArray[np.bool_]:
        """Which of n guesses deserve a second look, (n,) bool.

        Args:
            guesses: what was guessed.
            closer: how much larger the picture for the second look is.
        """
        larger = closer / guesses.frame.pixel
        boxes = guesses.candidates.boxes * np.float32(larger)
        width, height = guesses.frame.window_wh
        size_wh = round(width * larger), round(height * larger)
        return in_doubt(self._eyes.point, boxes, guesses.probability, size_wh)

    def needed(self, guesses: Guesses, doubt: NDArray[np.bool_], *, closer: float = 1.0) -> Boxes:
        """The parts of a picture that a second look at some of n guesses takes in.

        Args:
            guesses: what was guessed.
            doubt: which of them to look at again, (n,) bool.
            closer: how much larger the picture for the second look is.

        Returns:
            (k, 4) float32 in pixels of that picture; may reach outside.
        """
        views = list(self._eyes.point.views.values())
        return windows(guesses.candidates.boxes[doubt] * np.float32(closer), views)

    def judge(self, picture: RGB, guesses: Guesses, doubt: NDArray[np.bool_]) -> Faces:
        """All n guesses as faces, in their order, the (n,) doubtful ones after a second look.

        Args:
            picture: what the guesses are of, (h, w, 3) uint8, perhaps at a larger size.
            guesses: what to judge.
            doubt: which of them to look at again, (n,) bool.

        Returns:
            Faces in pixels of the picture that the guesses were made of.
        """
        boxes, probability = self._judged(picture, guesses, doubt)
        return self._faces(guesses, boxes, probability, np.arange(len(boxes)))

    def _judged(
        self, picture: RGB, guesses: Guesses, doubt: NDArray[np.bool_]
    ) -> tuple[Boxes, NDArray[np.float32]]:
        """Box and probability of each guess, after a second look at those in doubt."""
        candidates = guesses.candidates
        boxes, probability = candidates.boxes.copy(), guesses.probability.copy()
        closer = np.array([picture.shape[1], picture.shape[0]]) / guesses.size_wh
        looks = self._eyes.look(picture, boxes[doubt] * np.tile(closer, 2).astype(np.float32))
        looks = looks.moved(1 / closer)
        looked = look_table(probability[doubt], boxes[doubt], looks)
        rows = np.concatenate([guesses.table[doubt], looked], axis=1)
        probability[doubt] = self._fusion.second.probability(rows)
        boxes[doubt] = settle(candidates.take(doubt), looks)
        return boxes, probability

    def _faces(
        self,
        guesses: Guesses,
        boxes: Boxes,
        probability: NDArray[np.float32],
        order: NDArray[np.intp],
    ) -> Faces:
        """Some of the guesses as faces, in this order."""
        names = [reach.detector for reach in self._eyes.point.reaches.values()]
        return Faces(
            boxes[order],
            probability[order],
            probability[order] < DOUBTFUL,
            tuple(_seen_by(guesses.candidates.scores[i], names) for i in order),
        )

    @property
    def rule(self) -> Rule:
        """When a face is veiled."""
        return self._fusion.rule

    def add_custom(self, picture: RGB, faces: Faces) -> Faces:
        """Add what the user's detector sees in the picture, if there is one."""
        if self._custom is None:
            return faces
        return _with(faces, self._eyes.see(picture, self._custom), self._custom.detector.name)

    def rest(self) -> None:
        """As `Eyes.rest`, the user's detector too."""
        self._eyes.rest()
        if self._custom is not None:
            self._custom.detector.rest()


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


def sure_faces(levels: Sequence[Sequence[Level]], sharpness: Sequence[float]) -> int:
    """How many faces of a picture some pass is sure of.

    Args:
        levels: for each pass what it saw at each scale.
        sharpness: for each pass as for `candidates.join`.
    """
    seen = [
        (part, exponent)
        for level, exponent in zip(levels, sharpness, strict=True)
        for _, part in level
    ]
    beliefs = [part.scores ** np.float32(exponent) for part, exponent in seen]
    sure = [
        Sightings(part.boxes, belief, part.landmarks).take(belief >= SURE)
        for (part, _), belief in zip(seen, beliefs, strict=True)
    ]
    return len(gather(sure).best(SAME_FACE_IOU))


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
