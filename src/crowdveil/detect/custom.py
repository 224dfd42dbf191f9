"""A detector of the user's own: an ONNX file, and a TOML file beside it that describes it.

Reads the description and gives back a detector like the built-in ones. Weights of stronger
detectors can be used that way where their licence allows; docs/detectors.md says how.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crowdveil.detect.centerface import CenterFace
from crowdveil.detect.detector import Detector
from crowdveil.detect.engine import Network, Training
from crowdveil.detect.passes import TILE_PX, Reach
from crowdveil.detect.sightings import Sightings
from crowdveil.detect.yunet import YuNet
from crowdveil.errors import WeightsInvalid, shortened
from crowdveil.typed import read_toml

BUILT_IN = frozenset({"centerface", "yunet", "fusion"})
"""Names that plans use for what crowdveil carries."""


class Family(StrEnum):
    """How a detector's outputs are read."""

    CENTERFACE = "centerface"
    """Heat map, sizes, offsets, landmarks, each a quarter of the input's size."""
    YUNET = "yunet"
    """Class, object, box and landmarks for strides 8, 16 and 32."""
    BOXES = "boxes"
    """One output with boxes and one with scores, ready to use."""


Mean = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Scale = Annotated[float, Field(gt=0, ge=1e-6, le=1e6, allow_inf_nan=False)]


class Description(BaseModel):
    """What the TOML file says; docs/detectors.md explains each entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)]
    family: Family
    outputs: tuple[str, ...]
    min_score: Annotated[float, Field(gt=0, lt=1)] = 0.5
    longest_px: Annotated[int, Field(ge=64, le=8192)] = 1280
    colour: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[Mean, Mean, Mean] = (0.0, 0.0, 0.0)
    scale: tuple[Scale, Scale, Scale] = (1.0, 1.0, 1.0)
    box: Literal["xyxy", "xywh", "cxcywh"] = "xyxy"
    normalised: bool = False
    score_column: Annotated[int, Field(ge=0, le=1_000_000)] = 0


@dataclass(frozen=True, slots=True)
class Custom:
    """A detector of the user's own, ready to look.

    Attributes:
        detector: the detector.
        reach: the scales at which it looks.
        sha256: of its weights.
    """

    detector: Detector
    reach: Reach
    sha256: str


def load_detector(path: Path) -> Custom:
    """Read a detector and the description beside it (`detector.onnx`, `detector.toml`).

    Raises:
        WeightsInvalid: either file is missing or unreadable, or they do not fit together.
    """
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsInvalid(f"{path}: cannot be read ({error.strerror})") from error
    said = _description(path.with_suffix(".toml"))
    if said.name in BUILT_IN:
        raise WeightsInvalid(
            f"{path.with_suffix('.toml')}: the name {said.name!r} is taken; choose another, so "
            "that plans can tell which weights they mean"
        )
    training = Training(said.colour == "bgr", said.mean, said.scale)
    detector: Detector
    match said.family:
        case Family.CENTERFACE:
            detector = CenterFace(path, said.outputs, training, name=said.name)
        case Family.YUNET:
            detector = YuNet(path, said.outputs, training, name=said.name)
        case Family.BOXES:
            detector = BoxList(path, said, training)
    _try(detector, path)
    # Down to one tile, so that no face is ever cut by a seam at all scales.
    coarsest_px = min(said.longest_px, TILE_PX)
    reach = Reach(said.name, said.min_score, 1.0, said.longest_px, coarsest_px)
    return Custom(detector, reach, sha256)


class BoxList:
    """A detector whose outputs are boxes, (1, n, 4), and scores, (1, n) or (1, n, classes)."""

    def __init__(self, path: Path, said: Description, training: Training) -> None:
        """Compile it; raises `WeightsInvalid`."""
        if len(said.outputs) != 2:
            raise WeightsInvalid(f"{path}: outputs must name the boxes and the scores")
        self.name = said.name
        self._said = said
        self._network = Network(path, said.outputs, training=training)

    def see(self, batch: NDArray[np.uint8], *, min_score: float) -> list[Sightings]:
        """As `Detector.see`; landmarks are not known and come out as 0."""
        return [self._one(picture, min_score) for picture in batch]

    def rest(self) -> None:
        """As `Detector.rest`."""
        self._network.rest()

    def _one(self, picture: NDArray[np.uint8], min_score: float) -> Sightings:
        boxes, scores = self._network.run(picture[None])
        boxes = boxes.reshape(-1, boxes.shape[-1])[:, :4]
        scores = scores.reshape(len(boxes), -1)[:, self._said.score_column]
        keep = scores >= min_score
        boxes, scores = boxes[keep].astype(np.float32), np.clip(scores[keep], 0, 1)
        if self._said.normalised:
            height, width = picture.shape[:2]
            boxes = boxes * np.array([width, height, width, height], np.float32)
        if self._said.box == "xywh":
            boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        elif self._said.box == "cxcywh":
            half = boxes[:, 2:] / 2
            boxes = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
        finite = np.isfinite(boxes).all(axis=1)
        sound = np.asarray(finite & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        landmarks = np.zeros((len(boxes), 5, 2), np.float32)
        return Sightings(boxes, scores, landmarks).take(sound).suppressed(0.5)


def _description(path: Path) -> Description:
    try:
        return Description.model_validate(read_toml(path))
    except OSError as error:
        raise WeightsInvalid(
            f"{path}: cannot be read ({error.strerror}); a detector needs a description beside "
            "it, see docs/detectors.md"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        raise WeightsInvalid(
            f"{path}: {shortened(first['msg'])} (at {shortened(place)}); see docs/detectors.md"
        ) from error
    except ValueError as error:
        raise WeightsInvalid(
            f"{path}: is not TOML that can be read ({shortened(error)}); see docs/detectors.md"
        ) from error


def _try(detector: Detector, path: Path) -> None:
    """Look at one empty picture, so that a wrong description fails now and not mid-batch."""
    try:
        detector.see(np.zeros((1, 256, 320, 3), np.uint8), min_score=0.5)
    except (ValueError, IndexError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else "wrong shapes"
        raise WeightsInvalid(
            f"{path}: its outputs are not what its description says ({reason}); "
            "see docs/detectors.md"
        ) from error
