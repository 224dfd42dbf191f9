"""Boosted decision trees read from JSON: rows of features in, probabilities out.

Only evaluates; `bench/train_fusion.py` is where they are learned.
"""

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from crowdveil.detect.features import Table


class Tree(BaseModel):
    """One tree as parallel lists over its nodes; node 0 is the root.

    A row goes to `left` when its feature is at most `threshold`, else to `right`; a leaf has
    feature -1, leads to itself and adds `value` to the log-odds.
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
        if not all(0 <= child < nodes for child in (*self.left, *self.right)):
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
    """A forest as (trees, nodes) arrays, so that all rows walk all trees at once."""

    def __init__(self, forest: Forest) -> None:
        """Pack the lists of a checked forest."""
        self.features = forest.features
        self._bias = forest.bias
        trees = forest.trees
        nodes = max((len(tree.feature) for tree in trees), default=1)
        shape = (len(trees), nodes)
        self._feature = np.full(shape, -1, np.int32)
        self._threshold = np.zeros(shape, np.float64)
        self._left = np.zeros(shape, np.int32)
        self._right = np.zeros(shape, np.int32)
        self._value = np.zeros(shape, np.float64)
        for t, tree in enumerate(trees):
            n = len(tree.feature)
            self._feature[t, :n] = tree.feature
            self._threshold[t, :n] = tree.threshold
            self._left[t, :n] = tree.left
            self._right[t, :n] = tree.right
            self._value[t, :n] = tree.value

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
        rows = np.arange(len(table))[None]
        trees = np.arange(len(self._feature))[:, None]
        node = np.zeros((len(self._feature), len(table)), np.int32)
        while True:
            feature = self._feature[trees, node]
            inner = feature >= 0
            if not inner.any():
                break
            low = table[rows, np.maximum(feature, 0)] <= self._threshold[trees, node]
            child = np.where(low, self._left[trees, node], self._right[trees, node])
            node = np.where(inner, child, node)
        log_odds = self._bias + self._value[trees, node].sum(axis=0)
        return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
