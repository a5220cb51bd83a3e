"""What Louvain and Leiden share: the graph, levels, and looking for a number of communities."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.arrays import Labels, Links
from wares.cluster.graph import Graph, Weights, graph
from wares.cluster.placing import PlacesByNeighbour
from wares.errors import SettingError
from wares.kernels import communities as loops
from wares.kernels.distinct import kinds
from wares.kernels.kmeans import work
from wares.runner import Local, Runner

TRIES = 16
"""Resolutions tried, to come to a number of communities."""


@dataclass(kw_only=True, eq=False)
class Communities(PlacesByNeighbour):
    """A clusterer that finds parts of the kNN graph with more weight inside than chance would put there."""

    n_neighbours: int = setting(15, low=1)
    weights: Weights = "near"
    resolution: float = setting(1.0, low=0.0)
    n_clusters: int | None = setting(None, low=1)
    levels: int = setting(3, low=1)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width). Raises SettingError for links, which this method cannot honour."""
        self._check()
        if links is not None:
            raise SettingError(f"{type(self).__name__} cannot honour must-link and cannot-link pairs")
        rows = self._rows(X, reset=True)
        ties = graph(rows, self.n_neighbours, self.weights, self.seed)
        if self.n_clusters is None:
            levels, self.resolution_ = self._levels(ties, self.resolution), float(self.resolution)
        else:
            with work() as pool:
                n_distinct = len(kinds(pool, rows, np.arange(len(rows)))[0]) - 1
            levels, self.resolution_ = self._about(ties, min(self.n_clusters, n_distinct))
        self._settle(rows, levels[-1])
        self.levels_ = _counted([np.asarray(self.labels_), *levels[-2::-1]][: self.levels])
        self.parents_ = _parents(self.levels_)
        self.modularity_ = float(loops.modularity(*ties, self.labels_, self.n_clusters_, self.resolution_))
        return self

    @abstractmethod
    def _levels(self, ties: Graph, resolution: float) -> list[Labels]:
        """(n,) communities of every level, fine to coarse, each inside one of the next."""

    def _about(self, ties: Graph, wanted: int) -> tuple[list[Labels], float]:
        """The levels at the resolution that gives the fewest communities not below `wanted`, then merged to as many."""
        low, high = 0.0, np.inf
        resolution = float(self.resolution) or 1.0
        best, found, at = [np.arange(ties.n)], ties.n, resolution
        for _ in range(TRIES):
            levels = self._levels(ties, resolution)
            count = int(levels[-1].max(initial=-1)) + 1
            if wanted <= count <= found:
                best, found, at = levels, count, resolution
            if count == wanted:
                break
            if count > wanted:
                high = resolution
            else:
                low = resolution
            resolution = 2 * low if np.isinf(high) else (high / 2 if low == 0 else (low * high) ** 0.5)
        if found > wanted:
            best = [*best[:-1], _merged(ties, best[-1], wanted, at)]
        return best, at


def _merged(ties: Graph, labels: Labels, wanted: int, resolution: float) -> Labels:
    """The communities merged by twos, where the most is gained or the least lost, until there are `wanted`."""
    n = int(labels.max()) + 1
    bounds, others, weights = loops.merge(*ties, labels, n)
    mass = loops.masses(bounds, weights)
    gains = -resolution / max(float(mass.sum()), np.finfo(float).tiny) * np.outer(mass, mass)
    gains[np.repeat(np.arange(n), np.diff(bounds)), others] += weights
    np.fill_diagonal(gains, -np.inf)
    new = np.arange(n)
    for _ in range(n - wanted):
        a, b = sorted(divmod(int(gains.argmax()), n))
        # Both what lies between and what chance would put there add up.
        gains[a] += gains[b]
        gains[:, a] = gains[a]
        gains[a, a] = gains[b] = gains[:, b] = -np.inf
        new[new == b] = a
    return np.asarray(np.unique(new, return_inverse=True)[1][labels], np.int64)


def _counted(levels: list[Labels]) -> NDArray[np.int32]:
    """(n_levels, n) communities counted from zero in the order in which they first appear."""
    out = np.empty((len(levels), len(levels[0])), np.int32)
    for level, labels in enumerate(levels):
        _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
        numbers = np.empty(len(first), np.int32)
        numbers[np.argsort(first, kind="stable")] = np.arange(len(first))
        out[level] = numbers[codes]
    return out


def _parents(levels: NDArray[np.int32]) -> NDArray[np.int32]:
    """(n_communities of all levels,) the number of each one's parent, -1 at the top; numbered from coarse to fine."""
    counts = levels.max(axis=1) + 1
    out = np.full(counts.sum(), -1, np.int32)
    for level in range(1, len(levels)):
        above, here = counts[: level - 1].sum(), counts[:level].sum()
        out[here + levels[level]] = above + levels[level - 1]
    return out
