"""Holds the model against what was published about a deployment, and says what that proves.

A count that the model predicts from other inputs can be reproduced or missed. A count that an
input was solved from agrees by construction and proves nothing: it is called calibrated. Also
here: what the published counts say by themselves, and what a rate measured elsewhere would have
predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import binom

from crowdveil.crowd.deployment import deploy
from crowdveil.crowd.outcomes import CONFIDENCE, Estimate, Outcome, outcome
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.scenario import OtherRate, Scenario
from crowdveil.crowd.simulation import Simulation
from crowdveil.intervals import Interval, clopper_pearson

COMPARED = (Quantity.FALSE_ALERTS, Quantity.TRUE_ALERTS, Quantity.ALERTS)

_NPL = (
    "https://www.computerweekly.com/news/365535008/"
    "UK-police-double-down-on-improved-facial-recognition"
)
KNOWN_RATES = tuple(
    OtherRate.model_validate(
        {"name": name, "fpir": {"one_in": one_in, "list": size}, "source": _NPL}
    )
    for name, one_in, size in (
        ("NPL's test of NeoFace V4 in 2023 (1 in 6,000, a list of 10,000)", 6000, 10_000),
        ("NeoFace before version 4 (1 in 1,000, lists of 2,000 to 4,000)", 1000, 3000),
    )
)
"""What was measured of NeoFace, the recogniser that British police forces use."""

KNOWN_SYSTEM = "neoface"
"""Of which system, in lower case: the rates of one say nothing of another."""


class Verdict(StrEnum):
    """What a published count proves about the model."""

    REPRODUCED = "reproduced"
    """Predicted from other inputs, and inside the interval."""
    MISSED = "missed"
    """Predicted from other inputs, and outside."""
    CALIBRATED = "calibrated"
    """An input was solved from this count: it agrees by construction."""


class Basis(StrEnum):
    """Where an input comes from."""

    SOURCE = "source"
    TYPED = "typed"
    ASSUMED = "assumed"
    CALIBRATED = "calibrated"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Check:
    """One published count beside the model's.

    Attributes:
        quantity: what was counted.
        published: the count.
        model: the model's mean and interval.
        inside: whether the interval contains the count.
        verdict: what that proves.
        rests_on: the inputs that the model's number depends on, with where each comes from.
    """

    quantity: Quantity
    published: int
    model: Estimate
    inside: bool
    verdict: Verdict
    rests_on: tuple[tuple[str, Basis], ...]


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """How false alerts fell on one group, beside what the inputs would let one expect.

    Attributes:
        group: its name.
        published: its false alerts.
        of: all false alerts.
        expected: its share of them by the model.
        chance: probability of so many or more (if more than expected; else of so few or fewer).
    """

    group: str
    published: int
    of: int
    expected: float
    chance: float


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """False alerts that a rate from elsewhere would have predicted.

    Attributes:
        name, source: of the rate.
        model: its prediction.
        inside: whether the published count lies in the interval, or None without a count.
    """

    name: str
    source: str
    model: Estimate
    inside: bool | None


@dataclass(frozen=True, slots=True)
class Implied:
    """What published counts say by themselves, with exact binomial intervals of 95 %.

    Attributes:
        per_face: false alerts per face seen, or None if not published.
        per_face_interval: its bounds.
        precision: true alerts per alert, or None if not published or no alert.
        precision_interval: its bounds.
        arrests: how many followed, or None if not published.
        per_arrest: faces seen for each of them, or None without an arrest.
    """

    per_face: float | None
    per_face_interval: tuple[float, float] | None
    precision: float | None
    precision_interval: tuple[float, float] | None
    arrests: int | None
    per_arrest: float | None


def check_published(scenario: Scenario, result: Outcome) -> tuple[Check, ...]:
    """Every published count beside the model's."""
    published = scenario.published
    if published is None:
        return ()
    calibrated = calibrated_from(scenario)
    checks = []
    for quantity in COMPARED:
        count = getattr(published, quantity.value)
        if count is None:
            continue
        model = result.counts[quantity]
        inside = model.holds(count)
        verdict = Verdict.REPRODUCED if inside else Verdict.MISSED
        # A count may be missed although an input was solved from it: no share of the list makes
        # up for more false alerts than there were alerts.
        if quantity in calibrated and inside:
            verdict = Verdict.CALIBRATED
        rests_on = tuple((key, basis(scenario, key)) for key in _inputs_of(scenario, quantity))
        checks.append(Check(quantity, count, model, inside, verdict, rests_on))
    return tuple(checks)


def check_groups(scenario: Scenario, result: Outcome) -> tuple[GroupCheck, ...]:
    """Published false alerts by group beside the model's shares of them."""
    published = scenario.published
    if published is None or published.by_group is None:
        return ()
    counts = published.by_group.false_alerts
    total = sum(counts.values())
    means = {group.group: group.counts[Quantity.FALSE_ALERTS].mean for group in result.groups}
    whole = sum(means.values())
    checks = []
    for group, count in counts.items():
        share = means[group] / whole if whole else 0.0
        more = count >= total * share
        chance = binom.sf(count - 1, total, share) if more else binom.cdf(count, total, share)
        checks.append(GroupCheck(group, count, total, share, float(chance)))
    return tuple(checks)


def predict_elsewhere(scenario: Scenario, simulation: Simulation) -> tuple[Elsewhere, ...]:
    """What rates from elsewhere would have predicted for this deployment.

    They are those of `scenario.other_rates`. Where there are none, the scenario's own rate was
    solved from its published counts, and the system is said to be NeoFace, they are
    `KNOWN_RATES`, so that something is predicted at all.
    """
    rates = scenario.other_rates
    known = KNOWN_SYSTEM in (scenario.recogniser.system or "").lower()
    if not rates and known and "recogniser.fmr" in scenario.calibrated:
        rates = KNOWN_RATES
    count = scenario.published.false_alerts if scenario.published else None
    found = []
    present = deploy(scenario).present
    for other in rates:
        recogniser = scenario.recogniser.model_copy(
            update={"fmr": None, "audit": None, "across": None, "fpir": other.fpir}
        )
        listed = scenario.watchlist.model_copy(update={"present": present})
        changed = scenario.model_copy(update={"recogniser": recogniser, "watchlist": listed})
        model = outcome(deploy(changed), simulation=simulation).counts[Quantity.FALSE_ALERTS]
        inside = None if count is None else model.holds(count)
        found.append(Elsewhere(other.name, other.source, model, inside))
    return tuple(found)


def implied(scenario: Scenario, result: Outcome) -> Implied | None:
    """What the published counts say by themselves, or None if there are none."""
    published = scenario.published
    if published is None:
        return None
    per_face = precision = None
    face_bounds = precision_bounds = None
    faces = round(result.faces)
    if published.false_alerts is not None:
        per_face = published.false_alerts / faces
        face_bounds = _bounds(clopper_pearson(published.false_alerts, faces, confidence=CONFIDENCE))
    if published.true_alerts is not None and published.alerts:
        precision = published.true_alerts / published.alerts
        precision_bounds = _bounds(
            clopper_pearson(published.true_alerts, published.alerts, confidence=CONFIDENCE)
        )
    arrests = published.arrests
    per_arrest = faces / arrests if arrests else None
    return Implied(per_face, face_bounds, precision, precision_bounds, arrests, per_arrest)


def basis(scenario: Scenario, key: str) -> Basis:
    """Where the input of this key comes from."""
    # An FPIR is an FMR written down otherwise.
    names = ("recogniser.fmr", "recogniser.fpir", "recogniser.audit")
    keys = names if key in names else (key,)
    if any(name in scenario.calibrated for name in keys):
        return Basis.CALIBRATED
    if any(name in scenario.assumed for name in keys):
        return Basis.ASSUMED
    if any(name in scenario.sources for name in keys):
        return Basis.SOURCE
    return Basis.TYPED if any(scenario.given(name) for name in keys) else Basis.DEFAULT


def calibrated_from(scenario: Scenario) -> frozenset[Quantity]:
    """The published counts that some input was solved from."""
    found: set[Quantity] = set()
    if "recogniser.fmr" in scenario.calibrated:
        found.add(Quantity.FALSE_ALERTS)
    if "watchlist.present" in scenario.calibrated:
        found.add(Quantity.TRUE_ALERTS)
    if found:
        # All alerts contain the ones that were fitted.
        found.add(Quantity.ALERTS)
    return frozenset(found)


def _inputs_of(scenario: Scenario, quantity: Quantity) -> Sequence[str]:
    crowd = "crowd.people" if scenario.crowd.people is not None else "crowd.faces"
    given = scenario.recogniser
    errors = "fpir" if given.fpir is not None else "audit" if given.audit is not None else "fmr"
    false = (crowd, "watchlist.size", f"recogniser.{errors}")
    true = ("watchlist.size", "watchlist.present", "recogniser.fnir")
    if quantity is Quantity.FALSE_ALERTS:
        return false
    if quantity is Quantity.TRUE_ALERTS:
        return true
    return tuple(dict.fromkeys(false + true))


def _bounds(interval: Interval) -> tuple[float, float]:
    return float(np.asarray(interval.low)), float(np.asarray(interval.high))
