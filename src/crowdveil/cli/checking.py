"""Runs a check for a command: reports on one screen, writes record and report, exits.

Used by `check` and by `veil --check`. The one place where evidence becomes sentences on a
terminal; what is found is left to `crowdveil.evidence`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from crowdveil.cli import INTERRUPTED
from crowdveil.cli.running import FAILED, WRONG_USAGE
from crowdveil.cli.words import count, plain
from crowdveil.errors import CrowdveilError, OptionsInvalid, OutputRefused
from crowdveil.evidence.check import Checked, Watcher, check, check_pairs
from crowdveil.evidence.findings import Finding
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Matched, Pair
from crowdveil.evidence.record import Evidence, FileRecord, Result
from crowdveil.evidence.report import answer, report
from crowdveil.evidence.signing import new_key, private_key, public_key, sign, verify
from crowdveil.media.atomic import write_whole
from crowdveil.plan import Plan
from crowdveil.summary import Status, Summary
from crowdveil.veiling import sha256_of

EXPOSED = 3
"""Exit code when someone is exposed."""

RECORD, REPORT = "evidence.json", "report.html"

_FILES, _FINDINGS = 12, 4
"""Files listed under one heading, and findings of each; record and report tell all."""


class _Bar:
    """Shows how far a check is."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("Checking"),
            BarColumn(bar_width=30, complete_style="cyan", finished_style="cyan"),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None

    def begin(self, total: int) -> None:
        self._bar.start()
        self._task = self._bar.add_task("", total=total)

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
    """Check what was just veiled.

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
            one.frames > 0,
            Plan.load(one.plan_file) if one.plan_file else None,
            one.plan_file,
        )
        for one in summary.outcomes
        if one.output is not None and one.status is Status.DONE
    ]
    matched = Matched(tuple(pairs), ())
    _run(
        lambda bar: check_pairs(matched, options=options, watcher=bar),
        out,
        options=options,
        json=json,
        quiet=quiet,
    )


def _under(path: Path, folder: Path) -> PurePath:
    try:
        return path.relative_to(folder)
    except ValueError:
        return PurePath(path.name)


def require_place(out: Path, options: CheckOptions) -> None:
    """Refuse, before any work begins, a folder that holds a record already."""
    try:
        _places(out, options)
    except CrowdveilError as error:
        _fail(error)


def _run(
    work: Callable[[Watcher], Checked],
    out: Path,
    *,
    options: CheckOptions,
    json: bool,
    quiet: bool,
) -> None:
    err = _console(stderr=True)
    bar = _Bar(err, quiet=quiet or json)
    try:
        key = private_key(options.sign) if options.sign else None
        places = _places(out, options)
        try:
            checked = work(bar)
        finally:
            bar.stop()
        record = checked.record if key is None else sign(checked.record, key)
        _write(places, Checked(record, checked.sheets), options)
    except KeyboardInterrupt:
        err.print("Stopped: nothing was written")
        raise typer.Exit(INTERRUPTED) from None
    except CrowdveilError as error:
        _fail(error)
    for one in record.unmatched:
        err.print(Text(plain(one.why), style="red"))
    if json:
        typer.echo(record.model_dump_json())
    else:
        _summary(record, places, quiet=quiet)
    if record.result is Result.EXPOSED:
        raise typer.Exit(EXPOSED)
    if record.result is Result.UNCHECKED:
        raise typer.Exit(FAILED)


def make_key(path: Path, *, others: bool) -> None:
    """Make a key pair and say what to do with it."""
    if others:
        raise typer.BadParameter("--new-key stands alone")
    try:
        public = new_key(path)
    except CrowdveilError as error:
        _fail(error)
    console = _console()
    console.print(f"Private key: {plain(path)}. Keep it: whoever has it can sign in your name.")
    console.print(f"Public key:  {plain(public)}. Give it to those who will verify.")


def verify_record(
    path: Path, key: Path | None, veiled: Iterable[Path], *, json: bool, quiet: bool
) -> None:
    """Verify a signed record, and that copies are those it speaks of.

    Raises:
        typer.Exit: with 1 if the record was changed, is not signed by this key, or a copy is
            not the one that was checked; with 3 if it is sound and says that someone is exposed.
    """
    out = _console()
    try:
        record, fingerprint = verify(path, public_key(key) if key else None)
        changed = [name for folder in veiled for name in _changed(record, folder)]
    except CrowdveilError as error:
        _fail(error)
    if json:
        typer.echo(record.model_dump_json())
    elif not quiet:
        out.print(Text(f"The record is as it was signed, on {record.made_on}.", style="bold"))
        out.print(f"Key: {fingerprint}")
        if key is None:
            out.print("Compare this key with the signer's: give it with --public-key.")
        out.print(answer(record))
    for sentence in changed:
        _console(stderr=True).print(Text(plain(sentence), style="red"))
    if changed:
        raise typer.Exit(FAILED)
    if record.result is not Result.CLEAN:
        raise typer.Exit(EXPOSED if record.result is Result.EXPOSED else FAILED)


def _changed(record: Evidence, given: Path) -> list[str]:
    """What differs between the record and the copies at hand."""
    if not given.exists():
        return [f"{given}: is not there; check the path"]
    found = []
    known = {file.copy_sha256 for file in record.files}
    if given.is_file():
        if sha256_of(given) not in known:
            found.append(f"{given}: is not a copy that the record speaks of")
        return found
    for file in record.files:
        path = given / file.name
        if not path.is_file():
            found.append(f"{path}: is in the record and not in the folder")
        elif sha256_of(path) != file.copy_sha256:
            found.append(f"{path}: is not the copy that was checked: it was changed since")
    return found


def _places(out: Path, options: CheckOptions) -> tuple[Path, Path]:
    """Where record and report go; refused before any work begins if they exist."""
    places = out / RECORD, out / REPORT
    if out.exists() and not out.is_dir():
        raise OutputRefused(f"{out}: is no folder; choose another with -o")
    found = [path for path in places if path.exists()]
    if found and not options.overwrite:
        raise OutputRefused(
            f"{found[0]}: exists already; add --overwrite to replace it, or choose another folder "
            "with -o"
        )
    return places


def _write(places: tuple[Path, Path], checked: Checked, options: CheckOptions) -> None:
    record, page = places
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputRefused(f"{record.parent}: cannot be made ({error.strerror})") from error
    text = report(checked, private=options.private)
    write_whole(page, text.encode(), overwrite=options.overwrite)
    write_whole(record, checked.record.to_json().encode(), overwrite=options.overwrite)


def _summary(record: Evidence, places: tuple[Path, Path], *, quiet: bool) -> None:
    """One screen: what is wrong, what to look at, the answer."""
    out = _console()
    _list(out, "Exposed:", [(file.name, file.exposed) for file in record.files], style="red")
    if not quiet:
        _list(
            out,
            "Worth a look:",
            [(file.name, file.doubtful) for file in record.files],
            style="yellow",
        )
        if record.reidentification is not None:
            for sentence in record.reidentification.sentences[:1]:
                out.print(plain(sentence))
            out.print()
        _figures(out, record)
    if quiet and record.result is Result.CLEAN:
        return
    style = {Result.CLEAN: "bold green", Result.EXPOSED: "bold red"}.get(record.result, "bold")
    out.print(Text(answer(record), style=style))
    if not quiet:
        out.print(Text(f"Report: {plain(places[1])}   Record: {plain(places[0])}", style="dim"))


def _figures(out: Console, record: Evidence) -> None:
    faces = [file.faces for file in record.files if file.faces is not None]
    found, hidden = sum(one.found for one in faces), sum(one.hidden for one in faces)
    parts = [f"{hidden:,} of {count(found, 'face')} found in the originals hidden"]
    measured = [file.integrity for file in record.files if file.integrity is not None]
    if measured:
        same = 1 - max(one.visible for one in measured)
        parts.append(f"outside the veils at least {_share(same)} of the pixels look the same")
    out.print(f"{'; '.join(parts)}.")
    proven = [file.noninterference for file in record.files if file.noninterference is not None]
    if proven:
        sound = sum(one.independent for one in proven)
        out.print(
            f"Veils independent of what they hide: {sound:,} of {count(len(proven), 'file')}."
        )
    absent = sorted({name for f in record.files if f.leaks for name in f.leaks.absent})
    if absent:
        out.print(f"Not installed, so they did not look for leaks: {', '.join(absent)}.")


def _share(value: float) -> str:
    """A share that is not rounded up to all of it."""
    return "100 %" if value == 1 else f"{int(value * 10_000) / 100:.2f} %"


def _list(
    out: Console, heading: str, files: list[tuple[str, tuple[Finding, ...]]], *, style: str
) -> None:
    told = [(name, findings) for name, findings in files if findings]
    if not told:
        return
    out.print(Text(heading, style=style))
    for name, findings in told[:_FILES]:
        for finding in findings[:_FINDINGS]:
            out.print(f"  {plain(name)}: {plain(_sentence(finding))}")
        if len(findings) > _FINDINGS:
            out.print(f"  {plain(name)}: and {len(findings) - _FINDINGS:,} more")
    if len(told) > _FILES:
        out.print(f"  and {len(told) - _FILES:,} more files; the report names all")
    out.print()


def _sentence(finding: Finding) -> str:
    parts = [finding.what]
    if finding.time_s is not None:
        until = "" if finding.until_s in (None, finding.time_s) else f" to {finding.until_s:.2f} s"
        parts.append(f"at {finding.time_s:.2f} s{until}")
    elif finding.frame is not None:
        parts.append(f"page {finding.frame + 1}")
    if finding.box is not None and finding.size_px is not None:
        x, y = finding.box[:2]
        parts.append(f"{finding.size_px:.0f} px at {x:.0f}, {y:.0f}")
    if finding.place is not None:
        parts.append(finding.place)
    return ", ".join(parts)


def _console(*, stderr: bool = False) -> Console:
    return Console(highlight=False, emoji=False, markup=False, soft_wrap=True, stderr=stderr)


def _fail(error: CrowdveilError) -> NoReturn:
    _console(stderr=True).print(Text(plain(error), style="red"))
    raise typer.Exit(WRONG_USAGE if isinstance(error, OptionsInvalid) else FAILED) from error
