"""How sure a rate is whose errors cluster in people: bounds at any confidence.

Errors and trials of each person come in, a `Sureness` goes out, which gives bounds of the rate.
Errors that cluster are worth fewer independent ones, and where few people bear them it is not
well known how many fewer; both are taken into account. What a trial is, and whether it belongs
to one person or to two, is left to `shares` and `verify.dyads`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri, stdtrit

TWINS = 2
"""People like the worst one seen that the upper bound reckons with besides."""


@dataclass(frozen=True, slots=True)
class Worth:
    """How many independent trials a rate is worth.

    Attributes:
        rate: errors over trials, 0 to 1.
        effective: how many independent trials have the same variance.
        freedom: degrees of freedom of that variance; infinite if it is known.
    """

    rate: float
    effective: float
    freedom: float = float("inf")

    def at(self, tail: float) -> float:
        """As how many independent trials it counts for a bound that chance passes in `tail`.

        Source: Korn and Graubard (1998), Surv. Methodol. 24(2), 193-201: the quantile of Student's
        distribution takes the place of the normal one.
        """
        if not np.isfinite(self.freedom):
            return self.effective
        ratio = float(ndtri(1 - tail) / stdtrit(self.freedom, 1 - tail))
        return max(1.0, self.effective * ratio**2)

    def low(self, tail: float) -> float:
        """The lower bound of Clopper and Pearson (1934) for so many trials."""
        trials = self.at(tail)
        errors = self.rate * trials
        return float(betaincinv(errors, trials - errors + 1, tail)) if errors > 0 else 0.0

    def high(self, tail: float) -> float:
        """The upper bound of the same."""
        trials = self.at(tail)
        errors = self.rate * trials
        return float(betaincinv(errors + 1, trials - errors, 1 - tail)) if self.rate < 1 else 1.0


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure a rate is.

    Attributes:
        alone: as if trials were independent; no bound is narrower.
        seen: as errors cluster in the people seen.
        feared: the same with `TWINS` more people like the worst one; only its upper bound counts.
    """

    alone: Worth
    seen: Worth
    feared: Worth

    @property
    def effective(self) -> float:
        """How many independent trials are as sure, at 95 %."""
        return min(self.alone.effective, self.seen.at(0.025))

    def bounds(self, confidence: float) -> tuple[float, float]:
        """Two-sided bounds of the rate."""
        tail = (1 - confidence) / 2
        low = min(self.alone.low(tail), self.seen.low(tail))
        return low, self._high(tail)

    def at_most(self, confidence: float) -> float:
        """The one-sided upper bound."""
        return self._high(1 - confidence)

    def _high(self, tail: float) -> float:
        return max(one.high(tail) for one in (self.alone, self.seen, self.feared))


def independent(errors: int, trials: int, effective: float | None = None) -> Sureness:
    """The sureness of independent trials, or of trials that are worth `effective` such.

    Args:
        errors: how many went wrong.
        trials: of how many, >= 1.
        effective: at most `trials`.
    """
    rate = errors / trials
    worth = Worth(rate, float(trials if effective is None else effective))
    return Sureness(Worth(rate, float(trials)), worth, worth)


def clustered(
    errors: npt.NDArray[np.int64],
    trials: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    *,
    sides: int = 1,
) -> Sureness:
    """The sureness of a rate, some but not all of whose trials went wrong.

    The variance of sums by person; for trials of two people, less what is counted for both:
    Fafchamps and Gubert (2007), J. Dev. Econ. 83(2), 326-350; Aronow, Samii and Assenova (2015),
    Polit. Anal. 23(4), 564-577. Each pair's own is taken to be that of independent trials, which
    is never too much. Its degrees of freedom are those of a sum of squares with such a spread,
    Satterthwaite (1946), Biometrics Bull. 2(6), 110-114: few if few people bear the errors.

    Where look-alikes are strong and rare, the worst of them may not have been seen. The upper
    bound reckons with two more people like the worst one seen; bench/coverage.py shows what that
    is worth.

    Args:
        errors: (k,) errors of a person of each kind.
        trials: (k,) trials of the same, >= 1.
        number: (k,) how many people are of that kind.
        sides: 1 if a trial is one person's, 2 if it counts for two people.
    """
    seen = _worth(errors, trials, number, sides)
    worst = int(np.argmax(errors - seen.rate * trials))
    more = number.copy()
    more[worst] += TWINS
    total = float(trials @ number) / sides
    return Sureness(Worth(seen.rate, total), seen, _worth(errors, trials, more, sides))


def _worth(
    errors: npt.NDArray[np.int64],
    trials: npt.NDArray[np.int64],
    number: npt.NDArray[np.int64],
    sides: int,
) -> Worth:
    people = int(number.sum())
    total = float(trials @ number)
    rate = float(errors @ number) / total
    squares = (errors - rate * trials) ** 2
    total /= sides
    alone = total * rate * (1 - rate)
    sums = float(number @ squares)
    variance = sums * people / max(people - 1, 1) if sides == 1 else sums - alone
    variance = max(variance, alone)
    spread = float(number @ squares**2) - sums**2 / people
    freedom = people - 1.0
    if spread > 0:
        freedom = min(freedom, 2 * sums**2 / spread)
    return Worth(rate, total * alone / variance, max(1.0, freedom))
