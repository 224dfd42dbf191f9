"""Makes templates of labelled photos with a recogniser, for audits of all their pairs.

A folder and a table of who is on which photo come in; embeddings in memory go out, which nothing
here writes anywhere. A photo on which no face is found stays in the audit as a failure to
acquire. Of several faces the largest is taken, and how often is told.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.copies import same_files
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.tables.rows import one_label_each, read_rows, require, unique
from crowdveil.audit.verify.pictured import Pictures, plain_names
from crowdveil.detect.engine import cores
from crowdveil.detect.finder import FaceFinder
from crowdveil.detect.landmarks import SURE, LandmarkFinder
from crowdveil.errors import OptionsInvalid, TableInvalid, UnreadableMedia, UnsupportedMedia
from crowdveil.media.photos import read_photo
from crowdveil.recognise.embedder import Embedder, load_embedder

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".avif"})
"""Files of a folder that are taken for photos if no table names them."""

MOST_NAMED = 5
"""Photos named in a sentence."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """The photos of a folder, as they are compared.

    Attributes:
        pictures: templates with their people.
        inputs: the files besides the photos, by what they are to the audit.
        described: what was compared, in a sentence.
        warnings: what in the photos makes the figures doubtful, in sentences.
    """

    pictures: Pictures
    inputs: dict[str, Path]
    described: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one photo gave.

    Attributes:
        template: (d,), or None if no face was found.
        faces: how many were.
        fault: why the photo cannot be read, None if it can.
    """

    template: npt.NDArray[np.float32] | None
    faces: int
    fault: str | None = None


def read_photographs(folder: Path, options: VerifyOptions) -> Photographs:
    """Templates of the photos of a folder, with who they show.

    Args:
        folder: the photos.
        options: `labels` names a table with `picture` (a path inside the folder), `subject` and
            the columns of groups; without it, every folder inside holds the photos of one person
            and is called like them. `recogniser` may name another than the built-in one.

    A photo that cannot be read fails alone: it counts as one that gave no template, and is told.

    Raises:
        TableInvalid: a row names no file or is wrong otherwise, one picture is of two people, or
            no photo can be read.
        OptionsInvalid: groups are asked for without labels.
        WeightsInvalid: the recogniser cannot be used.
    """
    frame, inputs = _table(folder, options)
    paths = [folder / name for name in frame.get_column("picture")]
    warnings = same_files(paths, frame.get_column("subject").to_list())
    embedder = load_embedder(options.recogniser)
    if options.recogniser is not None:
        inputs |= {
            "recogniser": options.recogniser,
            "description of the recogniser": options.recogniser.with_suffix(".toml"),
        }
    seen = list(_templates(paths, embedder))
    warnings += _damaged(folder, seen)
    width = next((len(one.template) for one in seen if one.template is not None), 1)
    nothing = np.full(width, np.nan, np.float32)
    embeddings = np.stack([nothing if one.template is None else one.template for one in seen])
    several = sum(one.faces > 1 for one in seen)
    told = (
        f"cosine similarity of templates by {embedder.recogniser.name} "
        f"(SHA-256 {embedder.recogniser.sha256[:12]}...) from {len(seen):,} photos"
    )
    if several:
        told += f"; on {several:,} with several faces the largest was taken"
    left_out = len(_photos(folder)) - frame.height
    if left_out > 0:
        told += f"; {left_out:,} photos of the folder are in no row of the labels"
    return Photographs(Pictures(folder, frame.drop("picture"), embeddings), inputs, told, warnings)


def _damaged(folder: Path, seen: Sequence[_Seen]) -> tuple[str, ...]:
    """What to say of photos that cannot be read; refuses a folder without any that can."""
    faults = [one.fault for one in seen if one.fault is not None]
    if not faults:
        return ()
    if len(faults) == len(seen):
        raise TableInvalid(f"{folder}: none of its photos can be read ({faults[0]})")
    shown = "; ".join(faults[:MOST_NAMED])
    more = f"; and {len(faults) - MOST_NAMED:,} more" if len(faults) > MOST_NAMED else ""
    return (
        f"{len(faults):,} of {len(seen):,} photos cannot be read and count as failures to acquire: "
        f"{shown}{more}",
    )


def _table(folder: Path, options: VerifyOptions) -> tuple[pl.DataFrame, dict[str, Path]]:
    if options.labels is None:
        if options.group:
            raise OptionsInvalid(
                "groups need --labels: a table with picture (a path in the folder), subject and "
                f"{', '.join(options.group)}"
            )
        names = [path.relative_to(folder) for path in _photos(folder)]
        nested = [name for name in names if len(name.parts) > 1]
        if not nested:
            raise OptionsInvalid(
                f"{folder}: nothing says who is on which photo; give --labels, or a folder for "
                "each person"
            )
        subjects = [name.parts[0] for name in nested]
        return pl.DataFrame({"picture": list(map(str, nested)), "subject": subjects}), {}
    columns = {k: v for k, v in options.column.items() if k in ("picture", "subject")}
    frame = read_rows(options.labels, columns, needed=("picture", "subject"), groups=options.group)
    for name in ("picture", "subject"):
        require(frame, options.labels, name)
    unique(frame, options.labels, "picture")
    one_label_each(frame, options.labels, "subject")
    for row, name in enumerate(frame.get_column("picture"), 1):
        if not os.path.isfile(folder / name):
            raise TableInvalid(f"{options.labels}: row {row}: there is no {folder / name}")
    return plain_names(frame), {"labels": options.labels}


def _photos(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and os.path.isfile(p)
    )


def _templates(paths: Iterable[Path], embedder: Embedder) -> Iterable[_Seen]:
    finder, landmarks = FaceFinder(), LandmarkFinder()

    def look(path: Path) -> _Seen:
        try:
            picture = read_photo(path).frames[0].rgb()
        except (UnreadableMedia, UnsupportedMedia) as error:
            return _Seen(None, 0, str(error))
        boxes = finder.find(picture).boxes
        found = landmarks.find(picture, boxes)
        seen = np.flatnonzero(found.scores > 0)
        if not seen.size:
            return _Seen(None, 0)
        # What is veiled in doubt, like a pattern in the background, is not somebody's face.
        sure = seen[found.scores[seen] >= min(SURE, float(found.scores.max()))]
        sides = boxes[sure, 2:] - boxes[sure, :2]
        largest = sure[int(np.argmax(sides.prod(axis=1)))]
        return _Seen(embedder.embed(picture, found.points[largest]), len(sure))

    with ThreadPoolExecutor(cores(), thread_name_prefix="crowdveil-photos") as pool:
        yield from pool.map(look, paths)
