"""Leiden communities of the kNN graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.arrays import Labels
from wares.cluster.communities import Communities
from wares.cluster.graph import Graph
from wares.kernels import communities as loops


@dataclass(kw_only=True, eq=False)
class Leiden(Communities):
    """Communities of the kNN graph by modularity, each connected: what moved together is parted again before it merges.

    Choose it for catalogs whose groups are of very different sizes and shapes, or where the number of them is to be
    found rather than set. It makes a hierarchy on the way. Time: the kNN graph, then O(n x n_neighbours) a level.
    Memory: that of the graph, 24 bytes x n x n_neighbours, and a copy of the vectors.

    The number of clusters is found; it grows with `resolution`. Identical rows are one node of the graph, so they are
    never parted. What no edge joins is never one community. A row far from everything is tied to its nearest all the
    same and belongs to a community of theirs; only a row without any other is alone. Where there are fewer than four
    times `n_neighbours` distinct rows, a quarter of them are neighbours.

    A node joins the part where it gains most, where the paper draws one by its gain: same seed, same communities.

    Settings
    --------
    n_neighbours : edges of each row; more gives fewer and larger communities.
    weights : of an edge: "near" by the distance on the scale around both ends, "shared" by the overlap of their
        neighbours, "equal".
    resolution : above 1 more and smaller communities, below 1 fewer.
    n_clusters : so many clusters: by the least resolution that gives as many, tiny ones not counted; what is left above
        it is merged by Ward's rule, parts that no edge joins too. None takes what is found. There are fewer where there
        are fewer distinct rows.
    joining : how `n_clusters` come about. "ward" as said there. "average" takes the communities at `resolution`, then
        merges those whose means point the same way, by average linkage: a few large clusters beside small ones, as the
        departments of a shop are. Set `resolution` to 10, for communities far finer than what is wanted.
    levels : most levels kept, from the coarsest down, each with at least half as many communities again.
    rounds : how often the whole is done, each from the communities of the one before.
    seed : of the order in which rows are tried, and of the search for neighbours.

    Learned
    -------
    labels_ : (n,) int64.
    levels_ : (n_levels, n) int32 communities from coarse to fine, the first as `labels_`.
    parents_ : (n_communities of all levels,) int32 the community that each lies in, -1 at the top; they are numbered on
        from level to level, coarse to fine.
    modularity_ : of `labels_` on the graph of distinct rows, at `resolution_`.
    resolution_ : the resolution used.

    Source: Traag, Waltman & van Eck 2019, doi:10.1038/s41598-019-41695-z; Reichardt & Bornholdt 2006,
    doi:10.1103/PhysRevE.74.016110 (resolution); Zelnik-Manor & Perona 2004, "Self-tuning spectral clustering".
    """

    rounds: int = setting(3, low=1)

    def _levels(self, ties: Graph, resolution: float) -> list[Labels]:
        rng = np.random.default_rng(self.seed)
        labels = np.arange(ties.n)
        for _ in range(self.rounds):
            found = _round(ties, resolution, labels, rng)
            labels = found[-1]
        return found


def _round(ties: Graph, resolution: float, labels: Labels, rng: np.random.Generator) -> list[Labels]:
    """The levels from the communities `labels` on: (n,) each, fine to coarse."""
    found: list[Labels] = []
    of, labels = np.arange(ties.n), labels.copy()
    while True:
        mass = loops.masses(ties.bounds, ties.weights)
        pull = resolution / (float(mass.sum()) or 1.0)
        loops.move(*ties, mass, pull, rng.permutation(ties.n), labels)
        labels, n_labels = _numbered(labels)
        if n_labels == ties.n:  # every community is one node, and every node is connected
            return [*found, labels[of]]
        parts, n_parts = _numbered(loops.refine(*ties, mass, pull, rng.permutation(ties.n), labels))
        if n_parts == ties.n:  # nothing belongs together closely enough: only connected parts of communities do
            parts, n_parts = _numbered(loops.connected(ties.bounds, ties.others, labels))
            if n_parts == ties.n:
                return [*found, parts[of]]
        of = parts[of]
        found.append(of)
        ties = Graph(*loops.merge(*ties, parts, n_parts))
        above = np.empty(n_parts, np.int64)
        above[parts] = labels
        labels = above


def _numbered(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """The same groups counted from zero, and how many they are."""
    kept, labels = np.unique(labels, return_inverse=True)
    return labels, len(kept)
