"""Reads the user's photos of other people, among whom recognisers search as well.

A folder comes in; every face that a recogniser can use goes out, and a sentence for every photo
that could not be read. Faces live in memory only. Searching is left to `identity`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from crowdveil.detect.engine import cores
from crowdveil.detect.finder import FaceFinder
from crowdveil.detect.landmarks import LandmarkFinder
from crowdveil.errors import CrowdveilError, OptionsInvalid, UnreadableMedia
from crowdveil.evidence.portraits import Portrait, portraits
from crowdveil.media.photos import read_photo
from crowdveil.pipeline import in_order
from crowdveil.sources import Input, expand, judge_media
from crowdveil.weigh import BUDGET_PX, weight_px


@dataclass(frozen=True, slots=True)
class Gallery:
    """Other people's faces.

    Attributes:
        people: the faces. Never to be shown or saved.
        unread: name of each photo that could not be read, and why.
    """

    people: tuple[Portrait, ...] = field(default=(), repr=False)
    unread: tuple[tuple[str, str], ...] = ()


def read_gallery(
    folder: Path,
    finder: FaceFinder,
    landmarks: LandmarkFinder,
    *,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Gallery:
    """Every face in the photos of a folder and of the folders in it; videos are left alone.

    Args:
        folder: of photos.
        finder: finds the faces.
        landmarks: finds eyes, nose and mouth.
        tell: told how many photos are done, of how many.

    Raises:
        UnreadableMedia: there is no such folder.
        OptionsInvalid: no photo in it shows a face that a recogniser could use.
    """
    if not os.path.isdir(folder):
        raise UnreadableMedia(f"{folder}: is no folder of photos; check --gallery")
    found = expand([folder], judge_media)
    photos = [one for one in found.inputs if one.video is None]
    unread = [(one.path.name, _left_out(one.error)) for one in found.refusals]
    people: list[Portrait] = []
    for done, (one, read) in enumerate(_read(photos, finder, landmarks), 1):
        if isinstance(read, CrowdveilError):
            unread.append((one.path.name, _left_out(str(read))))
        else:
            people += read
        tell(done, len(photos))
    if not people:
        raise OptionsInvalid(
            f"{folder}: shows no face that a recogniser could use, in {len(photos):,} "
            f"{'photo' if len(photos) == 1 else 'photos'} that could be looked at; check --gallery"
        )
    return Gallery(tuple(people), tuple(unread))


def _read(
    photos: list[Input], finder: FaceFinder, landmarks: LandmarkFinder
) -> Iterator[tuple[Input, list[Portrait] | CrowdveilError]]:
    def work(one: Input, stop: Event) -> list[Portrait] | CrowdveilError:
        try:
            return portraits(read_photo(one.path).frames[0].rgb(), finder, landmarks)
        except CrowdveilError as error:
            return error

    attempts = in_order(
        photos,
        work,
        weight=lambda one: weight_px(one.path, video=False),
        budget=BUDGET_PX,
        workers=cores(),
    )
    with closing(attempts):
        yield from attempts


def _left_out(why: str) -> str:
    return f"Left out of the gallery: {why}"
