"""How far a measure of several rates can reach if each rate lies within its own bounds.

Bounds that hold all rates at once come in (a `Box`); the lowest and the highest value of a
measure within go out. They hold the true value wherever the bounds hold the true rates. That is
why they are used: measures like max/min are least where groups are alike, and resampling only
moves them away from there.

A measure is least where the rates are as equal as their bounds allow, and greatest in a corner:
Marshall, Olkin and Arnold (2011), Inequalities: Theory of Majorization, 2nd ed., 5.A.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from crowdveil.audit.differentials import Rates

STEPS = 400
"""Levels at which rates are tried to be equal."""

MOST_CORNERED = 12
"""Of so many groups all corners are tried; of more, those in which one order decides."""

TINIEST = 1e-300
"""Stands for a rate of 0 where a measure would be undefined."""


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds that hold the rates of n groups all at once.

    Attributes:
        low, high: (n,) float64, 0 to 1, n >= 2.
    """

    low: Rates
    high: Rates


def reach_of_one(measure: Callable[[Rates], Rates], box: Box) -> tuple[float, float]:
    """The lowest and highest value of a measure of one rate; infinite where it has no bound."""
    values = measure(_candidates(box))
    high = float(values.max())
    if box.low.min() == 0 and np.isnan(measure(np.array([0.0, 1.0]))):
        high = float("inf")
    return float(values.min()), high


def reach_of_two(
    measure: Callable[[Rates, Rates, float], Rates], one: Box, other: Box, alpha: float
) -> tuple[float, float]:
    """The same for a measure of two rates, which rises or falls with either's inequality."""
    tried = [_candidates(one), _candidates(other)]
    alike = np.full(len(one.low), 0.5)
    first = measure(tried[0], alike, alpha)
    second = measure(alike, tried[1], alpha)
    ends = [
        [candidates[int(np.argmin(values))], candidates[int(np.argmax(values))]]
        for candidates, values in zip(tried, (first, second), strict=True)
    ]
    values = [float(measure(a, b, alpha)) for a, b in product(*ends)]
    zero, some = np.array([0.0, 1.0]), np.array([1.0, 1.0])
    unbounded = (one.low.min() == 0 and np.isnan(measure(zero, some, alpha))) or (
        other.low.min() == 0 and np.isnan(measure(some, zero, alpha))
    )
    return min(values), float("inf") if unbounded else max(values)


def _candidates(box: Box) -> Rates:
    """(k, n) the most equal rates at many levels, and corners."""
    low, high = np.maximum(box.low, TINIEST), np.maximum(box.high, TINIEST)
    return np.concatenate([_equal(low, high), _corners(low, high)])


def _equal(low: Rates, high: Rates) -> Rates:
    bottom, top = max(float(low.min()), 1e-9 * float(high.max())), float(high.max())
    levels = np.concatenate([low, high, np.geomspace(bottom, top, STEPS)])
    return np.asarray(np.clip(levels[:, None], low, high), np.float64)


def _corners(low: Rates, high: Rates) -> Rates:
    groups = len(low)
    if groups <= MOST_CORNERED:
        up = np.array(list(product([False, True], repeat=groups)))
    else:
        ranks = [np.argsort(np.argsort(by)) for by in (low, high, low + high, low * high)]
        cuts = np.concatenate([rank[None, :] >= np.arange(groups)[:, None] for rank in ranks])
        alone = np.eye(groups, dtype=bool)
        up = np.concatenate([cuts, ~cuts, alone, ~alone])
    return np.where(up, high, low)
