"""The map of names: which place lies in which, from a city up to a union of countries.

The register and three small tables come in (countries, some states and provinces, cities); a
tree of `Area`s goes out, each with its place on the register if it has one. What a typed name
means is left to `resolving`.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from math import asin, cos, radians, sin, sqrt

from crowdveil.laws.record import Place, PlaceLevel
from crowdveil.laws.register import HOME, load_register

EARTH_KM = 6371.0
SAME_PLACE_KM = 40.0
"""A city of the list that has the name of a place on the register and lies this near is it."""

OTHER_NAMES = {
    "US": ("USA", "U.S.", "U.S.A.", "United States of America", "America", "the States"),
    "GB": ("UK", "U.K.", "Great Britain", "Britain"),
    "CZ": ("Czech Republic",),
    "NL": ("Holland", "The Netherlands"),
    "KR": ("Korea", "Republic of Korea"),
    "AE": ("UAE", "Emirates"),
    "TR": ("Turkey", "Türkiye"),
    "CI": ("Ivory Coast",),
    "DE": ("Deutschland",),
    "AT": ("Österreich",),
    "ES": ("España",),
    "CD": ("DR Congo", "Democratic Republic of the Congo"),
}
CITY_NAMES = {
    "DE:koln": ("Cologne",),
    "DE:frankfurt am main": ("Frankfurt",),
    "DE:munich": ("München",),
    "DE:nurnberg": ("Nuremberg",),
    "DE:hannover": ("Hanover",),
    "CH:geneva": ("Genève", "Genf"),
    "CH:bern": ("Berne",),
    "AT:vienna": ("Wien",),
    "IT:rome": ("Roma",),
    "IT:milan": ("Milano",),
    "IT:turin": ("Torino",),
    "IT:florence": ("Firenze",),
    "NL:the hague": ("Den Haag",),
    "BE:brussels": ("Bruxelles", "Brussel"),
    "CZ:prague": ("Praha",),
    "PL:warsaw": ("Warszawa",),
    "PT:lisbon": ("Lisboa",),
    "DK:copenhagen": ("København",),
    "UA:kyiv": ("Kiev",),
    "RU:moscow": ("Moskva",),
}
"""Names in English, or in the language of the place, that the list of cities lacks."""

_SILENT = ".'`\u2019\u00b4"
_SPELLINGS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """A place on earth, whether the register knows something of it or not.

    Attributes:
        id: as on the register; of other places the code, or country, state and name.
        name: what it is called.
        level: how far it reaches.
        code: ISO 3166-2 or 3166-1 code of the state or country it is, or lies in.
        parent: the next larger area; None for a union.
        place: its record; None if the register has none.
        names: all names by which it is known, its own first.
        at: latitude and longitude in degrees; None if not known.
        people: inhabitants in thousands, roughly; 0 if not known.
        listed: whether it is on the register or in the tables; False for a name that was taken
            at its word because its state or country is known.
    """

    id: str
    name: str
    level: PlaceLevel
    code: str | None
    parent: "Area | None"
    place: Place | None = None
    names: tuple[str, ...] = ()
    at: tuple[float, float] | None = None
    people: int = 0
    listed: bool = True

    @property
    def chain(self) -> tuple["Area", ...]:
        """Itself and all that it lies in, from the smallest up; without unions."""
        return (self, *(self.parent.chain if self.parent else ()))

    @property
    def country(self) -> "Area":
        """The country it lies in, or itself."""
        return self.chain[-1]

    @property
    def full_name(self) -> str:
        """With its state and country: "Portland, Oregon, United States"."""
        counties = (PlaceLevel.COUNTY, PlaceLevel.AGENCY)
        above = (area.name for area in self.chain[1:] if area.level not in counties)
        return ", ".join(dict.fromkeys([self.name, *above]))


@dataclass(frozen=True, slots=True)
class Atlas:
    """Every area that is known by name.

    Attributes:
        areas: all of them, places of the register first.
        by_name: folded name to the areas that bear it.
        by_id: id, also ISO codes, in lower case.
        unions: areas of the unions, smaller ones first.
    """

    areas: tuple[Area, ...]
    by_name: dict[str, list[Area]] = field(repr=False)
    by_id: dict[str, Area] = field(repr=False)
    unions: tuple[Area, ...]

    def unions_of(self, area: Area) -> tuple[Area, ...]:
        """The unions that the country of an area belongs to; a union itself has none."""
        code = area.country.code
        return tuple(union for union in self.unions if union.place and code in union.place.members)


@dataclass(frozen=True, slots=True)
class Spot:
    """The place that is meant.

    Attributes:
        area: the smallest that is known to hold it.
        notes: what was taken for granted, in sentences.
        nearest: the nearest place on the register, and how far its middle is, in km; None unless
            coordinates were asked about.
    """

    area: Area
    notes: tuple[str, ...] = ()
    nearest: tuple[Area, float] | None = None


def folded(name: str) -> str:
    """A name as it is compared: no accents, case or punctuation, no "City of".

    >>> folded("City of São Paulo"), folded("St. Paul"), folded("washington  d.c.")
    ('sao paulo', 'saint paul', 'washington dc')
    """
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_SPELLINGS)
    kept = (char for char in plain if not unicodedata.combining(char))
    words = "".join(" " if char in " ,-/()" else char for char in kept if char not in _SILENT)
    text = " ".join(words.split())
    for prefix in ("the city of ", "city of ", "town of ", "county of ", "state of ", "the "):
        if text.startswith(prefix) and len(text) > len(prefix):
            text = text.removeprefix(prefix)
            break
    return f"saint {text[3:]}" if text.startswith("st ") else text


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The way along the earth between two points in degrees; haversine formula."""
    (lat, lon), (lat2, lon2) = ((radians(a), radians(b)) for a, b in (one, other))
    half = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin((lon2 - lon) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))


@cache
def load_atlas() -> Atlas:
    """The atlas of the register that comes with crowdveil."""
    places = load_register().places
    found: dict[str, Area] = {}
    for code, _, name in _table("countries"):
        _add(found, places.get(code.lower()), code.lower(), name, PlaceLevel.COUNTRY, code)
    for code, name, _, others in _table("subdivisions"):
        parent, names = found[code[:2].lower()], tuple(filter(None, others.split("|")))
        place = places.get(code.lower())
        if place is None or place.level is PlaceLevel.STATE:
            _add(found, place, code.lower(), name, PlaceLevel.STATE, code, parent, names)
    _add_register(found, places.values())
    _add_cities(found)
    areas = tuple(sorted(found.values(), key=lambda area: area.place is None))
    by_name: dict[str, list[Area]] = {}
    by_id = {area.id: area for area in areas}
    by_id |= {a3.lower(): found[a2.lower()] for a2, a3, _ in _table("countries")}
    for area in areas:
        for name in {folded(name) for name in area.names}:
            by_name.setdefault(name, []).append(area)
    unions = [area for area in areas if area.level is PlaceLevel.UNION]
    unions.sort(key=lambda area: len(area.place.members) if area.place else 0)
    return Atlas(areas, by_name, by_id, tuple(unions))


def _table(name: str) -> Iterator[list[str]]:
    text = (HOME / "data" / f"{name}.tsv").read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))


def _add(
    found: dict[str, Area],
    place: Place | None,
    id: str,
    name: str,
    level: PlaceLevel,
    code: str,
    parent: Area | None = None,
    names: tuple[str, ...] = (),
) -> None:
    own = (place.name, *place.also) if place else ()
    others = (*OTHER_NAMES.get(code, ()), *names)
    found[id] = Area(
        id=id,
        name=place.name if place else name,
        level=level,
        code=code,
        parent=parent,
        place=place,
        names=tuple(dict.fromkeys((*own, name, *others))),
        at=place.at if place else None,
    )


def _add_register(found: dict[str, Area], places: Iterable[Place]) -> None:
    """Places that are no country and no state of the tables, parents before children."""
    left = [place for place in places if place.id not in found]
    while left:
        place = next(one for one in left if one.parent is None or one.parent in found)
        left.remove(place)
        found[place.id] = Area(
            id=place.id,
            name=place.name,
            level=place.level,
            code=place.iso,
            parent=found[place.parent] if place.parent else None,
            place=place,
            names=(place.name, *place.also),
            at=place.at,
        )


def _add_cities(found: dict[str, Area]) -> None:
    """Cities of the list; one that the register has lends it its number of people."""
    registered: dict[str, list[Area]] = {}
    counties: dict[tuple[str, str], Area] = {}
    for area in found.values():
        place = area.place
        if place and area.level in (PlaceLevel.CITY, PlaceLevel.TOWN):
            for name in area.names:
                registered.setdefault(folded(name), []).append(area)
        if place:
            counties |= {(place.iso or "", folded(town)): area for town in place.towns}
    for name, country, code, lat, lon, people in _table("cities"):
        at, key = (float(lat), float(lon)), folded(name)
        same = [
            area
            for area in registered.get(key, ())
            if area.at and area.country.code == country and distance_km(at, area.at) < SAME_PLACE_KM
        ]
        if same:
            found[same[0].id] = replace(same[0], people=int(people))
            continue
        parent = counties.get((code, key)) or found.get(code.lower()) or found[country.lower()]
        id = f"{parent.id}:{key}"
        if id in found and found[id].people >= int(people):
            continue
        found[id] = Area(
            id=id,
            name=name,
            level=PlaceLevel.CITY,
            code=code or country,
            parent=parent,
            names=(name, *CITY_NAMES.get(f"{country}:{key}", ())),
            at=at,
            people=int(people),
        )
