"""Agglomerative clustering along the edges of a graph: only clusters with an edge between them can merge.

How far two clusters are apart is known from their means and spreads (Ward, average) or from the edges between them
(complete). Pairs wait in a heap under the distance they once had; a pair that is farther by now waits again. Of two
clusters that merge, the one with fewer neighbours hands them over.
"""

import numba as nb
import numpy as np

from wares.kernels.linkage import NOWHERE, enlist, grown, handed_over, key_of, place_of, sink, taken
from wares.kernels.unions import find


@nb.njit(nogil=True, cache=True)
def _apart(means, sizes, spreads, a, b, linkage):
    """Squared distance of two clusters by their means; Ward's is twice the sum of squares a merge adds."""
    gap = 0.0
    for d in range(means.shape[1]):
        gap += (np.float64(means[a, d]) - np.float64(means[b, d])) ** 2
    if linkage == 0:
        return 2 * sizes[a] * sizes[b] / (sizes[a] + sizes[b]) * gap
    return gap + spreads[a] / sizes[a] + spreads[b] / sizes[b]


@nb.njit(nogil=True, cache=True)
def agglomerate(vectors, weights, edges, lengths, linkage):
    """(n - 1, 2) rows that stand for the clusters of each merge and (n - 1,) heights, never less than one before.

    vectors : (n, width) float32. weights : (n,) float64, how often each is there. edges : (m, 2) int64, first < second,
    each pair once, all rows connected. lengths : (m,) float64.
    """
    n, m = len(vectors), len(edges)
    means, sizes, spreads = vectors.copy(), weights.copy(), np.zeros(n)
    room = 64
    while room < 4 * m:
        room *= 2
    keys, far = np.full(room, -1, np.int64), np.zeros(room)
    heads, tails = np.full(n, NOWHERE, np.int64), np.full(n, NOWHERE, np.int64)
    degree, parents = np.zeros(n, np.int64), np.arange(n)
    ends, follow = np.empty(2 * m, np.int64), np.full(2 * m, NOWHERE, np.int64)
    nearness, heap = np.empty(m), np.arange(m)
    for e in range(m):
        a, b = edges[e, 0], edges[e, 1]
        at = place_of(keys, key_of(a, b))
        keys[at], far[at] = key_of(a, b), lengths[e] ** 2
        for side in range(2):
            node, own = 2 * e + side, edges[e, side]
            ends[node] = edges[e, 1 - side]
            enlist(node, own, heads, tails, follow, degree)
        nearness[e] = -(far[at] if linkage == 2 else _apart(means, sizes, spreads, a, b, linkage))
    used, waiting = m, m
    for at in range(waiting // 2 - 1, -1, -1):
        sink(heap, waiting, at, nearness)
    pairs, heights, done, height = np.empty((n - 1, 2), np.int64), np.empty(n - 1), 0, 0.0
    while waiting and done < n - 1:
        e = heap[0]
        a, b = find(parents, edges[e, 0]), find(parents, edges[e, 1])
        gap = 0.0
        if a != b:
            gap = far[place_of(keys, key_of(a, b))] if linkage == 2 else _apart(means, sizes, spreads, a, b, linkage)
            if -gap < nearness[e]:
                nearness[e] = -gap
                sink(heap, waiting, 0, nearness)
                continue
        waiting = taken(heap, waiting, nearness)
        if a == b:
            continue
        height = max(height, gap)  # along a graph a merge can bring a third nearer; a tree has to rise
        pairs[done, 0], pairs[done, 1], heights[done] = a, b, np.sqrt(height)
        done += 1
        if degree[a] < degree[b]:
            a, b = b, a
        if used + degree[b] > keys.size // 2:
            keys, far, used = grown(keys, far, parents, used + degree[b])
        parents[b] = a
        between = 0.0
        for d in range(means.shape[1]):
            between += (np.float64(means[a, d]) - np.float64(means[b, d])) ** 2
            means[a, d] = (sizes[a] * means[a, d] + sizes[b] * means[b, d]) / (sizes[a] + sizes[b])
        spreads[a] += spreads[b] + sizes[a] * sizes[b] / (sizes[a] + sizes[b]) * between
        sizes[a] += sizes[b]
        used += handed_over(a, b, parents, keys, far, heads, tails, follow, ends, degree, False)
    return pairs[:done], heights[:done]
