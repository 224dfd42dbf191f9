"""Reads a scenario from TOML, and says which key is wrong when it cannot.

Text or a path comes in, a `Scenario` goes out, its audit's path made absolute. What the values
mean is left to `scenario`.
"""

from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crowdveil.crowd.scenario import Scenario
from crowdveil.errors import ScenarioInvalid, shortened
from crowdveil.typed import read_bytes, toml

_HELP = "compare with docs/crowd.md"


def load_scenario(path: str | PathLike[str]) -> Scenario:
    """Read the scenario in the TOML file `path`.

    Raises:
        ScenarioInvalid: cannot be read, is not TOML, or has an impossible input; the sentence
            names the key.
    """
    try:
        text = read_bytes(path).decode("utf-8")
    except OSError as error:
        raise ScenarioInvalid(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ScenarioInvalid(f"{path}: is not text in UTF-8; {_HELP}") from error
    except ValueError as error:
        raise ScenarioInvalid(f"{path}: cannot be read ({error}); {_HELP}") from error
    return read_scenario(text, where=str(path), folder=Path(path).parent)


def read_scenario(text: str, *, where: str = "scenario", folder: Path = Path()) -> Scenario:
    """Read a scenario from TOML text.

    Args:
        text: TOML.
        where: what to call it in an error message.
        folder: where a relative path of an audit begins.

    Raises:
        ScenarioInvalid: as for `load_scenario`.
    """
    try:
        table = toml(text)
    except ValueError as error:
        raise ScenarioInvalid(f"{where}: is not TOML: {shortened(error)}; {_HELP}") from error
    recogniser = table.get("recogniser")
    if isinstance(recogniser, dict) and isinstance(recogniser.get("audit"), str):
        recogniser["audit"] = str(folder / recogniser["audit"])
    return scenario_from(table, where=where)


def scenario_from(table: dict[str, Any], *, where: str = "scenario") -> Scenario:
    """The scenario in a parsed table; raises `ScenarioInvalid` as `load_scenario` does."""
    try:
        return Scenario.model_validate(table)
    except ValidationError as error:
        raise ScenarioInvalid(f"{where}: {shortened(_sentence(error))}; {_HELP}") from error


def _sentence(error: ValidationError) -> str:
    details = error.errors(include_url=False)
    # Where a value may be of several kinds, the word "calibrate" is the least helpful of them.
    telling = [one for one in details if one["type"] not in ("literal_error", "is_instance_of")]
    first = (telling or details)[0]
    # What follows a key of the schema may name the branch of a union, which no user typed.
    place = ".".join(str(part) for part in first["loc"] if not _is_branch(part))
    if first["type"] == "extra_forbidden":
        return f"{place}: there is no such key"
    if first["type"] == "missing":
        return f"{place}: is missing"
    said = first["msg"].removeprefix("Value error, ")
    given = first["input"]
    shown = f", not {given!r}" if isinstance(given, int | float | str) else ""
    return f"{place}: {said}{shown}" if place else said


def _is_branch(part: int | str) -> bool:
    return isinstance(part, str) and (
        "[" in part or part in ("float", "constrained-float", "str", "int")
    )
