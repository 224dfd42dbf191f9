"""Converts what a caller gives to an options object, and refuses what does not fit.

Python hands strings, lists and numbers around freely; a word that looks right and is then not
obeyed would veil less than was asked for. So every field of a class derived from `Validated`
is brought to the type that its annotation names when the object is made. What the values mean
is left to the classes.
"""

import math
import operator
import os
import types
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from crowdveil.errors import OptionsInvalid

E = TypeVar("E", bound=Enum)


# Slots would keep the parts from being mixed into one another.
@dataclass(frozen=True, kw_only=True)
class Validated:
    """Base of all options objects: fields are converted, then every class has its say."""

    def __post_init__(self) -> None:
        """Convert every field, then call `_refuse` of every class, the most general first.

        Raises:
            OptionsInvalid: a value does not fit the type of its field, or a class refuses it.
        """
        for name, hint in _hints(type(self)).items():
            # The only moment at which a frozen object may still be changed.
            object.__setattr__(self, name, converted(name, getattr(self, name), hint))
        for part in reversed(type(self).__mro__):
            if refuse := vars(part).get("_refuse"):
                refuse(self)


def chosen(name: str, value: object, kind: type[E]) -> E:
    """A member of an enum, given as itself or as its value.

    Raises:
        OptionsInvalid: it is neither; the message lists the allowed words.
    """
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(str(member.value) for member in kind)
        raise OptionsInvalid(f"{name} must be one of {words}, not {value!r}") from None


def converted(name: str, value: object, hint: Any) -> Any:
    """A value as the type that an annotation names.

    Args:
        name: of the option, for the message.
        value: what was given.
        hint: an enum, `Path`, `bool`, `int`, `float`, `str`, a tuple `tuple[X, ...]`, one of
            these or None, or another type, which is left as it is.

    Raises:
        OptionsInvalid: the value cannot be taken for one of that type.
    """
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not types.NoneType]
        if value is None and len(kinds) < len(get_args(hint)):
            return None
        return converted(name, value, kinds[0]) if len(kinds) == 1 else value
    if get_origin(hint) is tuple:
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise OptionsInvalid(f"{name} must be a list, not {value!r}")
        return tuple(converted(name, each, get_args(hint)[0]) for each in value)
    if not isinstance(hint, type):
        return value
    if issubclass(hint, Enum):
        return chosen(name, value, hint)
    convert = _CONVERT.get(hint)
    return value if convert is None else convert(name, value)


def _flag(name: str, value: Any) -> bool:
    # "no" and "false" are true in Python.
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise OptionsInvalid(f"{name} must be True or False, not {value!r}")


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise OptionsInvalid(f"{name} must be a whole number, not {value!r}")


def _number(name: str, value: Any) -> float:
    if not isinstance(value, bool | str | bytes):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            pass
        else:
            if not math.isnan(number):
                return number
    raise OptionsInvalid(f"{name} must be a number, not {value!r}")


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise OptionsInvalid(f"{name} must be a text, not {value!r}")


def _path(name: str, value: Any) -> Path:
    if isinstance(value, str | os.PathLike):
        place = os.fspath(value)
        if isinstance(place, str) and place:
            return Path(place)
    raise OptionsInvalid(f"{name} must be a path, not {value!r}")


_CONVERT = {bool: _flag, int: _whole, float: _number, str: _text, Path: _path}


def _hints(kind: type[Validated]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
