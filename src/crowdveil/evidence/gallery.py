"""Reads the user's photos of other people, among whom recognisers search as well.

A folder comes in; every face that a recogniser can use goes out, and a sentence for every photo
that could not be read. Faces live in memory only. Decoding is left to `tasks`, searching to
`identity`.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from crowdveil.errors import OptionsInvalid, UnreadableMedia
from crowdveil.evidence.portraits import Portrait
from crowdveil.pipeline import in_order
from crowdveil.sources import expand, judge_media


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
    faces_of: Callable[[Path], Sequence[Portrait] | str],
    *,
    workers: int,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Gallery:
    """Every face in the photos of a folder and of the folders in it; videos are left alone.

    Args:
        folder: of photos.
        faces_of: gives the faces of a photo, or the sentence why there are none to be had; called
            on several threads.
        workers: on how many.
        tell: told how many photos are done, of how many.

    Raises:
        UnreadableMedia: there is no such folder.
        OptionsInvalid: no photo in it shows a face that a recogniser could use.
    """
    if not folder.is_dir():
        raise UnreadableMedia(f"{folder}: is no folder of photos; check --gallery")
    found = expand([folder], judge_media)
    photos = [one for one in found.inputs if one.video is None]
    unread = [(one.path.name, _left_out(one.error)) for one in found.refusals]
    people: list[Portrait] = []
    attempts = in_order(
        photos,
        lambda one, stop: faces_of(one.path),
        weight=lambda one: 0,
        budget=1,
        workers=workers,
    )
    with closing(attempts):
        for done, (one, read) in enumerate(attempts, 1):
            if isinstance(read, str):
                unread.append((one.path.name, _left_out(read)))
            else:
                people += read
            tell(done, len(photos))
    if not people:
        raise OptionsInvalid(
            f"{folder}: shows no face that a recogniser could use, in {len(photos):,} "
            f"{'photo' if len(photos) == 1 else 'photos'} that could be looked at; check --gallery"
        )
    return Gallery(tuple(people), tuple(unread))


def _left_out(why: str) -> str:
    return f"Left out of the gallery: {why}"
