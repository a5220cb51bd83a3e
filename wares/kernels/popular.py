"""Scores of what is popular, among all shoppers and inside the clusters of each history."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def personal(popularity, clusters, within, bases, shares, out):
    """Fill `out` (q, n): popularity (n,) times bases (q,), and within (n,) times the share (q, m) of its cluster.

    clusters (n,) of the products; none has a share of -1 or of a cluster from m on.
    """
    m = shares.shape[1]
    for q in range(out.shape[0]):
        base, mine, line = bases[q], shares[q], out[q]
        for j in range(popularity.shape[0]):
            cluster = clusters[j]
            share = mine[cluster] if 0 <= cluster < m else np.float32(0.0)
            line[j] = base * popularity[j] + share * within[j]
