"""Expands the paths that a user gives into the photos and videos to work on.

Files and folders come in; out come the files to veil with their place under the output folder,
the files that were refused with a sentence, and those that were left alone with the
reason. Nothing is passed over in silence. Reading files and naming outputs are left to
others.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath

from crowdveil.errors import CrowdveilError, UnreadableMedia, UnsupportedMedia
from crowdveil.kinds import Apart, kind_of
from crowdveil.media.picture import PhotoFormat
from crowdveil.media.video.clip import VideoFormat


class Why(StrEnum):
    """Why something in a folder was left alone."""

    OTHER = "no photos or videos, not copied"
    SOUND = "sound only, not copied"
    HOLDER = "archives and documents, which may hold pictures, not looked into, not copied"
    HIDDEN = "hidden, not looked into"
    LINK = "links, not followed"
    OUTPUT = "output folders, not looked into"


@dataclass(frozen=True, slots=True)
class Input:
    """A file to work on.

    Attributes:
        path: the file.
        place: its path under the folder that was given, or just its name.
        format: what its content shows, None if it shows no photo.
        video: the container of its veiled copy, None unless it is a video.
    """

    path: Path
    place: PurePath
    format: PhotoFormat | None = None
    video: VideoFormat | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A path that cannot be worked on, and the sentence that says why."""

    path: Path
    error: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path inside a folder that was left alone."""

    path: Path
    why: Why


@dataclass(slots=True)
class Found:
    """What the given paths hold, each list in the order of the walk."""

    inputs: list[Input] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


Judge = Callable[[Path, PurePath, bool], Input | Why]
"""Says whether a file at a place is to be worked on or why it is left alone, and knows whether
the user named it outright; an error refuses it."""

_APART = {None: Why.OTHER, Apart.SOUND: Why.SOUND, Apart.HOLDER: Why.HOLDER}


def judge_media(path: Path, place: PurePath, given: bool) -> Input | Why:
    """Take photos and videos; raises `UnsupportedMedia` or `UnreadableMedia` as `kind_of` does."""
    kind = kind_of(path)
    if kind.media:
        return Input(path, place, kind.format, kind.video)
    if given:
        what = f"{kind.name}, neither" if kind.name else "neither"
        raise UnsupportedMedia(
            f"{path}: is {what} a photo nor a video, and was NOT copied; "
            "give photos, videos or folders"
        )
    return _APART[kind.apart]


def judge_plan(path: Path, place: PurePath, given: bool) -> Input | Why:
    """Take plans by their name, and whatever is given outright."""
    if not (given or path.name.lower().endswith(".plan.json")):
        return Why.OTHER
    if not os.path.isfile(path):
        raise UnreadableMedia(f"{path}: is no file that can be read; give plans or folders")
    return Input(path, place)


def expand(paths: Sequence[Path], judge: Judge, *, outputs: Sequence[Path] = ()) -> Found:
    """Find every file to work on.

    Folders are walked in natural order (2 before 10). Inside them, hidden entries and
    links are left alone, and so are the folders in `outputs`; a link or a hidden file that
    is itself given is taken. A file given twice at the same place is taken once.

    Args:
        paths: files and folders.
        judge: what to take.
        outputs: folders that results are written to, perhaps not existing yet.
    """
    found = Found()
    seen: set[tuple[str, PurePath]] = set()
    for path in paths:
        given = not os.path.isdir(path)
        files = iter([(path, PurePath(path.name))]) if given else _walk(path, outputs, found)
        for file, place in files:
            try:
                taken = _take(judge, file, place, given)
            except CrowdveilError as error:
                found.refusals.append(Refusal(file, str(error)))
                continue
            if isinstance(taken, Why):
                found.skipped.append(Skipped(file, taken))
            elif (key := (os.path.realpath(file), place)) not in seen:
                seen.add(key)
                found.inputs.append(taken)
    return found


def _take(judge: Judge, path: Path, place: PurePath, given: bool) -> Input | Why:
    taken = judge(path, place, given)
    if isinstance(taken, Input) and not _is_text(str(path)):
        # A plan is UTF-8 and could not say which file it belongs to.
        raise UnreadableMedia(f"{path}: the file name is not valid UTF-8; rename the file")
    return taken


def _walk(root: Path, outputs: Sequence[Path], found: Found) -> Iterator[tuple[Path, PurePath]]:
    """Files under `root` with their place under it; what is left alone goes into `found`."""
    waiting = [(root, PurePath())]
    while waiting:
        folder, place = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: _natural(entry.name))
        except OSError as error:
            sentence = f"{folder}: cannot be opened ({error.strerror}), so nothing in it was done"
            found.refusals.append(Refusal(folder, f"{sentence}; check its permissions"))
            continue
        deeper = []
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith("."):
                found.skipped.append(Skipped(path, Why.HIDDEN))
            elif _is_link(entry):
                found.skipped.append(Skipped(path, Why.LINK))
            elif not _is_folder(entry):
                yield path, place / entry.name
            elif any(_same(path, output) for output in outputs):
                found.skipped.append(Skipped(path, Why.OUTPUT))
            else:
                deeper.append((path, place / entry.name))
        waiting.extend(reversed(deeper))


def _is_link(entry: os.DirEntry[str]) -> bool:
    try:
        # Python 3.11 does not know Windows' junctions.
        return entry.is_symlink() or (hasattr(entry, "is_junction") and entry.is_junction())
    except OSError:
        return False  # taken for a file, of which opening will say what is wrong


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _natural(name: str) -> tuple[list[tuple[int, int | str]], str]:
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part], name


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False
