"""Error rates as people write them down: a number, "one in", or errors counted in comparisons.

A value from TOML or JSON comes in, a `Rate` or `Rates` goes out. A rate that was counted knows
how uncertain it is; a rate that was typed is taken at its word. Which rate meets which pair of
groups is left to `deployment`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

CALIBRATE: Final = "calibrate"
"""In the place of a value: solve for it from the published counts of the same deployment."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The probability of an error in one comparison or search.

    Attributes:
        mean: the best guess, 0 to 1. Of a counted rate it is the mean of what the count leaves
            possible, (errors + 1/2) / (comparisons + 1), so that a test without errors does
            not promise a system without errors (Jeffreys' prior).
        errors: how many were counted, or None for a rate that was typed; a fraction where
            errors cluster, and fewer independent ones would be as sure.
        comparisons: in how many.
    """

    mean: float
    errors: float | None = None
    comparisons: float | None = None

    @property
    def counted(self) -> tuple[float, float] | None:
        """Errors and comparisons, if the rate was counted."""
        if self.errors is None or self.comparisons is None:
            return None
        return self.errors, self.comparisons


def counted_rate(errors: float, comparisons: float, *, clustering: float = 1.0) -> Rate:
    """A rate from a count; raises `ValueError` for counts that cannot be.

    Args:
        errors: how many comparisons went wrong.
        comparisons: of how many.
        clustering: how many of them are worth one independent comparison, >= 1. Source: Rao and
            Scott (1992), Biometrics 48(2), 577-585: counts over the design effect.
    """
    if not 0 <= errors <= comparisons or comparisons <= 0:
        raise ValueError("errors must lie between 0 and comparisons, and comparisons above 0")
    errors, comparisons = errors / clustering, comparisons / clustering
    return Rate((errors + 0.5) / (comparisons + 1), errors, comparisons)


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates for everyone, by group, or by group of the person and group of the list entry.

    Attributes:
        common: the rate of everyone, or None.
        groups: by group of the person who passes.
        pairs: by group of the person who passes, then by group of the list entry.
    """

    common: Rate | None = None
    groups: Mapping[str, Rate] | None = None
    pairs: Mapping[str, Mapping[str, Rate]] | None = None

    def named(self) -> Iterator[str]:
        """Every group that is named."""
        yield from self.groups or {}
        for row, cells in (self.pairs or {}).items():
            yield row
            yield from cells


_FORMS = (frozenset({"one_in"}), frozenset({"errors", "comparisons"}), frozenset({"rate"}))
_KEYS = frozenset().union(*_FORMS) | {"list"}


def parse_rate(value: object, *, searches: bool = False) -> Rate:
    """One rate.

    Args:
        value: a number from 0 to 1, `{one_in = 6000}`, `{errors = 7, comparisons = 42000}` or
            `{rate = 0.001}`.
        searches: the rate is of searches through a list, whose length stands beside it as
            `list`; it is turned into the rate of one comparison by the inverse of
            FPIR(N) = 1 - (1 - FMR)^N.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, Rate):
        return value
    table = {"rate": value} if _is_number(value) else value
    if not isinstance(table, Mapping):
        raise ValueError("give a number from 0 to 1, {one_in = N} or {errors = K, comparisons = N}")
    length = table.get("list")
    form = frozenset(table) - {"list"}
    if form not in _FORMS or not all(_is_number(part) for part in table.values()):
        raise ValueError(
            "a rate is a number, {one_in = N} or {errors = K, comparisons = N}, "
            f"not {{{', '.join(map(str, table))}}}"
        )
    if searches and (length is None or length < 1):
        raise ValueError("an FPIR needs the length of the list it was measured with: list = N")
    if not searches and length is not None:
        raise ValueError("'list' belongs to fpir: an FMR is the rate of a single comparison")
    entries = float(length) if length is not None else 1.0
    if "errors" in form:
        return counted_rate(float(table["errors"]), float(table["comparisons"]) * entries)
    rate = 1 / float(table["one_in"]) if table.get("one_in") else float(table.get("rate", math.nan))
    if not 0 <= rate <= 1:
        raise ValueError("a rate lies between 0 and 1 (one_in is at least 1)")
    if entries > 1 and rate == 1:
        raise ValueError("an FPIR of 1 says nothing about a single comparison")
    return Rate(rate if entries == 1 else -math.expm1(math.log1p(-rate) / entries))


def parse_rates(value: object, *, searches: bool = False) -> Rates | Literal["calibrate"]:
    """Rates for everyone, by group or by pair of groups; see `parse_rate` for one.

    Raises:
        ValueError: not in one of these forms; the sentence names the group.
    """
    if isinstance(value, Rates):
        return value
    if value == CALIBRATE:
        return CALIBRATE
    if not isinstance(value, Mapping) or frozenset(value) <= _KEYS:
        return Rates(common=parse_rate(value, searches=searches))
    groups: dict[str, Rate] = {}
    pairs: dict[str, dict[str, Rate]] = {}
    for group, given in value.items():
        try:
            if isinstance(given, Mapping) and not frozenset(given) <= _KEYS:
                pairs[group] = {
                    other: parse_rate(cell, searches=searches) for other, cell in given.items()
                }
            else:
                groups[group] = parse_rate(given, searches=searches)
        except ValueError as error:
            raise ValueError(f"of {group}: {error}") from error
    if groups and pairs:
        raise ValueError("give one rate for each group, or one for each pair of groups, not both")
    return Rates(pairs=pairs) if pairs else Rates(groups=groups)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_RATE_SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1},
        {
            "type": "object",
            "properties": {
                "one_in": {"type": "number", "minimum": 1},
                "rate": {"type": "number", "minimum": 0, "maximum": 1},
                "errors": {"type": "number", "minimum": 0},
                "comparisons": {"type": "number", "exclusiveMinimum": 0},
                "list": {"type": "integer", "minimum": 1},
            },
            "additionalProperties": False,
        },
    ]
}
RATES_SCHEMA = {
    "anyOf": [
        {"const": CALIBRATE},
        *_RATE_SCHEMA["anyOf"],
        {"type": "object", "additionalProperties": _RATE_SCHEMA},
        {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": _RATE_SCHEMA},
        },
    ]
}
"""What `parse_rates` takes, as JSON schema."""
