"""Turns what a user gives to `audit verify` into comparisons.

A table of scores, one or two sets of embeddings, or a folder of photos comes in; a `Prepared`
goes out: the comparisons, the files that were read, and how many pictures of each group gave
nothing to compare. Measuring is left to `rates`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.copies import Templates, copies
from crowdveil.audit.embeddings import COLUMN, has_template, read_embeddings
from crowdveil.audit.options import VerifyOptions
from crowdveil.audit.shares import Share, shares_by_group
from crowdveil.audit.tables.rows import one_label_each, read_rows, require
from crowdveil.audit.tables.score_rows import (
    COLUMNS,
    SIDES,
    Identity,
    ScoreRows,
    has_column,
    read_scores,
)
from crowdveil.audit.tables.spelling import (
    refuse_spellings,
    same_but_written_otherwise,
    told_apart,
)
from crowdveil.audit.verify.allpairs import AllPairs, Faces
from crowdveil.audit.verify.atoms import Atoms, atoms_of, one_label
from crowdveil.audit.verify.comparisons import Comparisons
from crowdveil.audit.verify.doubts import doubts
from crowdveil.audit.verify.pictured import Pictures, plain_names
from crowdveil.audit.verify.scores import ScoreTable
from crowdveil.audit.verify.survey import Survey, survey
from crowdveil.errors import OptionsInvalid, TableInvalid


@dataclass(frozen=True, slots=True)
class Acquired:
    """How many pictures of a group gave nothing to compare (failure to acquire or to enrol)."""

    partition: str
    group: str
    share: Share


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be measured.

    Attributes:
        comparisons: all of them.
        inputs: what each file is to the audit.
        acquired: failures by group; empty if only scores are known.
        described: what was compared, in a sentence.
        scored: whether scores were given, or are made here.
        warnings: what in the data makes the figures doubtful, in sentences.
    """

    comparisons: Comparisons
    inputs: dict[str, Path]
    acquired: tuple[Acquired, ...]
    described: str
    scored: bool = False
    warnings: tuple[str, ...] = ()


def prepare(source: Path, references: Path | None, options: VerifyOptions) -> Prepared:
    """Read what was given, as far as it has to be read before measuring.

    Args:
        source: a table of scores, of pictures with embeddings, or a folder of photos.
        references: pictures with embeddings that those of `source` are compared with; None to
            compare those with one another.
        options: what can be chosen.

    Raises:
        TableInvalid: a table cannot be audited as it stands.
        OptionsInvalid: what was given does not go together.
    """
    if os.path.isdir(source):
        from crowdveil.audit.verify.photographs import (
            read_photographs,  # brings the detectors along
        )

        if references is not None:
            raise OptionsInvalid("photos are compared with one another; give one folder")
        photos = read_photographs(source, options)
        return _compared(
            photos.pictures, None, photos.inputs, photos.described, options, photos.warnings
        )
    if options.recogniser is not None:
        raise OptionsInvalid(f"--recogniser is for a folder of photos, and {source} is none")
    # Without a score these columns still say that comparisons were meant.
    meant = ("score", "mated", "probe_subject", "reference_subject")
    if any(has_column(source, options.column.get(name, name)) for name in meant):
        if references is not None:
            raise OptionsInvalid(f"{source} has scores already; give no second table")
        return _scored(source, options)
    if options.distance:
        raise OptionsInvalid("--distance is for a table of scores; embeddings are compared here")
    if references is not None and references.exists() and source.samefile(references):
        raise OptionsInvalid(
            f"{source} is given twice, so every picture would be compared with itself; give it "
            "once to compare its pictures with one another"
        )
    pictures = _embedded(source, options)
    inputs = _files("pictures" if references is None else "probes", source)
    others = None
    if references is not None:
        others = _embedded(references, options)
        inputs |= _files("references", references)
    if options.labels is not None:
        inputs["labels"] = options.labels
    return _compared(pictures, others, inputs, "cosine similarity of embeddings", options)


def _scored(source: Path, options: VerifyOptions) -> Prepared:
    columns = {name: theirs for name, theirs in options.column.items() if name in COLUMNS}
    rows = read_scores(source, options.group, columns, labelled=options.labels is None)
    found = survey(rows, distance=options.distance)
    inputs = {"scores": source}
    if options.labels is not None:
        inputs["labels"] = options.labels
        found = _labelled(rows, found, options.labels, options)
    atoms = _atoms(found.people, options.group, source)
    warnings = doubts(rows)
    table = ScoreTable(rows, found, atoms, distance=options.distance)
    said = "distances, low for similar" if options.distance else "scores, high for similar"
    return Prepared(table, inputs, (), said, True, warnings)


def _labelled(rows: ScoreRows, found: Survey, labels: Path, options: VerifyOptions) -> Survey:
    """The survey with the labels of another table."""
    if rows.identity is not Identity.SUBJECTS:
        raise OptionsInvalid(
            f"{labels} labels people, but {rows.path} does not say who is who; it needs "
            "probe_subject and reference_subject"
        )
    people: pl.DataFrame = _people(labels, options).with_columns(
        pl.col("subject").hash().alias("key")
    )
    joined = found.people.join(people.drop("subject"), on="key", how="left", maintain_order="left")
    known = found.people.get_column("key").is_in(people.get_column("key").implode())
    if not known.all():
        stranger = found.people.get_column("key").filter(~known)
        missing = rows.collect(
            rows.frame.with_row_index("row")
            .select("row", *(pl.col(f"{side}_subject") for side in SIDES))
            .filter(pl.any_horizontal(pl.exclude("row").hash().is_in(stranger.implode())))
            .head(1)
        ).row(0)
        name = next(one for one in missing[1:] if one not in set(people.get_column("subject")))
        raise TableInvalid(
            f"{rows.path}: row {missing[0] + 1}: subject {name!r} is not in {labels}; add them "
            "there, with empty fields if nothing is known"
        )
    return Survey(joined, found.edges, found.mated)


def _people(labels: Path, options: VerifyOptions) -> pl.DataFrame:
    """A row for everybody in a table of labels."""
    columns = {k: v for k, v in options.column.items() if k == "subject"}
    frame = read_rows(labels, columns, needed=("subject",), groups=options.group)
    require(frame, labels, "subject")
    one_label_each(frame, labels, "subject")
    return one_label(plain_names(frame), "subject")


def _embedded(path: Path, options: VerifyOptions) -> Pictures:
    columns = {k: v for k, v in options.column.items() if k in ("subject", COLUMN)}
    names = {k: v for k, v in columns.items() if k == "subject"}
    groups = () if options.labels else options.group
    frame = read_rows(path, names, needed=("subject",), groups=groups)
    require(frame, path, "subject")
    if options.labels is None:
        one_label_each(frame, path, "subject")
        frame = plain_names(frame)
    else:
        people = _people(options.labels, options)
        known = frame.get_column("subject").is_in(people.get_column("subject").implode())
        if not known.all():
            row = int((~known).arg_true()[0])
            raise TableInvalid(
                f"{path}: row {row + 1}: subject {frame['subject'][row]!r} is not in "
                f"{options.labels}; add them there, with empty fields if nothing is known"
            )
        frame = frame.join(people, on="subject", how="left", maintain_order="left")
    return Pictures(path, frame, read_embeddings(path, frame.height, columns))


def _compared(
    probes: Pictures,
    references: Pictures | None,
    inputs: dict[str, Path],
    described: str,
    options: VerifyOptions,
    warnings: tuple[str, ...] = (),
) -> Prepared:
    """All pairs of pictures, with failures by group."""
    sides = [probes] if references is None else [probes, references]
    kinds = list(options.group)
    together = pl.concat([side.frame.select("subject", *kinds) for side in sides])
    if references is not None:
        _refuse_two_labels(probes, references, kinds)
        for kind in kinds:
            refuse_spellings(together, references.path, kind, kind)
    people = one_label(together, "subject")
    atoms = _atoms(people, kinds, probes.path)
    widths = {side.embeddings.shape[1] for side in sides}
    if len(widths) > 1:
        raise TableInvalid(
            f"the embeddings of {probes.path} and {sides[1].path} have {widths.pop()} and "
            f"{widths.pop()} numbers; they must come from the same model"
        )
    person = _numbers(together.get_column("subject"), people.get_column("subject"))
    usable = [has_template(side.embeddings) for side in sides]
    bounds = np.cumsum([0, *(side.frame.height for side in sides)])
    faces = [
        Faces(side.embeddings[there], person[bounds[n] : bounds[n + 1]][there])
        for n, (side, there) in enumerate(zip(sides, usable, strict=True))
    ]
    for side, there in zip(sides, usable, strict=True):
        if not there.any():
            raise TableInvalid(f"{side.path}: no picture gave a template, so nothing is compared")
    warnings += (
        *told_apart(
            probes.path, "people", same_but_written_otherwise(people.get_column("subject"))
        ),
        *copies(
            [
                Templates(side.path, side.embeddings, person[bounds[n] : bounds[n + 1]])
                for n, side in enumerate(sides)
            ]
        ),
    )
    source = AllPairs(faces[0], faces[1] if len(faces) > 1 else None, *atoms)
    if not source.comparisons:
        raise TableInvalid(f"{probes.path}: holds one picture, so there is nothing to compare")
    failed = ~np.concatenate(usable)
    acquired = _failures(failed, person, atoms, options)
    return Prepared(source, inputs, acquired, described, False, warnings)


def _failures(
    failed: npt.NDArray[np.bool_],
    person: npt.NDArray[np.int32],
    atoms: Atoms,
    options: VerifyOptions,
) -> tuple[Acquired, ...]:
    found = []
    for partition in atoms.partitions:
        group = partition.group[atoms.atom[person]]
        shares = shares_by_group(
            failed, np.ones(len(failed), np.bool_), person, group, len(partition.groups),
            options.resampling(),
        )  # fmt: skip
        found += [
            Acquired(partition.name, name, share)
            for name, (_, share) in zip(partition.groups, shares, strict=True)
        ]
    return tuple(found)


def _refuse_two_labels(probes: Pictures, references: Pictures, kinds: Sequence[str]) -> None:
    for kind in kinds:
        sides = [
            side.frame.select("subject", kind).drop_nulls().unique(subset="subject")
            for side in (probes, references)
        ]
        joined = sides[0].join(sides[1], on="subject", suffix=":reference").sort("subject")
        apart = joined.filter(pl.col(kind) != pl.col(f"{kind}:reference"))
        if len(apart):
            name, one, other = apart.row(0)
            raise TableInvalid(
                f"{references.path}: subject {name!r} is {other!r} by {kind}, but {one!r} in "
                f"{probes.path}; label a person the same way everywhere"
            )


def _atoms(people: pl.DataFrame, kinds: Sequence[str], path: Path) -> Atoms:
    try:
        return atoms_of(people, kinds)
    except ValueError as error:
        raise TableInvalid(f"{path}: {error}") from error


def _numbers(names: pl.Series, people: pl.Series) -> npt.NDArray[np.int32]:
    table = pl.DataFrame({"name": people, "number": np.arange(len(people), dtype=np.int32)})
    found = (
        names.rename("name").to_frame().join(table, on="name", how="left", maintain_order="left")
    )
    return found.get_column("number").to_numpy()


def _files(role: str, path: Path) -> dict[str, Path]:
    if path.suffix.lower() == ".csv":
        return {role: path, f"embeddings of the {role}": path.with_suffix(".npy")}
    return {role: path}
