"""Exact distributions of the counts of a deployment whose rates are taken at their word.

Every person is an independent trial, so the probability generating function of a count is a
product over people; evaluated on the unit circle and transformed back it gives the probability
of every value (Hong 2013, Comput. Stat. Data Anal. 59, 41-51, for the Poisson binomial). Rates
that were counted, and are therefore uncertain themselves, are left to `simulation`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crowdveil.crowd.deployment import Deployment
from crowdveil.crowd.quantities import Quantity

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

_DEVIATIONS = 12
"""Half width of the window that is computed, in standard deviations: what lies beyond weighs
less than rounding does."""


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Probabilities of whole numbers.

    Attributes:
        first: the number that `pmf[0]` belongs to.
        pmf: (n,) float64, sums to 1; numbers outside have no probability worth counting.
    """

    first: int
    pmf: Floats

    def mean(self) -> float:
        """The mean."""
        return float(self.pmf @ (self.first + np.arange(len(self.pmf))))

    def interval(self, confidence: float = 0.95) -> tuple[int, int]:
        """The central interval: at most (1 - confidence) / 2 lies below, and above."""
        tail = (1 - confidence) / 2
        cumulative = np.cumsum(self.pmf)
        low = int(np.searchsorted(cumulative, tail, side="right"))
        high = int(np.searchsorted(cumulative, 1 - tail, side="left"))
        last = len(self.pmf) - 1
        return self.first + min(low, last), self.first + min(high, last)


def distribution(
    deployment: Deployment, quantity: Quantity, *, group: int | None = None
) -> Distribution:
    """How often `quantity` takes each value, over all groups or for one.

    Of the people of a group who pass, `min(people, entries x events)` may each be a listed one,
    independently, with the probability that makes the expected number of listed people right.

    Args:
        deployment: its mean rates count, its uncertain ones do not.
        quantity: what is counted.
        group: number of a group, or None for all.
    """
    chosen = range(len(deployment.groups)) if group is None else (group,)
    slots = [slot for number in chosen for slot in _slots(deployment, quantity, number)]
    return _transform(slots)


@dataclass(frozen=True, slots=True)
class _Person:
    """What one person adds to a count: the generating function minus one, and two moments."""

    less_one: Callable[[Complexes], Complexes]
    mean: float
    square: float
    most: int


def _slots(
    deployment: Deployment, quantity: Quantity, group: int
) -> Iterable[tuple[float, _Person]]:
    """How many people add alike to the count, and what each of them adds."""
    innocent, listed = _persons(deployment, quantity, group)
    people = float(deployment.people[group])
    mixed = min(people, float(deployment.chances[group]))
    share = min(float(deployment.listed[group]) / mixed, 1.0) if mixed else 0.0
    yield people - mixed, innocent
    yield (
        mixed,
        _Person(
            lambda z: (1 - share) * innocent.less_one(z) + share * listed.less_one(z),
            (1 - share) * innocent.mean + share * listed.mean,
            (1 - share) * innocent.square + share * listed.square,
            max(innocent.most, listed.most),
        ),
    )


def _persons(deployment: Deployment, quantity: Quantity, group: int) -> tuple[_Person, _Person]:
    """What someone not on the list and someone listed add."""
    sightings = deployment.sightings
    false, hit = deployment.fpir(), 1 - deployment.fnir
    risk = float(sightings.at_least_one(false)[group])
    found = float(sightings.at_least_one(hit)[group])
    stopped_false = risk * (1 - deployment.rejects_false)
    stopped_true = found * (1 - deployment.rejects_true)
    match quantity:
        case Quantity.FALSE_ALERTS:
            return _alerts(deployment, group, float(false[group])), _once(0)
        case Quantity.TRUE_ALERTS:
            return _once(0), _alerts(deployment, group, float(hit[group]))
        case Quantity.ALERTS:
            return (
                _alerts(deployment, group, float(false[group])),
                _alerts(deployment, group, float(hit[group])),
            )
        case Quantity.FALSELY_ALERTED:
            return _once(risk), _once(0)
        case Quantity.FOUND:
            return _once(0), _once(found)
        case Quantity.MISSED:
            return _once(0), _once(1 - found)
        case Quantity.WRONGLY_STOPPED:
            return _once(stopped_false), _once(stopped_true * deployment.wrongly_listed)
        case Quantity.STOPPED:
            return _once(stopped_false), _once(stopped_true)


def _once(probability: float) -> _Person:
    return _Person(lambda z: probability * (z - 1), probability, probability, 1)


def _alerts(deployment: Deployment, group: int, alert: float) -> _Person:
    """Someone whose every sighting gives an alert with probability `alert`."""
    pmf = deployment.sightings.pmf[group]
    alike = deployment.sightings.correlation
    times = np.arange(len(pmf))

    def less_one(z: Complexes) -> Complexes:
        apart = np.zeros_like(z)
        together = np.zeros_like(z)
        # 1 + alert (z - 1) may be 0; its powers are 0 then.
        step = 1 + alert * (z - 1)
        for number, weight in zip(times[1:], pmf[1:], strict=True):
            apart += weight * (_power(step, number) - 1)
            together += weight * alert * (_power(z, number) - 1)
        return alike * together + (1 - alike) * apart

    mean = float(pmf @ times) * alert
    squares = alike * alert * times**2 + (1 - alike) * (
        times * alert * (1 - alert) + (times * alert) ** 2
    )
    return _Person(less_one, mean, float(pmf @ squares), int(times[-1]))


def _power(base: Complexes, exponent: int) -> Complexes:
    return np.asarray(base**exponent, np.complex128)


def _transform(slots: list[tuple[float, _Person]]) -> Distribution:
    mean = sum(number * person.mean for number, person in slots)
    spread = np.sqrt(sum(number * (person.square - person.mean**2) for number, person in slots))
    most = max((person.most for _, person in slots), default=1)
    half = _DEVIATIONS * float(spread) + 40 * most
    size = 1 << int(np.ceil(np.log2(2 * half + 2)))
    first = max(int(mean - size / 2), 0)
    angle = 2 * np.pi * np.arange(size // 2 + 1) / size
    z = np.exp(1j * angle)
    logs = np.zeros_like(z)
    with np.errstate(divide="ignore"):
        for number, person in slots:
            if number:
                logs += number * np.log1p(person.less_one(z))
    # Only this window of numbers can occur, so that what wraps around is nothing.
    shifted = np.exp(logs) * np.exp(-1j * angle * first)
    pmf = np.fft.irfft(np.conj(shifted), size)
    pmf = np.clip(pmf, 0, None)
    return Distribution(first, np.asarray(pmf / pmf.sum(), np.float64))
