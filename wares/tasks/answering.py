"""From probabilities of categories to an answer about a product: a path, how sure, and what else it may be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense, Labels
from wares.data.schema import SEPARATOR
from wares.data.tree import Tree

BLOCK = 2_048
"""Products whose probabilities of all nodes are held at once."""


@dataclass(frozen=True)
class Answer:
    """Where a product belongs.

    path : "" where not even the top level is sure. probability : that it is right, of all that is known. level : of the
    path, 0 for none. sure : whether the path was not cut. alternatives : other whole paths, the likeliest first.
    """

    path: str
    probability: float
    level: int
    sure: bool
    alternatives: Sequence[tuple[str, float]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "path": self.path,
            "probability": round(self.probability, 4),
            "level": self.level,
            "sure": self.sure,
            "alternatives": [{"path": path, "probability": round(share, 4)} for path, share in self.alternatives],
        }


@dataclass(frozen=True, eq=False)
class Paths:
    """Classes that are paths, and the nodes above them.

    classes : of a taxonomy, in order. A probability of a node is the sum of those of the classes at and below it, so a
    parent is never less likely than its child.
    """

    classes: Sequence[str]

    @cached_property
    def tree(self) -> Tree:
        """Every node at or above a class."""
        return Tree.of(self.classes)

    @cached_property
    def own(self) -> NDArray[np.int64]:
        """(n_classes,) the row of each class among the nodes."""
        return np.array([self.tree.row(path) for path in self.classes], np.int64)

    @cached_property
    def above(self) -> csr_array:
        """(n_classes, n_nodes) float32, 1 where a node is the class or above it."""
        found = self.tree.ancestors[self.own]
        there = found >= 0
        indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
        ones = np.ones(int(there.sum()), np.float32)
        return csr_array((ones, found[there], indptr), shape=(len(self.classes), len(self.tree)))

    @cached_property
    def _down(self) -> csr_array:
        return csr_array(self.above.T)

    def nodes(self, table: Dense) -> Dense:
        """(n, n_nodes) probabilities of all nodes from (n, n_classes) of the classes."""
        return np.asarray(np.minimum((self._down @ table.T).T, 1), np.float32)

    def best(self, table: Dense, prior: NDArray[np.float32] | None = None) -> Labels:
        """(n,) the likeliest class, each multiplied by its `prior` (n_classes,) first.

        No worse level by level than the likeliest of each level, which would be no path.
        """
        return np.asarray((table if prior is None else table * prior).argmax(axis=1), np.int64)

    @cached_property
    def levels(self) -> NDArray[np.float32]:
        """(n_classes,) how many levels each class has."""
        return np.asarray(self.tree.level[self.own], np.float32)

    def along(self, table: Dense, best: Labels) -> Dense:
        """(n, depth) the probability of each level of the path of a class; 0 below it."""
        out = np.zeros((len(table), self.tree.depth), np.float32)
        for start in range(0, len(table), BLOCK):
            part = slice(start, start + BLOCK)
            rows = self.tree.ancestors[self.own[best[part]]]
            nodes = self.nodes(table[part])
            out[part] = np.where(rows >= 0, np.take_along_axis(nodes, np.maximum(rows, 0), axis=1), 0)
        return out

    def answers(
        self, table: Dense, *, threshold: float = 0.0, alternatives: int = 3, prior: NDArray[np.float32] | None = None
    ) -> list[Answer]:
        """An answer for each row; a path ends where its probability would be below the threshold."""
        best = self.best(table, prior)
        along = self.along(table, best)
        level = np.where(self._there(best), along >= threshold, False).sum(axis=1)
        order = np.argsort(-table, axis=1, kind="stable")[:, : alternatives + 1]
        out = []
        for row, number in enumerate(best.tolist()):
            path, deep = self.classes[number], int(level[row])
            whole = deep == int(self.levels[number])
            others = [(self.classes[each], float(table[row, each])) for each in order[row].tolist() if each != number]
            out.append(
                Answer(
                    path if whole else SEPARATOR.join(path.split(SEPARATOR)[:deep]),
                    float(along[row, deep - 1]) if deep else 0.0,
                    deep,
                    whole,
                    [each for each in others[:alternatives] if each[1] >= 0.0005],
                )
            )
        return out

    def _there(self, best: Labels) -> NDArray[np.bool_]:
        return np.asarray(np.arange(self.tree.depth) < self.levels[best][:, None])
