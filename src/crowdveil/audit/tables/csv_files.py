"""How a CSV file is written: what parts its fields, and where one of them cannot be read.

A path comes in; the separator goes out, or one sentence that says what the file is instead and
what to do. Spreadsheets write semicolons where the decimal mark is a comma, and tabs when told
to. Reading the rows is left to `score_rows` and `rows`.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from crowdveil.errors import TableInvalid

MOST_LISTED = 30
"""Columns named in a sentence."""

_SEPARATORS = ",;\t|"
_HEAD_BYTES = 1 << 16
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""What .xlsx and .ods, and .xls begin with."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def separator_of(path: Path) -> str:
    """What parts the fields of the header: a comma unless another occurs more often.

    Raises:
        TableInvalid: the file is empty or no text in UTF-8, or names a column twice.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise TableInvalid(f"{path}: there is no such file") from error
    except OSError as error:
        reason = error.strerror or error
        raise TableInvalid(f"{path}: cannot be read as a table ({reason})") from error
    if not head.strip():
        raise TableInvalid(f"{path}: cannot be read as a table (it is empty)")
    if head.startswith(_WORKBOOKS):
        raise TableInvalid(f"{path}: is a workbook, not a table; save its sheet as CSV in UTF-8")
    if head.startswith(_UTF_16):
        raise TableInvalid(f"{path}: is in UTF-16; save it as CSV in UTF-8")
    if b"\0" in head:
        raise TableInvalid(f"{path}: is no text; give CSV in UTF-8, Parquet or NPZ")
    if b"\n" not in head and b"\r" in head:
        raise TableInvalid(f"{path}: its lines end in CR alone; save it as CSV in UTF-8")
    header = head.splitlines()[0].decode("utf-8-sig", "replace")
    separator = max(_SEPARATORS, key=header.count)
    names = next(csv.reader([header], delimiter=separator))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TableInvalid(f"{path}: has two columns {twice!r}; name every column differently")
    return separator


def fault_in(path: Path, separator: str) -> str | None:
    """Which row of a CSV file cannot be read and why, None if that is not told by its text."""
    number = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=separator, strict=True)
            fields = len(next(rows, []))
            for row in rows:
                number += 1
                if len(row) > fields:
                    return f"row {number} has {len(row)} fields, and the header has {fields}"
    except UnicodeDecodeError:
        return f"row {_undecodable(path)} is not in UTF-8; save the table as CSV in UTF-8"
    except csv.Error:
        return f"row {number + 1} has a quotation mark that is not closed, or stands alone"
    return None


def no_number(found: object) -> str:
    """What to say of a field that should hold a number."""
    hint = "; write decimals with a point" if "," in str(found) else ""
    return f"{found!r}, not a finite number{hint}"


def listed(names: Sequence[str]) -> str:
    """Names of columns for a sentence; odd ones in quotes, and of many the first."""
    shown = [name if name.isprintable() and name else repr(name) for name in names[:MOST_LISTED]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _undecodable(path: Path) -> int:
    """The first row that is no UTF-8, 0 for the header."""

    def bad(line: bytes) -> bool:
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return True
        return False

    with path.open("rb") as file:
        lines: Iterator[bytes] = iter(file)
        return next((number for number, line in enumerate(lines) if bad(line)), 0)
