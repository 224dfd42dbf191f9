"""What came of a batch: one outcome per file, the whole as a summary, and who is told.

What the command line prints, what `--json` writes and what the Python API returns are all
read from here. Printing is left to `cli`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from crowdveil.notices import Notice
from crowdveil.plan import Action, Origin, Plan, Region, Track
from crowdveil.progress import Progress
from crowdveil.sources import Skipped

LARGE_PX = 24
"""Longer side of a face, in pixels of the picture, from which a recogniser has enough of it."""


class Status(StrEnum):
    """How one file ended."""

    DONE = "done"
    ALREADY = "already"
    """Done by an earlier run and left as it is."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file.

    Holds counts instead of the plan, so that a batch of thousands stays small in memory.

    Attributes:
        source: the file (or the plan, where the file was not found).
        status: how it ended.
        output: the veiled copy, None if there is none.
        plan_file: the plan that was written, None if none was.
        faces: how many faces are veiled; where pictures move, most in any one frame.
        uncertain: how many of those a person should look at.
        large: how many of these are ever `LARGE_PX` or more, and so come first.
        kept: how many faces are left bare because the plan says so.
        error: one sentence, None unless it failed.
        frames: how many frames a video has, 0 for a photo.
        notices: what the user must hear of a file that was done.
    """

    source: Path
    status: Status
    output: Path | None = None
    plan_file: Path | None = None
    faces: int = 0
    uncertain: int = 0
    large: int = 0
    kept: int = 0
    error: str | None = None
    frames: int = 0
    notices: tuple[Notice, ...] = ()

    @property
    def lacking(self) -> bool:
        """Whether the copy lacks part of what the source shows."""
        return any(notice.loud for notice in self.notices)

    @property
    def faceless(self) -> bool:
        """Whether the file was done and no face was found in it."""
        return self.status is Status.DONE and self.faces + self.kept == 0


def outcome_of(
    plan: Plan,
    source: Path,
    *,
    output: Path | None = None,
    plan_file: Path | None = None,
    video: bool = False,
    notices: tuple[Notice, ...] = (),
) -> Outcome:
    """The outcome of a file that was done as its plan says."""

    def most(counts: Callable[[Region | Track], bool]) -> int:
        # Filled regions of old plans repeat a face of a neighbouring frame.
        change: Counter[int] = Counter()
        for region in plan.regions:
            if region.origin is not Origin.FILLED and counts(region):
                change[region.frame] += 1
                change[region.frame + 1] -= 1
        for track in plan.tracks:
            if counts(track):
                change[track.first] += 1
                change[track.last + 1] -= 1
        return max(accumulate(change[frame] for frame in sorted(change)), default=0)

    return Outcome(
        source,
        Status.DONE,
        output=output,
        plan_file=plan_file,
        faces=most(lambda region: region.action is Action.VEIL),
        uncertain=most(_asks),
        large=most(lambda region: _asks(region) and _longest_px(region) >= LARGE_PX),
        kept=most(lambda region: region.action is Action.KEEP),
        frames=plan.source.frames if video else 0,
        notices=notices,
    )


def _asks(region: Region | Track) -> bool:
    """Whether it is veiled and a person should look at it."""
    return region.action is Action.VEIL and region.uncertain


def _longest_px(region: Region | Track) -> float:
    """Longer side of its box, or of the largest of its boxes, in pixels."""
    boxes = [region.box] if isinstance(region, Region) else [key[1:] for key in region.keyframes]
    return max(max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes)


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a batch.

    Attributes:
        outcomes: one for each file that was given or found and is a photo or video, or could
            be one.
        skipped: what folders held besides.
    """

    outcomes: tuple[Outcome, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def done(self) -> tuple[Outcome, ...]:
        """The files that were done in this run."""
        return self._with(Status.DONE)

    @property
    def already(self) -> tuple[Outcome, ...]:
        """The files that an earlier run had done."""
        return self._with(Status.ALREADY)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The files that failed; each says why in `error`."""
        return self._with(Status.FAILED)

    @property
    def uncertain(self) -> tuple[Outcome, ...]:
        """The files done in this run that hold faces a person should look at, in this order."""
        asking = (outcome for outcome in self.done if outcome.uncertain)
        return tuple(sorted(asking, key=lambda outcome: -outcome.large))

    @property
    def faceless(self) -> tuple[Outcome, ...]:
        """The files done in this run in which no face was found."""
        return tuple(outcome for outcome in self.done if outcome.faceless)

    @property
    def lacking(self) -> tuple[Outcome, ...]:
        """The files done in this run whose copies lack part of what the source shows."""
        return tuple(outcome for outcome in self.done if outcome.lacking)

    @property
    def faces(self) -> int:
        """How many faces were veiled in this run."""
        return sum(outcome.faces for outcome in self.done)

    def _with(self, status: Status) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status is status)


class Watcher(Protocol):
    """Is told how a batch gets on, from the thread that started it."""

    def begin(self, total: int) -> None:
        """`total` files will be reported."""

    def done(self, outcome: Outcome) -> None:
        """One file has ended."""

    def progress(self, source: Path, progress: Progress) -> None:
        """A video or animation has come so far; told for every frame, from another thread."""
