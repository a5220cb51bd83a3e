"""Clusters made by merging the nearest two, again and again."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from wares.algorithm import setting
from wares.arrays import Dense, Labels, Links
from wares.cluster.noise import refuse_links
from wares.cluster.placing import PlacesByNeighbour
from wares.errors import SettingError
from wares.kernels import chain
from wares.kernels.agglomerate import agglomerate
from wares.kernels.neighbours import neighbours
from wares.kernels.spanning import cut, merges_of, spanning_tree
from wares.runner import Local, Runner

LINKAGES = {"ward": chain.WARD, "average": chain.AVERAGE, "complete": chain.COMPLETE}


@dataclass(kw_only=True, eq=False)
class Agglomerative(PlacesByNeighbour):
    """A tree of merges, cut where there are as many clusters as asked for or where merges get too far apart.

    Choose it to see how clusters nest (`tree_` is a dendrogram) or to cut again without a new fit (`cut`): ward for
    compact clusters of like size, average for likeness at large, complete for clusters without outliers, single for
    chains of near-duplicates.

    Up to `exact` rows it is what scikit-learn and scipy do, in float32 by chains of nearest neighbours: half a table of
    distances, 2 n^2 bytes, 800 MB at 20,000 rows; time O(n^2 width) in BLAS and O(n^2) for the chains. Beyond, rows
    that differ merge along the graph of their `neighbours` nearest and their shortest spanning tree, so that all are
    connected: Ward exactly between clusters with an edge, average as the root of the mean squared distance, complete
    over the edges there are; heights never fall. Memory about 100 bytes x n x neighbours, time that of the graph plus
    O(n neighbours width log n). Single linkage is always the shortest spanning tree and takes no table.

    More clusters than rows make one of each row; than distinct rows, identical rows part in row order. NaN is an error.

    Settings
    --------
    n_clusters : where to cut; not heard where there is a distance_threshold.
    distance_threshold : merge only what is nearer than this; None cuts at n_clusters.
    linkage : how far two clusters are: "ward" sqrt(2ab/(a+b)) between means, "average", "complete" (farthest two rows),
        "single" (nearest two).
    exact : rows up to which every pair is looked at.
    neighbours : edges of each row beyond that.
    seed : of the search for them.

    Learned
    -------
    labels_ : (n,) int64, counted from zero in the order of the rows.
    tree_ : (n - 1, 4) the merges as scipy writes them; a dendrogram of scipy's can draw it.

    Source: Ward 1963, doi:10.1080/01621459.1963.10500845; Murtagh 1983, doi:10.1093/comjnl/26.4.354 (chains).
    """

    n_clusters: int = setting(8, low=1)
    distance_threshold: float | None = setting(None, low=0)
    linkage: Literal["ward", "average", "complete", "single"] = "ward"
    exact: int = setting(20_000, low=2)
    neighbours: int = setting(15, low=1)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width). Raises SettingError for links, which this method cannot honour."""
        self._check()
        refuse_links("Agglomerative", links)
        rows = self._rows(X, reset=True)
        if self.linkage != "single" and len(rows) <= self.exact:
            self.tree_ = _by_chains(rows, self.linkage)
        else:
            self.tree_ = self._along_a_graph(rows)
        self._settle(rows, self.cut(self.n_clusters, self.distance_threshold))
        return self

    def cut(self, n_clusters: int | None = None, distance_threshold: float | None = None) -> Labels:
        """(n,) what `labels_` would be with these settings; the tree stays. Raises SettingError where none is given."""
        check_is_fitted(self, "tree_")
        if distance_threshold is not None:
            return cut(np.asarray(self.tree_), height=distance_threshold)
        if n_clusters is None or n_clusters < 1:
            raise SettingError(f"cut(n_clusters={n_clusters}): say at least 1, or a distance_threshold")
        return cut(np.asarray(self.tree_), n_clusters)

    def _along_a_graph(self, rows: Dense) -> NDArray[np.float64]:
        """The tree of rows that differ, and below it that of identical rows, at height 0."""
        n = len(rows)
        first, codes = _distinct(rows)
        others = np.setdiff1d(np.arange(n), first)
        same = np.stack([first[codes[others]], others], axis=1)
        distinct = rows[first]
        near, lengths = neighbours(distinct, self.neighbours, recall=1 if n <= self.exact else 0.98, seed=self.seed)
        pairs, heights = spanning_tree(distinct, near, lengths)
        if self.linkage != "single":
            edges, long = _edges(near, lengths, pairs, heights)
            weights = np.bincount(codes).astype(np.float64)
            pairs, heights = agglomerate(distinct, weights, edges, long, LINKAGES[self.linkage])
        tree: NDArray[np.float64] = merges_of(
            np.concatenate([same, first[pairs]]), np.concatenate([np.zeros(len(same)), heights])
        )
        return tree


def _by_chains(rows: Dense, linkage: str) -> NDArray[np.float64]:
    half = chain.half_table(rows, linkage == "ward")
    pairs, heights = chain.chain(half, len(rows), LINKAGES[linkage])
    if linkage == "ward":
        heights = np.sqrt(np.maximum(heights, 0))
    order = np.argsort(heights, kind="stable")
    tree: NDArray[np.float64] = merges_of(pairs[order], heights[order])
    return tree


def _distinct(rows: Dense) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first of each of the rows that differ, ascending, and (n,) which of them each row is."""
    whole = np.ascontiguousarray(rows + np.float32(0)).view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
    _, first, codes = np.unique(whole.ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[codes]


def _edges(
    near: NDArray[np.int32], lengths: NDArray[np.float32], pairs: NDArray[np.int64], heights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The edges of lists of nearest rows and of a tree, lower row first, each once, and their lengths."""
    n, k = near.shape
    held = near.ravel() >= 0
    listed = np.stack([np.repeat(np.arange(n), k), near.ravel()], axis=1)[held]
    both = np.sort(np.concatenate([pairs, listed]), axis=1)
    _, once = np.unique(both[:, 0] * n + both[:, 1], return_index=True)
    return np.ascontiguousarray(both[once]), np.concatenate([heights, lengths.ravel()[held].astype(np.float64)])[once]
