"""Why false alerts fall unevenly: error rates, enrolment or presence, each with its exact share.

A deployment and two of its groups come in. Each factor is equalised in turn, in every
combination of the three, and the disparity is split by the Shapley value, so that the shares
sum to it exactly and no order of the factors is preferred. The same combinations answer "what
if": equal error rates, equal enrolment, both, and what remains. Means only; no chance.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import factorial, log

import numpy as np
import numpy.typing as npt

from crowdveil.crowd.deployment import Deployment, fpir

Floats = npt.NDArray[np.float64]


class Factor(StrEnum):
    """What may differ between groups."""

    ERRORS = "error_rates"
    """How often the recogniser confuses members of a group, among themselves and with others."""
    ENROLMENT = "enrolment"
    """How many entries of the list belong to a group."""
    PRESENCE = "presence"
    """How often members of a group come before a camera."""


class Measure(StrEnum):
    """What is compared between groups."""

    PER_HEAD = "per_head"
    """False alerts for each member: of the population where its shares are given, otherwise of
    the people who pass."""
    COUNT = "count"
    """The number of false alerts, however large the group."""


FACTORS = tuple(Factor)


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What would be if some factors were the same for all groups.

    Attributes:
        equal: these factors.
        burden: what each group bears, in the unit of the measure.
        false_alerts: expected in all.
        difference: between the two groups.
        ratio: of the two groups, or None if the second bears nothing.
        innocent: people seen who are not on the list: scanned without suspicion either way.
    """

    equal: tuple[Factor, ...]
    burden: dict[str, float]
    false_alerts: float
    difference: float
    ratio: float | None
    innocent: float


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The disparity between two groups, and where it comes from.

    Attributes:
        measure: what is compared.
        more, less: names of the two groups; the first bears more, unless chosen otherwise.
        burden: what each group bears.
        difference: burden of `more` minus burden of `less`.
        ratio: burden of `more` over burden of `less`, or None if that is 0.
        shares: of the difference, by factor; they sum to it.
        factors: of the ratio, by factor; their product is the ratio. None without a ratio.
        counterfactuals: every combination of equal factors, from none to all three.
        equal_rates: the common rates of the counterfactual: within a group, between groups.
    """

    measure: Measure
    more: str
    less: str
    burden: dict[str, float]
    difference: float
    ratio: float | None
    shares: dict[Factor, float]
    factors: dict[Factor, float] | None
    counterfactuals: tuple[Counterfactual, ...]
    equal_rates: tuple[float, float]

    def counterfactual(self, *equal: Factor) -> Counterfactual:
        """The one in which exactly these factors are equal."""
        return next(one for one in self.counterfactuals if set(one.equal) == set(equal))


def decompose(
    deployment: Deployment,
    *,
    measure: Measure = Measure.PER_HEAD,
    between: tuple[str, str] | None = None,
) -> Decomposition:
    """Split the disparity in expected false alerts between two groups by its sources.

    The burden of group g is presence(g) x FPIR(g), where FPIR(g) = 1 - prod over h of
    (1 - FMR(g, h))^entries(h) and presence is searches for people not on the list, per head or
    as a count. A factor is equalised like this:

    - error rates: every group has one FMR with itself and one with any other, the plain means
      over groups, scaled so that the expected false alerts of the deployment stay as they are;
    - enrolment: every group has the same number of entries, the list as long as before;
    - presence: every group is searched for equally often, in all as often as before.

    Source: Shapley (1953), Contributions to the Theory of Games II, 307-317; for disparities
    Kitagawa (1955), J. Am. Stat. Assoc. 50, 1168-1194, Oaxaca (1973), Blinder (1973).

    Args:
        deployment: with two groups or more.
        measure: what is compared.
        between: the two groups; by default those that bear most and least.

    Raises:
        ValueError: fewer than two groups, or a name that is none of them.
    """
    names = deployment.groups
    if len(names) < 2:
        raise ValueError("a disparity needs two groups")
    presence = _presence(deployment, measure)
    equal_presence = np.full(len(names), _equal_presence(deployment, measure))
    equal_fmr, equal_rates = _equal_fmr(deployment)
    subsets = [set(some) for size in range(4) for some in combinations(FACTORS, size)]
    burdens = {
        frozenset(equal): _burden(
            deployment,
            equal,
            fmr=equal_fmr if Factor.ERRORS in equal else deployment.fmr,
            presence=equal_presence if Factor.PRESENCE in equal else presence,
        )
        for equal in subsets
    }
    actual = burdens[frozenset()]
    more, less = _pair(names, actual, presence, between)
    value = {
        # The game is played with the factors that are left unequal.
        frozenset(set(FACTORS) - equal): burden[more] - burden[less]
        for equal, burden in burdens.items()
    }
    logs = None
    if all(burden[more] > 0 and burden[less] > 0 for burden in burdens.values()):
        logs = {
            frozenset(set(FACTORS) - equal): log(burden[more] / burden[less])
            for equal, burden in burdens.items()
        }
    return Decomposition(
        measure=measure,
        more=names[more],
        less=names[less],
        burden=dict(zip(names, map(float, actual), strict=True)),
        difference=float(actual[more] - actual[less]),
        ratio=float(actual[more] / actual[less]) if actual[less] > 0 else None,
        shares=_shapley(value),
        factors=None
        if logs is None
        else {factor: float(np.exp(part)) for factor, part in _shapley(logs).items()},
        counterfactuals=tuple(
            _counterfactual(deployment, measure, equal, burdens[frozenset(equal)], more, less)
            for equal in subsets
        ),
        equal_rates=equal_rates,
    )


def _pair(
    names: tuple[str, ...],
    burden: Floats,
    presence: Floats,
    between: tuple[str, str] | None,
) -> tuple[int, int]:
    if between is None:
        # A group of which nobody passes has no burden to compare, if there are two others.
        there = presence > 0 if np.count_nonzero(presence) > 1 else np.ones(len(names), bool)
        most = int(np.argmax(np.where(there, burden, -np.inf)))
        others = there & (np.arange(len(names)) != most)
        return most, int(np.argmin(np.where(others, burden, np.inf)))
    for name in between:
        if name not in names:
            raise ValueError(f"{name!r} is no group; groups are {', '.join(names)}")
    return names.index(between[0]), names.index(between[1])


def _searches(deployment: Deployment) -> Floats:
    """(G,) expected searches for people who are not on the list."""
    unlisted = np.maximum(deployment.people - deployment.listed, 0)
    return np.asarray(unlisted * deployment.sightings.mean(), np.float64)


def _heads(deployment: Deployment, measure: Measure) -> Floats:
    """(G,) by how many the burden of a group is divided."""
    if measure is Measure.COUNT:
        return np.ones(len(deployment.groups))
    if deployment.population is None:
        return np.asarray(np.maximum(deployment.people - deployment.listed, 0), np.float64)
    # Only shares of the population are known: a head is one of as many as pass in all.
    return np.asarray(deployment.population * deployment.people.sum(), np.float64)


def _presence(deployment: Deployment, measure: Measure) -> Floats:
    searches, heads = _searches(deployment), _heads(deployment, measure)
    return np.divide(searches, heads, where=heads > 0, out=np.zeros_like(searches))


def _equal_presence(deployment: Deployment, measure: Measure) -> float:
    searches, heads = _searches(deployment).sum(), _heads(deployment, measure).sum()
    return float(searches / heads) if heads else 0.0


def _equal_fmr(deployment: Deployment) -> tuple[Floats, tuple[float, float]]:
    """The matrix that treats all groups alike and errs as often in this deployment."""
    size = len(deployment.groups)
    own = np.eye(size, dtype=bool)
    # Plain means: a recogniser that tells nobody apart by list entry keeps doing so.
    within, between = float(deployment.fmr[own].mean()), float(deployment.fmr[~own].mean())
    alike = np.where(own, within, between)
    searches = _searches(deployment)
    before = float(searches @ deployment.fpir())
    scale = _scale(alike, deployment.entries, searches, before)
    return np.minimum(scale * alike, 1.0), (min(scale * within, 1.0), min(scale * between, 1.0))


def _scale(alike: Floats, entries: Floats, searches: Floats, wanted: float) -> float:
    """By how much `alike` is multiplied to give the wanted number of false alerts."""
    if wanted <= 0:
        return 0.0
    low, high = 0.0, 1.0
    highest = 1 / float(alike.max())

    def alerts(scale: float) -> float:
        return float(searches @ fpir(np.minimum(scale * alike, 1.0), entries))

    while high < highest and alerts(high) < wanted:
        high *= 2
    high = min(high, highest)
    for _ in range(200):
        middle = (low + high) / 2
        if alerts(middle) < wanted:
            low = middle
        else:
            high = middle
    return high


def _burden(deployment: Deployment, equal: set[Factor], *, fmr: Floats, presence: Floats) -> Floats:
    size = len(deployment.groups)
    even = np.full(size, deployment.list_size / size)
    entries = even if Factor.ENROLMENT in equal else deployment.entries
    return np.asarray(presence * fpir(fmr, entries), np.float64)


def _shapley(value: dict[frozenset[Factor], float]) -> dict[Factor, float]:
    """Each factor's average contribution over all orders in which factors may enter."""
    size = len(FACTORS)
    shares = {}
    for factor in FACTORS:
        others = [other for other in FACTORS if other is not factor]
        share = 0.0
        for number in range(size):
            weight = factorial(number) * factorial(size - number - 1) / factorial(size)
            for some in combinations(others, number):
                before = frozenset(some)
                share += weight * (value[before | {factor}] - value[before])
        shares[factor] = float(share)
    return shares


def _counterfactual(
    deployment: Deployment,
    measure: Measure,
    equal: set[Factor],
    burden: Floats,
    more: int,
    less: int,
) -> Counterfactual:
    heads = _heads(deployment, measure)
    unlisted = np.maximum(deployment.people - deployment.listed, 0)
    return Counterfactual(
        equal=tuple(factor for factor in FACTORS if factor in equal),
        burden=dict(zip(deployment.groups, map(float, burden), strict=True)),
        false_alerts=float(burden @ heads),
        difference=float(burden[more] - burden[less]),
        ratio=float(burden[more] / burden[less]) if burden[less] > 0 else None,
        innocent=float((unlisted * deployment.sightings.ever()).sum()),
    )
