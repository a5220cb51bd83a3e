"""Regressions of each product on the few most like it, from a sparse Gram matrix."""

import numba as nb
import numpy as np

from wares.kernels.cooccurrence import _best, _sort


@nb.njit(nogil=True, cache=True)
def _near(j, indptr, indices, data, diagonal, k, rows, values, maxima, spare):
    """Fill `rows`, ascending, with the k products most alike to j by cosine; returns how many there are."""
    m = 0
    for z in range(indptr[j], indptr[j + 1]):
        rows[m] = indices[z]
        values[m] = data[z] / np.sqrt(diagonal[indices[z]])
        m += 1
    found = _best(values, rows, m, k, maxima, spare)
    _sort(rows, values, found)
    return found


@nb.njit(nogil=True, cache=True)
def _block(j, indptr, indices, data, diagonal, rows, m, place, gram, right):
    """Fill `gram` (m, m) and `right` (m,) with the dot products of the products `rows` with one another and with j."""
    for a in range(m):
        place[rows[a]] = a
        gram[a, :m] = 0
    for a in range(m):
        i = rows[a]
        for z in range(indptr[i], indptr[i + 1]):
            b = place[indices[z]]
            if b >= 0:
                gram[a, b] = data[z]
        gram[a, a] = diagonal[i]
    for z in range(indptr[j], indptr[j + 1]):
        b = place[indices[z]]
        if b >= 0:
            right[b] = data[z]
    for a in range(m):
        place[rows[a]] = -1


@nb.njit(nogil=True, cache=True)
def descend(gram, right, l1, l2, positive, sweeps, tolerance, weights):
    """Fill `weights` (m,) with the least of w'(gram + l2) w / 2 - right'w + l1 |w|, one coordinate after another.

    `right` is written over. `positive` keeps weights at 0 or above. Ends after a sweep that moved no weight by more
    than `tolerance`.
    """
    m = right.shape[0]
    weights[:] = 0
    for _ in range(sweeps):
        most = 0.0
        for a in range(m):
            pull = right[a] + gram[a, a] * weights[a]
            if pull > l1:
                new = (pull - l1) / (gram[a, a] + l2)
            elif pull < -l1 and not positive:
                new = (pull + l1) / (gram[a, a] + l2)
            else:
                new = 0.0
            step = new - weights[a]
            if step != 0:
                weights[a] = new
                line = gram[a]
                for b in range(m):
                    right[b] -= step * line[b]
                most = max(most, abs(step))
        if most <= tolerance:
            return


@nb.njit(parallel=True, cache=True)
def local(indptr, indices, data, diagonal, k, l1, l2, positive, sweeps, tolerance, order, n_threads):
    """The weights of each product's regression on the k products most alike to it.

    (indptr, indices, data) : the Gram matrix (n, n) without its diagonal (n,). l1, l2 : the penalties; without l1 and
    `positive` the equations are solved at once, else by at most so many `sweeps`. order (n,) the products in the order
    they are worked on.

    Returns rows (n, k) int32, ascending, -1 behind where there are fewer, weights (n, k) float32 and counts (n,).
    """
    n = indptr.shape[0] - 1
    out_rows = np.full((n, k), -1, np.int32)
    out_weights = np.zeros((n, k), np.float32)
    counts = np.zeros(n, np.int64)
    most = np.int64(0)
    for i in range(n):
        most = max(most, np.int64(indptr[i + 1] - indptr[i]))
    step = 16
    n_blocks = (n + step - 1) // step
    for t in nb.prange(n_threads):
        rows, values = np.empty(most + 1, np.int32), np.empty(most + 1, np.float32)
        maxima, spare = np.empty(4 * k, np.float32), np.empty(4 * k, np.int32)
        place = np.full(n, -1, np.int32)
        whole, side, weights = np.zeros((k, k)), np.zeros(k), np.zeros(k)
        for block in range(t, n_blocks, n_threads):
            for at in range(block * step, min(n, block * step + step)):
                j = order[at]
                m = _near(j, indptr, indices, data, diagonal, k, rows, values, maxima, spare)
                if m == 0:
                    continue
                _block(j, indptr, indices, data, diagonal, rows, m, place, whole, side)
                gram = whole[:m, :m].copy()
                if l1 > 0 or positive:
                    descend(gram, side[:m], l1, l2, positive, sweeps, tolerance, weights[:m])
                else:
                    for a in range(m):
                        gram[a, a] += l2
                    weights[:m] = np.linalg.solve(gram, side[:m].copy())
                kept = 0
                for a in range(m):
                    if weights[a] != 0:
                        out_rows[j, kept], out_weights[j, kept] = rows[a], weights[a]
                        kept += 1
                counts[j] = kept
    return out_rows, out_weights, counts
