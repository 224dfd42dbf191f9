"""Boosted decision trees read from JSON: rows of features in, probabilities out.

Only evaluates; `bench/train_fusion.py` is where they are learned.
"""

from collections.abc import Sequence
from typing import Annotated, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from crowdveil.detect.features import Table

Number = TypeVar("Number", np.intp, np.float64)


class Tree(BaseModel):
    """One tree as parallel lists over its nodes; node 0 is the root.

    A row goes to `left` when its feature is at most `threshold`, else to `right`, both of
    which lie further on; a leaf has feature -1 and adds `value` to the log-odds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        nodes = len(self.feature)
        lists = (self.threshold, self.left, self.right, self.value)
        if nodes == 0 or any(len(part) != nodes for part in lists):
            raise ValueError("the lists of a tree must be equally long and not empty")
        for k, (feature, *children) in enumerate(
            zip(self.feature, self.left, self.right, strict=True)
        ):
            if feature >= 0 and not all(k < child < nodes for child in children):
                raise ValueError("a branch of a tree leads nowhere")
        return self


class Forest(BaseModel):
    """Boosted trees over named features; the sum of their leaves is a log-odds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: tuple[str, ...]
    bias: Annotated[float, Field(allow_inf_nan=False)]
    trees: tuple[Tree, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(f >= len(self.features) for tree in self.trees for f in tree.feature):
            raise ValueError("a tree asks for a feature that has no name")
        return self

    def compile(self) -> "CompiledForest":
        """The same forest as rectangular arrays, ready to evaluate."""
        return CompiledForest(self)


class CompiledForest:
    """A forest as flat arrays over the nodes of all trees, so that all rows walk all trees at once.

    Leaves lead to themselves, so that every path is as long as the longest.
    """

    def __init__(self, forest: Forest) -> None:
        """Pack the lists of a checked forest."""
        self.features = forest.features
        self._bias = forest.bias
        sizes = [len(tree.feature) for tree in forest.trees]
        self._roots = np.cumsum([0, *sizes], dtype=np.intp)[:-1]
        self._depth = max((_depth_of(tree) for tree in forest.trees), default=0)
        feature = _joined([tree.feature for tree in forest.trees], np.intp)
        leaf = feature < 0
        self._feature = np.where(leaf, 0, feature)
        # Features are float32, so the greatest float32 not above a threshold says the same.
        exact = _joined([tree.threshold for tree in forest.trees], np.float64)
        rounded = exact.astype(np.float32)
        self._threshold = np.where(
            rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded
        )
        base = np.repeat(self._roots, sizes)
        branches = [
            np.where(leaf, np.arange(len(leaf)), base + _joined(side, np.intp))
            for side in (
                [tree.right for tree in forest.trees],
                [tree.left for tree in forest.trees],
            )
        ]
        self._branches = np.stack(branches, axis=1).ravel()
        self._value = _joined([tree.value for tree in forest.trees], np.float64)

    def probability(self, table: Table) -> NDArray[np.float32]:
        """Probability of each row.

        Args:
            table: (n, f) float32, columns as `features`; n may be 0.

        Returns:
            (n,) float32, 0-1.

        Raises:
            ValueError: the table has another number of columns.
        """
        if table.shape[1] != len(self.features):
            raise ValueError(f"table must have {len(self.features)} columns, not {table.shape[1]}")
        cells = np.ascontiguousarray(table, np.float32).ravel()
        row = np.arange(len(table), dtype=np.intp) * table.shape[1]
        node = np.repeat(self._roots[:, None], len(table), axis=1)
        for _ in range(self._depth):
            seen = cells.take(self._feature.take(node) + row)
            low = seen <= self._threshold.take(node)
            node = self._branches.take(2 * node + low)
        log_odds = self._bias + self._value.take(node).sum(axis=0)
        return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)


def _joined(lists: Sequence[Sequence[float]], dtype: type[Number]) -> NDArray[Number]:
    return np.array([value for part in lists for value in part], dtype)


def _depth_of(tree: Tree) -> int:
    """Most branches between the root of a tree and a leaf."""
    depth, level = 0, {0}
    while level := {
        child for k in level if tree.feature[k] >= 0 for child in (tree.left[k], tree.right[k])
    }:
        depth += 1
    return depth
