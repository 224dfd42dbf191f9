"""Reads which group the people in each file belong to, as the user labelled them.

A CSV file and pairs come in, labels go out. crowdveil never infers a group.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from crowdveil.errors import OptionsInvalid
from crowdveil.evidence.pairs import Pair


def read_groups(path: Path | None, pairs: Sequence[Pair]) -> list[str | None]:
    """The group of the people in each file, from a CSV file with columns `file` and `group`."""
    if path is None:
        return [None] * len(pairs)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"file", "group"} <= set(reader.fieldnames or ()):
                raise KeyError("columns")
            rows = list(reader)
        named = {row["file"]: row["group"].strip() or None for row in rows}
    except (OSError, KeyError, UnicodeDecodeError, AttributeError) as error:
        raise OptionsInvalid(
            f"{path}: is no CSV file with the columns file and group; check --groups"
        ) from error
    return [named.get(pair.place.as_posix(), named.get(pair.original.name)) for pair in pairs]
