"""What a deployment does: every count with its mean and its interval, for all and by group.

Intervals are exact where every rate is taken at its word, and simulated where a rate was itself
counted; either way they say how they came about. What published counts say to it is left to
`published`, words to `summary`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from crowdveil.crowd.deployment import Deployment
from crowdveil.crowd.exact import distribution
from crowdveil.crowd.means import Expected, expected
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.scenario import Year
from crowdveil.crowd.simulation import Simulated, Simulation, simulate

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that chance has a hand in.

    Attributes:
        mean: expected value.
        low, high: central interval of `CONFIDENCE`, or None where none is stated.
        error: standard error that the simulation leaves in the mean; 0 if exact.
        method: how it was found.
    """

    mean: float
    low: float | None = None
    high: float | None = None
    error: float = 0.0
    method: Literal["exact", "simulated"] = "exact"

    def holds(self, number: float) -> bool:
        """Whether the interval contains `number`."""
        return self.low is not None and self.high is not None and self.low <= number <= self.high


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What happens to one group.

    Attributes:
        group: its name.
        faces, scanned, innocent, listed: expected sightings, people seen, people seen who are
            not on the list, and listed people who pass.
        counts: every quantity.
        fpir: probability that one search for one of them, not listed, gives an alert.
        risk: probability for someone not listed of at least one false alert at one event.
        stop_risk: the same for being stopped.
        year_risk, year_stop_risk: the same over a year's events.
    """

    group: str
    faces: float
    scanned: float
    innocent: float
    listed: float
    counts: dict[Quantity, Estimate]
    fpir: float
    risk: float
    stop_risk: float
    year_risk: float
    year_stop_risk: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a deployment does.

    Attributes:
        faces, scanned, innocent, listed: as for a group, over all of them.
        counts: every quantity over all groups.
        groups: the same by group.
        precision: share of true alerts among alerts, or None if no alert is expected.
        scanned_per_found: people seen who are not on the list for each listed person found, or
            None if nobody is.
        minutes: of stops, or None without a length of stop.
        wrong_minutes: of stops of people wrongly stopped.
        events: that all this is spread over.
        year: events in a year, or None; then a year is `year / events` times all this.
        attended: events a year to which `year_risk` belongs.
        simulation: events played for what is simulated, and the seed.
    """

    faces: float
    scanned: float
    innocent: float
    listed: float
    counts: dict[Quantity, Estimate]
    groups: tuple[GroupOutcome, ...]
    precision: Estimate | None
    scanned_per_found: float | None
    minutes: float | None
    wrong_minutes: float | None
    events: int
    year: float | None
    attended: float
    simulation: Simulation


def outcome(
    deployment: Deployment, *, year: Year | None = None, simulation: Simulation | None = None
) -> Outcome:
    """What a deployment does, with intervals.

    Args:
        deployment: from `deploy`.
        year: how often it happens and how often one person passes.
        simulation: for the share of true alerts, and for every count when a rate is uncertain.
    """
    times, played = year or Year(), simulation or Simulation()
    means = expected(deployment)
    simulated = simulate(deployment, played)
    groups = tuple(
        GroupOutcome(
            group=name,
            faces=float(means.faces[number]),
            scanned=float(means.scanned[number]),
            innocent=float(means.innocent[number]),
            listed=float(means.listed[number]),
            counts=_counts(deployment, means, simulated, number),
            fpir=float(deployment.fpir()[number]),
            risk=float(means.risk[number]),
            stop_risk=float(means.stop_risk[number]),
            year_risk=repeated(float(means.risk[number]), times.attended),
            year_stop_risk=repeated(float(means.stop_risk[number]), times.attended),
        )
        for number, name in enumerate(deployment.groups)
    )
    counts = _counts(deployment, means, simulated, None) if len(groups) > 1 else groups[0].counts
    innocent = float(means.innocent.sum())
    found, dwell = counts[Quantity.FOUND].mean, deployment.dwell_minutes
    return Outcome(
        faces=float(means.faces.sum()),
        scanned=float(means.scanned.sum()),
        innocent=innocent,
        listed=float(means.listed.sum()),
        counts=counts,
        groups=groups,
        precision=_precision(means, simulated),
        scanned_per_found=innocent / found if found else None,
        minutes=None if dwell is None else dwell * counts[Quantity.STOPPED].mean,
        wrong_minutes=None if dwell is None else dwell * counts[Quantity.WRONGLY_STOPPED].mean,
        events=deployment.events,
        year=times.events,
        attended=times.attended,
        simulation=played,
    )


def repeated(risk: float, times: float) -> float:
    """Probability of at least one in `times` independent events, 1 - (1 - risk)^times.

    >>> round(repeated(0.01, 12), 4)
    0.1136
    """
    return float(-np.expm1(times * np.log1p(-risk))) if risk < 1 else 1.0


def _counts(
    deployment: Deployment, means: Expected, simulated: Simulated, group: int | None
) -> dict[Quantity, Estimate]:
    found = {}
    for quantity in Quantity:
        by_group = means.means[quantity]
        mean = float(by_group.sum() if group is None else by_group[group])
        if deployment.certain:
            low, high = distribution(deployment, quantity, group=group).interval(CONFIDENCE)
            found[quantity] = Estimate(mean, low, high)
        else:
            drawn = simulated.counts[quantity]
            found[quantity] = _simulated(drawn.sum(axis=1) if group is None else drawn[:, group])
    return found


def _simulated(drawn: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    error = float(np.std(drawn) / np.sqrt(len(drawn)))
    return Estimate(float(np.mean(drawn)), float(low), float(high), error, "simulated")


def _precision(means: Expected, simulated: Simulated) -> Estimate | None:
    """Of the alerts expected, the share that is true; its interval over events with alerts."""
    if means.precision is None:
        return None
    alerts = simulated.total(Quantity.ALERTS)
    some = alerts > 0
    if not some.any():
        return Estimate(means.precision)
    shares = simulated.total(Quantity.TRUE_ALERTS)[some] / alerts[some]
    spread = _simulated(shares)
    return Estimate(means.precision, spread.low, spread.high, spread.error, "simulated")
