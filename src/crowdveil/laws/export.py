"""Answers and lists as JSON for programs and as CSV for spreadsheets; both name their schema."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from crowdveil import __version__
from crowdveil.laws import wording
from crowdveil.laws.answer import Answer, Level
from crowdveil.laws.record import Change, When
from crowdveil.laws.register import Register, load_register
from crowdveil.laws.standing import Standing

ANSWER = "crowdveil/laws-answer/1"
LIST = "crowdveil/laws-list/1"
_COLUMNS = (
    *("schema", "day", "place", "place_id", "level", "iso", "rule", "title", "number"),
    *("kind", "effect", "status", "possible", "where_it_stood", "adopted_earliest"),
    *("adopted_latest", "started_earliest", "started_latest", "next_status", "next_earliest"),
    *("next_latest", "binds", "who", "restricts", "confidence", "doubt", "last_checked", "sources"),
)


def answer_dict(answer: Answer) -> dict[str, Any]:
    """An answer in plain values that JSON can hold."""
    area = answer.spot.area
    return {
        "schema": ANSWER,
        **_head(load_register()),
        "place": area.full_name,
        "place_id": area.id,
        "day": answer.day.isoformat(),
        "notes": list(answer.spot.notes),
        "answer": list(wording.headline(answer)),
        "limits": list(wording.limits_of_knowledge(answer)),
        "levels": [_level(level) for level in answer.levels],
    }


def list_dict(found: Iterable[Standing], day: date) -> dict[str, Any]:
    """A list of rules in plain values that JSON can hold."""
    return {
        "schema": LIST,
        **_head(load_register()),
        "day": day.isoformat(),
        "rules": [standing_dict(one) for one in found],
    }


def to_json(table: dict[str, Any]) -> str:
    """Indented JSON in ASCII, so that it survives any terminal and any pipe."""
    return json.dumps(table, indent=2, ensure_ascii=True, allow_nan=False)


def to_csv(found: Iterable[Standing]) -> str:
    """One row a rule; several values in one cell are set apart by "; "."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in found:
        writer.writerow(_row(one))
    return text.getvalue()


def standing_dict(one: Standing) -> dict[str, Any]:
    """A rule and where it stood, in plain values."""
    rule = one.rule.model_dump(mode="json", exclude_none=True)
    return {
        "place": one.place.name,
        "place_id": one.place.id,
        "level": one.place.level.value,
        "iso": one.place.iso,
        "rule": rule.pop("id"),
        "day": one.day.isoformat(),
        "status": one.status.value,
        "possible": [status.value for status in one.possible],
        "where_it_stood": wording.where_it_stood(one),
        "caveats": list(wording.caveats(one)),
        "foreseen": one.foreseen,
        "effect": one.effect.value,
        "adopted": _change(one.adopted),
        "started": _change(one.started),
        "since": _change(one.since),
        "next": _change(one.next),
        **rule,
        "last_checked": one.place.last_checked.isoformat(),
    }


def _head(register: Register) -> dict[str, Any]:
    return {
        "crowdveil": __version__,
        "register": {
            "version": register.version,
            "date": register.date.isoformat(),
            "not_found": list(register.not_found),
        },
        "advice": wording.NOT_ADVICE,
    }


def _level(level: Level) -> dict[str, Any]:
    return {
        "level": level.area.level.value,
        "name": level.area.name,
        "id": level.area.id,
        "code": level.area.code,
        "known": level.known,
        "rules": [standing_dict(one) for one in level.standings],
        "later": level.later,
        "not_bound": list(level.not_bound),
        "not_found": list(level.not_found),
    }


def _change(change: Change | None) -> dict[str, Any] | None:
    return None if change is None else change.model_dump(mode="json", exclude_none=True)


def _row(one: Standing) -> list[object]:
    rule = one.rule
    values = [
        *(LIST, one.day, one.place.name, one.place.id, one.place.level.value, one.place.iso),
        *(rule.id, rule.title, rule.number, rule.kind.value, one.effect.value, one.status.value),
        "; ".join(one.possible),
        wording.where_it_stood(one),
        *_bounds(one.adopted),
        *_bounds(one.started),
        one.next.status.value if one.next else None,
        *_bounds(one.next),
        *("; ".join(rule.binds), rule.who, "; ".join(rule.restricts), rule.confidence.value),
        *(rule.doubt, one.place.last_checked, "; ".join(source.url for source in rule.sources)),
    ]
    return ["" if value is None else value for value in values]


def _bounds(change: When | None) -> tuple[date | None, date | None]:
    return (change.earliest, change.latest) if change else (None, None)
