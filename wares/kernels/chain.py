"""Exact agglomerative clustering by chains of nearest neighbours, on half a table of distances in float32.

A chain goes from a cluster to its nearest, from that to its own nearest, until two are each other's: those merge. For
linkages where a merge never brings a third nearer, which all of these are, that gives the merges of the greedy way.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.kmeans import work

BLOCK = 512
"""Rows whose distances are made at once by each thread: BLOCK x n x 4 bytes."""

WARD, AVERAGE, COMPLETE = 0, 1, 2


@nb.njit(nogil=True, cache=True)
def _at(i, j, n):
    """Where the distance of two rows stands in half a table."""
    if i > j:
        i, j = j, i
    return n * i - i * (i + 1) // 2 + j - i - 1


@nb.njit(nogil=True, cache=True)
def _spell(vectors, squares, dots, start, ward, half):
    """Distances of the rows from `start` on to later ones, squared for Ward; those near nothing from differences."""
    n = squares.size
    for at in range(dots.shape[0]):
        i = start + at
        for to in range(at + 1, dots.shape[1]):
            both = squares[i] + squares[start + to]
            gap = both - 2 * dots[at, to]
            if gap <= np.float32(1e-3) * both:
                gap = np.float32(0)
                for d in range(vectors.shape[1]):
                    gap += (vectors[i, d] - vectors[start + to, d]) ** 2
            half[_at(i, start + to, n)] = gap if ward else np.sqrt(gap)


def half_table(vectors: NDArray[np.float32], ward: bool) -> NDArray[np.float32]:
    """(n (n - 1) / 2,) distances as scipy's pdist orders them, squared for Ward: 800 MB at 20,000 rows."""
    n = len(vectors)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    half = np.empty(n * (n - 1) // 2, np.float32)

    def part(start: int, stop: int) -> None:
        _spell(vectors, squares, vectors[start:stop] @ vectors[start:].T, start, ward, half)

    with work() as pool:
        pool.map(part, n, BLOCK)
    return half


@nb.njit(nogil=True, cache=True)
def _nearest(half, n, alive, count, own, before):
    """The nearest of the living to a cluster, ties to the one before in the chain, then to the lowest."""
    best, found = np.float32(np.inf), -1
    if before >= 0:
        best, found = half[_at(own, before, n)], before
    for at in range(count):
        other = alive[at]
        if other != own:
            gap = half[_at(own, other, n)]
            if gap < best:
                best, found = gap, other
    return found, best


@nb.njit(nogil=True, cache=True)
def _merged(linkage, to_a, to_b, between, a, b, c):
    """The distance of a + b to c from those of a and b to it; a, b, c are sizes."""
    if linkage == 0:
        return ((a + c) * to_a + (b + c) * to_b - c * between) / (a + b + c)
    if linkage == 1:
        return (a * to_a + b * to_b) / (a + b)
    return max(to_a, to_b)


@nb.njit(nogil=True, cache=True)
def chain(half, n, linkage):
    """(n - 1, 2) rows that stand for the two clusters of each merge, and (n - 1,) heights, in no order; eats `half`."""
    sizes, alive, count = np.ones(n), np.arange(n), n
    dead = np.zeros(n, np.bool_)
    stack, depth = np.empty(n, np.int64), 0
    pairs, heights = np.empty((n - 1, 2), np.int64), np.empty(n - 1)
    done, lowest = 0, 0
    while done < n - 1:
        if depth == 0:
            while dead[lowest]:
                lowest += 1
            stack[0], depth = lowest, 1
        own = stack[depth - 1]
        before = stack[depth - 2] if depth > 1 else -1
        other, gap = _nearest(half, n, alive, count, own, before)
        if other != before:
            stack[depth] = other
            depth += 1
            continue
        depth -= 2
        a, b = min(own, before), max(own, before)
        pairs[done, 0], pairs[done, 1], heights[done] = a, b, gap
        done += 1
        for at in range(count):
            c = alive[at]
            if c != a and c != b:
                to_a, to_b = half[_at(a, c, n)], half[_at(b, c, n)]
                half[_at(a, c, n)] = _merged(linkage, to_a, to_b, gap, sizes[a], sizes[b], sizes[c])
        sizes[a] += sizes[b]
        dead[b] = True
        at = np.searchsorted(alive[:count], b)
        alive[at : count - 1] = alive[at + 1 : count]
        count -= 1
    return pairs, heights
