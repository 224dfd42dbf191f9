"""Reads which group the people in each file belong to, as the user labelled them.

A CSV file and pairs come in, labels go out. crowdveil never infers a group.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from crowdveil.errors import OptionsInvalid
from crowdveil.evidence.pairs import Pair

_COLUMNS = ("file", "group")


def read_groups(path: Path | None, pairs: Sequence[Pair]) -> list[str | None]:
    """The group of the people in each pair, None for those that the file does not name.

    Args:
        path: a CSV file in UTF-8 with the columns `file` and `group`, or None. Files are named
            by their place under the folder of the copies (`day 2/b.jpg`) or by the name of the
            original.
        pairs: what is checked.

    Raises:
        OptionsInvalid: it cannot be read, lacks a column, names a file that is not checked, or
            puts one file into two groups.
    """
    if path is None:
        return [None] * len(pairs)
    named: dict[str, str | None] = {}
    for name, group in _rows(path):
        if named.setdefault(name, group) != group:
            raise OptionsInvalid(f"{path}: puts {name} into two groups; check --groups")
    known = {name for pair in pairs for name in _names(pair)}
    strangers = [name for name in named if name not in known]
    if strangers:
        more = f" and {len(strangers) - 1:,} more" if len(strangers) > 1 else ""
        raise OptionsInvalid(
            f"{path}: names {strangers[0]}{more}, which is not among the files that are checked; "
            "name files as the folder of the copies does, or as their originals are called"
        )
    return [next((named[name] for name in _names(pair) if name in named), None) for pair in pairs]


def _names(pair: Pair) -> tuple[str, str]:
    return pair.place.as_posix(), pair.original.name


def _rows(path: Path) -> list[tuple[str, str | None]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            fields = [field.strip() for field in reader.fieldnames or ()]
            if not set(_COLUMNS) <= set(fields):
                raise OptionsInvalid(
                    f"{path}: has no columns {' and '.join(_COLUMNS)} in its first line; check "
                    "--groups"
                )
            reader.fieldnames = fields
            rows = [((row["file"] or "").strip(), (row["group"] or "").strip()) for row in reader]
    except OSError as error:
        raise OptionsInvalid(
            f"{path}: cannot be read ({error.strerror}); check --groups"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise OptionsInvalid(f"{path}: is no CSV file in UTF-8; check --groups") from error
    return [(name, group or None) for name, group in rows if name]
