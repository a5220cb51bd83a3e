"""EASE: the Gram matrix, the weights written over its inverse, and the scores of a history."""

import numba as nb
import numpy as np


@nb.njit(parallel=True, cache=True)
def gram(indptr, indices, data, t_indptr, t_indices, t_data, out, n_threads):
    """Fill the lower triangle of `out` (n, n) with X'X, X being shoppers x products with sorted indices."""
    n = out.shape[0]
    for t in nb.prange(n_threads):
        for i in range(t, n, n_threads):
            row = out[i]
            row[: i + 1] = 0
            for a in range(t_indptr[i], t_indptr[i + 1]):
                u, weight = t_indices[a], t_data[a]
                for q in range(indptr[u], indptr[u + 1]):
                    j = indices[q]
                    if j > i:
                        break
                    row[j] += weight * data[q]


@nb.njit(parallel=True, cache=True)
def weights_in_place(inverse):
    """Turn P (n, n), of which the lower triangle is given, into B = -P / diag(P) by column with a zero diagonal."""
    n = inverse.shape[0]
    diagonal = np.empty(n, inverse.dtype)
    for i in range(n):
        diagonal[i] = inverse[i, i]
    tile = 128
    n_tiles = (n + tile - 1) // tile
    for t in nb.prange(n_tiles * n_tiles):
        top, left = t // n_tiles * tile, t % n_tiles * tile
        if left > top:
            continue
        for i in range(top, min(n, top + tile)):
            for j in range(left, min(i, left + tile)):
                value = -inverse[i, j]
                inverse[i, j] = value / diagonal[j]
                inverse[j, i] = value / diagonal[i]
    for i in range(n):
        inverse[i, i] = 0


@nb.njit(nogil=True, cache=True)
def pack(weights, packed, scales):
    """Write each row of `weights` (n, n) as whole numbers -32767..32767 times its own scale (n,).

    `packed` (n, n) int16 may be the first half of the same memory: a number is written where one was read before.
    """
    n = weights.shape[0]
    for i in range(n):
        greatest = np.float32(0.0)
        for j in range(n):
            greatest = max(greatest, abs(weights[i, j]))
        scales[i] = greatest / np.float32(32767.0)
        factor = np.float32(32767.0) / greatest if greatest > 0 else np.float32(0.0)
        for j in range(n):
            packed[i, j] = np.int16(np.rint(weights[i, j] * factor))


@nb.njit(nogil=True, cache=True, fastmath={"contract"})
def add_rows(weights, starts, rows, values, out):
    """Add to `out` (q, n): for each query the sum of rows of `weights` (m, n), of any type, times the values given."""
    n = weights.shape[1]
    for q in range(starts.shape[0] - 1):
        line = out[q]
        a, stop = starts[q], starts[q + 1]
        # Eight rows in one pass: the sums are read and written an eighth as often, and more rows are on their way.
        while a + 8 <= stop:
            w0, w1, w2, w3 = weights[rows[a]], weights[rows[a + 1]], weights[rows[a + 2]], weights[rows[a + 3]]
            w4, w5, w6, w7 = weights[rows[a + 4]], weights[rows[a + 5]], weights[rows[a + 6]], weights[rows[a + 7]]
            v0, v1, v2, v3 = values[a], values[a + 1], values[a + 2], values[a + 3]
            v4, v5, v6, v7 = values[a + 4], values[a + 5], values[a + 6], values[a + 7]
            for j in range(n):
                low = (
                    v0 * np.float32(w0[j]) + v1 * np.float32(w1[j]) + (v2 * np.float32(w2[j]) + v3 * np.float32(w3[j]))
                )
                high = (
                    v4 * np.float32(w4[j]) + v5 * np.float32(w5[j]) + (v6 * np.float32(w6[j]) + v7 * np.float32(w7[j]))
                )
                line[j] += low + high
            a += 8
        while a < stop:
            w0, v0 = weights[rows[a]], values[a]
            for j in range(n):
                line[j] += v0 * np.float32(w0[j])
            a += 1


@nb.njit(nogil=True, cache=True)
def scatter(found, columns, out):
    """Fill `out` (q, n) with the columns of `found` (q, m) where they belong, -inf elsewhere."""
    for q in range(out.shape[0]):
        line, mine = out[q], found[q]
        line[:] = -np.inf
        for j in range(columns.size):
            line[columns[j]] = mine[j]


@nb.njit(nogil=True, cache=True)
def cells(weights, rows, columns, values, out):
    """Fill `out` (len(columns), len(rows)) with the cells of `weights` times the value of their row; 0 where one is -1.

    Row by row: the cells of a row are near one another.
    """
    for a in range(rows.shape[0]):
        for c in range(columns.shape[0]):
            there = rows[a] >= 0 and columns[c] >= 0
            out[c, a] = values[a] * np.float32(weights[rows[a], columns[c]]) if there else np.float32(0.0)
