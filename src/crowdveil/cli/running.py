"""Runs one batch for a command: reports as it goes and turns its end into an exit code.

The one place where errors become sentences on stderr, and Ctrl-C becomes a last word. What
the reports look like is left to `screen` and `lines`.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

import typer

from crowdveil.cli import INTERRUPTED
from crowdveil.cli.words import Wording
from crowdveil.errors import CrowdveilError, OptionsInvalid
from crowdveil.redact.look import LOSSY_WARNING, Style
from crowdveil.summary import Summary, Watcher

FAILED, WRONG_USAGE = 1, 2


class Report(Watcher, Protocol):
    """Tells the user, or a program, how a batch gets on and how it ended."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def refused(self, error: CrowdveilError) -> None:
        """Nothing was done, for this reason."""

    def interrupted(self) -> None:
        """The user stopped the batch."""

    def ended(self, summary: Summary) -> None:
        """The batch has ended, perhaps with failures."""


def report_for(wording: Wording, *, json: bool, quiet: bool) -> Report:
    """The report that the user asked for."""
    if json:
        from crowdveil.cli.lines import JsonLines

        return JsonLines()
    from crowdveil.cli.screen import Screen  # brings rich along

    return Screen(wording, quiet=quiet)


def warn_of_leaks(style: Style) -> None:
    """Say on stderr what a lossy style lets through; nothing for the others."""
    if style in LOSSY_WARNING:
        typer.echo(f"Warning: {LOSSY_WARNING[style]}", err=True)


def run(work: Callable[[Watcher], Summary], report: Report) -> Summary:
    """Do `work` and report on it.

    Returns:
        What came of it, if nothing failed.

    Raises:
        typer.Exit: with the exit code, if anything failed or the user interrupted.
    """
    try:
        with report:
            summary = work(report)
    except KeyboardInterrupt:
        report.interrupted()
        raise typer.Exit(INTERRUPTED) from None
    except CrowdveilError as error:
        report.refused(error)
        code = WRONG_USAGE if isinstance(error, OptionsInvalid) else FAILED
        raise typer.Exit(code) from error
    report.ended(summary)
    if summary.failures or not summary.outcomes:
        raise typer.Exit(FAILED)
    return summary
