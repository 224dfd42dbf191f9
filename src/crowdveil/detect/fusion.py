"""Decides which candidates are veiled: learned trees, a second look, and one rule.

The rule weighs what a mistake costs: a candidate is veiled when its odds of being a face
outweigh the share of the picture that a needless veil would take, so small doubts are
veiled freely and large ones need more evidence, yet never more than even odds. The settings
come from `models/fusion.json`, learned by `bench/train_fusion.py`.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crowdveil.detect.points import Caution
from crowdveil.detect.trees import CompiledForest, Forest
from crowdveil.errors import WeightsInvalid
from crowdveil.geometry import Boxes, SizeWH, area_px

UNIT_SHARE = 0.0023
"""Share of a picture at which `Rule.odds` holds: a 40-pixel face in 1024 x 680."""


class Rule(BaseModel):
    """When a candidate is veiled.

    `odds` are the least odds of being a face for a candidate of `UNIT_SHARE` of the picture;
    they grow with the share to the power of `growth` and are held between `least` and `most`
    as probabilities.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    odds: Annotated[float, Field(gt=0)]
    growth: Annotated[float, Field(ge=0)]
    least: Annotated[float, Field(gt=0, lt=1)]
    most: Annotated[float, Field(gt=0, lt=1)]

    def threshold(self, boxes: Boxes, size_wh: SizeWH) -> NDArray[np.float32]:
        """The least probability with which each of n boxes is veiled, (n,) float32, 0-1."""
        share = area_px(boxes) / (size_wh[0] * size_wh[1])
        odds = self.odds * (share / UNIT_SHARE) ** self.growth
        return np.asarray(np.clip(odds / (1 + odds), self.least, self.most), np.float32)


HOPE = Rule(odds=0.05, growth=0.7, least=0.01, most=0.5)
"""The rule that stands in for the learned one where candidates are chosen for a second look:
the forests of the second look were trained on what this rule lets through."""


class _PointModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Forest
    second: Forest
    rule: Rule


class _FusionFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    about: str
    points: dict[Caution, _PointModel]


@dataclass(frozen=True, slots=True)
class Fusion:
    """What was learned for one operating point.

    Attributes:
        first: trees over `features.candidate_table`.
        second: trees over that table joined with `features.look_table`.
        rule: when a candidate is veiled.
    """

    first: CompiledForest
    second: CompiledForest
    rule: Rule


@cache
def load_fusion(path: Path, caution: Caution) -> Fusion:
    """Read what was learned for one operating point.

    Raises:
        WeightsInvalid: the file is missing or does not follow its schema.
    """
    try:
        learned = _FusionFile.model_validate(json.loads(path.read_bytes())).points[caution]
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise WeightsInvalid(
            f"{path}: is not a fusion model of this version; reinstall crowdveil"
        ) from error
    return Fusion(learned.first.compile(), learned.second.compile(), learned.rule)
