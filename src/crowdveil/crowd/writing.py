"""Writes the report, JSON and CSV of scenarios into a folder, each file whole or not at all."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from crowdveil.crowd.export import to_csv, to_json
from crowdveil.crowd.report import comparison_report, report
from crowdveil.crowd.results import Results
from crowdveil.errors import OutputRefused
from crowdveil.media.atomic import write_whole
from crowdveil.media.leftovers import sweep

_NAMES = ("crowd", "crowd-b")


def write_results(
    found: Sequence[Results], folder: Path, *, overwrite: bool = False
) -> tuple[Path, ...]:
    """Write `crowd.html`, `crowd.json` and `crowd.csv`.

    A second scenario's are `crowd-b`, and `compare.html` sets both side by side.

    Args:
        found: one or two results.
        folder: made if need be.
        overwrite: whether existing files are replaced.

    Returns:
        What was written.

    Raises:
        OutputRefused: a file exists, or cannot be written; nothing is written if one exists.
    """
    makers: dict[Path, Callable[[], str]] = {
        folder / f"{name}.{suffix}": partial(made, results)
        for name, results in zip(_NAMES, found, strict=False)
        for suffix, made in (("html", report), ("json", to_json), ("csv", to_csv))
    }
    if len(found) > 1:
        makers[folder / "compare.html"] = partial(comparison_report, *found)
    for path in makers:
        if os.path.lexists(path) and not overwrite:
            raise OutputRefused(f"{path}: exists already; use --overwrite to replace it")
    contents = {path: make().encode() for path, make in makers.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputRefused(f"{folder}: cannot be made ({error.strerror})") from error
    sweep([folder])
    for path, data in contents.items():
        write_whole(path, data, overwrite=overwrite)
    return tuple(contents)
