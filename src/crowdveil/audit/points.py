"""Operating points: the thresholds at which audits measure, and why these."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Point:
    """An operating point.

    Attributes:
        threshold: candidates at or above it are returned; -inf for all that are listed.
        label: why this one: "FPIR of everyone at most 1 %".
    """

    threshold: float
    label: str


EVERY_SCORE = Point(-np.inf, "any score")
"""Investigation: a human looks at the first candidates, whatever their scores."""
