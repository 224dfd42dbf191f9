"""Takes error rates from the `audit.json` that `crowdveil audit` writes.

The file comes in, with the label or threshold of an operating point; FMR by pair of groups and
FNMR by group go out, as counts of as many comparisons as they are worth: errors cluster in
people, and intervals must not promise more than the audit does. A list is searched at the
threshold of one-to-one comparisons, so FNMR stands for FNIR. The rest of the audit is not read.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crowdveil.crowd.rates import Rate, Rates, counted_rate
from crowdveil.errors import ScenarioInvalid, shortened
from crowdveil.typed import MOST_PLAN_BYTES, read_bytes


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Cell(_Part):
    errors: int = Field(ge=0)
    comparisons: int = Field(ge=0)
    clustering: float = Field(default=1.0, ge=1, allow_inf_nan=False)
    """How many of them are worth one independent comparison."""
    effective: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """How many independent ones are as sure; less than the clustering says where few people bear
    the errors."""


class OperatingPoint(_Part):
    """Error rates at one threshold."""

    threshold: float
    label: str
    fmr: dict[str, dict[str, _Cell]]
    fnmr: dict[str, _Cell]


class AuditFile(_Part):
    """The part of an audit that a scenario needs."""

    schema_: Literal["crowdveil/audit/1"] = Field(alias="schema")
    kind: Literal["verify"]
    groups: tuple[str, ...]
    operating_points: tuple[OperatingPoint, ...] = Field(min_length=1)


def read_audit(path: Path) -> AuditFile:
    """The audit in `path`; raises `ScenarioInvalid` if it is none."""
    try:
        return AuditFile.model_validate_json(read_bytes(path, most=MOST_PLAN_BYTES))
    except OSError as error:
        raise ScenarioInvalid(
            f"recogniser.audit: {path} cannot be read ({error.strerror})"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = shortened(".".join(str(part) for part in first["loc"]) or "top level")
        said = shortened(first["msg"])
        raise ScenarioInvalid(
            f"recogniser.audit: {path} is no audit of verification ({said}, at {place}); it is "
            "written by crowdveil audit"
        ) from error
    except ValueError as error:
        raise ScenarioInvalid(f"recogniser.audit: {path} cannot be read ({error})") from error


def rates_at(
    audit: AuditFile, chosen: str | float | None, groups: tuple[str, ...]
) -> tuple[Rates, Rates]:
    """False match and false non-match rates at one operating point.

    Args:
        audit: the audit.
        chosen: label or threshold; may be None if the audit has one operating point only.
        groups: the groups of the crowd, all of which the audit must have measured.

    Returns:
        FMR by pair of groups, FNMR by group.

    Raises:
        ScenarioInvalid: no such operating point, or a group or pair without comparisons.
    """
    points = audit.operating_points
    if chosen is None:
        matching = points
    else:
        matching = tuple(p for p in points if chosen in (p.label, p.threshold))
    if len(matching) != 1:
        there = ", ".join(f"{point.label!r} ({point.threshold:g})" for point in points)
        raise ScenarioInvalid(
            f"recogniser.operating_point: choose one that the audit has, by label or threshold: "
            f"{there}"
        )
    point = matching[0]
    pairs = {
        row: {
            column: _rate(
                point.fmr.get(row, {}).get(column), f"pairs of {row} with {column}", audit
            )
            for column in groups
        }
        for row in groups
    }
    misses = {row: _rate(point.fnmr.get(row), f"mated pairs of {row}", audit) for row in groups}
    return Rates(pairs=pairs), Rates(groups=misses)


def _rate(cell: _Cell | None, what: str, audit: AuditFile) -> Rate:
    if cell is None or not cell.comparisons:
        raise ScenarioInvalid(
            f"recogniser.audit: it has no {what}; crowd.groups must be groups that it measured: "
            f"{', '.join(audit.groups)}"
        )
    try:
        return counted_rate(cell.errors, cell.comparisons, clustering=_clustering(cell))
    except ValueError as error:
        raise ScenarioInvalid(f"recogniser.audit: {what}: {error}") from error


def _clustering(cell: _Cell) -> float:
    return max(1.0, cell.comparisons / cell.effective) if cell.effective else cell.clustering
