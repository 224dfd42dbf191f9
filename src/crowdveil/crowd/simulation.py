"""Plays a deployment many times over: counts by group with all their chance.

A deployment and a seed come in, counts of every event played go out. Each event draws anew the
rates that were counted (what their counts leave possible), who of the list passes, whom the
recogniser confuses and whom a reviewer lets go. The same seed gives the same counts on any
number of threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crowdveil.crowd.choices import CrowdOptions
from crowdveil.crowd.deployment import Deployment, fpir
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.rates import Rate

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_CHUNK = 25_000
"""Events drawn together: large enough to keep NumPy busy, small enough for the cache."""

_DEFAULT = CrowdOptions()

_DRAWN = (
    Quantity.FALSE_ALERTS,
    Quantity.FALSELY_ALERTED,
    Quantity.TRUE_ALERTS,
    Quantity.FOUND,
    Quantity.MISSED,
    Quantity.WRONGLY_STOPPED,
    Quantity.STOPPED,
)


@dataclass(frozen=True, slots=True)
class Simulation:
    """How a simulation is run.

    Attributes:
        events: how often the deployment is played, at least 1.
        seed: of the random numbers.
    """

    events: int = _DEFAULT.events
    seed: int = _DEFAULT.seed

    def __post_init__(self) -> None:
        """Refuse a simulation of nothing."""
        if self.events < 1 or self.seed < 0:
            raise ValueError("events must be at least 1 and the seed not negative")


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Counts of E events for G groups.

    Attributes:
        groups: names.
        scanned: (G,) people who pass, the same in every event.
        listed: (E, G) int64 listed people among them.
        counts: of every quantity, (E, G) int64.
    """

    groups: tuple[str, ...]
    scanned: Counts
    listed: Counts
    counts: dict[Quantity, Counts]

    def total(self, quantity: Quantity) -> Counts:
        """(E,) counts over all groups."""
        return np.asarray(self.counts[quantity].sum(axis=1), np.int64)


def simulate(deployment: Deployment, simulation: Simulation | None = None) -> Simulated:
    """Play a deployment `simulation.events` times.

    Raises:
        ValueError: a counterfactual with fractions of people.
    """
    chosen = simulation or Simulation()
    people = np.asarray(deployment.people, np.int64)
    if not np.array_equal(people, deployment.people):
        raise ValueError("only whole people can be simulated")
    sizes = [_CHUNK] * (chosen.events // _CHUNK)
    if chosen.events % _CHUNK:
        sizes.append(chosen.events % _CHUNK)
    seeds = np.random.SeedSequence(chosen.seed).spawn(len(sizes))

    def play(number: int) -> list[Counts]:
        return _play(deployment, people, sizes[number], np.random.default_rng(seeds[number]))

    # NumPy draws without the interpreter's lock, so that threads do help.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        chunks = list(pool.map(play, range(len(sizes))))
    listed, *drawn = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    counts = dict(zip(_DRAWN, drawn, strict=True))
    counts[Quantity.ALERTS] = counts[Quantity.FALSE_ALERTS] + counts[Quantity.TRUE_ALERTS]
    return Simulated(deployment.groups, people, listed, counts)


def _play(
    deployment: Deployment, people: Counts, events: int, random: np.random.Generator
) -> list[Counts]:
    """The listed and the counts of `_DRAWN`, each (events, G)."""
    false = fpir(_drawn_fmr(deployment, events, random), deployment.entries)
    hit = 1 - _drawn_fnir(deployment, events, random)
    mixed = np.minimum(people, deployment.chances).astype(np.int64)
    share = np.divide(deployment.listed, mixed, where=mixed > 0, out=np.zeros(len(people)))
    parts = [np.empty((events, len(people)), np.int64) for _ in range(1 + len(_DRAWN))]
    listed, false_alerts, alerted, true_alerts, found, missed, wrongly, stopped = parts
    for group, present in enumerate(people):
        listed[:, group] = random.binomial(mixed[group], min(share[group], 1.0), events)
        innocent = present - listed[:, group]
        alerted[:, group], false_alerts[:, group] = _alerts(
            deployment, group, innocent, false[..., group], random
        )
        found[:, group], true_alerts[:, group] = _alerts(
            deployment, group, listed[:, group], hit[..., group], random
        )
        missed[:, group] = listed[:, group] - found[:, group]
        stopped_false = random.binomial(alerted[:, group], 1 - deployment.rejects_false)
        stopped_true = random.binomial(found[:, group], 1 - deployment.rejects_true)
        mistaken = random.binomial(stopped_true, deployment.wrongly_listed)
        stopped[:, group] = stopped_false + stopped_true
        wrongly[:, group] = stopped_false + mistaken
    return parts


def _alerts(
    deployment: Deployment,
    group: int,
    people: Counts,
    alert: Floats,
    random: np.random.Generator,
) -> tuple[Counts, Counts]:
    """How many people get an alert, and how many alerts they get together, each (events,)."""
    sightings = deployment.sightings
    pmf = sightings.alerts_pmf(alert, group)
    # What is left for one alert and more; rounding must not push it past 1.
    tails = np.minimum(np.cumsum(pmf[..., ::-1], axis=-1)[..., ::-1], 1.0)
    some = np.asarray(random.binomial(people, tails[..., 1]), np.int64)
    alerts = some.copy()
    left = some
    for more in range(2, sightings.most + 1):
        if not left.any():
            break
        # Of those with at least more - 1 alerts, who has at least one more?
        share = np.divide(
            tails[..., more],
            tails[..., more - 1],
            where=tails[..., more - 1] > 0,
            out=np.zeros_like(tails[..., more]),
        )
        left = np.asarray(random.binomial(left, np.minimum(share, 1.0)), np.int64)
        alerts += left
    return some, alerts


def _drawn_fmr(deployment: Deployment, events: int, random: np.random.Generator) -> Floats:
    """(G, G) rates, or (events, G, G) when they are uncertain."""
    if deployment.uncertain_fmr is None:
        return deployment.fmr
    return deployment.uncertain_fmr.matrix(_drawn(deployment.uncertain_fmr.rates, events, random))


def _drawn_fnir(deployment: Deployment, events: int, random: np.random.Generator) -> Floats:
    """(G,) rates, or (events, G) when they are uncertain."""
    if deployment.uncertain_fnir is None:
        return deployment.fnir
    return _drawn(deployment.uncertain_fnir, events, random)


def _drawn(rates: tuple[Rate, ...], events: int, random: np.random.Generator) -> Floats:
    """(events, K) values of the rates that their counts leave possible (Jeffreys' prior)."""
    values = np.empty((events, len(rates)))
    drawn: dict[int, Floats] = {}
    for number, rate in enumerate(rates):
        counted = rate.counted
        if counted is None:
            values[:, number] = rate.mean
            continue
        # One rate that stands for several groups is one unknown, not several.
        if id(rate) not in drawn:
            errors, comparisons = counted
            drawn[id(rate)] = random.beta(errors + 0.5, comparisons - errors + 0.5, events)
        values[:, number] = drawn[id(rate)]
    return values
