"""What the law on face recognition was in a place on a day, level by level.

A place and a day come in; an `Answer` goes out, from the city up to the union, each level with
its rules and where they stood, and with what the register does not know. Words for the screen
are left to `wording`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from crowdveil.errors import OptionsInvalid
from crowdveil.laws.areas import Area, Spot, load_atlas
from crowdveil.laws.nearby import near
from crowdveil.laws.record import Status
from crowdveil.laws.register import load_register
from crowdveil.laws.resolving import resolve
from crowdveil.laws.standing import Standing, standing


@dataclass(frozen=True, slots=True)
class Level:
    """One level of government, or one body, and its rules that day.

    Attributes:
        area: whose level it is.
        standings: its rules that existed by that day, also as proposals, in force first.
        later: how many of its rules came only after that day.
        not_bound: titles of the union's rules that do not bind this country.
        not_found: what was searched for and not found.
    """

    area: Area
    standings: tuple[Standing, ...]
    later: int = 0
    not_bound: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the register has any rule of this level, whatever its day."""
        return bool(self.area.place and self.area.place.rules)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to "what was the law there that day"; iterates over its standings.

    Attributes:
        spot: the place that was meant.
        day: the day.
        levels: from the smallest to the largest, bodies that act there after the city.
        version: of the register.
        register_date: the day on which the register was last worked on.
    """

    spot: Spot
    day: date
    levels: tuple[Level, ...]
    version: str
    register_date: date

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every rule of every level, in order."""
        return tuple(one for level in self.levels for one in level.standings)

    @property
    def in_force(self) -> tuple[Standing, ...]:
        """The rules that surely applied that day, at least in part."""
        return tuple(one for one in self.standings if one.binds)

    @property
    def unknown(self) -> tuple[Standing, ...]:
        """The rules of which the sources do not say whether they applied that day."""
        return tuple(one for one in self.standings if one.status is Status.UNKNOWN)

    def __iter__(self) -> Iterator[Standing]:
        """The standings, in order."""
        return iter(self.standings)


def on(place: str | tuple[float, float], day: date | str | None = None) -> Answer:
    """The law on face recognition in a place on a day.

    Args:
        place: a name such as "Portland, Oregon", an ISO 3166 code, an id of the register, or
            latitude and longitude in degrees.
        day: a date, or text like "2021-06-01"; today by default.

    Returns:
        Every level above the place, also where the register knows nothing of one of them.

    Raises:
        PlaceAmbiguous: several places are called so.
        PlaceUnknown: no such place is known.
        OptionsInvalid: `day` is no date.

    >>> city, *_ = on("Portland, Oregon", "2020-12-31").levels
    >>> [(one.rule.id, one.status.value) for one in city.standings]
    [('public', 'in_force'), ('private', 'not_started')]
    """
    spot = resolve(place) if isinstance(place, str) else near(*place)
    when = as_day(day)
    register = load_register()
    return Answer(
        spot=spot,
        day=when,
        levels=tuple(_level(area, spot.area, when) for area in _areas(spot.area)),
        version=register.version,
        register_date=register.date,
    )


def as_day(day: date | str | None) -> date:
    """A date from a date, from text in ISO form, or today's.

    Raises:
        OptionsInvalid: the text is no date.
    """
    if day is None:
        return date.today()
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day.strip())
    except ValueError as error:
        raise OptionsInvalid(f"{day}: is no day; write it as 2021-06-01") from error


def _areas(area: Area) -> Iterator[Area]:
    """The area, the bodies that act there, what it lies in, and the unions."""
    atlas = load_atlas()
    chain = area.chain
    ids = {one.id for one in chain}
    yield chain[0]
    for body in atlas.areas:
        if body.place and body is not area and ids & set(body.place.reaches):
            yield body
    yield from chain[1:]
    yield from atlas.unions_of(area)


def _level(area: Area, asked: Area, day: date) -> Level:
    place = area.place
    if place is None:
        return Level(area, ())
    country = asked.country.code
    bound = [rule for rule in place.rules if country not in rule.not_in]
    found = [(rule, standing(place, rule, day)) for rule in bound]
    standings = [one for _, one in found if one is not None]
    return Level(
        area=area,
        standings=tuple(sorted(standings, key=_order)),
        later=sum(one is None for _, one in found),
        not_bound=tuple(rule.title for rule in place.rules if country in rule.not_in),
        not_found=place.not_found,
    )


def _order(one: Standing) -> int:
    """In force, then not known, then to come, then proposed, then over."""
    if one.binds:
        return 0
    ranks = {Status.UNKNOWN: 1, Status.SUSPENDED: 2, Status.NOT_STARTED: 3, Status.PROPOSED: 4}
    return ranks.get(one.status, 5)
