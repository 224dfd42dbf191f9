"""Puts people with the same labels together, so that groups can be counted as sets of them.

A frame of labels, one row for each person, comes in; the atom of each person and the divisions
of atoms into groups go out. Labels are taken as they are; a person without one is in no group
of that kind.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from crowdveil.audit.partitions import Partition, partitions

MOST_ATOMS = 1000
"""More combinations of labels than this are ids taken for labels."""


class Atoms(NamedTuple):
    """People by their labels.

    Attributes:
        atom: (p,) int32 the atom of each person.
        partitions: divisions of the atoms into groups, everyone first.
    """

    atom: npt.NDArray[np.int32]
    partitions: tuple[Partition, ...]


def atoms_of(people: pl.DataFrame, kinds: Sequence[str]) -> Atoms:
    """The atoms of people by their labels.

    Args:
        people: one row for each.
        kinds: names of its columns of labels, text, null where there is none; without any, all
            people are in one atom.

    Raises:
        ValueError: more than `MOST_ATOMS` combinations of labels.
    """
    if not kinds:
        return Atoms(np.zeros(people.height, np.int32), partitions({}, 1))
    labels = people.select(kinds)
    distinct = labels.unique().sort(kinds, nulls_last=True)
    if distinct.height > MOST_ATOMS:
        raise ValueError(
            f"there are {distinct.height:,} combinations of labels, and at most {MOST_ATOMS:,} can "
            "be audited; choose columns of groups, not of ids"
        )
    numbered = distinct.with_row_index("atom:number")
    found = labels.join(numbered, on=kinds, how="left", nulls_equal=True, maintain_order="left")
    return Atoms(
        found.get_column("atom:number").to_numpy().astype(np.int32),
        partitions({name: distinct.get_column(name).to_list() for name in kinds}, distinct.height),
    )


def one_label(people: pl.DataFrame, person: str) -> pl.DataFrame:
    """One row for each person in rising order, with the labels that any row of theirs has.

    Args:
        people: the column `person` and columns of labels, null where there is none; nobody may
            carry two labels of one kind.
        person: name of the column that says who it is.
    """
    labels = [name for name in people.columns if name != person]
    return people.group_by(person).agg(pl.col(labels).drop_nulls().first()).sort(person)
