"""Which inputs matter: one at a time from low to high, and sweeps along one of them.

A deployment comes in; means at changed inputs go out. An input's range is the one its scenario
gives, or half and double. Inputs that were calibrated are moved like the others: the question is
what would happen if they were otherwise, not what would have been calibrated.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from crowdveil.crowd.audit_file import read_audit
from crowdveil.crowd.deployment import Deployment, deploy
from crowdveil.crowd.means import expected
from crowdveil.crowd.quantities import Quantity
from crowdveil.crowd.scenario import Scenario

_SPREAD = (0.5, 2.0)
"""Factors for an input without a range of its own."""

SWEEP = tuple(float(factor) for factor in np.logspace(-1, 1, 21))
"""Factors along which list and crowd are swept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The means that a change of inputs is judged by.

    Attributes:
        false_alerts, found, wrongly_stopped: expected numbers.
        precision: share of true alerts, or None without alerts.
    """

    false_alerts: float
    found: float
    wrongly_stopped: float
    precision: float | None


@dataclass(frozen=True, slots=True)
class Swing:
    """One input from low to high, everything else as it is.

    Attributes:
        key: of the input in the scenario.
        label: in words.
        low, high: values of the input (of a rate by pair of groups: the factor on all of them).
        given: whether the range is the scenario's own.
        at_low, at_high: what comes of them.
    """

    key: str
    label: str
    low: float
    high: float
    given: bool
    at_low: Answer
    at_high: Answer

    @property
    def swing(self) -> float:
        """How far the number of people wrongly stopped moves."""
        return abs(self.at_high.wrongly_stopped - self.at_low.wrongly_stopped)


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One point of a sweep: the value of the input and what comes of it."""

    value: float
    answer: Answer
    label: str = ""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Which inputs matter.

    Attributes:
        base: as the scenario stands.
        swings: of every input, those that move most first.
        list_size, people: sweeps; the share of listed people who pass stays as it is.
        threshold: over the operating points of an audit; empty without.
    """

    base: Answer
    swings: tuple[Swing, ...]
    list_size: tuple[SweepPoint, ...]
    people: tuple[SweepPoint, ...]
    threshold: tuple[SweepPoint, ...]


@dataclass(frozen=True, slots=True)
class _Knob:
    key: str
    label: str
    value: Callable[[Deployment], float]
    times: Callable[[Deployment, float], Deployment]
    most: float = float("inf")


def _share(name: str) -> Callable[[Deployment, float], Deployment]:
    def times(deployment: Deployment, factor: float) -> Deployment:
        return replace(deployment, **{name: min(getattr(deployment, name) * factor, 1.0)})

    return times


_KNOBS = (
    _Knob(
        "crowd.people",
        "people who pass",
        lambda d: float(d.people.sum()),
        lambda d, factor: replace(d, people=d.people * factor),
    ),
    _Knob(
        "watchlist.size",
        "length of the list",
        lambda d: d.list_size,
        lambda d, factor: replace(d, entries=d.entries * factor),
    ),
    _Knob(
        "watchlist.present",
        "share of the list present",
        lambda d: d.present,
        _share("present"),
        1.0,
    ),
    _Knob(
        "watchlist.wrongly_listed",
        "share wrongly listed",
        lambda d: d.wrongly_listed,
        _share("wrongly_listed"),
        1.0,
    ),
    _Knob(
        "recogniser.fmr",
        "false match rate",
        lambda d: float(d.fmr.mean()),
        lambda d, factor: replace(d, fmr=np.minimum(d.fmr * factor, 1.0)),
        1.0,
    ),
    _Knob(
        "recogniser.fnir",
        "share of sightings missed",
        lambda d: float(d.fnir.mean()),
        lambda d, factor: replace(d, fnir=np.minimum(d.fnir * factor, 1.0)),
        1.0,
    ),
    _Knob(
        "procedure.rejects_false",
        "false alerts rejected",
        lambda d: d.rejects_false,
        _share("rejects_false"),
        1.0,
    ),
)


def sensitivity(scenario: Scenario, deployment: Deployment) -> Sensitivity:
    """How far each input moves what happens, and sweeps over list, crowd and threshold."""
    swings = [swing for knob in _KNOBS if (swing := _swing(scenario, deployment, knob)) is not None]
    longer, larger = _KNOBS[1], _KNOBS[0]
    return Sensitivity(
        base=answer(deployment),
        swings=tuple(sorted(swings, key=lambda swing: -swing.swing)),
        list_size=tuple(_point(deployment, longer, factor) for factor in SWEEP),
        people=tuple(_point(deployment, larger, factor) for factor in SWEEP),
        threshold=_thresholds(scenario),
    )


def answer(deployment: Deployment) -> Answer:
    """The means of a deployment by which it is judged here."""
    means = expected(deployment)
    return Answer(
        means.total(Quantity.FALSE_ALERTS),
        means.total(Quantity.FOUND),
        means.total(Quantity.WRONGLY_STOPPED),
        means.precision,
    )


def _swing(scenario: Scenario, deployment: Deployment, knob: _Knob) -> Swing | None:
    value = knob.value(deployment)
    if value == 0:
        # Nothing to multiply: the input plays no part.
        return None
    keys = {knob.key}
    if knob.key == "crowd.people":
        keys.add("crowd.faces")
    if knob.key == "recogniser.fmr":
        keys |= {"recogniser.fpir", "recogniser.audit"}
    ranges = [scenario.assumed[key].range for key in keys if key in scenario.assumed]
    own = next((given for given in ranges if given is not None), None)
    if own is None:
        low, high = (min(value * factor, knob.most) for factor in _SPREAD)
    else:
        low, high = own
    # A range of faces moves the people who show them.
    scale = value
    if own is not None and "crowd.faces" in scenario.assumed and knob.key == "crowd.people":
        scale = float(deployment.people @ deployment.sightings.mean())
    return Swing(
        key=knob.key,
        label=knob.label,
        low=low,
        high=high,
        given=own is not None,
        at_low=answer(knob.times(deployment, low / scale)),
        at_high=answer(knob.times(deployment, high / scale)),
    )


def _point(deployment: Deployment, knob: _Knob, factor: float) -> SweepPoint:
    return SweepPoint(knob.value(deployment) * factor, answer(knob.times(deployment, factor)))


def _thresholds(scenario: Scenario) -> tuple[SweepPoint, ...]:
    if scenario.recogniser.audit is None:
        return ()
    points = []
    for point in read_audit(Path(scenario.recogniser.audit)).operating_points:
        recogniser = scenario.recogniser.model_copy(update={"operating_point": point.threshold})
        changed = deploy(scenario.model_copy(update={"recogniser": recogniser}))
        points.append(SweepPoint(point.threshold, answer(changed), point.label))
    return tuple(sorted(points, key=lambda point: point.value))
