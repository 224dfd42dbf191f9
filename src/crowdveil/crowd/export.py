"""Results as JSON for programs and as CSV for spreadsheets; both say which schema they follow."""

import csv
import io
import json
import math
from enum import Enum
from typing import Any

from crowdveil import __version__
from crowdveil.crowd.outcomes import CONFIDENCE, Estimate
from crowdveil.crowd.published import basis
from crowdveil.crowd.results import Results
from crowdveil.crowd.scenario import INPUTS
from crowdveil.crowd.wording import answer, comparisons, disparity, notes
from crowdveil.laws.export import standing_dict
from crowdveil.laws.lawful import Verdict
from crowdveil.laws.wording import verdict
from crowdveil.report.spreadsheets import inert

SCHEMA = "crowdveil/crowd/1"


def as_dict(results: Results) -> dict[str, Any]:
    """Everything, in plain values that JSON can hold."""
    scenario, deployment = results.scenario, results.deployment
    result = results.outcome
    return {
        "schema": SCHEMA,
        "crowdveil": __version__,
        "name": scenario.name,
        "kind": scenario.kind,
        "answer": [*answer(results), *disparity(results)],
        "compared_with_published": list(comparisons(results)),
        "notes": list(notes(results)),
        "law": law_dict(results.law) if results.law else None,
        "confidence": CONFIDENCE,
        "inputs": {key: basis(scenario, key).value for key in INPUTS if _used(results, key)},
        "assumed": {
            key: {"why": " ".join(one.why.split()), "range": one.range}
            for key, one in scenario.assumed.items()
        },
        "sources": scenario.sources,
        "resolved": {
            "people": dict(zip(deployment.groups, deployment.people.tolist(), strict=True)),
            "entries": dict(zip(deployment.groups, deployment.entries.tolist(), strict=True)),
            "present": deployment.present,
            "sightings_per_person": dict(
                zip(deployment.groups, deployment.sightings.mean().tolist(), strict=True)
            ),
            "fmr": {
                row: dict(zip(deployment.groups, cells, strict=True))
                for row, cells in zip(deployment.groups, deployment.fmr.tolist(), strict=True)
            },
            "fnir": dict(zip(deployment.groups, deployment.fnir.tolist(), strict=True)),
        },
        "outcome": _plain(result),
        "published": [_plain(check) for check in results.checks],
        "published_by_group": [_plain(check) for check in results.group_checks],
        "other_rates": [_plain(other) for other in results.elsewhere],
        "implied": _plain(results.implied),
        "decomposition": {
            measure.value: _plain(split) for measure, split in results.decompositions.items()
        },
        "sensitivity": _plain(results.sensitivity),
    }


def to_json(results: Results) -> str:
    """Everything as indented JSON."""
    return json.dumps(as_dict(results), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def to_csv(results: Results) -> str:
    """One row for each group and quantity, and for all groups together (group empty)."""
    rows: list[tuple[str, str, Estimate]] = []
    result = results.outcome
    rows += [("", quantity.value, one) for quantity, one in result.counts.items()]
    if result.precision is not None:
        rows.append(("", "precision", result.precision))
    for name in ("faces", "scanned", "innocent", "listed"):
        rows.append(("", name, Estimate(getattr(result, name))))
    for group in result.groups:
        rows += [(group.group, quantity.value, one) for quantity, one in group.counts.items()]
        for name in (
            *("faces", "scanned", "innocent", "listed", "fpir", "risk", "stop_risk"),
            *("year_risk", "year_stop_risk"),
        ):
            rows.append((group.group, name, Estimate(getattr(group, name))))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["schema", "group", "quantity", "mean", "low", "high", "method"])
    for group_name, name, one in rows:
        bounds = [one.low, one.high] if one.low is not None else ["", ""]
        writer.writerow([SCHEMA, inert(group_name), name, one.mean, *bounds, one.method])
    return text.getvalue()


def law_dict(found: Verdict) -> dict[str, Any]:
    """What the register of laws says of a deployment, in plain values."""
    groups = {
        "bans": found.bans,
        "limits": found.limits,
        "permits": found.permits,
        "uncertain": found.uncertain,
        "coming": found.coming,
    }
    return {
        "finding": found.finding.value,
        "answer": list(verdict(found)),
        "place": found.answer.spot.area.full_name,
        "day": found.answer.day.isoformat(),
        "operator": found.operator.value,
        "mode": found.mode.value,
        "register": found.answer.register_date.isoformat(),
        **{name: [standing_dict(one) for one in group] for name, group in groups.items()},
    }


def _used(results: Results, key: str) -> bool:
    table, _, name = key.partition(".")
    rate = key in ("recogniser.fmr", "watchlist.present") and key in results.scenario.calibrated
    return rate or getattr(getattr(results.scenario, table), name) is not None


def _plain(value: Any) -> Any:
    """Dataclasses, enums and tuples as JSON knows them."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
