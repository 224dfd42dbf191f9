"""Which rules of the register somebody wants to see.

A `Selection` and the register come in, the rules that fit go out, each with where it stands on
the day. An `Answer` can be narrowed down in the same way.
"""

from dataclasses import dataclass, replace
from datetime import date

from crowdveil.errors import OptionsInvalid, PlaceAmbiguous, PlaceUnknown
from crowdveil.laws.answer import Answer
from crowdveil.laws.areas import load_atlas
from crowdveil.laws.record import Effect, Kind, Place, PlaceLevel, Rule, Status, Use
from crowdveil.laws.register import load_register
from crowdveil.laws.resolving import resolve
from crowdveil.laws.standing import Standing, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is asked for; None means everything.

    Attributes:
        kind: the sort of rule.
        effect: what it does.
        restricts: what it restricts; rules on all use count for the uses that are part of it.
        status: where it stands on the day.
        changed_since: something happened to it on or after this day, and by the register's date.
        country: its code or name; rules of a union count for its members.
    """

    kind: Kind | None = None
    effect: Effect | None = None
    restricts: Use | None = None
    status: Status | None = None
    changed_since: date | None = None
    country: str | None = None


def select(selection: Selection, day: date) -> tuple[Standing, ...]:
    """The rules that fit, by place; those that did not exist by `day` are left out.

    Raises:
        OptionsInvalid: `country` is none that is known.
    """
    code = country_code(selection.country) if selection.country else None
    found = []
    for place, rule in load_register().rules():
        one = standing(place, rule, day)
        if one and _fits(one, selection) and (code is None or _holds_in(place, rule, code)):
            found.append(one)
    return tuple(found)


def narrowed(answer: Answer, selection: Selection) -> Answer:
    """The answer with the rules that fit; every level stays."""
    levels = tuple(
        replace(
            level,
            standings=tuple(one for one in level.standings if _fits(one, selection)),
        )
        for level in answer.levels
    )
    return replace(answer, levels=levels)


def country_code(text: str) -> str:
    """The two letters of a country or union, from them or from its name.

    Raises:
        OptionsInvalid: no country or union of this name or code is known.
    """
    area = load_atlas().by_id.get(text.strip().lower())
    try:
        area = area or resolve(text).area
    except (PlaceAmbiguous, PlaceUnknown) as error:
        raise OptionsInvalid(f"--country: {error}") from error
    if area.level not in (PlaceLevel.COUNTRY, PlaceLevel.UNION):
        raise OptionsInvalid(f"--country {text}: that is {area.full_name}, which is no country")
    return area.code or area.id


def _fits(one: Standing, selection: Selection) -> bool:
    rule = one.rule
    return all(
        (
            selection.kind in (None, rule.kind),
            selection.effect in (None, rule.effect),
            selection.status in (None, one.status),
            selection.restricts is None or rule.covers(selection.restricts),
            selection.changed_since is None or _changed(one.place, rule, selection.changed_since),
        )
    )


def _changed(place: Place, rule: Rule, since: date) -> bool:
    return any(
        one.earliest <= place.last_checked
        and (one.earliest >= since or (one.latest is not None and one.latest >= since))
        for one in (*rule.changes, *rule.events)
    )


def _holds_in(place: Place, rule: Rule, code: str) -> bool:
    if place.level is PlaceLevel.UNION:
        return code in (place.iso, place.id) or (code in place.members and code not in rule.not_in)
    return place.iso is not None and place.iso[:2] == code
