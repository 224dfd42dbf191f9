"""What a person sees of a batch: a progress bar, failures as they come, a closing summary.

The bar and failures go to stderr, the summary to stdout. Knows how to say it; what
happened is in `crowdveil.summary`.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from crowdveil.cli.streams import lost
from crowdveil.cli.words import Wording, count, first, plain
from crowdveil.errors import CrowdveilError
from crowdveil.progress import Progress, Stage
from crowdveil.sources import Why
from crowdveil.summary import LARGE_PX, Outcome, Status, Summary

LISTED = 20
"""Files listed under one heading; --json tells all."""

NAMED = 3
"""Files named in brackets after a count."""

AFTERWARDS = "Clothes, tattoos, places and missed faces still show: docs/threat-model.md"


class Screen:
    """Reports to a person.

    Args:
        wording: how the command speaks of its work.
        quiet: whether only what went wrong, and new names, are told.
    """

    def __init__(self, wording: Wording, *, quiet: bool) -> None:
        """Prepare; nothing is shown before it is entered."""
        self._wording = wording
        self._quiet = quiet
        self._outcomes: list[Outcome] = []
        self._out = Console(highlight=False, emoji=False, markup=False, soft_wrap=True)
        self._err = Console(highlight=False, emoji=False, markup=False, soft_wrap=True, stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30, complete_style="cyan", finished_style="cyan"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[faces]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self._err,
            transient=True,
            disable=quiet or not self._err.is_terminal,
        )
        self._task = self._bar.add_task(wording.doing, total=None, faces="")
        self._film: TaskID | None = None
        self._began = 0.0
        self._stage: Stage | None = None

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        self._bar.stop()

    def begin(self, total: int) -> None:
        """Set the length of the bar."""
        self._bar.update(self._task, total=total)

    def done(self, outcome: Outcome) -> None:
        """Advance the bar, or say above it what failed."""
        self._outcomes.append(outcome)
        if outcome.error is not None:
            self._problem(outcome.error)
        for notice in outcome.notices:
            if notice.loud:
                self._problem(f"{outcome.source}: {notice.text}")
        if self._film is not None:
            self._bar.remove_task(self._film)
            self._film = self._stage = None
        faces = count(sum(outcome.faces for outcome in self._outcomes), "face")
        self._bar.update(self._task, advance=1, faces=faces)

    def progress(self, source: Path, progress: Progress) -> None:
        """Advance a video's own bar, and say how fast it goes."""
        if self._film is None:
            self._film = self._bar.add_task("", faces="")
        if progress.stage is not self._stage:
            self._stage, self._began = progress.stage, monotonic()
            self._bar.reset(self._film)
        speed = progress.frames_done / max(monotonic() - self._began, 1e-3)
        step = {Stage.LOOKING: "1/2", Stage.VEILING: "2/2"}[progress.stage]
        self._bar.update(
            self._film,
            description=f"  {plain(source.name)} {step}",
            total=progress.frames,
            completed=progress.frames_done,
            faces=f"{speed:.0f} frames/s",
        )

    def warned(self, sentence: str) -> None:
        """Say what the user should know before the work begins."""
        self._sentence(f"Warning: {sentence}", style="yellow")

    def refused(self, error: CrowdveilError) -> None:
        """Say why nothing was done."""
        self._problem(str(error))

    def interrupted(self) -> None:
        """Say what is done and how to go on."""
        done = sum(outcome.status is not Status.FAILED for outcome in self._outcomes)
        self._names(self._outcomes)
        advice = (
            "start again into an empty folder"
            if self._wording.renames
            else "run the same command with --resume to go on"
        )
        self._sentence(f"Stopped: {count(done, 'file')} done, and whole; {advice}")

    def ended(self, summary: Summary) -> None:
        """The closing summary."""
        self._names(summary.done)
        if not summary.outcomes:
            self._problem("nothing to do: no file for this command was found")
        if self._quiet:
            return
        self._look(summary)
        self._notices(summary)
        self._left_out(summary)
        # Last, so that a long list does not push it off the screen.
        if summary.done or summary.already:
            self._totals(summary)
        if summary.done and self._wording.publishes:
            self._out.print(Text(AFTERWARDS, style="dim"))

    def _totals(self, summary: Summary) -> None:
        films = sum(bool(outcome.frames) for outcome in summary.done)
        kinds = [count(len(summary.done) - films, "photo")] if films < len(summary.done) else []
        kinds += [count(films, "video")] if films else []
        photos = " and ".join(kinds) or "nothing"
        faces = count(summary.faces, "face")
        line = Text.assemble(
            (f"{self._wording.done} {photos}", "bold"), f", {faces}, in {plain(self._wording.out)}"
        )
        if summary.already:
            line.append(f"; {len(summary.already):,} done before")
        self._out.print(line)

    def _look(self, summary: Summary) -> None:
        """Name what a person should look at, the most dangerous first."""
        self._list(
            "No face found, so look for one:",
            [plain(_shown(outcome)) for outcome in summary.faceless],
        )
        self._list(
            "Uncertain faces, veiled to be safe:"
            if self._wording.publishes
            else "Uncertain faces, marked in the plan:",
            [f"{plain(_shown(outcome))}  {_doubts(outcome)}" for outcome in summary.uncertain],
        )
        self._list(
            "Faces left bare, as the plan says:",
            [
                f"{plain(_shown(outcome))}  {outcome.kept}"
                for outcome in summary.done
                if outcome.kept
            ],
        )

    def _notices(self, summary: Summary) -> None:
        """What must be known of copies that are fine, each sentence once."""
        files: dict[str, list[str]] = {}
        for outcome in summary.done:
            for notice in dict.fromkeys(outcome.notices):
                if not notice.loud:
                    files.setdefault(notice.text, []).append(outcome.source.name)
        for text, names in files.items():
            self._out.print(f"Note: {plain(text)} ({first(names, NAMED)})")
        if files:
            self._out.print()

    def _left_out(self, summary: Summary) -> None:
        lines = []
        if failures := summary.failures:
            names = first([outcome.source.name for outcome in failures], NAMED)
            lines.append(Text(f"failed, not copied: {len(failures):,} ({names})", style="red"))
        for why in Why:
            if paths := [skipped.path for skipped in summary.skipped if skipped.why is why]:
                lines.append(Text(f"{why}: {len(paths):,} ({first(_names(paths), NAMED)})"))
        for line in lines:
            self._out.print(line)
        if lines:
            self._out.print()

    def _names(self, outcomes: Iterable[Outcome]) -> None:
        pairs = self._wording.new_names(outcomes)
        if not pairs:
            return
        self._out.print(Text(pairs[0]))
        for pair in pairs[1:]:
            self._out.print(f"  {pair}")
        self._out.print()
        if lost(sys.stdout) is not None:
            # Nobody could ever tell again which is which.
            for line in pairs:
                self._err.print(Text(line))

    def _list(self, heading: str, entries: Sequence[str]) -> None:
        if not entries:
            return
        self._out.print(Text(heading, style="yellow"))
        for entry in entries[:LISTED]:
            self._out.print(f"  {entry}")
        if len(entries) > LISTED:
            self._out.print(f"  and {len(entries) - LISTED:,} more; --json tells all")
        self._out.print()

    def _problem(self, sentence: str) -> None:
        self._sentence(sentence, style="red")

    def _sentence(self, sentence: str, style: str = "") -> None:
        """One line in a file or a pipe; on a terminal broken between words."""
        self._err.print(Text(plain(sentence), style=style), soft_wrap=not self._err.is_terminal)


def _shown(outcome: Outcome) -> Path:
    """What a person would open to look at an outcome."""
    return outcome.output or outcome.plan_file or outcome.source


def _doubts(outcome: Outcome) -> str:
    """How many faces are uncertain, and how many of them are worth the first look."""
    doubts = f"{outcome.uncertain} of {outcome.faces}"
    return f"{doubts} ({outcome.large} at least {LARGE_PX} pixels)" if outcome.large else doubts


def _names(paths: Iterable[Path]) -> list[str]:
    return [path.name for path in paths]
