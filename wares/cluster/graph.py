"""The graph that community methods read: every row tied to its nearest, the nearer the more."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense
from wares.kernels import communities as loops
from wares.kernels.kmeans import work
from wares.kernels.neighbours import neighbours

Weights = Literal["near", "shared", "equal"]

RECALL = 0.95
"""Share of the true neighbours that is found; a missed edge of fifteen moves no row."""

SCALE = 7
"""The neighbour whose distance is the scale around a row."""

PART = 4096


class Graph(NamedTuple):
    """Row by row the other ends of a node's edges, each edge in both rows: a csr table without its shape."""

    bounds: NDArray[np.int64]
    others: NDArray[np.int32]
    weights: NDArray[np.float64]

    @property
    def n(self) -> int:
        """How many nodes."""
        return len(self.bounds) - 1


def graph(vectors: Dense, n_neighbours: int, weights: Weights, seed: int) -> Graph:
    """Each row with its `n_neighbours` nearest, a quarter of all rows at most (but two); symmetric, in both directions.

    An edge that both ends name counts twice. Rows without any other have none.
    """
    n = len(vectors)
    k = max(min(n_neighbours, max(n // 4, 2), n - 1), 0)
    rows, distances = neighbours(vectors, k, recall=RECALL, seed=seed)
    strength = _strength(rows, distances, weights)
    there = (rows >= 0) & (strength > 0)
    bounds = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    named = csr_array((strength[there], rows[there], bounds), shape=(n, n))
    both = csr_array(named + named.T)
    return Graph(both.indptr.astype(np.int64), both.indices.astype(np.int32), both.data)


def _strength(rows: NDArray[np.int32], distances: NDArray[np.float32], weights: Weights) -> NDArray[np.float64]:
    """(n, k) how strongly each row is tied to each of its neighbours, 0..1."""
    if weights == "equal" or not rows.size:
        return np.ones(rows.shape)
    if weights == "shared":
        out = np.empty(rows.shape)
        with work() as pool:
            pool.map(lambda start, stop: loops.shared(rows, start, stop, out), len(rows), max(PART, len(rows) // 32))
        return out
    # Local scaling (Zelnik-Manor & Perona 2004): what is near depends on how dense it is around both ends.
    there = np.where(rows >= 0, distances, 0).astype(np.float64)
    scale = there[:, min(SCALE, rows.shape[1]) - 1]
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    return np.exp(-(there**2) / (scale[:, None] * scale[np.maximum(rows, 0)]))
