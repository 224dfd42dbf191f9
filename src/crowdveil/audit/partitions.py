"""Divides rows into groups by the labels that came with them, one by one and combined.

Columns of labels come in, a `Partition` for each column and for their combinations goes out.
Labels are taken as they are: none is inferred, merged or renamed. A row without a label is in
no group of that partition, and is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from crowdveil.errors import OptionsInvalid

EVERYONE = "everyone"
"""The name of the partition of one group, and of that group."""

JOINT = ", "
"""Between the labels of a combined group: "darker, female"."""

MOST_JOINED = 3
"""Labels that are combined at most: groups of more are too small to say anything about."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One division of n rows into groups.

    Attributes:
        name: of the column or columns, as in "skin x gender".
        groups: names of the groups, sorted.
        group: (n,) int32 index of each row's group, -1 for a row without a label.
    """

    name: str
    groups: tuple[str, ...]
    group: npt.NDArray[np.int32]

    @property
    def unlabelled(self) -> int:
        """How many rows are in no group."""
        return int(np.count_nonzero(self.group < 0))

    def index(self, group: str | None) -> int | None:
        """The index of a group, None if the partition has no such group."""
        return self.groups.index(group) if group in self.groups else None

    def rows(self, chosen: slice) -> "Partition":
        """The same groups for a part of the rows."""
        return Partition(self.name, self.groups, self.group[chosen])


def partitions(labels: Mapping[str, Sequence[str | None]], rows: int) -> tuple[Partition, ...]:
    """Everyone, then by each column, then by each combination of two or three columns.

    Args:
        labels: a column of n labels for each way of grouping; None where there is no label.
        rows: n.
    """
    found = [Partition(EVERYONE, (EVERYONE,), np.zeros(rows, np.int32))]
    for joined in range(1, min(len(labels), MOST_JOINED) + 1):
        for names in combinations(labels, joined):
            found.append(_partition(" x ".join(names), [labels[name] for name in names]))
    return tuple(found)


def with_group(divisions: Sequence[Partition], group: str) -> Partition:
    """The first partition that has a group of that name; raises `OptionsInvalid` if none has."""
    for partition in divisions:
        if group in partition.groups:
            return partition
    names = sorted({name for partition in divisions for name in partition.groups})
    raise OptionsInvalid(f"no group is called {group!r}; there are: {'; '.join(names)}")


def _partition(name: str, columns: Sequence[Sequence[str | None]]) -> Partition:
    whole = [
        None if any(label is None for label in labels) else labels
        for labels in zip(*columns, strict=True)
    ]
    # Sorted as labels, not as joined text, so that combined groups stand in the same order.
    ordered = sorted({labels for labels in whole if labels is not None})
    code = {labels: number for number, labels in enumerate(ordered)}
    group = [-1 if labels is None else code[labels] for labels in whole]
    names = tuple(JOINT.join(str(label) for label in labels) for labels in ordered)
    return Partition(name, names, np.array(group, np.int32))
