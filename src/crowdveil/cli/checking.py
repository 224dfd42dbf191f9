"""Runs a check for a command: writes record and report, exits.

Used by `check` and by `veil --check`. What is found is left to `crowdveil.evidence`, saying it to
`evidence_screen`.
"""

import os
from collections.abc import Callable
from pathlib import Path, PurePath

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from crowdveil.cli import INTERRUPTED
from crowdveil.cli.evidence_screen import EXPOSED, console, fail, summarise
from crowdveil.cli.running import FAILED
from crowdveil.cli.words import plain
from crowdveil.errors import CrowdveilError, OutputRefused
from crowdveil.evidence.check import Watcher, check, check_pairs
from crowdveil.evidence.checked import Checked
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Matched, Pair
from crowdveil.evidence.record import FileRecord, Result
from crowdveil.evidence.report import report
from crowdveil.evidence.signing import private_key, sign
from crowdveil.kinds import kind_of
from crowdveil.media.atomic import make_folder, write_whole
from crowdveil.media.leftovers import sweep
from crowdveil.plan import Plan
from crowdveil.summary import Status, Summary

RECORD, REPORT = "evidence.json", "report.html"


class _Bar:
    """Shows how far a check is."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30, complete_style="cyan", finished_style="cyan"),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._reading: TaskID | None = None

    def begin(self, total: int) -> None:
        self._bar.start()
        self._task = self._bar.add_task("Checking", total=total)

    def gallery(self, done: int, total: int) -> None:
        if self._reading is None:
            self._bar.start()
            self._reading = self._bar.add_task("Reading the gallery", total=total)
        self._bar.update(self._reading, completed=done)

    def done(self, file: FileRecord) -> None:
        if self._task is not None:
            self._bar.advance(self._task)
        if file.error is not None:
            self._console.print(Text(plain(file.error), style="red"))

    def stop(self) -> None:
        self._bar.stop()


def check_and_report(
    original: Path,
    veiled: Path,
    out: Path,
    *,
    options: CheckOptions,
    json: bool,
    quiet: bool,
) -> None:
    """Check, write record and report, say what was found.

    Raises:
        typer.Exit: with 3 if someone is exposed, 1 if something could not be checked, 2 for
            options that contradict each other.
    """
    _run(
        lambda bar: check(original, veiled, options=options, watcher=bar),
        out,
        options=options,
        json=json,
        quiet=quiet,
    )


def check_veiled(
    summary: Summary, out: Path, *, folder: Path, options: CheckOptions, json: bool, quiet: bool
) -> None:
    """Check what was just veiled, and what earlier runs of the same call veiled.

    Args:
        summary: of the run.
        out: where record and report go.
        folder: of the copies, under which the report names them.
        options: of the check; their look is that of the run.
        json, quiet: what is printed.

    Raises:
        typer.Exit: as `check_and_report`.
    """
    pairs = [
        Pair(
            one.source,
            one.output,
            _under(one.output, folder),
            one.frames > 0 or _is_video(one.source),
            *_planned(one.plan_file),
        )
        for one in summary.outcomes
        if one.output is not None and one.status is not Status.FAILED
    ]
    matched = Matched(tuple(pairs), ())
    _run(
        lambda bar: check_pairs(matched, options=options, watcher=bar),
        out,
        options=options,
        json=json,
        quiet=quiet,
    )


def _planned(path: Path | None) -> tuple[Plan | None, Path | None]:
    """A plan and where it is; a plan of an earlier run may have gone or been changed since."""
    if path is None:
        return None, None
    try:
        return Plan.load(path), path
    except CrowdveilError:
        return None, None


def _is_video(source: Path) -> bool:
    try:
        return kind_of(source).video is not None
    except CrowdveilError:
        return False  # the check itself says what is wrong with it


def _under(path: Path, folder: Path) -> PurePath:
    try:
        return path.relative_to(folder)
    except ValueError:
        return PurePath(path.name)


def require_place(out: Path, options: CheckOptions) -> None:
    """Refuse for `veil`, before any work begins, a folder that holds a record already."""
    try:
        _places(out, options, "move it away")
    except CrowdveilError as error:
        fail(error)


def _run(
    work: Callable[[Watcher], Checked],
    out: Path,
    *,
    options: CheckOptions,
    json: bool,
    quiet: bool,
) -> None:
    err = console(stderr=True)
    bar = _Bar(err, quiet=quiet or json)
    try:
        key = private_key(options.sign) if options.sign else None
        places = _places(out, options)
        try:
            checked = work(bar)
        finally:
            bar.stop()
        record = checked.record if key is None else sign(checked.record, key)
        unwritten = _write(places, Checked(record, checked.sheets), options)
    except KeyboardInterrupt:
        err.print("Stopped: nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    except CrowdveilError as error:
        fail(error)
    for one in (*record.unmatched, *record.settings.gallery_unread):
        err.print(Text(plain(one.why), style="red"))
    if json:
        typer.echo(record.model_dump_json())
    else:
        summarise(record, None if unwritten else places, quiet=quiet)
    for failure in unwritten:
        err.print(Text(plain(failure), style="red"))
    if record.result is Result.EXPOSED:
        raise typer.Exit(EXPOSED)
    if record.result is Result.UNCHECKED or unwritten:
        raise typer.Exit(FAILED)


_ELSEWHERE = "choose another folder with -o"


def _places(out: Path, options: CheckOptions, elsewhere: str = _ELSEWHERE) -> tuple[Path, Path]:
    """Where record and report go; refused before any work begins if they exist."""
    places = out / RECORD, out / REPORT
    if os.path.lexists(out) and not os.path.isdir(out):
        raise OutputRefused(f"{out}: is no folder; {elsewhere}")
    found = [path for path in places if os.path.lexists(path)]
    if found and not options.overwrite:
        raise OutputRefused(
            f"{found[0]}: exists already; add --overwrite to replace it, or {elsewhere}"
        )
    return places


def _write(
    places: tuple[Path, Path], checked: Checked, options: CheckOptions
) -> list[CrowdveilError]:
    """Write record and report; what could not be written costs nothing of what was found."""
    record, page = places
    try:
        make_folder(record.parent)
    except CrowdveilError as error:
        return [error]
    sweep([record.parent])
    failed: list[CrowdveilError] = []
    for path, text in (
        (record, checked.record.to_json()),
        (page, report(checked, private=options.private)),
    ):
        try:
            write_whole(path, text.encode(), overwrite=options.overwrite)
        except CrowdveilError as error:
            failed.append(error)
    return failed
