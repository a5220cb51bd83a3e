"""Rows that are joined: which stand together."""

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def find(parents, row):
    """The root of a row; the path to it is halved."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@nb.njit(nogil=True, cache=True)
def roots_of(parents):
    """(n,) the root of each row."""
    out = np.empty_like(parents)
    for row in range(parents.size):
        out[row] = find(parents, row)
    return out


@nb.njit(nogil=True, cache=True)
def join(edges, n):
    """(n,) the root of each row, the lowest of those joined by `edges` (m, 2)."""
    parents = np.arange(n)
    for e in range(edges.shape[0]):
        a, b = find(parents, edges[e, 0]), find(parents, edges[e, 1])
        if a != b:
            parents[max(a, b)] = min(a, b)
    return roots_of(parents)


def labels_of(roots: NDArray[np.int64], merges: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) clusters counted from zero by first row, of rows that stand for their parts and merges (k, 2) of those."""
    joined = join(np.ascontiguousarray(merges, np.int64), len(roots))[roots]
    _, first, codes = np.unique(joined, return_index=True, return_inverse=True)
    numbers = np.empty(len(first), np.int64)
    numbers[np.argsort(first, kind="stable")] = np.arange(len(first))
    return numbers[codes]
