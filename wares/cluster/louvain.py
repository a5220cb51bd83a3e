"""Louvain communities of the kNN graph."""

from dataclasses import dataclass

import numpy as np

from wares.arrays import Labels
from wares.cluster.communities import Communities
from wares.cluster.graph import Graph
from wares.kernels import communities as loops


@dataclass(kw_only=True, eq=False)
class Louvain(Communities):
    """Communities of the kNN graph by modularity: rows move where they gain, communities become rows, and so on.

    Choose `leiden` instead: as fast, as good or better, and its communities hold together. This one is here to compare
    with others' results. Time: the kNN graph, then O(n x n_neighbours) a level. Memory: that of the graph,
    24 bytes x n x n_neighbours, and a copy of the vectors.

    The number of clusters is found; it grows with `resolution`. Identical rows are one node of the graph, so they are
    never parted. What no edge joins is never one community. A row far from everything is tied to its nearest all the
    same and belongs to a community of theirs; only a row without any other is alone. Where there are fewer than four
    times `n_neighbours` distinct rows, a quarter of them are neighbours.

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
    seed : of the order in which rows are tried, and of the search for neighbours.

    Learned
    -------
    labels_ : (n,) int64.
    levels_ : (n_levels, n) int32 communities from coarse to fine, the first as `labels_`.
    parents_ : (n_communities of all levels,) int32 the community that each lies in, -1 at the top; they are numbered on
        from level to level, coarse to fine.
    modularity_ : of `labels_` on the graph of distinct rows, at `resolution_`.
    resolution_ : the resolution used.

    Source: Blondel, Guillaume, Lambiotte & Lefebvre 2008, doi:10.1088/1742-5468/2008/10/P10008; Reichardt & Bornholdt
    2006, doi:10.1103/PhysRevE.74.016110 (resolution); Zelnik-Manor & Perona 2004, "Self-tuning spectral clustering".
    """

    def _levels(self, ties: Graph, resolution: float) -> list[Labels]:
        rng = np.random.default_rng(self.seed)
        of, found = np.arange(ties.n), [np.arange(ties.n)]
        while True:
            mass = loops.masses(ties.bounds, ties.weights)
            pull = resolution / (float(mass.sum()) or 1.0)
            labels = np.arange(ties.n)
            while loops.move(*ties, mass, pull, rng.permutation(ties.n), labels):
                pass
            kept, labels = np.unique(labels, return_inverse=True)
            if len(kept) == ties.n:
                return found[1:] or found
            of = labels[of]
            found.append(of)
            ties = Graph(*loops.merge(*ties, labels, len(kept)))
