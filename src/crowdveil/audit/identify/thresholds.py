"""Chooses the thresholds at which searches are audited.

The highest false scores of non-mated searches come in, with the FPIR that is wanted; operating
points go out. Measuring at them is left to `rates`.
"""

from collections.abc import Sequence

import numpy as np

from crowdveil.audit.identify.searches import Outcomes, Scores
from crowdveil.audit.partitions import EVERYONE, Partition, with_group
from crowdveil.audit.points import Point
from crowdveil.errors import OptionsInvalid


def points_for(
    came: Outcomes,
    partitions: Sequence[Partition],
    *,
    fpir: Sequence[float] = (),
    thresholds: Sequence[float] = (),
    reference: str | None = None,
) -> tuple[Point, ...]:
    """Operating points for target rates, then for given thresholds.

    Args:
        came: outcomes of the searches.
        partitions: divisions of the probes into groups.
        fpir: rates that must not be exceeded, by everyone or by the reference group.
        thresholds: taken as they are.
        reference: the group whose FPIR is set, instead of everyone's.

    Raises:
        OptionsInvalid: no group of that name, or no non-mated probes to set a rate with.
    """
    whose, mine = reference or EVERYONE, np.ones(len(came.mated), np.bool_)
    if reference is not None:
        partition = with_group(partitions, reference)
        mine = partition.group == partition.groups.index(reference)
    false = came.false_score[mine & ~came.mated]
    if fpir and not false.size:
        raise OptionsInvalid(
            f"FPIR of {whose} cannot be set: no probe of theirs is non-mated, that is, of somebody "
            "who is not enrolled; give a threshold instead"
        )
    found = [
        Point(threshold_for(false, target), f"FPIR of {whose} at most {100 * target:g} %")
        for target in fpir
    ]
    return (*found, *(Point(value, f"threshold {value:g}") for value in thresholds))


def threshold_for(scores: Scores, target: float) -> float:
    """The lowest threshold at which at most a share `target` of the searches name anybody.

    Equal scores stand or fall together, so the share may stay below the target.

    Args:
        scores: (m,) highest score of each non-mated search, -inf where it returned nobody.
        target: 0 to 1.

    Returns:
        One of the scores, or the next float above all of them if even the highest is too many.

    Raises:
        ValueError: no searches.

    >>> threshold_for(np.array([0.1, 0.2, 0.3, 0.4]), 0.5)
    0.3
    """
    if not scores.size:
        raise ValueError("no threshold can be found without non-mated searches")
    values, counts = np.unique(scores, return_counts=True)
    at_or_above = np.cumsum(counts[::-1])[::-1]
    allowed = np.flatnonzero((at_or_above <= target * len(scores)) & np.isfinite(values))
    if allowed.size:
        return float(values[allowed[0]])
    return float(np.nextafter(values[-1], np.inf)) if np.isfinite(values[-1]) else 0.0
