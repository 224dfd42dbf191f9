"""How sure an observed share is: exact binomial confidence intervals, arrays in and out.

Counts of errors and of trials come in, bounds go out. Whether the trials are independent is
for the caller to judge: comparisons that share a person are not, and need a bootstrap over
people instead.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

Counts = int | npt.NDArray[np.integer]
Shares = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """Lower and upper bound of a share, 0 to 1; arrays of one shape, or numbers."""

    low: Shares
    high: Shares


def clopper_pearson(errors: Counts, trials: Counts, *, confidence: float = 0.95) -> Interval:
    """Exact bounds of the probability behind `errors` in `trials`, equal-tailed.

    With no error the upper bound is near 3.7 / trials at 95 % (the "rule of 3" is the one-sided
    bound, see `at_most`); without trials everything is possible: 0 to 1.
    Source: Clopper and Pearson (1934), Biometrika 26(4), 404-413.

    Args:
        errors: whole numbers, 0 <= errors <= trials, any shape.
        trials: whole numbers of a shape that broadcasts with `errors`.
        confidence: coverage, above 0 and below 1.

    Returns:
        float64 bounds of the broadcast shape.

    Raises:
        ValueError: counts that cannot be, or `confidence` outside (0, 1).

    >>> low, high = clopper_pearson(0, 412)
    >>> float(low), round(float(high), 5)
    (0.0, 0.00891)
    """
    k, n = _checked(errors, trials, confidence)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(k > 0, beta.ppf(tail, k, n - k + 1), 0.0)
        high = np.where(k < n, beta.ppf(1 - tail, k + 1, n - k), 1.0)
    return Interval(np.asarray(low, np.float64), np.asarray(high, np.float64))


def at_most(errors: Counts, trials: Counts, *, confidence: float = 0.95) -> Shares:
    """The one-sided upper bound: what the probability does not exceed, at this confidence.

    With no error in n trials it is 1 - (1 - confidence)^(1/n), close to 3 / n at 95 %.
    Source: Hanley and Lippman-Hand (1983), JAMA 249(13), 1743-1745.

    Args:
        errors: as for `clopper_pearson`.
        trials: as for `clopper_pearson`.
        confidence: coverage, above 0 and below 1.

    Returns:
        float64 of the broadcast shape.

    Raises:
        ValueError: as for `clopper_pearson`.

    >>> round(float(at_most(0, 412)), 4)
    0.0072
    """
    k, n = _checked(errors, trials, confidence)
    with np.errstate(invalid="ignore"):
        bound = np.where(k < n, beta.ppf(confidence, k + 1, n - k), 1.0)
    return np.asarray(bound, np.float64)


def _checked(errors: Counts, trials: Counts, confidence: float) -> tuple[Shares, Shares]:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not at {confidence}")
    k, n = np.broadcast_arrays(np.asarray(errors, np.float64), np.asarray(trials, np.float64))
    if not bool(np.all((k >= 0) & (k <= n) & (k == np.floor(k)) & (n == np.floor(n)))):
        raise ValueError("errors must be whole numbers from 0 to the number of trials")
    return k, n
