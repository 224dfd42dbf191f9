"""Names every output, and refuses before any work begins what would lose or expose something.

Inputs with their places come in; out come jobs that say which file goes where. Two files that
would get one name get two, and names that are too long are cut. An output that is an input, and
outputs that exist, are refused here. Writing is left to `media.atomic`.
"""

import hashlib
import os
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePath

from crowdveil.errors import OptionsInvalid, OutputRefused
from crowdveil.media.formats import PHOTO_SUFFIXES, SUFFIXES
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video import containers
from crowdveil.media.video.clip import VideoFormat
from crowdveil.notices import Notice
from crowdveil.options import Writing
from crowdveil.plan import Plan

PLAN_SUFFIX = ".plan.json"

_NAMED = 20
"""Files that one message names; the rest is counted, so that the message stays readable."""

MOST_NAME_BYTES = 255
"""Of a file name, in UTF-8: what most file systems take; others count characters and take more."""

_MOST_SUFFIX_BYTES = 16

CLASHED = Notice("two files would have got one name, so what was written for this one has another")
CUT = Notice("its name was too long for what was written, which has a shorter one")


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
        notices: what the user must hear of its names.
    """

    source: Path
    output: Path | None = None
    plan: Path | None = None
    format: PhotoFormat | None = None
    video: VideoFormat | None = None
    partial: Path | None = None
    edited: Plan | None = None
    edited_path: Path | None = None
    notices: tuple[Notice, ...] = ()

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

    if out.suffix.lower() not in suffixes or os.path.isdir(out):
        return None
    if len(paths) == 1 and not os.path.isdir(paths[0]):
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


@dataclass(frozen=True, slots=True)
class Sorted:
    """The jobs of a batch, each list in the given order.

    Attributes:
        rest: what is to be done.
        done: what an earlier run has done.
        refused: what cannot be done, with the sentence that says why.
    """

    rest: list[Job]
    done: list[Job]
    refused: list[tuple[Job, str]]


def to_do(jobs: Sequence[Job], writing: Writing) -> Sorted:
    """Name and check all outputs at once and tell the jobs to do from those already done.

    A job counts as done when `writing.resume` is set and its last output exists, which is
    whole, as outputs appear whole or not at all. Whether it was made with the same
    settings is not checked. A job whose output is a folder is refused alone.

    Raises:
        OutputRefused: an output is an input, or exists though neither `overwrite` nor
            `resume` covers it; nothing has been written.
    """
    jobs = distinct(jobs)
    _refuse_inputs(jobs)
    rest: list[Job] = []
    done: list[Job] = []
    refused: list[tuple[Job, str]] = []
    for job in jobs:
        found = [path for path in job.outputs if os.path.lexists(path)]
        folders = [path for path in found if os.path.isdir(path)]
        if folders:
            sentence = (
                f"{folders[0]}: is a folder, where what comes of {job.source} should go; "
                "move it, or choose another folder with -o"
            )
            refused.append((job, sentence))
        elif writing.resume and os.path.isfile(job.outputs[-1]):
            done.append(job)
        elif writing.resume and found:
            sentence = (
                f"{found[0]}: exists already, but {job.outputs[-1]} does not, so {job.source} "
                "does not count as done; move the first away to have both written"
            )
            refused.append((job, sentence))
        else:
            rest.append(job)
    _refuse_existing(rest, writing)
    return Sorted(rest, done, refused)


def distinct(jobs: Sequence[Job]) -> list[Job]:
    """The same jobs, their outputs named so that no two are one file and no name is too long."""
    places = iter(settled([(path, job.source.name) for job in jobs for path in job.outputs]))
    named = []
    for job in jobs:
        plan = None if job.plan is None else next(places)
        output = None if job.output is None else next(places)
        after = [path for path in (plan, output) if path is not None]
        changed = [a for a, b in zip(job.outputs, after, strict=True) if a.name != b.name]
        notices = dict.fromkeys(CUT if _is_long(path.name) else CLASHED for path in changed)
        named.append(replace(job, plan=plan, output=output, notices=(*job.notices, *notices)))
    return named


def settled(wanted: Sequence[tuple[Path, str]]) -> list[Path]:
    """Where each output goes in the end: the place that it should have, if that is free.

    Of two with one place, the one that keeps its source's name has it, else the first; the
    other's is told apart by its source's full name (`IMG_1.heic.jpg`), else by a number
    (`IMG_1-2.jpg`). The same outputs in the same order always get the same places.

    Args:
        wanted: the place that an output should have, and its source's file name.
    """
    taken: set[str] = set()
    folders: dict[Path, str] = {}
    result: dict[int, Path] = {}
    for k in sorted(range(len(wanted)), key=lambda k: wanted[k][0].name != wanted[k][1]):
        place, source = wanted[k]
        # Folders reached through links could meet again under other names.
        folder = folders.setdefault(place.parent, os.path.realpath(place.parent))
        for name in _names(place.name, source):
            # Names that differ only in case or accents' encoding are one file on many systems.
            key = unicodedata.normalize("NFC", f"{folder}{os.sep}{name}").casefold()
            if key not in taken:
                taken.add(key)
                result[k] = place.with_name(name)
                break
    return [result[k] for k in range(len(wanted))]


def _names(name: str, source: str) -> Iterator[str]:
    """The names that an output may get, the best first."""
    yield _fitting(name)
    stem, suffix = _parted(name)
    if PurePath(source).suffix.lower() != suffix.lower():
        yield _fitting(source + suffix)
    for number in count(2):
        yield _fitting(f"{stem}-{number}{suffix}")


def _parted(name: str) -> tuple[str, str]:
    """A name without its suffix, and the suffix; a plan's has two, `.jpg.plan.json`."""
    plan = PLAN_SUFFIX if name.endswith(PLAN_SUFFIX) else ""
    place = PurePath(name.removesuffix(plan))
    suffix = (
        place.suffix if len(place.suffix.encode(errors="replace")) <= _MOST_SUFFIX_BYTES else ""
    )
    return place.name.removesuffix(suffix), suffix + plan


def _fitting(name: str) -> str:
    """The name, cut if it is too long; what is cut is told apart by a hash of all of it."""
    if not _is_long(name):
        return name
    data = name.encode(errors="surrogateescape")
    stem, suffix = _parted(name)
    end = f"~{hashlib.sha256(data).hexdigest()[:8]}{suffix}"
    room = MOST_NAME_BYTES - len(end.encode())
    return stem.encode()[:room].decode(errors="ignore") + end


def _is_long(name: str) -> bool:
    return len(os.fsencode(name)) > MOST_NAME_BYTES


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
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _listed(things: Iterable[object]) -> str:
    names = [str(thing) for thing in things]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
