"""Evidence on one screen: what is wrong, what to look at, the answer.

The one place where a record becomes sentences on a terminal.
"""

from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from crowdveil.cli.running import FAILED, WRONG_USAGE
from crowdveil.cli.words import count, plain
from crowdveil.errors import CrowdveilError, OptionsInvalid
from crowdveil.evidence.findings import Finding
from crowdveil.evidence.record import Evidence, Result
from crowdveil.evidence.report import answer

EXPOSED = 3
"""Exit code when someone is exposed."""

_FILES, _FINDINGS = 12, 4
"""Files listed under one heading, and findings of each; record and report tell all."""


def console(*, stderr: bool = False) -> Console:
    """A console that takes everything as plain text."""
    return Console(highlight=False, emoji=False, markup=False, soft_wrap=True, stderr=stderr)


def fail(error: CrowdveilError) -> NoReturn:
    """Say what went wrong and leave with the exit code for it."""
    console(stderr=True).print(Text(plain(error), style="red"))
    raise typer.Exit(WRONG_USAGE if isinstance(error, OptionsInvalid) else FAILED) from error


def summarise(record: Evidence, places: tuple[Path, Path] | None, *, quiet: bool) -> None:
    """One screen: what is wrong, what to look at, the answer."""
    out = console()
    _list(out, "Exposed:", [(file.name, file.exposed) for file in record.files], style="red")
    if not quiet:
        _list(
            out,
            "Worth a look:",
            [(file.name, file.doubtful) for file in record.files],
            style="yellow",
        )
        for attack in record.reidentification:
            name = f"{attack.recogniser}: " if len(record.reidentification) > 1 else ""
            out.print(plain(name + attack.sentences[0]))
        if record.reidentification:
            out.print()
        _figures(out, record)
    if quiet and record.result is Result.CLEAN:
        return
    style = {Result.CLEAN: "bold green", Result.EXPOSED: "bold red"}.get(record.result, "bold")
    out.print(Text(answer(record), style=style))
    if not quiet and places is not None:
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
