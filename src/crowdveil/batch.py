"""Runs the jobs of one batch: checks, computes on a few threads, writes, reports.

Jobs and the work to do on each come in, a summary comes out. Everything that can be refused
is refused before the first file is read; after that one bad file fails alone. Threads only
compute; the caller's thread writes, in the order given, so that an interrupt finds at most
one output in writing, which then disappears. Videos, too large for memory, are written by
their thread to a hidden file that gets its name here. What the work is, is left to `api`.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import BinaryIO, TypeAlias

from crowdveil.detect.engine import cores
from crowdveil.errors import CrowdveilError
from crowdveil.media.atomic import claim, make_folder, place_whole, refused, write_whole
from crowdveil.media.leftovers import HOLDS, sweep
from crowdveil.notices import Notice
from crowdveil.options import Writing
from crowdveil.outputs import Job, to_do
from crowdveil.pipeline import in_order
from crowdveil.plan import Plan
from crowdveil.progress import Progress, Tell
from crowdveil.sources import Found
from crowdveil.summary import Outcome, Status, Summary, Watcher, outcome_of
from crowdveil.veiling import Breath
from crowdveil.weigh import BUDGET_PX, weight_px

FEWEST_WORKERS, MOST_WORKERS = 2, 4
"""Threads: with one core, a second still fills waits; more than four only cost memory."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one job, not yet written.

    Attributes:
        plan: what was, or is to be, veiled.
        photo: the bytes of the veiled photo, None for a video or if the job asks only for a
            plan.
        notices: what the user must hear of the file.
    """

    plan: Plan
    photo: bytes | None = None
    notices: tuple[Notice, ...] = ()


Work: TypeAlias = Callable[[Job, Breath, Tell], Made]
"""Does one job, called on several threads at once. Writes nothing but a video, to the job's
`partial`. Calls the second argument between stages and frames, which raises when the batch is
left, and tells the third how far a video is."""

GRACE_S = 10.0
"""How long a video in writing gets to stop and clean up; it looks once a frame."""


class _Stopped(Exception):  # noqa: N818 (no error: the answer to a request)
    """The batch was left while a thread was still at work."""


def run(
    found: Found,
    jobs: Sequence[Job],
    prepare: Callable[[], Work],
    writing: Writing,
    watcher: Watcher | None,
) -> Summary:
    """Do every job that is not done yet.

    Args:
        found: what else came out of the paths; its refusals become failures.
        jobs: what to do.
        prepare: makes the work; called once the outputs are known to be fine, and only if
            there is something to do.
        writing: what happens to outputs that exist.
        watcher: told how it gets on.

    Raises:
        OutputRefused: as `outputs.to_do`; nothing has been written.
        CrowdveilError: what `prepare` raises; nothing has been written.
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
        attempts = in_order(
            rest,
            partial(_attempt, prepare(), watcher, claims),
            weight=lambda job: weight_px(job.source, video=job.video is not None),
            budget=BUDGET_PX,
            workers=min(max(cores(), FEWEST_WORKERS), MOST_WORKERS),
            grace_s=GRACE_S if any(job.partial for job in rest) else 0.0,
        )
        try:
            with closing(attempts):
                for job, made in attempts:
                    report(_written(job, made, overwrite=writing.overwrite))
                    if job.partial in claims:
                        claims.pop(job.partial).close()
        finally:
            _sweep(rest)
            for file in claims.values():
                file.close()
    return Summary(tuple(outcomes), tuple(found.skipped))


def _sweep(jobs: Sequence[Job]) -> None:
    """Remove what a video left in writing."""
    for job in jobs:
        if job.partial is not None:
            with suppress(OSError):
                job.partial.unlink(missing_ok=True)


def _attempt(
    work: Work, watcher: Watcher | None, claims: dict[Path, BinaryIO], job: Job, stop: Event
) -> Made | str:
    """Do one job on a thread; the sentence of its failure if it fails.

    The file that a video is written to goes into `claims`, so that no other run removes it.
    """

    def breath() -> None:
        if stop.is_set():
            raise _Stopped

    def tell(progress: Progress) -> None:
        if watcher is not None:
            watcher.progress(job.source, progress)

    try:
        breath()
        if job.partial is not None:
            make_folder(job.partial.parent)
            try:
                claims[job.partial] = claim(job.partial)
            except OSError as error:
                raise refused(job.partial.parent, error) from error
            if not HOLDS:
                claims[job.partial].close()
        return work(job, breath, tell)
    except CrowdveilError as error:
        return str(error)
    except MemoryError:
        return f"{job.source}: there is not enough memory for this file; close other programs"
    except _Stopped:
        raise
    except Exception as error:
        # One photo that trips over a bug must not cost the rest of the batch.
        _log.debug("%s", job.source, exc_info=True)
        return (
            f"{job.source}: failed because of a bug in crowdveil ({type(error).__name__}: "
            f"{error}); please report it, and do not publish this file as it is"
        )


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
