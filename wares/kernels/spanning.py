"""The minimum spanning tree of rows by mutual reachability, exact and never n x n, and the tree of merges it means.

Rounds of Boruvka: each part but the largest takes the shortest way out of it. A row's list of nearest neighbours holds
its way out as long as that is no longer than the list's last; only rows whose list is used up, and that may still hold
the shortest way of their part, are compared with all others.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.arrays import Rows
from wares.kernels.kmeans import work
from wares.kernels.unions import find, labels_of, roots_of

BLOCK = 512
"""Rows compared with all others at once by each thread: BLOCK x n x 4 bytes."""


@nb.njit(nogil=True, cache=True)
def _ways_out(parts, rows, lengths, core, ways, costs, floors):
    """The shortest way out of its part that the list of each row holds, and what no way beside it can be below."""
    n, k = rows.shape
    for i in range(n):
        if ways[i] >= 0 and parts[ways[i]] != parts[i] and costs[i] <= floors[i]:
            continue  # found before, and still a way out
        floor = min(costs[i], floors[i])  # what was below it lies inside by now
        ways[i], costs[i] = -1, np.inf
        last = np.float32(0)
        for t in range(k):
            j = rows[i, t]
            if j < 0:
                break
            if t == n - 2:  # every other row is in the list
                floor = np.float32(np.inf)
            last = lengths[i, t]
            if last >= costs[i]:
                break  # those farther in the list cost no less
            if parts[j] != parts[i]:
                cost = max(last, core[i], core[j])
                if cost < costs[i]:
                    ways[i], costs[i] = j, cost
        floors[i] = max(floor, last, core[i])


@nb.njit(nogil=True, cache=True)
def _scan(block, squares, dots, parts, core, ways, costs, floors):
    """Fill the ways out of the rows `block` from their products `dots` (len(block), n) with all rows."""
    for at in range(block.size):
        i = block[at]
        ways[i], costs[i] = -1, np.inf
        low = core[i] * core[i]
        best = np.float32(np.inf)
        for j in range(dots.shape[1]):
            if parts[j] != parts[i]:
                cost = max(squares[i] + squares[j] - 2 * dots[at, j], low, core[j] * core[j])
                if cost < best:
                    best = cost
                    ways[i] = j
        costs[i] = np.sqrt(best)
        floors[i] = np.inf


@nb.njit(nogil=True, cache=True)
def _least(parts, ways, costs, out, among):
    """The cheapest of the ways out of each part, of those of the rows `among`, counted for both its ends."""
    for at in range(among.size):
        i = among[at]
        if ways[i] < 0:
            continue
        for part in (parts[i], parts[ways[i]]):
            if out[part] < 0 or costs[i] < costs[out[part]]:
                out[part] = i


@nb.njit(nogil=True, cache=True)
def _join_parts(parents, out, ways, tree, done):
    for part in range(out.size):
        i = out[part]
        if i < 0:
            continue
        a, b = find(parents, i), find(parents, ways[i])
        if a != b:
            parents[max(a, b)] = min(a, b)
            tree[done, 0], tree[done, 1] = i, ways[i]
            done += 1
    return done


@nb.njit(nogil=True, cache=True)
def distances_of(vectors, pairs, core):
    """(m,) float64 mutual reachability of pairs of rows, from the differences themselves."""
    out = np.empty(len(pairs))
    for e in range(len(pairs)):
        a, b = pairs[e, 0], pairs[e, 1]
        total = 0.0
        for d in range(vectors.shape[1]):
            total += (np.float64(vectors[a, d]) - np.float64(vectors[b, d])) ** 2
        out[e] = max(np.sqrt(total), core[a], core[b])
    return out


def spanning_tree(
    vectors: NDArray[np.float32],
    rows: NDArray[np.int32],
    lengths: NDArray[np.float32],
    core: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n - 1, 2) pairs of rows, shortest first, and their lengths max(distance, core of the one, core of the other).

    rows, lengths : the neighbours (n, k) of each row, nearest first; the tree is exact where these are. core : (n,)
    least length of a row's pairs, zero by default. Time O(n^2 width) at worst, far less where lists reach.
    """
    n = len(vectors)
    least = np.zeros(n) if core is None else np.asarray(core, np.float64)
    core = least.astype(np.float32)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    parents, tree, done = np.arange(n), np.empty((n - 1, 2), np.int64), 0
    ways, costs = np.full(n, -1), np.full(n, np.inf, np.float32)
    floors = np.zeros(n, np.float32)
    everyone = np.arange(n)
    with work() as pool:
        while done < n - 1:
            parts = roots_of(parents)
            _ways_out(parts, rows, lengths, core, ways, costs, floors)
            out = np.full(n, -1)
            _least(parts, ways, costs, out, everyone)
            largest = np.bincount(parts).argmax()
            asked = parts != largest
            while True:  # those that may be shortest first: they spare the others
                bars = np.where(out[parts] >= 0, costs[out[parts]], np.inf)
                open_ = np.flatnonzero(asked & (floors < bars) & (costs > floors))
                if not len(open_):
                    break
                batch = np.sort(open_[np.argsort(floors[open_], kind="stable")[: 8 * BLOCK]])

                def scan(start: int, stop: int, batch: Rows = batch, parts: Rows = parts) -> None:
                    block = batch[start:stop]
                    _scan(block, squares, vectors[block] @ vectors.T, parts, core, ways, costs, floors)

                pool.map(scan, len(batch), BLOCK)
                _least(parts, ways, costs, out, batch)
            out[largest] = -1  # nobody looked whether it is the shortest
            done = _join_parts(parents, out, ways, tree, done)
    long = distances_of(vectors, tree, least)
    order = np.lexsort((tree.max(axis=1), tree.min(axis=1), long))
    return tree[order], long[order]


@nb.njit(nogil=True, cache=True)
def merges_of(pairs, lengths):
    """(n - 1, 4) the merges that a tree of pairs, shortest first, means, as scipy writes them."""
    n = len(pairs) + 1
    parents, names, sizes = np.arange(n), np.arange(n), np.ones(n, np.int64)
    tree = np.empty((n - 1, 4))
    for e in range(n - 1):
        a, b = find(parents, pairs[e, 0]), find(parents, pairs[e, 1])
        tree[e, 0], tree[e, 1] = min(names[a], names[b]), max(names[a], names[b])
        tree[e, 2] = lengths[e]
        sizes[a] += sizes[b]
        tree[e, 3] = sizes[a]
        parents[b] = a
        names[a] = n + e
    return tree


def cut(tree: NDArray[np.float64], n_clusters: int = 1, height: float = np.inf) -> NDArray[np.int64]:
    """(n,) clusters, counted from zero by first row: merges below that height, down to that many."""
    n = len(tree) + 1
    taken = min(max(n - n_clusters, 0), int(np.searchsorted(tree[:, 2], height)))
    first = np.concatenate([np.arange(n), np.empty(n - 1, np.int64)])  # a row of each node
    pairs = np.empty((taken, 2), np.int64)
    for at, (a, b) in enumerate(tree[:taken, :2].astype(np.int64).tolist()):
        pairs[at] = first[a], first[b]
        first[n + at] = first[a]
    return labels_of(np.arange(n), pairs)
