"""Reads what people and other programs wrote by hand: TOML and JSON files, with limits.

A path comes in, its text or its table goes out. A file that is too large, nests too deeply, is no
ordinary file or no text ends in one reason, a `ValueError`, and never in a crash. What the values
mean is left to whoever asks.
"""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

MOST_BYTES = 4_000_000
"""Of a description, a scenario or a list of names: far more than makes sense."""

MOST_PLAN_BYTES = 500_000_000
"""Of a plan, a record or an audit: a long film of a dense crowd takes some ten million."""

_MOST_DEPTH = 64
_DEEP = "it nests too deeply"


def read_bytes(path: str | os.PathLike[str], *, most: int = MOST_BYTES) -> bytes:
    """All of an ordinary file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no ordinary file, or has more than `most` bytes.
    """
    found = Path(path).stat()
    # A pipe would wait for ever.
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no ordinary file")
    if found.st_size > most:
        raise ValueError(f"it has more than {most // 1_000_000:,} million bytes")
    return Path(path).read_bytes()


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The table in a TOML file; raises `OSError` and `ValueError` as `read_bytes` and `toml`."""
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    return toml(text)


def toml(text: str) -> dict[str, Any]:
    """The table in a text; raises `ValueError` if it is no TOML or nests too deeply."""
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_DEEP) from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        # Python's own words for it are for programmers.
        raise ValueError("it holds a number or date that is out of all range") from error
    _check_depth(table)
    return table


def _check_depth(table: dict[str, Any]) -> None:
    level: list[Any] = [table]
    for _ in range(_MOST_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise ValueError(_DEEP)
