"""How often one person is seen, and how many alerts come of it.

A person passes every camera a number of times and each camera gets a usable face with some
probability. Sightings of one person are not independent, since a look-alike stays one: with
probability `correlation` all sightings of a person at an event turn out alike, otherwise each
turns out for itself. Any two sightings of a person then have exactly this correlation. Whom
the alerts are about is left to others.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import comb
from scipy.stats import binom

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SightingModel:
    """The distribution of sightings per person, by group.

    Attributes:
        pmf: (G, S + 1) float64; probability of 0 ... S sightings, rows sum to 1.
        correlation: of the outcomes of two sightings of one person, 0 to 1.
    """

    pmf: Floats
    correlation: float

    @classmethod
    def of(cls, *, cameras: int, seen: float, passes: Floats, correlation: float) -> Self:
        """The model in which a person passes `cameras` cameras together `passes` times.

        Args:
            cameras: at least 1.
            seen: probability that one camera sees someone who passes it, above 0.
            passes: (G,) average number, at least 1; 1.3 means once for 70 % and twice for 30 %.
            correlation: 0 to 1.
        """
        fewer = np.floor(passes).astype(np.int64)
        more = passes - fewer
        times = np.arange(cameras * (int(fewer.max()) + 1) + 1)
        once = binom.pmf(times, cameras * fewer[:, None], seen)
        again = binom.pmf(times, cameras * (fewer[:, None] + 1), seen)
        pmf = (1 - more[:, None]) * once + more[:, None] * again
        most = int(np.flatnonzero(pmf.any(axis=0)).max())
        return cls(np.asarray(pmf[:, : most + 1], np.float64), correlation)

    @property
    def most(self) -> int:
        """S, the most sightings of one person."""
        return int(self.pmf.shape[1]) - 1

    def mean(self) -> Floats:
        """(G,) sightings of one person on average."""
        return np.asarray(self.pmf @ np.arange(self.most + 1), np.float64)

    def ever(self) -> Floats:
        """(G,) probability to be seen at all."""
        return np.asarray(1 - self.pmf[:, 0], np.float64)

    def at_least_one(self, alert: Floats) -> Floats:
        """(..., G) probability of an alert, when one sighting gives one with (..., G) `alert`."""
        times = np.arange(self.most + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(times > 0, -np.expm1(times * np.log1p(-alert[..., None])), 0.0)
        apart = (self.pmf * each).sum(axis=-1)
        alike = self.ever() * alert
        return np.asarray(self.correlation * alike + (1 - self.correlation) * apart, np.float64)

    def alerts_pmf(self, alert: Floats, group: int) -> Floats:
        """(..., S + 1) probability of 0 ... S alerts about one person of a group.

        Args:
            alert: (...) probability that one sighting gives an alert.
            group: number of the group.
        """
        share = np.asarray(alert, np.float64)[..., None]
        sightings, alerts = np.indices((self.most + 1, self.most + 1))
        ways = self.pmf[group][:, None] * comb(sightings, alerts)
        apart = np.zeros((*share.shape[:-1], self.most + 1))
        # A sum of a few products is several times quicker than SciPy's general binomial.
        for number in range(self.most + 1):
            for seen in range(number, self.most + 1):
                some = share[..., 0] ** number * (1 - share[..., 0]) ** (seen - number)
                apart[..., number] += ways[seen, number] * some
        alike = self.pmf[group] * share
        alike[..., 0] += 1 - share[..., 0]
        return np.asarray(self.correlation * alike + (1 - self.correlation) * apart, np.float64)
