"""Runs the jobs of one batch: checks, has them done by workers, writes, reports.

Jobs and what to do with each come in, a summary comes out. Everything that can be refused
is refused before the first file is read; after that one bad file fails alone, even one that
its worker dies of. Workers only compute; the caller's thread writes, in the order given, so that
an interrupt finds at most one output in writing, which then disappears. Videos, too large for
memory, are written by their worker to a hidden file that gets its name here.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import BinaryIO, TypeAlias

from crowdveil.detect.engine import cores
from crowdveil.errors import CrowdveilError
from crowdveil.isolation.crew import Crew
from crowdveil.isolation.limits import Limits
from crowdveil.media.atomic import claim, make_folder, place_whole, refused, write_whole
from crowdveil.media.leftovers import HOLDS, sweep
from crowdveil.options import Writing
from crowdveil.outputs import Job, to_do
from crowdveil.pipeline import in_order
from crowdveil.progress import Progress
from crowdveil.sources import Found
from crowdveil.summary import Outcome, Status, Summary, Watcher, outcome_of
from crowdveil.tasks import VEILING, Made, Setup
from crowdveil.weigh import BUDGET_PX

_Crew: TypeAlias = Crew[Setup, Job, Made]

MOST_WORKERS = 4
"""Workers that do photos side by side; more only cost memory."""

WORTH = 50.0
"""How much work makes a worker worth its start; a photo of 1,024 pixels counts as one. Each worker
loads the networks and prepares them for every size of picture anew: a second one for 41 photos took
a seventh more of the processor's time (bench/isolation.py), while one uses all cores by itself."""

_PHOTO_BYTES = 300_000
"""Size of such a photo's file."""


LARGE = 40.0
"""Work from which a photo, of some 40 megapixels, gets all cores: two such would not be in memory
together anyway."""


@dataclass(frozen=True, slots=True)
class Hands:
    """How photos are shared out.

    Attributes:
        workers: how many work side by side.
        threads: how many cores each of them uses.
    """

    workers: int
    threads: int


def run(
    found: Found,
    jobs: Sequence[Job],
    setup: Setup,
    writing: Writing,
    limits: Limits,
    watcher: Watcher | None,
    *,
    begin: Callable[[], None] = lambda: None,
) -> Summary:
    """Do every job that is not done yet.

    Args:
        found: what else came out of the paths; its refusals become failures.
        jobs: what to do.
        setup: what is to be done with each.
        writing: what happens to outputs that exist.
        limits: what one file may take.
        watcher: told how it gets on.
        begin: called once all is ready, before the first file is worked on, and only if there
            is one.

    Raises:
        OutputRefused: as `outputs.to_do`; nothing has been written.
        WeightsInvalid: the weights, or the user's own detector, cannot be used; nothing has been
            written.
    """
    todo = to_do(jobs, writing)
    rest = todo.rest
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if watcher is not None:
            watcher.done(outcome)

    if watcher is not None:
        watcher.begin(len(found.refusals) + len(jobs))
    for refusal in found.refusals:
        report(Outcome(refusal.path, Status.FAILED, error=refusal.error))
    for job, sentence in todo.refused:
        report(Outcome(job.edited_path or job.source, Status.FAILED, error=sentence))
    for job in todo.done:
        report(Outcome(job.source, Status.ALREADY, output=job.output, plan_file=job.plan))
    claims: dict[Path, BinaryIO] = {}
    if rest:
        sweep(path.parent for job in rest for path in job.outputs)
        hands = share(rest, cores())
        with Crew(
            VEILING,
            replace(setup, films=rest[0].video is not None),
            limits,
            undone="it was NOT copied" if rest[0].output else "there is NO plan of it",
            room=BUDGET_PX,
        ) as crew:
            try:
                crew.ready(_threads(rest[0], hands))
                begin()
                attempts = in_order(
                    rest,
                    partial(_attempt, crew, hands, watcher, Lock(), claims),
                    weight=lambda job: int(_work(job) >= LARGE),
                    budget=0,  # what is large goes alone; what fits together is for `room`
                    workers=hands.workers,
                )
                with closing(attempts):
                    for job, made in attempts:
                        report(_written(job, made, overwrite=writing.overwrite))
                        if job.partial in claims:
                            claims.pop(job.partial).close()
            except BaseException:
                crew.leave()
                _sweep(rest)
                raise
            finally:
                for file in claims.values():
                    file.close()
    return Summary(tuple(outcomes), tuple(found.skipped))


def share(jobs: Sequence[Job], cores: int) -> Hands:
    """How to share out photos among workers that use so many cores together.

    Few are done by one worker, as starting another would take longer than they do.
    """
    small = [work for work in map(_work, jobs) if work < LARGE]
    workers = max(min(cores, MOST_WORKERS, len(small), int(sum(small) / WORTH)), 1)
    return Hands(workers, max(cores // workers, 1))


def _work(job: Job) -> float:
    """How much work a file is, judged by its size; a video is more than any photo."""
    if job.video is not None:
        return math.inf
    with suppress(OSError):
        return max(job.source.stat().st_size / _PHOTO_BYTES, 1.0)
    return 1.0


def _threads(job: Job, hands: Hands) -> int:
    return hands.threads if _work(job) < LARGE else cores()


def _sweep(jobs: Sequence[Job]) -> None:
    """Remove what videos left in writing."""
    for job in jobs:
        if job.partial is not None:
            with suppress(OSError):
                job.partial.unlink(missing_ok=True)


def _attempt(
    crew: _Crew,
    hands: Hands,
    watcher: Watcher | None,
    telling: Lock,
    claims: dict[Path, BinaryIO],
    job: Job,
    stop: Event,
) -> Made | str:
    """Have one job done; the sentence of its failure if it fails.

    The file that a video is written to goes into `claims`, so that no other run removes it.
    """

    def tell(progress: Progress) -> None:
        if watcher is not None:
            with telling:  # two animations may be under way
                watcher.progress(job.source, progress)

    try:
        if job.partial is not None:
            make_folder(job.partial.parent)
            try:
                claims[job.partial] = claim(job.partial)
            except OSError as error:
                raise refused(job.partial.parent, error) from error
            if not HOLDS:
                claims[job.partial].close()
        made = crew.do(job, path=job.source, threads=_threads(job, hands), tell=tell)
    except CrowdveilError as error:
        made = str(error)
    if isinstance(made, str):
        _sweep([job])
    elif (made.photo is None) != (job.output is None or job.partial is not None):
        return f"{job.source}: a worker did something else than it was asked; please report it"
    return made


def _written(job: Job, made: Made | str, *, overwrite: bool) -> Outcome:
    """Write what came of a job, the copy last, as its presence says that all is done."""
    named = job.edited_path or job.source
    if isinstance(made, str):
        # Of many plans of one photo, which one failed.
        told = made if str(named) in made else f"{named}: {made}"
        return Outcome(named, Status.FAILED, error=told)
    try:
        if job.plan is not None:
            _write(job.plan, made.plan.to_json().encode(), overwrite)
        if job.output is not None:
            try:
                if made.photo is not None:
                    _write(job.output, made.photo, overwrite)
                elif job.partial is not None:
                    place_whole(job.partial, job.output, overwrite=overwrite)
            except BaseException:
                if job.plan is not None:
                    job.plan.unlink(missing_ok=True)
                raise
    except CrowdveilError as error:
        return Outcome(named, Status.FAILED, error=str(error))
    return outcome_of(
        made.plan,
        job.source,
        output=job.output,
        plan_file=job.plan,
        video=job.video is not None,
        notices=job.notices + made.notices,
    )


def _write(path: Path, data: bytes, overwrite: bool) -> None:
    make_folder(path.parent)
    write_whole(path, data, overwrite=overwrite)
