"""Which place a text means: a name, an ISO 3166 code, or an id of the register.

Text comes in, one `Spot` goes out, or an error that asks back: a name that several places share
is never guessed at where the guess could be wrong, and a slip gets suggestions. Coordinates are
left to `nearby`, and what the law is there to `answer`.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from crowdveil.errors import PlaceAmbiguous, PlaceUnknown
from crowdveil.laws.areas import Area, Atlas, Spot, folded, load_atlas
from crowdveil.laws.record import PlaceLevel
from crowdveil.laws.register import load_register

MOST_CHOICES = 8
LIKENESS = 0.78
"""How alike, from 0 to 1, a name must be to be suggested for one that is not known."""

TIMES = 5
"""A place that has this many times the people of every other of its name is the one meant."""

LARGE = 500
"""Thousands of people: a city of the register this large is meant, if no other bearer of its
name is larger or on the register too."""

LAND_PEOPLE = 2000
"""What a state or country weighs against cities of its name, in thousands of people."""

LEAST_LETTERS = 5
"""Of what may be a part of a law's name rather than of a place's."""

_CODE = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{1,3}")
_LARGE_LEVELS = (PlaceLevel.STATE, PlaceLevel.COUNTRY, PlaceLevel.UNION)


def resolve(asked: str) -> Spot:
    """The place that a name or a code means.

    Args:
        asked: "Portland, Oregon", "Boston", "US-MA", "de", "us-or-portland" ... A name may be
            followed by its state, its country, or both.

    Raises:
        PlaceAmbiguous: several places share the name; `choices` says what to ask instead.
        PlaceUnknown: nothing is known of this name; `suggestions` has names like it.
    """
    atlas = load_atlas()
    text = " ".join(asked.split())
    if not folded(text):
        raise PlaceUnknown('name a place, such as "Portland, Oregon" or US-MA')
    return _by_code(text, atlas) or _by_name(text, atlas)


def _by_code(text: str, atlas: Atlas) -> Spot | None:
    """An id or an ISO code; a country's code that is a state's too is asked back."""
    key = text.lower()
    if re.fullmatch(r"[a-z]{2}", key):
        country, state = atlas.by_id.get(key), atlas.by_id.get(f"us-{key}")
        if country and state and key != "eu":
            raise _asked_back(text, (country, state))
        if country is not None:
            return Spot(country)
        # "OR" is Oregon; "or" may be a word of something else.
        return Spot(state) if state and text.isupper() else None
    found = atlas.by_id.get(key)
    if found is not None and ":" not in key:
        return Spot(found)
    if _CODE.fullmatch(text) and (country := atlas.by_id.get(key[:2])) is not None:
        if country.level is not PlaceLevel.COUNTRY:
            return None
        return Spot(_word_for_it(text.upper(), country, PlaceLevel.STATE))
    return None


def _by_name(text: str, atlas: Atlas) -> Spot:
    whole = atlas.by_name.get(folded(text), [])
    if whole:
        return _chosen(text, _of_the_kind(text, whole))
    ways = list(_split(text))
    for name, qualifiers in ways:
        bearers = atlas.by_name.get(folded(name), [])
        found = [area for area in bearers if _lies_in(area, qualifiers, atlas)]
        if found:
            return _chosen(text, _of_the_kind(name, found))
    for name, qualifiers in ways:
        around = _around(qualifiers, atlas)
        if around is not None:
            return _taken_at_its_word(name, around, atlas)
    raise _not_known(text, atlas)


def _of_the_kind(name: str, bearers: list[Area]) -> list[Area]:
    """Where a name says what it is, as "City of New York" does, only those that are it."""
    first = name.casefold().removeprefix("the ").split(" of ")[0]
    kinds = {
        "city": (PlaceLevel.CITY, PlaceLevel.TOWN),
        "town": (PlaceLevel.CITY, PlaceLevel.TOWN),
        "county": (PlaceLevel.COUNTY,),
        "state": (PlaceLevel.STATE,),
    }.get(first, ())
    return [area for area in bearers if area.level in kinds] or bearers


def _split(text: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The ways to read a text as a name and what it lies in."""
    parts = [part.strip() for part in re.split(r"[,()]", text) if part.strip()]
    if len(parts) > 1:
        yield parts[0], tuple(parts[1:])
        return
    words = text.split()
    for count in range(1, min(len(words), 4)):
        yield " ".join(words[:-count]), (" ".join(words[-count:]),)


def _lies_in(area: Area, qualifiers: tuple[str, ...], atlas: Atlas) -> bool:
    above = {one.id for one in (*area.chain[1:], *atlas.unions_of(area))}
    return all(any(one.id in above for one in _meant(qualifier, atlas)) for qualifier in qualifiers)


def _meant(qualifier: str, atlas: Atlas) -> list[Area]:
    """The states, counties and countries that a qualifier names."""
    key = qualifier.strip().lower().replace(".", "")
    named = [
        area
        for area in atlas.by_name.get(folded(qualifier), [])
        if area.level in (*_LARGE_LEVELS, PlaceLevel.COUNTY)
    ]
    coded = [atlas.by_id[code] for code in (f"us-{key}", key) if code in atlas.by_id]
    # After a city's name, two letters are a state of the United States before a country.
    return list(dict.fromkeys([*coded, *named]))


def _around(qualifiers: tuple[str, ...], atlas: Atlas) -> Area | None:
    """The smallest area that fits all qualifiers; None if one of them is not known."""
    for area in _meant(qualifiers[0], atlas):
        if _lies_in(area, qualifiers[1:], atlas):
            return area
    return None


def _taken_at_its_word(name: str, around: Area, atlas: Atlas) -> Spot:
    """A place that no table has, in a state or country that is known."""
    inside = {
        key: area
        for key, areas in atlas.by_name.items()
        for area in areas
        if around in area.chain[1:]
    }
    close = get_close_matches(folded(name), inside, n=3, cutoff=LIKENESS)
    if close:
        asks = tuple(_ask(inside[key], atlas) for key in close)
        raise PlaceUnknown(
            f"{name}: no such place is known in {around.full_name}. Did you mean {_listed(asks)}? "
            f"If not, ask for {_quoted(_ask(around, atlas))}, whose law holds there",
            asks,
        )
    county = folded(name).split()[-1] in ("county", "parish")
    level = PlaceLevel.COUNTY if county else PlaceLevel.CITY
    return Spot(_word_for_it(name, around, level))


def _word_for_it(name: str, around: Area, level: PlaceLevel) -> Area:
    return Area(
        id=f"{around.id}:{folded(name)}",
        name=name,
        level=level,
        code=around.code,
        parent=around,
        names=(name,),
        listed=False,
    )


def _chosen(text: str, bearers: list[Area]) -> Spot:
    """The one that is meant, if that is clear; asks back if it is not."""
    ranked = _ranked(bearers)
    if not _is_clear(ranked):
        raise _asked_back(text, ranked)
    best, others = ranked[0], ranked[1:]
    if not others:
        return Spot(best)
    also = "; ".join(area.full_name for area in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return Spot(best, (f"Taken as {best.full_name}. Others are called so: {also}{more}.",))


def _ranked(bearers: list[Area]) -> list[Area]:
    """Those that a name may mean, the largest first."""
    return sorted(_without_doubles(bearers), key=_weight, reverse=True)


def _is_clear(ranked: list[Area]) -> bool:
    """Whether the first is surely meant: alone, or so large that nobody means another."""
    best, others = ranked[0], ranked[1:]
    if not others:
        return True
    registered = any(area.place and area.place.rules for area in others)
    dominant = _weight(best) >= TIMES * _weight(others[0])
    well_known = best.place is not None and best.people >= LARGE
    return not registered and (dominant or well_known)


def _without_doubles(bearers: list[Area]) -> list[Area]:
    """Leaves out a state or country that one of the others is the city of, as with Berlin.

    Not where both are on the register, as New York's state and city are.
    """
    kept = []
    for area in bearers:
        cities = [other for other in bearers if area in other.chain[1:]]
        if not cities or _ruled(area, cities):
            kept.append(area)
    return kept


def _ruled(area: Area, cities: list[Area]) -> bool:
    return bool(area.place and area.place.rules and any(city.place for city in cities))


def _weight(area: Area) -> int:
    return LAND_PEOPLE if area.level in _LARGE_LEVELS else area.people


def _asked_back(text: str, bearers: Iterable[Area]) -> PlaceAmbiguous:
    atlas = load_atlas()
    # Those of the register first, then by size.
    ranked = sorted(bearers, key=lambda area: not (area.place and area.place.rules))
    shown = ranked[:MOST_CHOICES]
    asks = tuple(_ask(area, atlas) for area in shown)
    said = [
        _quoted(ask) if ask.startswith(area.name) else f"{_quoted(ask)} ({_kind(area)})"
        for ask, area in zip(asks, shown, strict=True)
    ]
    more = f" ({len(ranked) - len(shown)} more bear the name)" if len(ranked) > len(shown) else ""
    return PlaceAmbiguous(
        f"{text}: several places are called so; ask for {' or '.join(said)}{more}", asks
    )


def _not_known(text: str, atlas: Atlas) -> PlaceUnknown:
    law = _place_of_law(text, atlas)
    if law is not None:
        ask = _ask(law, atlas)
        return PlaceUnknown(
            f"{text}: is no place but a law, or part of one, of {law.full_name}; ask for "
            f"{_quoted(ask)}",
            (ask,),
        )
    name = re.split(r"[,(]", text)[0].strip()
    close = get_close_matches(folded(name), _names(), n=MOST_CHOICES, cutoff=LIKENESS)
    areas = [area for key in close for area in _meant_first(key, atlas)]
    areas.sort(key=lambda area: not (area.place and area.place.rules))
    asks = tuple(dict.fromkeys(_ask(area, atlas) for area in areas))[:5]
    if asks:
        return PlaceUnknown(f"{text}: no such place is known. Did you mean {_listed(asks)}?", asks)
    return PlaceUnknown(
        f'{text}: no such place is known; add its state or country, as in "Smalltown, Ohio"'
    )


def _place_of_law(text: str, atlas: Atlas) -> Area | None:
    """Whose law has this in its name, as "AI Act" or "AB 1215"; None if it is too short."""
    key = folded(text)
    if len(key) < LEAST_LETTERS:
        return None
    for place, rule in load_register().rules():
        if key in folded(f"{rule.number or ''} {rule.title} {rule.who} {rule.id}"):
            return atlas.by_id[place.id]
    return None


def _meant_first(key: str, atlas: Atlas) -> list[Area]:
    """The bearers of a name: the one that is meant where that is clear, else all."""
    ranked = _ranked(atlas.by_name.get(key, []))
    return ranked[:1] if ranked and _is_clear(ranked) else ranked


@cache
def _names() -> tuple[str, ...]:
    return tuple(load_atlas().by_name)


def _kind(area: Area) -> str:
    kinds = {PlaceLevel.COUNTRY: "the country", PlaceLevel.UNION: "the union"}
    return f"{kinds.get(area.level, 'the state')} {area.name}"


def _quoted(text: str) -> str:
    return f'"{text}"'


def _listed(asks: Iterable[str]) -> str:
    return " or ".join(map(_quoted, asks))


def _ask(area: Area, atlas: Atlas) -> str:
    """A text that `resolve` takes for this very area."""
    key = folded(area.name)
    if area.listed and _meant_first(key, atlas) == [area]:
        return area.name
    if area.level is PlaceLevel.COUNTRY:
        # Its two letters may be a state's; its three are nobody else's.
        codes = [code for code, one in atlas.by_id.items() if one is area and len(code) == 3]
        return codes[0].upper() if codes else area.id
    if area.level in _LARGE_LEVELS:
        return area.code or area.id
    above = [one for one in area.chain[1:] if one.level in _LARGE_LEVELS]
    return f"{area.name}, {above[0].name}" if above else area.id
