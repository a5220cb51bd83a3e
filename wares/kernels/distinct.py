"""Rows that are the same to the bit, each once, in an order that depends only on what the rows hold."""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.centers import ROWS, VECTORS, frozen
from wares.kernels.kmeans import Work

_MINUS_ZERO = np.uint32(1 << 31)
_WORDS = nb.types.Array(nb.uint32, 2, "C", readonly=True)
_FACTORS = nb.types.Array(nb.uint64, 1, "C", readonly=True)


def factors(width: int) -> NDArray[np.uint64]:
    """(width,) odd numbers that the words of a row are multiplied by; always the same."""
    return np.random.default_rng(0).integers(2**64, size=width, dtype=np.uint64) | np.uint64(1)


def digests_plain(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n,) the sum modulo 2^64 of each row's bits times `factors`; zero and minus zero are one."""
    words = np.where(vectors == 0, np.float32(0), vectors).view(np.uint32).astype(np.uint64)
    out: NDArray[np.uint64] = (words * factors(vectors.shape[1])).sum(axis=1, dtype=np.uint64)
    return out


@nb.njit(nb.void(_WORDS, _FACTORS, nb.int64, nb.int64, nb.uint64[::1]), nogil=True, cache=True)
def _digests(words, by, start, stop, out):
    for i in range(start, stop):
        total = np.uint64(0)
        for j in range(words.shape[1]):
            word = words[i, j]
            total += np.uint64(np.uint32(0) if word == _MINUS_ZERO else word) * by[j]
        out[i] = total


@nb.njit(
    nb.void(VECTORS, ROWS, _FACTORS, nb.boolean[::1]),
    nogil=True,
    cache=True,
)
def _first_of_kind(vectors, order, digests, out):
    for t in range(order.size):
        out[t] = t == 0 or digests[order[t]] != digests[order[t - 1]]
        if not out[t]:  # that the digests agree is no proof
            for j in range(vectors.shape[1]):
                if vectors[order[t], j] != vectors[order[t - 1], j]:
                    out[t] = True


def kinds(
    work: Work, vectors: NDArray[np.float32], among: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows `among`, those of the same content side by side: (n_kinds + 1) bounds and the rows.

    Kinds stand in the order of their digests, rows of a kind in the order given.
    """
    digests = np.empty(len(vectors), np.uint64)
    words, by = frozen(vectors.view(np.uint32)), frozen(factors(vectors.shape[1]))
    work.map(lambda start, stop: _digests(words, by, start, stop, digests), len(vectors), 8192)
    order = among[np.argsort(digests[among], kind="stable")]
    first = np.empty(len(order), np.bool_)
    _first_of_kind(frozen(vectors), frozen(order), frozen(digests), first)
    return np.append(np.flatnonzero(first), len(order)), order


def distinct(
    work: Work, vectors: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """One row number for each distinct row of positive weight, and the weight of all that are like it.

    The order is that of the rows' digests: rows in another order, or a row given twice instead of with weight two, give
    the same rows with the same weights.
    """
    bounds, order = kinds(work, vectors, np.flatnonzero(weights > 0))
    sums = np.add.reduceat(weights[order].astype(np.float64), bounds[:-1])
    return order[bounds[:-1]], sums.astype(np.float32)
