"""Checks veiled copies against their originals and puts together the evidence.

Paths and options come in; a record of everything that was found and measured goes out, with
pictures for a report. One bad file does not stop the others: what could not be checked is told
as loudly as what is exposed, also what its worker died of. One pair is left to `attempt`.
"""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from crowdveil import __version__
from crowdveil.detect.engine import cores
from crowdveil.evidence.checked import Checked, One, file_record, result_of, sheet_of
from crowdveil.evidence.gallery import Gallery, read_gallery
from crowdveil.evidence.groups import read_groups
from crowdveil.evidence.leaks.witnesses import Witnesses
from crowdveil.evidence.options import CheckOptions
from crowdveil.evidence.pairs import Matched, match
from crowdveil.evidence.portraits import Portrait
from crowdveil.evidence.record import AttackRecord, Evidence, FileRecord, Missing, Result, Settings
from crowdveil.evidence.stills import close_up
from crowdveil.evidence.tasks import (
    Attack,
    Attackers,
    Checkers,
    attacked_by,
    attackers,
    checked_by,
    checkers,
    faces_by,
    recognisers_by,
    thumb_by,
    weights_by,
    workers_for,
)
from crowdveil.pipeline import in_order
from crowdveil.redact.look import Look
from crowdveil.weigh import BUDGET_PX


class Watcher(Protocol):
    """Is told how a check gets on, from the thread that started it."""

    def gallery(self, done: int, total: int) -> None:
        """So many photos of the gallery have been looked at."""

    def begin(self, total: int) -> None:
        """`total` pairs will be reported."""

    def done(self, file: FileRecord) -> None:
        """One pair has been checked."""


def check(
    original: Path | str,
    veiled: Path | str,
    *,
    options: CheckOptions | None = None,
    watcher: Watcher | None = None,
) -> Checked:
    """Look for everything in veiled copies by which someone could still be recognised.

    Args:
        original: a photo or video, or a folder of them.
        veiled: its copy, or the folder of the copies.
        options: None for the defaults.
        watcher: told how it gets on.

    Returns:
        The record, not signed yet, and pictures for a report.

    Raises:
        OptionsInvalid: the options contradict each other or name what is not there.
        UnreadableMedia: a path is not there.
        PlanInvalid, WeightsInvalid: plans or weights cannot be used.
    """
    options = options or CheckOptions()
    with checkers(options) as crew:
        matched = match(
            Path(original), Path(veiled), plans=options.plans, thumb=partial(thumb_by, crew)
        )
        return _checked(matched, crew, options, watcher)


def check_pairs(
    matched: Matched, *, options: CheckOptions, watcher: Watcher | None = None
) -> Checked:
    """As `check`, for files whose partners are known."""
    with checkers(options) as crew:
        return _checked(matched, crew, options, watcher)


def _checked(
    matched: Matched, crew: Checkers, options: CheckOptions, watcher: Watcher | None
) -> Checked:
    workers = workers_for(matched.pairs)
    threads = max(cores() // workers, 1)
    groups = read_groups(options.groups, matched.pairs)
    unmatched = [Missing(name=str(one.path), why=one.why) for one in matched.unmatched]
    files: list[FileRecord] = []
    ones: list[One] = []
    attacked: tuple[AttackRecord, ...] = ()
    with ExitStack() as scope:
        attacking = None if options.quick else scope.enter_context(attackers(options))
        # What is wrong with weights is said before any work begins.
        weights = weights_by(crew, threads)
        weights |= recognisers_by(attacking) if attacking else {}
        gallery = _gallery(options, crew, workers, threads, watcher)
        if watcher is not None:
            watcher.begin(len(matched.pairs))
        attempts = in_order(
            matched.pairs,
            lambda pair, stop: checked_by(crew, pair, threads),
            weight=lambda pair: BUDGET_PX if pair.is_video else 0,
            budget=BUDGET_PX,
            workers=workers,
        )
        with closing(attempts):
            for pair, one in attempts:
                files.append(file_record(pair, one))
                ones.append(one)
                if watcher is not None:
                    watcher.done(files[-1])
        if attacking and files:
            found = _attacked(files, ones, attacking, options, gallery, groups)
            if isinstance(found, str):
                unmatched.append(Missing(name="attacks with recognisers", why=found))
            else:
                files, attacked = found
    record = Evidence(
        crowdveil=__version__,
        made_on=datetime.now(UTC).strftime("%Y-%m-%d"),
        settings=Settings(
            caution=options.caution.value,
            detector=options.detector.name if options.detector else None,
            quick=options.quick,
            plans=options.plans is not None,
            gallery=len(gallery.people),
            gallery_unread=tuple(Missing(name=name, why=why) for name, why in gallery.unread),
        ),
        weights=weights,
        tools=Witnesses().versions,
        result=_overall(files, bool(unmatched), attacked),
        files=tuple(files),
        unmatched=tuple(unmatched),
        reidentification=attacked,
    )
    sheets = [sheet_of(one, file) for one, file in zip(ones, files, strict=True)]
    return Checked(record, tuple(sheets))


def _gallery(
    options: CheckOptions, crew: Checkers, workers: int, threads: int, watcher: Watcher | None
) -> Gallery:
    """The faces of other people, looked at first: what is wrong with them ends the check soon."""
    if options.gallery is None:
        return Gallery()

    def tell(done: int, total: int) -> None:
        if watcher is not None:
            watcher.gallery(done, total)

    def faces_of(path: Path) -> Sequence[Portrait] | str:
        return faces_by(crew, path, threads)

    return read_gallery(options.gallery, faces_of, workers=workers, tell=tell)


def _overall(
    files: Sequence[FileRecord], unmatched: bool, attacked: Sequence[AttackRecord]
) -> Result:
    results = {file.result for file in files}
    if Result.EXPOSED in results or any(one.exposed for one in attacked):
        return Result.EXPOSED
    if unmatched or not files or Result.UNCHECKED in results or any(file.error for file in files):
        return Result.UNCHECKED
    return Result.CLEAN


def _attacked(
    files: list[FileRecord],
    ones: Sequence[One],
    crew: Attackers,
    options: CheckOptions,
    gallery: Gallery,
    groups: Sequence[str | None],
) -> tuple[list[FileRecord], tuple[AttackRecord, ...]] | str:
    """Attack the veiled faces of all files, and add what that found to each.

    Returns:
        The files with it and the figures, or the sentence why nothing could be found out.
    """
    attack = Attack(
        faces=tuple(tuple(one.veiled) for one in ones),
        look=_look_of(files, options),
        gallery=gallery.people,
        groups=tuple(groups),
    )
    answer = attacked_by(crew, attack)
    if isinstance(answer, str):
        return answer
    found = answer.attacked
    added = []
    for file, one, new in zip(files, ones, found.recognised, strict=True):
        findings = (*file.findings, *(finding for finding, _ in new))
        if options.private:
            one.crops += [
                close_up(face.before, face.after, face.box).of(finding) for finding, face in new
            ]
        added.append(
            file.model_copy(
                update={"findings": findings, "result": result_of(findings, file.error)}
            )
        )
    return added, found.records


def _look_of(files: Sequence[FileRecord], options: CheckOptions) -> Look | None:
    """How the faces were veiled: as the user or a proof says, else unknown."""
    if options.style is not None:
        return options.look(None)
    for file in files:
        if file.noninterference is not None:
            return file.noninterference.look
    return None
