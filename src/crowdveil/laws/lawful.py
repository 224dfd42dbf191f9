"""Whether a deployment of face recognition would have been lawful, as far as the register knows.

A place, a day, who runs it and how come in; a `Verdict` goes out with the rules it rests on.
It never says that something is lawful: only that a rule forbids it, that rules limit it, that
this is not known, or that the register knows of none.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from crowdveil.laws.answer import Answer, Level, on
from crowdveil.laws.record import Bound, Effect, PlaceLevel, Status, Use
from crowdveil.laws.standing import Standing


class Operator(StrEnum):
    """Who runs it."""

    POLICE = "police"
    AGENCIES = "agencies"
    SCHOOLS = "schools"
    BUSINESSES = "businesses"


class Mode(StrEnum):
    """How faces are searched for."""

    REAL_TIME = "real_time"
    RETROSPECTIVE = "retrospective"
    BODY_CAMERAS = "body_cameras"


class Finding(StrEnum):
    """What the register says of a deployment."""

    FORBIDDEN = "forbidden"
    """A rule bans it, unless one of its exceptions applies."""
    LIMITED = "limited"
    """No ban is known, but rules or rulings set conditions."""
    UNCERTAIN = "uncertain"
    """A ban may have applied that day; the sources do not say."""
    NO_RULE = "no_rule"
    """The register knows of no rule that bans or limits it, which does not make it lawful."""


_BARS = {
    Mode.REAL_TIME: {Use.ALL_USE, Use.REAL_TIME, Use.PUBLIC_SPACE_VIDEO},
    Mode.RETROSPECTIVE: {Use.ALL_USE, Use.RETROSPECTIVE},
    Mode.BODY_CAMERAS: {Use.ALL_USE, Use.BODY_CAMERAS},
}
"""What a rule must speak of to bear on such a deployment."""

_LIMITS = {Use.USE_CONDITIONS, Use.PURCHASE, Use.TRACKING, Use.SOLE_BASIS_FOR_ARREST}
"""What a rule may speak of besides, to set conditions for it."""

_PRIVATE = {Use.PRIVATE_PREMISES, Use.COLLECTION_CONSENT, Use.SALE_OF_DATA}
"""What bears on businesses besides."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the register says of a deployment, and why.

    Attributes:
        finding: the answer.
        operator: who runs it.
        mode: how.
        answer: everything the register has on that place and day.
        bans: rules in force that ban it.
        limits: rules and rulings in force that set conditions.
        permits: rules in force that allow it, or a use like it.
        uncertain: rules that may have applied and may not.
        coming: bans and limits that were adopted and had not started.
    """

    finding: Finding
    operator: Operator
    mode: Mode
    answer: Answer
    bans: tuple[Standing, ...]
    limits: tuple[Standing, ...]
    permits: tuple[Standing, ...]
    uncertain: tuple[Standing, ...]
    coming: tuple[Standing, ...]


def judge(
    place: str,
    day: date | str,
    *,
    operator: Operator = Operator.POLICE,
    mode: Mode = Mode.REAL_TIME,
) -> Verdict:
    """Whether such a deployment would have been lawful there that day, as far as is known.

    A city's rules are taken to bind its own police and offices, and a county's or a port's only
    where the county or the port itself is asked about. Rules that bind one named body, or hold
    for one system, decide nothing in general and are left out.

    Args:
        place: as for `on`.
        day: as for `on`.
        operator: who runs it.
        mode: how faces are searched for.

    Raises:
        PlaceAmbiguous, PlaceUnknown, OptionsInvalid: as for `on`.

    >>> judge("Oakland", "2020-06-01").finding.value
    'forbidden'
    >>> judge("Smallville, Ohio", "2020-06-01").finding.value
    'no_rule'
    """
    answer = on(place, day)
    asked = answer.levels[0].area
    found = [
        one
        for level in answer.levels
        if _decides(level, asked.id)
        for one in level.standings
        if _bears(one, operator, mode)
    ]
    binding = [one for one in found if one.binds]
    bans = tuple(one for one in binding if one.effect is Effect.BANS)
    limits = tuple(
        one for one in binding if one.effect in (Effect.LIMITS, Effect.DISCLOSES, Effect.RULING)
    )
    uncertain = tuple(one for one in found if one.may_bind and not one.binds)
    return Verdict(
        finding=_finding(bans, limits, uncertain),
        operator=operator,
        mode=mode,
        answer=answer,
        bans=bans,
        limits=limits,
        permits=tuple(one for one in binding if one.effect is Effect.PERMITS),
        uncertain=uncertain,
        coming=tuple(one for one in found if one.status is Status.NOT_STARTED),
    )


def _finding(
    bans: tuple[Standing, ...], limits: tuple[Standing, ...], uncertain: tuple[Standing, ...]
) -> Finding:
    if bans:
        return Finding.FORBIDDEN
    if any(one.effect is Effect.BANS for one in uncertain):
        return Finding.UNCERTAIN
    if limits:
        return Finding.LIMITED
    return Finding.UNCERTAIN if uncertain else Finding.NO_RULE


def _decides(level: Level, asked: str) -> bool:
    own = (PlaceLevel.COUNTY, PlaceLevel.AGENCY)
    return level.area.id == asked or level.area.level not in own


def _bears(one: Standing, operator: Operator, mode: Mode) -> bool:
    rule = one.rule
    if rule.narrow is not None or Bound(operator.value) not in rule.binds:
        return False
    uses = set(_BARS[mode])
    if one.effect is not Effect.BANS:
        uses |= _LIMITS
    if operator is Operator.BUSINESSES:
        uses |= _PRIVATE if one.effect is not Effect.BANS else {Use.PRIVATE_PREMISES}
    if operator is Operator.SCHOOLS:
        uses.add(Use.SCHOOLS)
    return bool(uses & set(rule.restricts))
