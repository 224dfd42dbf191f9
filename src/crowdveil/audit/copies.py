"""Finds pictures that are in the data more than once, by their templates or their bytes.

Templates with their people, or files, come in. One picture under two people is a label that
cannot be right and ends the audit; one that a person has twice is told, since it always matches
itself.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from crowdveil.audit.bundle import sha256
from crowdveil.audit.embeddings import Embeddings, has_template
from crowdveil.errors import TableInvalid


@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one table.

    Attributes:
        path: the table.
        embeddings: (n, d).
        person: (n,) who they show, numbered alike in all tables.
    """

    path: Path
    embeddings: Embeddings
    person: npt.NDArray[np.integer]


def copies(tables: Sequence[Templates]) -> tuple[str, ...]:
    """What to say of templates that occur more than once.

    Raises:
        TableInvalid: one template is of two people.
    """
    places: dict[bytes, tuple[int, str]] = {}
    again = 0
    first = ""
    for table in tables:
        usable = has_template(table.embeddings)
        for row in np.flatnonzero(usable).tolist():
            key = blake2b(np.ascontiguousarray(table.embeddings[row]).tobytes(), digest_size=16)
            where = f"row {row + 1} of {table.path}"
            person = int(table.person[row])
            other = places.setdefault(key.digest(), (person, where))
            if other[1] == where:
                continue
            if other[0] != person:
                raise TableInvalid(
                    f"{where} has the very template of {other[1]}, but of another person; one of "
                    "them is wrong, so correct or take out the row"
                )
            again += 1
            first = first or f"{where} repeats {other[1]}"
    if not again:
        return ()
    return (
        f"{again:,} pictures have the very template of another of the same person ({first}). A "
        "picture compared with itself always matches, so misses are too few; take copies out.",
    )


def same_files(paths: Sequence[Path], subjects: Sequence[str]) -> tuple[str, ...]:
    """What to say of photos whose bytes occur more than once.

    Raises:
        TableInvalid: the same bytes are of two people.
    """
    again, first = 0, ""
    for alike in _alike(paths, lambda path: path.stat().st_size):
        if not paths[alike[0]].stat().st_size:
            continue
        for group in _alike([paths[n] for n in alike], sha256):
            same = [alike[n] for n in group]
            for other in same[1:]:
                one = paths[same[0]]
                if subjects[same[0]] != subjects[other]:
                    raise TableInvalid(
                        f"{one} and {paths[other]} are the same picture, but of "
                        f"{subjects[same[0]]!r} and {subjects[other]!r}; one of them is wrong, so "
                        "correct or take out one"
                    )
                again += 1
                first = first or f"{paths[other]} repeats {one}"
    if not again:
        return ()
    return (
        f"{again:,} photos are copies of another of the same person ({first}). A picture compared "
        "with itself always matches, so misses are too few; take copies out.",
    )


def _alike(paths: Sequence[Path], key: Callable[[Path], object]) -> list[list[int]]:
    """Places of the files that share a key with another, key by key."""
    found: defaultdict[object, list[int]] = defaultdict(list)
    for number, path in enumerate(paths):
        found[key(path)].append(number)
    return [places for places in found.values() if len(places) > 1]
