"""Writes an audit: a page to read, `audit.json` for programs, and CSV tables for spreadsheets.

The page, the values and the tables come in; a folder goes out, whole or not at all. The values
say how to make the audit again: the command, the version, and the hash of every input.
"""

import hashlib
import json
import math
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from crowdveil import __version__
from crowdveil.errors import OutputRefused
from crowdveil.media.atomic import write_whole
from crowdveil.media.leftovers import HOLDS, hold, partial_path, sweep
from crowdveil.report.spreadsheets import inert

SCHEMA = "crowdveil/audit/1"
"""Name and version of what `audit.json` holds."""

PAGE, VALUES = "report.html", "audit.json"

Rows = Sequence[Mapping[str, object]]

_BLOCK_BYTES = 1 << 20


def provenance(kind: str, inputs: Mapping[str, Path], words: Sequence[str]) -> dict[str, Any]:
    """What is needed to make an audit again.

    Args:
        kind: the subcommand.
        inputs: what each file is to the audit, and where it is.
        words: what follows the subcommand on a command line.
    """
    return {
        "schema": SCHEMA,
        "kind": kind,
        "crowdveil": __version__,
        "command": shlex.join(["crowdveil", "audit", kind, *words]),
        "inputs": [
            {"role": role, "name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)}
            for role, path in inputs.items()
        ],
    }


def sha256(path: Path) -> str:
    """The hash of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_bundle(
    out: Path,
    page: str,
    values: Mapping[str, Any],
    tables: Mapping[str, Rows],
    *,
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Write `report.html`, `audit.json` and `NAME.csv` for each table.

    Args:
        out: the folder; made if it is missing, with its parents.
        page: HTML.
        values: for `audit.json`; what is not a finite number becomes null.
        tables: rows of equal keys by name; a table without rows is not written. Text that a
            spreadsheet would take for a formula is made harmless.
        overwrite: whether files that exist are replaced.

    Returns:
        The files, the page first.

    Raises:
        OutputRefused: a file exists and may not be replaced, or cannot be written.
    """
    files = {
        PAGE: page.encode(),
        VALUES: (json.dumps(finite(values), indent=1, ensure_ascii=False) + "\n").encode(),
    }
    for name, rows in tables.items():
        if rows:
            cells = [
                {inert(name): inert(cell) for name, cell in finite(row).items()} for row in rows
            ]
            frame = pl.DataFrame(cells, infer_schema_length=None)
            files[f"{name}.csv"] = frame.write_csv().encode()
    there = [name for name in files if os.path.lexists(out / name)]
    if there and not overwrite:
        raise OutputRefused(f"{out / there[0]}: exists already; use --overwrite to replace it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sweep([out.parent, out])
        if os.path.lexists(out):
            for name, data in files.items():
                write_whole(out / name, data, overwrite=overwrite)
        else:
            _write_folder(out, files)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputRefused(f"{out}: cannot be written ({reason}); choose another") from error
    return tuple(out / name for name in files)


def finite(value: Any) -> Any:
    """The same value as JSON can hold it: infinities and NaN become None, all the way down."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    partial = partial_path(out)
    descriptor: int | None = None
    try:
        partial.mkdir()
        if HOLDS:
            descriptor = os.open(partial, os.O_RDONLY)
            hold(descriptor)
        for name, data in files.items():
            write_whole(partial / name, data)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)
