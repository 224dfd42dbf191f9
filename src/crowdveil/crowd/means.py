"""Expected counts in closed form: what a deployment does on average, to each group.

A deployment comes in, means by group go out. Quick enough to be asked thousands of times, which
is what the decomposition, the sensitivity and the sweeps do. Distributions are left to `exact`
and `simulation`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crowdveil.crowd.deployment import Deployment
from crowdveil.crowd.quantities import Quantity

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Means by group; each array is (G,) float64.

    Attributes:
        faces: sightings.
        scanned: people seen at least once, listed or not.
        innocent: people seen at least once who are not on the list.
        listed: listed people who pass.
        means: of every quantity.
        risk: probability that someone not on the list gets at least one false alert at one
            event.
        stop_risk: the same for being stopped because of it.
    """

    faces: Floats
    scanned: Floats
    innocent: Floats
    listed: Floats
    means: dict[Quantity, Floats]
    risk: Floats
    stop_risk: Floats

    def total(self, quantity: Quantity) -> float:
        """The mean over all groups."""
        return float(self.means[quantity].sum())

    @property
    def precision(self) -> float | None:
        """Share of true alerts among the alerts expected, or None without alerts."""
        alerts = self.total(Quantity.ALERTS)
        return self.total(Quantity.TRUE_ALERTS) / alerts if alerts else None


def expected(deployment: Deployment) -> Expected:
    """The means of a deployment."""
    sightings = deployment.sightings
    seen, ever = sightings.mean(), sightings.ever()
    listed = np.minimum(deployment.listed, deployment.people)
    unlisted = deployment.people - listed
    false, hit = deployment.fpir(), 1 - deployment.fnir
    risk, found = sightings.at_least_one(false), sightings.at_least_one(hit)
    stopped_false = unlisted * risk * (1 - deployment.rejects_false)
    stopped_true = listed * found * (1 - deployment.rejects_true)
    means = {
        Quantity.FALSE_ALERTS: unlisted * seen * false,
        Quantity.TRUE_ALERTS: listed * seen * hit,
        Quantity.FALSELY_ALERTED: unlisted * risk,
        Quantity.FOUND: listed * found,
        Quantity.MISSED: listed * (1 - found),
        Quantity.WRONGLY_STOPPED: stopped_false + stopped_true * deployment.wrongly_listed,
        Quantity.STOPPED: stopped_false + stopped_true,
    }
    means[Quantity.ALERTS] = means[Quantity.FALSE_ALERTS] + means[Quantity.TRUE_ALERTS]
    return Expected(
        faces=deployment.people * seen,
        scanned=deployment.people * ever,
        innocent=unlisted * ever,
        listed=listed,
        means=means,
        risk=risk,
        stop_risk=risk * (1 - deployment.rejects_false),
    )
