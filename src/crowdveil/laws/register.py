"""The register: every place of the package's data, read once and checked against one another.

TOML files come in, a frozen `Register` goes out. Names that people type are left to
`resolving`, days to `standing`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crowdveil.errors import RegisterInvalid
from crowdveil.laws.record import Place, PlaceLevel, Rule, Text

HOME = resources.files("crowdveil.laws")
Table = TypeVar("Table", bound=BaseModel)


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(pattern=r"^\d{4}\.\d{2}(?:\.\d+)?$")]
    date: date
    not_found: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """All that is known.

    Attributes:
        version: year and month, and a number where there were several in a month.
        date: the day on which it was last worked on; what came later it cannot know.
        not_found: what was searched for in general and not found.
        places: by id, in alphabetical order.
    """

    version: str
    date: date
    not_found: tuple[str, ...]
    places: Mapping[str, Place]

    def rules(self) -> Iterator[tuple[Place, Rule]]:
        """Every rule with its place."""
        for place in self.places.values():
            for rule in place.rules:
                yield place, rule

    def country(self, place: Place) -> str | None:
        """The two-letter code of the country a place lies in; None for a union."""
        return place.iso[:2] if place.iso and place.level is not PlaceLevel.UNION else None


@cache
def load_register() -> Register:
    """The register that comes with crowdveil.

    Raises:
        RegisterInvalid: a file was changed and is not right; the sentence names it.
    """
    return read_register(HOME)


def read_register(folder: Traversable) -> Register:
    """The register in a folder with `register.toml` and `places/`.

    Raises:
        RegisterInvalid: a file does not follow the schema, two places have one id, a file is not
            called as its place, or a place names another that does not exist.
    """
    head = _parsed(folder / "register.toml", _Head)
    places: dict[str, Place] = {}
    files = (folder / "places").iterdir()
    for file in sorted(files, key=lambda file: file.name):
        if file.name.endswith(".toml"):
            place = _parsed(file, Place)
            if file.name != f"{place.id}.toml":
                raise RegisterInvalid(f"{file.name}: holds {place.id}; name the file as the place")
            if place.last_checked > head.date:
                raise RegisterInvalid(f"{file.name}: last_checked is later than the register")
            places[place.id] = place
    for place in places.values():
        _check_neighbours(place, places)
    return Register(head.version, head.date, head.not_found, MappingProxyType(places))


def _parsed(file: Traversable, kind: type[Table]) -> Table:
    try:
        return kind.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RegisterInvalid(f"{file.name}: cannot be read as TOML: {error}") from error
    except ValidationError as error:
        details = error.errors(include_url=False)
        # A key that does not exist explains the one that is missing.
        unknown = (one for one in details if one["type"] == "extra_forbidden")
        first = next(unknown, details[0])
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            said = "there is no such key"
        place = f"{where}: " if where else ""
        raise RegisterInvalid(
            f"{file.name}: {place}{said}; compare with docs/laws-contribute.md"
        ) from error


def _check_neighbours(place: Place, places: Mapping[str, Place]) -> None:
    for other in (place.parent, *place.reaches):
        if other is not None and other not in places:
            raise RegisterInvalid(f"{place.id}.toml: names {other}, which is no place here")
    if place.parent is None:
        return
    parent = places[place.parent]
    if not place.id.startswith(f"{parent.id}-") and parent.level is not PlaceLevel.COUNTY:
        raise RegisterInvalid(f"{place.id}.toml: its id does not begin with {parent.id}-")
    if place.iso is None or place.iso[:2] != (parent.iso or "")[:2]:
        raise RegisterInvalid(f"{place.id}.toml: iso does not lie in {parent.id}")
