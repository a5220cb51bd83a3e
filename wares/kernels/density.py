"""Rows within a distance of each other: how many each has, and which hang together; by blocks, never n x n.

Each pair of rows is looked at once. float32 products decide but for pairs so near the distance that rounding could
tell otherwise: those are measured again in float64 from the differences.
"""

from threading import Lock

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.kmeans import work
from wares.kernels.unions import find, roots_of

BLOCK = 512
"""Rows compared at once by each thread: BLOCK x n x 4 bytes."""

ROUNDING = 4e-6
"""What float32 may move a squared distance, as a part of the squared lengths."""


@nb.njit(nogil=True, cache=True)
def _within(vectors, a, b, limit):
    total = 0.0
    for d in range(vectors.shape[1]):
        total += (np.float64(vectors[a, d]) - np.float64(vectors[b, d])) ** 2
    return total <= limit


@nb.njit(nogil=True, cache=True)
def _count(vectors, squares, dots, start, limit, counts):
    """Add the pairs of the rows from `start` on with later ones; dots (rows, n - start)."""
    for at in range(dots.shape[0]):
        i = start + at
        own = 0
        for to in range(at + 1, dots.shape[1]):
            j = start + to
            both = squares[i] + squares[j]
            gap = both - 2 * dots[at, to]
            doubt = ROUNDING * both
            if gap <= limit - doubt or (gap <= limit + doubt and _within(vectors, i, j, limit)):
                counts[j] += 1
                own += 1
        counts[i] += own


@nb.njit(nogil=True, cache=True)
def _unite(vectors, squares, dots, core, start, limit, parents):
    """Join the core rows from `start` on with later ones."""
    for at in range(dots.shape[0]):
        i = start + at
        if not core[i]:
            continue
        for to in range(at + 1, dots.shape[1]):
            j = start + to
            both = squares[i] + squares[j]
            gap = both - 2 * dots[at, to]
            doubt = ROUNDING * both
            if core[j] and gap <= limit + doubt and (gap <= limit - doubt or _within(vectors, i, j, limit)):
                a, b = find(parents, i), find(parents, j)
                if a != b:
                    parents[max(a, b)] = min(a, b)


def within(vectors: NDArray[np.float32], reach: float) -> NDArray[np.int64]:
    """(n,) rows no farther than `reach` from each, itself counted."""
    n = len(vectors)
    squares = np.einsum("ij,ij->i", vectors, vectors).astype(np.float64)
    counts, lock, limit = np.ones(n, np.int64), Lock(), float(reach) ** 2

    def part(start: int, stop: int) -> None:
        dots = vectors[start:stop] @ vectors[start:].T
        own = np.zeros(n, np.int64)
        _count(vectors, squares, dots, start, limit, own)
        with lock:
            np.add(counts, own, out=counts)

    with work() as pool:
        pool.map(part, n, BLOCK)
    return counts


def hang_together(vectors: NDArray[np.float32], core: NDArray[np.bool_], reach: float) -> NDArray[np.int64]:
    """(n,) the lowest row of those that core rows hang together with, each no farther than `reach` from the next."""
    n = len(vectors)
    squares = np.einsum("ij,ij->i", vectors, vectors).astype(np.float64)
    parents, lock, limit = np.arange(n), Lock(), float(reach) ** 2

    def part(start: int, stop: int) -> None:
        dots = vectors[start:stop] @ vectors[start:].T
        with lock:
            _unite(vectors, squares, dots, core, start, limit, parents)

    with work() as pool:
        pool.map(part, n, BLOCK)
    found: NDArray[np.int64] = roots_of(parents)
    return found


@nb.njit(nogil=True, cache=True)
def along(rows, lengths, core, reach):
    """(n,) as `hang_together`, along lists of nearest rows (n, k) only."""
    parents = np.arange(rows.shape[0])
    for i in range(rows.shape[0]):
        if not core[i]:
            continue
        for t in range(rows.shape[1]):
            if rows[i, t] < 0 or lengths[i, t] > reach:
                break
            if core[rows[i, t]]:
                a, b = find(parents, i), find(parents, np.int64(rows[i, t]))
                if a != b:
                    parents[max(a, b)] = min(a, b)
    return roots_of(parents)
