"""Reads candidate lists, probes and the gallery from tables, for `rates`.

Three CSV or Parquet files come in: who is enrolled, who was searched for, and what the system
returned. Searches go out, with the groups of probes and references. Nothing is dropped: a row
that fits nowhere ends the reading, with its number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from crowdveil.audit.identify.searches import Indices, Searches
from crowdveil.audit.partitions import Partition
from crowdveil.audit.tables.rows import (
    numbers,
    one_label_each,
    partitions_of,
    read_rows,
    require,
    unique,
)
from crowdveil.audit.tables.spelling import same_but_written_otherwise, told_apart
from crowdveil.errors import TableInvalid

GALLERY_COLUMNS = ("reference", "subject")
PROBE_COLUMNS = ("probe", "subject")
LIST_COLUMNS = ("probe", "candidate", "score", "rank")
"""Our names of the columns of the three tables; the rank may be left out."""


@dataclass(frozen=True, slots=True)
class People:
    """Who is enrolled and who is searched for, with their groups.

    Attributes:
        references: (N,) names of the references, in the gallery's order.
        probes: (n,) names of the probes.
        gallery_subject: (N,) int32 who a reference shows.
        probe_subject: (n,) int32 who a probe shows, of the same numbering.
        gallery_partitions: groups of the references.
        probe_partitions: the same groups of the probes.
        warnings: what in the tables makes the figures doubtful, in sentences.
    """

    references: pl.Series
    probes: pl.Series
    gallery_subject: Indices
    probe_subject: Indices
    gallery_partitions: tuple[Partition, ...]
    probe_partitions: tuple[Partition, ...]
    warnings: tuple[str, ...] = ()


def read_people(
    gallery: Path, probes: Path, groups: Sequence[str], columns: Mapping[str, str] | None = None
) -> People:
    """Who is enrolled and who is searched for.

    Args:
        gallery: a table with `reference`, `subject` and the columns of groups.
        probes: a table with `probe`, `subject` and the columns of groups.
        groups: names of the columns of groups, in both tables.
        columns: names that the tables have instead of ours, ours to theirs.

    Raises:
        TableInvalid: with the row.
    """
    columns = columns or {}
    enrolled = read_rows(gallery, columns, needed=GALLERY_COLUMNS, groups=groups)
    searched = read_rows(probes, columns, needed=PROBE_COLUMNS, groups=groups)
    for frame, path, name in ((enrolled, gallery, "reference"), (searched, probes, "probe")):
        require(frame, path, name)
        require(frame, path, "subject")
        unique(frame, path, name)
        one_label_each(frame, path, "subject")
    labels = [f"group:{name}" for name in groups]
    both = pl.concat([enrolled.select("subject", *labels), searched.select("subject", *labels)])
    _agree(enrolled, searched, gallery, probes, labels)
    _refuse_spellings(both, (gallery, probes), enrolled.height, labels)
    subject = both.get_column("subject").rank("dense").to_numpy().astype(np.int32) - 1
    first, rest = slice(0, enrolled.height), slice(enrolled.height, None)
    divided = partitions_of(both)
    return People(
        references=enrolled.get_column("reference"),
        probes=searched.get_column("probe"),
        gallery_subject=subject[first],
        probe_subject=subject[rest],
        gallery_partitions=tuple(partition.rows(first) for partition in divided),
        probe_partitions=tuple(partition.rows(rest) for partition in divided),
        warnings=(
            *told_apart(probes, "people", same_but_written_otherwise(both.get_column("subject"))),
            *_enrolled_probes(enrolled, searched, probes),
        ),
    )


def read_candidates(
    path: Path, people: People, columns: Mapping[str, str] | None = None
) -> Searches:
    """The candidate lists of all probes.

    A probe that is in no row has no candidates. Without a column of ranks, candidates are
    ranked by falling score, equals in the order of the rows.

    Args:
        path: a table with `probe`, `candidate` (a reference of the gallery), `score` (larger is
            more similar) and perhaps `rank`.
        people: who is enrolled and who is searched for.
        columns: names that the table has instead of ours, ours to theirs.

    Raises:
        TableInvalid: with the row.
    """
    frame = read_rows(path, columns or {}, needed=LIST_COLUMNS[:3], optional=LIST_COLUMNS[3:])
    for column in ("probe", "candidate", "score"):
        require(frame, path, column)
    listed = pl.DataFrame(
        {
            "row": np.arange(frame.height),
            "probe": _places(frame, path, "probe", people.probes, "the probes"),
            "candidate": _places(frame, path, "candidate", people.references, "the gallery"),
            "score": numbers(frame, path, "score"),
        }
    )
    _refuse_twice(listed, path, frame)
    if "rank" in frame.columns:
        listed = listed.with_columns(rank=numbers(frame, path, "rank")).sort("probe", "rank")
        _refuse_odd_ranks(listed, path, frame)
    else:
        listed = listed.sort("probe", "score", "row", descending=[False, True, False])
    probe = listed.get_column("probe").to_numpy().astype(np.int32)
    place = np.arange(len(probe)) - np.searchsorted(probe, probe) + 1
    return Searches(
        probe_subject=people.probe_subject,
        gallery_subject=people.gallery_subject,
        probe=probe,
        rank=place.astype(np.int32),
        reference=listed.get_column("candidate").to_numpy().astype(np.int32),
        score=listed.get_column("score").to_numpy(),
    )


def _refuse_spellings(
    both: pl.DataFrame, paths: tuple[Path, Path], enrolled: int, labels: Sequence[str]
) -> None:
    """Refuse a label that the gallery writes in one way and the probes in another."""
    for label in labels:
        values = both.get_column(label)
        for one, other in same_but_written_otherwise(values)[:1]:
            told = []
            for name in (one, other):
                row = int((values == name).arg_true()[0])
                side = int(row >= enrolled)
                told.append(f"{name!r} in row {row + 1 - side * enrolled} of {paths[side]}")
            raise TableInvalid(
                f"{label.removeprefix('group:')} is {told[0]} and {told[1]}, which differ in "
                "writing alone; write them the same way"
            )


def _enrolled_probes(enrolled: pl.DataFrame, searched: pl.DataFrame, path: Path) -> list[str]:
    """What to say of probes that look like the very pictures that are enrolled."""
    names = pl.col("probe").alias("reference")
    same = searched.with_row_index("row").select("row", names, "subject")
    held = enrolled.select("reference", "subject")
    same = same.join(held, on=["reference", "subject"]).sort("row")
    if same.is_empty():
        return []
    row, name, _ = same.row(0)
    return [
        f"{path}: {same.height:,} probes have the name of a reference of the same person (first "
        f"{name!r}, in row {row + 1}). If they are the same picture, it is searched for in a "
        "gallery that holds it, and misses are too few."
    ]


def _agree(
    enrolled: pl.DataFrame,
    searched: pl.DataFrame,
    gallery: Path,
    probes: Path,
    labels: Sequence[str],
) -> None:
    """Refuse somebody whose label in the gallery is not the one among the probes."""
    for label in labels:
        sides = [
            frame.select("subject", label).drop_nulls().unique(subset="subject")
            for frame in (enrolled, searched)
        ]
        joined = sides[0].join(sides[1], on="subject", suffix=":probe").sort("subject")
        apart = joined.filter(pl.col(label) != pl.col(f"{label}:probe"))
        if len(apart):
            name, one, other = apart.row(0)
            raise TableInvalid(
                f"{probes}: subject {name!r} is {other!r} by {label.removeprefix('group:')}, but "
                f"{one!r} in {gallery}; label a person the same way everywhere"
            )


def _places(
    frame: pl.DataFrame, path: Path, column: str, names: pl.Series, where: str
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    table = pl.DataFrame({"name": names, "place": np.arange(len(names))})
    found = frame.select(pl.col(column).alias("name")).join(
        table, on="name", how="left", maintain_order="left"
    )
    unknown = found.get_column("place").is_null().arg_true()
    if len(unknown):
        row = int(unknown[0])
        raise TableInvalid(
            f"{path}: row {row + 1}: {column} {frame.get_column(column)[row]!r} is not among "
            f"{where}"
        )
    return found.get_column("place").to_numpy()


def _refuse_twice(listed: pl.DataFrame, path: Path, frame: pl.DataFrame) -> None:
    twice = listed.filter(listed.select("probe", "candidate").is_duplicated()).sort("row")
    if len(twice):
        one = twice.row(0, named=True)
        same = twice.filter(
            (pl.col("probe") == one["probe"]) & (pl.col("candidate") == one["candidate"])
        )
        rows = same.get_column("row")
        raise TableInvalid(
            f"{path}: candidate {frame.get_column('candidate')[one['row']]!r} is in the list of "
            f"probe {frame.get_column('probe')[one['row']]!r} twice, in row {rows[0] + 1} and "
            f"{rows[1] + 1}"
        )


def _refuse_odd_ranks(listed: pl.DataFrame, path: Path, frame: pl.DataFrame) -> None:
    """Refuse ranks that are not 1, 2, 3 ..., or that scores contradict."""
    probe = listed.get_column("probe").to_numpy()
    rank = listed.get_column("rank").to_numpy()
    score = listed.get_column("score").to_numpy()
    row = listed.get_column("row").to_numpy()
    odd = np.flatnonzero(rank != np.arange(len(probe)) - np.searchsorted(probe, probe) + 1)
    if odd.size:
        where = int(row[odd[0]])
        raise TableInvalid(
            f"{path}: row {where + 1}: rank {rank[odd[0]]:g} is out of order; the ranks of probe "
            f"{frame.get_column('probe')[where]!r} must be 1, 2, 3 and so on"
        )
    rising = np.flatnonzero((probe[1:] == probe[:-1]) & (score[1:] > score[:-1])) + 1
    if rising.size:
        where = int(row[rising[0]])
        raise TableInvalid(
            f"{path}: row {where + 1}: score {score[rising[0]]:g} is higher than that of the rank "
            f"before it, {score[rising[0] - 1]:g}; larger scores must mean more similar, so turn "
            "distances round (minus the distance)"
        )


def refuse_distances(searches: Searches, path: Path) -> None:
    """Raise `TableInvalid` if mates score lower than the others in the same lists.

    Without a column of ranks, distances would be ranked the wrong way round in silence. Of a
    system that tells anybody apart, most mates stand in the upper half of their lists.
    """
    mates = searches.is_mate
    length = searches.lengths[searches.probe[mates]]
    above = (searches.rank[mates] - 1)[length > 1] / (length[length > 1] - 1)
    if not above.size:
        return
    # The mean of n uniform places has a spread of 1 / sqrt(12 n) about a half.
    if above.mean() > 0.5 + 4 / np.sqrt(12 * above.size):
        raise TableInvalid(
            f"{path}: the people searched for score lower than others in the same lists, on "
            "average; larger scores must mean more similar, so turn distances round (minus the "
            "distance)"
        )
