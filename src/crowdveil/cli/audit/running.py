"""Runs one audit for a command: prints what it found and turns its end into an exit code."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from crowdveil.cli import INTERRUPTED
from crowdveil.cli.running import FAILED, WRONG_USAGE
from crowdveil.cli.words import plain
from crowdveil.errors import CrowdveilError, OptionsInvalid


@dataclass(frozen=True, slots=True)
class Told:
    """What an audit came to.

    Attributes:
        answers: in sentences.
        files: what was written, the page to read first.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    answers: tuple[str, ...]
    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def run(work: Callable[[], Told], *, quiet: bool) -> None:
    """Do `work` and print what it found.

    Raises:
        typer.Exit: with the exit code, if it failed or the user interrupted.
    """
    try:
        told = work()
    except KeyboardInterrupt:
        typer.echo("Interrupted: nothing was written.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except CrowdveilError as error:
        typer.echo(plain(error), err=True)
        code = WRONG_USAGE if isinstance(error, OptionsInvalid) else FAILED
        raise typer.Exit(code) from error
    for sentence in told.warnings:
        typer.echo(f"Check the data. {plain(sentence)}", err=True)
    if not quiet:
        for sentence in told.answers:
            typer.echo(plain(sentence))
        page, *others = told.files
        names = ", ".join(plain(path.name) for path in others)
        typer.echo(f"\nTo read: {plain(page)}\nBeside it: {names}")
