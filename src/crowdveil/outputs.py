"""Names every output, and refuses before any work begins what would lose or expose something.

Inputs with their places come in; out come jobs that say which file goes where. Two inputs
with one output, an output that is an input, and outputs that exist are refused here.
Writing is left to `media.atomic`.
"""

import os
import secrets
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from crowdveil.errors import OptionsInvalid, OutputRefused
from crowdveil.media.formats import PHOTO_SUFFIXES, SUFFIXES
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video import containers
from crowdveil.media.video.clip import VideoFormat
from crowdveil.options import Writing
from crowdveil.plan import Plan

PLAN_SUFFIX = ".plan.json"

_NAMED = 20
"""Files that one message names; the rest is counted, so that the message stays readable."""


@dataclass(frozen=True, slots=True)
class Job:
    """One photo or video to work on, and where its results go.

    Attributes:
        source: the file, which is only read.
        output: the veiled copy, None if only a plan is made.
        plan: the plan to write, None if none is written.
        format: the photo format to write, None for the source's own.
        video: the container to write, None unless it is a video.
        partial: where a video is written until it is whole; hidden, beside `output`.
        edited: the plan to render, None if one is to be made.
        edited_path: where the plan to render was read from.
    """

    source: Path
    output: Path | None = None
    plan: Path | None = None
    format: PhotoFormat | None = None
    video: VideoFormat | None = None
    partial: Path | None = None
    edited: Plan | None = None
    edited_path: Path | None = None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file that the job reads."""
        return (self.source, self.edited_path) if self.edited_path else (self.source,)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that the job writes, the one that shows that it is done last."""
        return tuple(path for path in (self.plan, self.output) if path is not None)


def place_under(place: PurePath, format: PhotoFormat | None) -> PurePath:
    """The place of an output: the input's, with a suffix that tells the truth.

    A suffix that fits `format` stays as it is, another photo suffix is replaced, and any
    other name gets the format's usual suffix added; None changes nothing.
    """
    if format is None or place.suffix.lower() in SUFFIXES[format]:
        return place
    stem = place.stem if place.suffix.lower() in PHOTO_SUFFIXES else place.name
    return place.with_name(stem + SUFFIXES[format][0])


def video_place(place: PurePath, video: VideoFormat) -> PurePath:
    """The place of a video's copy, as `place_under` for the container that is written."""
    known = containers.SUFFIXES[video]
    if place.suffix.lower() in known:
        return place
    stem = place.stem if place.suffix.lower() in containers.VIDEO_SUFFIXES else place.name
    return place.with_name(stem + known[0])


def neutral_places(places: Sequence[PurePath]) -> list[PurePath]:
    """Places that tell nothing of the names, order or times of the given ones.

    Files are numbered across the whole batch in a fresh random order; folders keep what
    lies together but lose their names and nesting.
    """
    numbers = _shuffled_numbers(len(places))
    folders = sorted({place.parent for place in places} - {PurePath()})
    numbered = zip(folders, _shuffled_numbers(len(folders)), strict=True)
    renamed = {folder: PurePath(f"folder-{number:02}") for folder, number in numbered}
    return [
        renamed.get(place.parent, PurePath()) / f"{_noun(place)}-{number:04}{_usual_suffix(place)}"
        for place, number in zip(places, numbers, strict=True)
    ]


def _shuffled_numbers(count: int) -> list[int]:
    numbers = list(range(1, count + 1))
    secrets.SystemRandom().shuffle(numbers)
    return numbers


def _noun(place: PurePath) -> str:
    return "video" if place.suffix.lower() in containers.VIDEO_SUFFIXES else "photo"


def _usual_suffix(place: PurePath) -> str:
    # Cameras and programs differ in .JPG, .jpg and .jpeg.
    format = format_of(place)
    return SUFFIXES[format][0] if format else place.suffix.lower()


def only_file(paths: Sequence[Path], out: Path) -> Path | None:
    """The output file, if `out` names one: one file is given and `out` ends like a media file.

    Raises:
        OptionsInvalid: `out` ends like a photo or video, but more than one file, or a folder,
            is given.
    """
    suffixes = PHOTO_SUFFIXES | containers.VIDEO_SUFFIXES
    if out.suffix.lower() not in suffixes or out.is_dir():
        return None
    if len(paths) == 1 and not paths[0].is_dir():
        return out
    raise OptionsInvalid(
        f"{out} looks like a file, but several files may come out; give a folder instead"
    )


def format_of(path: PurePath) -> PhotoFormat | None:
    """The format that a file name stands for, None if it is no photo's."""
    suffix = path.suffix.lower()
    return next((format for format, known in SUFFIXES.items() if suffix in known), None)


def container_of(path: PurePath) -> VideoFormat | None:
    """The container that a file name stands for, None if it is none that is written."""
    suffix = path.suffix.lower()
    return next((video for video, known in containers.SUFFIXES.items() if suffix in known), None)


def to_do(jobs: Sequence[Job], writing: Writing) -> tuple[list[Job], list[Job]]:
    """Check all outputs at once and tell the jobs to do from those already done.

    A job counts as done when `writing.resume` is set and its last output exists, which is
    whole, as outputs appear whole or not at all. Whether it was made with the same
    settings is not checked.

    Returns:
        The jobs to do and the jobs already done, each in the given order.

    Raises:
        OutputRefused: two jobs with one output, an output that is an input, or an output
            that exists though neither `overwrite` nor `resume` covers it; nothing has been
            written.
    """
    _refuse_shared(jobs)
    _refuse_inputs(jobs)
    done: list[Job] = []
    rest: list[Job] = []
    for job in jobs:
        (done if writing.resume and job.outputs[-1].is_file() else rest).append(job)
    _refuse_existing(rest, writing)
    return rest, done


def _refuse_shared(jobs: Sequence[Job]) -> None:
    """Names that differ only in case or accents' encoding are one file on many systems."""
    takers: defaultdict[str, list[tuple[Path, Job]]] = defaultdict(list)
    for job in jobs:
        for output in job.outputs:
            # Folders reached through links could meet again under other names.
            real = Path(os.path.realpath(output.parent), output.name)
            takers[unicodedata.normalize("NFC", str(real)).casefold()].append((output, job))
    clashes = [
        f"{' and '.join(str(job.source) for _, job in taken)} would all become {taken[0][0]}"
        for taken in takers.values()
        if len(taken) > 1
    ]
    if clashes:
        raise OutputRefused(
            f"nothing was written: {_listed(clashes)}; run them one by one, into different folders"
        )


def _refuse_inputs(jobs: Sequence[Job]) -> None:
    originals = {_identity(path): path for job in jobs for path in job.inputs}
    hit = [
        f"{output} is the original {originals[identity]}"
        for job in jobs
        for output in job.outputs
        if (identity := _identity(output)) is not None and identity in originals
    ]
    if hit:
        raise OutputRefused(
            f"nothing was written: {_listed(hit)}; originals are never written, "
            "choose another folder with -o"
        )


def _refuse_existing(jobs: Sequence[Job], writing: Writing) -> None:
    found = [path for job in jobs for path in job.outputs if os.path.lexists(path)]
    stuck = [path for path in found if path.is_dir()]
    if stuck:
        raise OutputRefused(
            f"nothing was written: {_listed(stuck)} would be replaced but is a folder; "
            "move it or choose another folder with -o"
        )
    if found and not writing.overwrite:
        count = "an output exists" if len(found) == 1 else f"{len(found)} outputs exist"
        raise OutputRefused(
            f"nothing was written, as {count} already; add --resume to keep what is done, "
            f"--overwrite to replace it, or choose another folder with -o: {_listed(found)}"
        )


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same for all names of one file, through links of either kind."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _listed(things: Iterable[object]) -> str:
    names = [str(thing) for thing in things]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
