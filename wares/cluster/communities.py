"""What Louvain and Leiden share: the graph, levels, and looking for a number of communities."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.sparse import csr_array

from wares.algorithm import setting
from wares.arrays import Dense, Labels, Links, unit
from wares.cluster.graph import Graph, Weights, graph
from wares.cluster.placing import PlacesByNeighbour
from wares.errors import SettingError
from wares.kernels import communities as loops
from wares.kernels.distinct import kinds
from wares.kernels.kmeans import halves, work
from wares.runner import Local, Runner

STEP = 1.5
"""A level is kept if it has so many times the communities of the level above."""

TRIES = 16
"""Resolutions tried, to come to a number of communities."""

MOST = 2_000
"""Communities that are compared in twos: MOST^2 x 8 bytes."""

TINY = 20
"""A community with less than this part of its equal share of the rows is not worth counting."""


@dataclass(kw_only=True, eq=False)
class Communities(PlacesByNeighbour):
    """A clusterer that finds parts of the kNN graph with more weight inside than chance would put there."""

    n_neighbours: int = setting(15, low=1)
    weights: Weights = "near"
    resolution: float = setting(1.0, low=0.0)
    n_clusters: int | None = setting(None, low=1)
    joining: Literal["ward", "average"] = "ward"
    levels: int = setting(3, low=1)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width). Raises SettingError for links, which this method cannot honour."""
        self._check()
        if links is not None:
            raise SettingError(f"{type(self).__name__} cannot honour must-link and cannot-link pairs")
        rows = self._rows(X, reset=True)
        with work() as pool:
            bounds, order = kinds(pool, rows, np.arange(len(rows)))
        copies = np.diff(bounds)
        node = np.empty(len(rows), np.int64)
        node[order] = np.repeat(np.arange(len(copies)), copies)
        points = rows[order[bounds[:-1]]]
        ties = graph(points, self.n_neighbours, self.weights, self.seed)
        if self.n_clusters is None:
            levels, self.resolution_ = self._levels(ties, self.resolution), float(self.resolution)
        else:
            levels, self.resolution_ = self._about(ties, points, copies)
        self.modularity_ = float(loops.modularity(*ties, levels[-1], ties.n, self.resolution_))
        self._settle(rows, levels[-1][node])
        self.levels_ = _counted([level[node] for level in _apart(levels[::-1])[: self.levels]])
        self.parents_ = _parents(self.levels_)
        return self

    @abstractmethod
    def _levels(self, ties: Graph, resolution: float) -> list[Labels]:
        """(n,) communities of every level, fine to coarse, each inside one of the next."""

    def _about(self, ties: Graph, points: Dense, copies: NDArray[np.int64]) -> tuple[list[Labels], float]:
        """Levels of `n_clusters` communities, and the resolution: the least that gives as many worth counting."""
        assert self.n_clusters is not None
        wanted = min(self.n_clusters, ties.n)
        if self.joining == "average":
            return self._joined(ties, points, copies, wanted)
        least = int(copies.sum()) // (TINY * wanted)
        low, high, resolution = 0.0, np.inf, float(self.resolution) or 1.0
        best, at = [np.arange(ties.n)], resolution
        for _ in range(TRIES):
            levels = self._levels(ties, resolution)
            count = int((np.bincount(levels[-1], copies) > least).sum())
            if count < wanted:
                low = resolution
            else:
                high, best, at = resolution, levels, resolution
            if count == wanted:
                break
            resolution = 2 * low if np.isinf(high) else (high / 2 if low == 0 else (low * high) ** 0.5)
        return [*best[:-1], _merged(points, copies, best[-1], wanted)], at

    def _joined(self, ties: Graph, points: Dense, copies: NDArray[np.int64], wanted: int) -> tuple[list[Labels], float]:
        """Levels at `resolution`, or the first doubling of it that gives enough, joined by average linkage."""
        at = float(self.resolution) or 1.0
        levels = self._levels(ties, at)
        for _ in range(TRIES):
            if levels[-1].max() + 1 >= wanted:
                break
            at *= 2
            levels = self._levels(ties, at)
        else:
            levels = [np.arange(ties.n)]
        return [*levels[:-1], _averaged(points, copies, levels[-1], wanted)], at


def _averaged(points: Dense, copies: NDArray[np.int64], labels: Labels, wanted: int) -> Labels:
    """The communities merged by the mean distance of the directions of their means, each counting once."""
    labels = _fewer(points, copies, labels, max(wanted, MOST))
    _, means = _sums(points, copies, labels)
    if len(means) <= wanted:
        return labels
    merges = linkage(unit(means), "average")
    return np.asarray(cut_tree(merges, [wanted])[:, 0][labels], np.int64)


def _fewer(points: Dense, copies: NDArray[np.int64], labels: Labels, kept: int) -> Labels:
    """The smallest given to the nearest, where there are so many that all pairs would take too much memory."""
    sizes, means = _sums(points, copies, labels)
    if len(sizes) <= kept:
        return labels
    large = np.sort(np.argsort(-sizes, kind="stable")[:kept])
    narrow = means.astype(np.float32)
    with work() as pool:
        near, _ = pool.nearest(narrow, 2 * halves(narrow), narrow[large])
    near[large] = np.arange(kept)
    return np.asarray(near[labels], np.int64)


def _merged(points: Dense, copies: NDArray[np.int64], labels: Labels, wanted: int) -> Labels:
    """The communities merged by twos by Ward's rule, until there are `wanted`: tiny ones go to what is near them."""
    labels = _fewer(points, copies, labels, max(wanted, MOST))
    sizes, means = _sums(points, copies, labels)
    n = len(sizes)
    new = np.arange(n)
    if n > wanted:
        costs = np.full((n, n), np.inf)
        for a in range(1, n):
            costs[a, :a] = _cost(means, sizes, a, slice(a))
    for _ in range(n - wanted):
        b, a = divmod(int(costs.argmin()), n)  # a is below b
        means[a] = (sizes[a] * means[a] + sizes[b] * means[b]) / (sizes[a] + sizes[b])
        sizes[a], sizes[b] = sizes[a] + sizes[b], np.inf
        costs[b] = costs[:, b] = np.inf
        costs[a, :a] = _cost(means, sizes, a, slice(a))
        costs[a + 1 :, a] = _cost(means, sizes, a, slice(a + 1, n))
        new[new == b] = a
    return np.asarray(np.unique(new, return_inverse=True)[1][labels], np.int64)


def _sums(points: Dense, copies: NDArray[np.int64], labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) rows of each community, copies counted, and (n, width) their means."""
    n = int(labels.max()) + 1
    member = csr_array((copies.astype(np.float64), (labels, np.arange(len(labels)))), shape=(n, len(labels)))
    sizes = np.bincount(labels, copies, n).astype(np.float64)
    return sizes, (member @ points) / sizes[:, None]


def _cost(means: NDArray[np.float64], sizes: NDArray[np.float64], one: int, others: slice) -> NDArray[np.float64]:
    """What merging `one` with each of the others adds to the sum of squares; infinite for what is merged already."""
    there = np.isfinite(sizes[others])
    gaps = ((means[others] - means[one]) ** 2).sum(axis=1)
    mass = np.where(there, sizes[others], 1)
    return np.where(there, gaps * sizes[one] * mass / (sizes[one] + mass), np.inf)


def _apart(levels: list[Labels]) -> list[Labels]:
    """Of levels from coarse to fine the first, and each that has more communities by STEP than the one before."""
    out = levels[:1]
    for level in levels[1:]:
        if level.max() + 1 >= STEP * (out[-1].max() + 1):
            out.append(level)
    return out


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
