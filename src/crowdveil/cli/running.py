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

    def __enter__(self) -> Self:
        """Begin to show progress."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show progress no more."""

    def warned(self, sentence: str) -> None:
        """Something the user should know before the work begins."""

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

        return JsonLines(wording)
    from crowdveil.cli.screen import Screen  # brings rich along

    return Screen(wording, quiet=quiet)


def run(
    work: Callable[[Watcher], Summary], report: Report, *, style: Style | None = None
) -> Summary:
    """Do `work` and report on it.

    Args:
        work: does the batch and tells a watcher how it gets on.
        report: tells the user.
        style: the style of the outputs, if any; the user is warned of one that leaks.

    Returns:
        What came of it, if all is well.

    Raises:
        typer.Exit: with the exit code, if anything failed, a copy lacks part of its source, or
            the user interrupted.
    """
    if style is not None and style in LOSSY_WARNING:
        report.warned(LOSSY_WARNING[style])
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
    if summary.failures or summary.lacking or not summary.outcomes:
        raise typer.Exit(FAILED)
    return summary
