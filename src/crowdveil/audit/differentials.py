"""Sums up in one figure how far error rates of groups are apart: the measures in use.

Rates of n groups come in, a figure for each measure goes out, with its definition, its source,
and what it can and cannot show. Which rates to compare, and how sure they are, is left to
`verify.rates`. Where a measure is undefined the figure is NaN, never a number made up by adding a
small constant, except in WERM, whose definition does that.

x_1 .. x_n are the rates of n groups at one threshold for all; m their mean, g their geometric
mean, a the weight of false matches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Rates: TypeAlias = npt.NDArray[np.float64]
"""(..., n) rates of n >= 2 groups, 0 to 1."""

ALPHA = 0.5
"""The usual weight of false matches against false non-matches."""

WERM_OFFSET = 1e-5
"""What WERM adds to every rate under the geometric mean."""

NIST_PAGE = "NIST, https://pages.nist.gov/frvt/html/frvt_demographics.html"
NIST_8429 = "NIST IR 8429 (2022), https://doi.org/10.6028/NIST.IR.8429"
HOWARD = "Howard et al. (2022), https://arxiv.org/abs/2203.05051"


class Over(StrEnum):
    """Which rates a measure takes."""

    ONE = "one rate"
    """FMR or FNMR: the measure is taken of each."""

    BOTH = "FMR and FNMR"
    """Both together, weighed."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A way to sum up how far groups are apart.

    Attributes:
        name: as reports call it.
        over: which rates it takes.
        formula: in words and signs.
        source: who defined it, where.
        alike: its value when all groups have the same rates.
        undefined: when it has no value.
        shows: what can be read from it.
        hides: what cannot.
        falls: whether it falls, not rises, the further groups are apart.
    """

    name: str
    over: Over
    formula: str
    source: str
    alike: float
    undefined: str
    shows: str
    hides: str
    falls: bool = False


def max_over_min(x: Rates) -> Rates:
    """The highest rate over the lowest; NaN where the lowest is 0."""
    return _over(x.max(-1), x.min(-1))


def max_over_geomean(x: Rates) -> Rates:
    """The highest rate over the geometric mean; NaN where a rate is 0."""
    return _over(x.max(-1), geomean(x))


def max_over_mean(x: Rates) -> Rates:
    """The highest rate over the mean; NaN where all are 0."""
    return _over(x.max(-1), x.mean(-1))


def mean_abs_log10(x: Rates) -> Rates:
    """The mean of |log10(x_i / g)|, in powers of ten; NaN where a rate is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(x)
        apart = np.abs(logs - logs.mean(-1, keepdims=True)).mean(-1)
    return np.where((x > 0).all(-1), apart, np.nan)


def gini(x: Rates) -> Rates:
    """The Gini coefficient without correction, at most (n - 1) / n; NaN where all are 0."""
    n = x.shape[-1]
    ordered = np.sort(x, axis=-1)
    # The sum of |x_i - x_j| over all pairs, by ranks.
    weights = 2 * np.arange(1, n + 1) - n - 1
    return _over((ordered * weights).sum(-1), n * n * x.mean(-1))


def gini_corrected(x: Rates) -> Rates:
    """The Gini coefficient times n / (n - 1): 1 where one group bears everything."""
    n = x.shape[-1]
    return np.asarray(gini(x) * n / (n - 1))


def fdr(fmr: Rates, fnmr: Rates, alpha: float = ALPHA) -> Rates:
    """Fairness discrepancy rate: 1 minus the weighed ranges; always defined."""
    return np.asarray(1 - (alpha * np.ptp(fmr, axis=-1) + (1 - alpha) * np.ptp(fnmr, axis=-1)))


def inequity_rate(fmr: Rates, fnmr: Rates, alpha: float = ALPHA) -> Rates:
    """Inequity rate (IR): the weighed product of max / min; NaN where a lowest rate is 0."""
    return np.asarray(max_over_min(fmr) ** alpha * max_over_min(fnmr) ** (1 - alpha))


def garbe(fmr: Rates, fnmr: Rates, alpha: float = ALPHA) -> Rates:
    """GARBE: the weighed sum of corrected Gini coefficients; NaN where all of a kind are 0."""
    return np.asarray(alpha * gini_corrected(fmr) + (1 - alpha) * gini_corrected(fnmr))


def werm(fmr: Rates, fnmr: Rates, alpha: float = ALPHA) -> Rates:
    """WERM: the weighed product of max / geomean(x + 1e-5); NaN where all of a kind are 0.

    There the definition gives 0, a figure better than that of groups which are alike.
    """
    worst = [
        np.where(x.max(-1) > 0, x.max(-1) / geomean(x + WERM_OFFSET), np.nan) for x in (fmr, fnmr)
    ]
    return np.asarray(worst[0] ** alpha * worst[1] ** (1 - alpha))


def geomean(x: Rates) -> Rates:
    """The geometric mean; 0 where a rate is 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(np.log(x).mean(-1)))


OF_ONE: dict[Measure, Callable[[Rates], Rates]] = {
    Measure(
        "max/min", Over.ONE, "max x / min x", NIST_PAGE, 1.0, "the lowest rate is 0",
        "how many times the worst-off group's rate is that of the best-off",
        "everything between; rests on the rate with the fewest errors, so chance alone makes it "
        "large",
    ): max_over_min,
    Measure(
        "max/geomean", Over.ONE, "max x / g", f"{NIST_8429}, eqs 10-11", 1.0, "a rate is 0",
        "how many times the worst-off group's rate is the typical one",
        "who is best off, and how the others are spread",
    ): max_over_geomean,
    Measure(
        "max/mean", Over.ONE, "max x / m", NIST_PAGE, 1.0, "all rates are 0",
        "how many times the worst-off group's rate is the mean; steadier than max/min",
        "small rates: it is at most n, however low the others are",
    ): max_over_mean,
    Measure(
        "mean |log10|", Over.ONE, "mean of |log10(x / g)|", NIST_PAGE, 0.0, "a rate is 0",
        "how far a typical group is from the middle, in powers of ten",
        "who is worst off: it treats a low rate like a high one",
    ): mean_abs_log10,
    Measure(
        "Gini", Over.ONE, "sum of |x_i - x_j| over all i, j / (2 n^2 m)", NIST_PAGE, 0.0,
        "all rates are 0", "how unequally errors fall; 0 if all rates are equal",
        "which groups bear them; cannot reach 1 with few groups",
    ): gini,
    Measure(
        "Gini, corrected", Over.ONE, "Gini x n / (n - 1)", HOWARD, 0.0, "all rates are 0",
        "the same, from 0 to 1 whatever the number of groups",
        "which groups bear them; says nothing of how many errors there are",
    ): gini_corrected,
}  # fmt: skip
"""Measures of one kind of rate."""

OF_BOTH: dict[Measure, Callable[[Rates, Rates, float], Rates]] = {
    Measure(
        "FDR", Over.BOTH, "1 - (a range(FMR) + (1 - a) range(FNMR))",
        "de Freitas Pereira and Marcel (2021), https://arxiv.org/abs/2011.02395", 1.0, "never",
        "the largest differences in percentage points, subtracted from 1",
        "differences of small rates: with FMR near 0.001 a hundredfold difference moves it by "
        "less than 0.001; a system that fails for everyone scores well",
        falls=True,
    ): fdr,
    Measure(
        "IR", Over.BOTH, "(max/min FMR)^a (max/min FNMR)^(1 - a)",
        f"NIST, as given by {HOWARD}", 1.0, "a lowest rate is 0",
        "the ratio of worst to best, of both rates together",
        "which of the two differs; without a value as soon as one group has no error",
    ): inequity_rate,
    Measure(
        "GARBE", Over.BOTH, "a Gini(FMR) + (1 - a) Gini(FNMR), corrected", HOWARD, 0.0,
        "all rates of a kind are 0", "how unequally errors of both kinds fall, 0 to 1",
        "how many errors there are: a system that rejects nearly everyone scores well",
    ): garbe,
    Measure(
        "WERM", Over.BOTH, "(T(FMR))^a (T(FNMR))^(1 - a), T(x) = max x / geomean(x + 1e-5)",
        "Linghu et al. (2024), https://github.com/AIML-IfI/score-norm-fairness", 1.0,
        "all rates of a kind are 0",
        "the ratio of worst to typical, of both rates together",
        "rates near 1e-5 or lower, which the added constant drowns",
    ): werm,
}  # fmt: skip
"""Measures of FMR and FNMR together."""


def _over(above: Rates, below: Rates) -> Rates:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)
