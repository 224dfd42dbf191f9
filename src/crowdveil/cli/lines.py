"""`--json`: one object a line on stdout for each file, and a last one for the whole.

For programs. Failures also get their sentence on stderr, as without `--json`.
"""

import json
import sys
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import typer

from crowdveil.cli.streams import lost
from crowdveil.cli.words import Wording, plain
from crowdveil.errors import CrowdveilError
from crowdveil.progress import Progress
from crowdveil.summary import Outcome, Summary


class JsonLines:
    """Reports as JSON lines; see docs/cli.md for the fields.

    Args:
        wording: whether new names must be told, also when nobody reads the lines.
    """

    def __init__(self, wording: Wording) -> None:
        """Begin with nothing to tell."""
        self._wording = wording
        self._outcomes: list[Outcome] = []
        self._next = 0.0

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to clean up."""

    def begin(self, total: int) -> None:
        """Nothing to say yet."""

    def done(self, outcome: Outcome) -> None:
        """One line for one file."""
        self._outcomes.append(outcome)
        if outcome.error is not None:
            typer.echo(plain(outcome.error), err=True)
        for notice in outcome.notices:
            if notice.loud:
                typer.echo(plain(f"{outcome.source}: {notice.text}"), err=True)
        _write(
            {
                "source": str(outcome.source),
                "status": outcome.status.value,
                "output": str(outcome.output) if outcome.output else None,
                "plan": str(outcome.plan_file) if outcome.plan_file else None,
                "faces": outcome.faces,
                "uncertain": outcome.uncertain,
                "large": outcome.large,
                "kept": outcome.kept,
                "frames": outcome.frames,
                "notices": [notice.text for notice in outcome.notices],
                "error": outcome.error,
            }
        )

    def progress(self, source: Path, progress: Progress) -> None:
        """At most one line a second."""
        now = monotonic()
        if now < self._next and progress.frames_done != progress.frames:
            return
        self._next = now + 1
        _write(
            {
                "progress": str(source),
                "stage": progress.stage.value,
                "frames_done": progress.frames_done,
                "frames": progress.frames,
            }
        )

    def warned(self, sentence: str) -> None:
        """A line on stderr."""
        typer.echo(f"Warning: {plain(sentence)}", err=True)

    def refused(self, error: CrowdveilError) -> None:
        """The sentence on stderr, and in a summary of nothing."""
        typer.echo(plain(error), err=True)
        _write({"summary": {**_totals(Summary(())), "error": str(error)}})

    def interrupted(self) -> None:
        """A summary of what was done before the interrupt."""
        _write({"summary": {**_totals(Summary(tuple(self._outcomes))), "interrupted": True}})
        self._rescue_names()

    def ended(self, summary: Summary) -> None:
        """The last line."""
        skipped = [
            {"path": str(skipped.path), "why": skipped.why.value} for skipped in summary.skipped
        ]
        _write({"summary": {**_totals(summary), "skipped": skipped}})
        self._rescue_names()

    def _rescue_names(self) -> None:
        """Nobody could ever tell again which is which."""
        if lost(sys.stdout) is not None:
            for line in self._wording.new_names(self._outcomes):
                typer.echo(line, err=True)


def _totals(summary: Summary) -> dict[str, int]:
    return {
        "done": len(summary.done),
        "already": len(summary.already),
        "failed": len(summary.failures),
        "lacking": len(summary.lacking),
        "faces": summary.faces,
        "uncertain": sum(outcome.uncertain for outcome in summary.done),
        "faceless": len(summary.faceless),
    }


def _write(line: dict[str, object]) -> None:
    # Escaped to ASCII, so that odd file names survive any terminal and any pipe.
    typer.echo(json.dumps(line))
