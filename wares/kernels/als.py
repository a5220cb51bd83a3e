"""Alternating least squares: every row's regularised least squares against the factors of the other side.

Seen along the axes of the other side's Gram matrix, what all rows share is a diagonal. So a row of few entries is
solved exactly in the space of its entries (Woodbury), and a long one by conjugate gradients that begin where the row
stood and are preconditioned by its own diagonal: no matrix is formed for any row.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.kernels.kmeans import Work, work

FEW = 16
"""Entries up to which a row is solved exactly: beyond, products of every two of them cost more than a few steps."""

_BLOCK = 8192
"""Rows of one product, and of one sum of the Gram matrix: bounds that do not depend on the threads."""

# Only sums may be reordered, so that they run on vector registers: NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _inner(rows, m, small):
    """Write the lower triangle of the products of the first m rows with one another."""
    width = rows.shape[1]
    for a in range(m):
        b = 0
        while b + 4 <= a + 1:  # four sums at once: the row that they share is read once
            s0, s1, s2, s3 = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for d in range(width):
                one = rows[a, d]
                s0 += one * rows[b, d]
                s1 += one * rows[b + 1, d]
                s2 += one * rows[b + 2, d]
                s3 += one * rows[b + 3, d]
            small[a, b], small[a, b + 1], small[a, b + 2], small[a, b + 3] = s0, s1, s2, s3
            b += 4
        while b <= a:
            s0 = np.float32(0.0)
            for d in range(width):
                s0 += rows[a, d] * rows[b, d]
            small[a, b] = s0
            b += 1


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _cholesky(small, m, right):
    """Solve small v = right for the m unknowns, in place; of the matrix the lower triangle is given."""
    one = np.float32(1.0)
    for a in range(m):
        for b in range(a):
            total = small[a, b]
            for c in range(b):
                total -= small[a, c] * small[b, c]
            small[a, b] = total * small[b, b]
        total, value = small[a, a], right[a]
        for c in range(a):
            total -= small[a, c] * small[a, c]
            value -= small[a, c] * right[c]
        small[a, a] = one / np.sqrt(total)  # of the root, what is to be multiplied by
        right[a] = value * small[a, a]
    for a in range(m - 1, -1, -1):
        value = right[a]
        for c in range(a + 1, m):
            value -= small[c, a] * right[c]
        right[a] = value * small[a, a]


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _exact(fixed, indices, weights, extra, first, last, root, rows, small, right, out, u):
    """Row u, by way of (I + B B') v = r, x = D^-1/2 B' v: in B are the rows times the root of weight and of D^-1."""
    m, width = last - first, fixed.shape[1]
    for a in range(m):
        i, weight = indices[first + a], weights[first + a]
        heavy = np.sqrt(weight)
        right[a] = (weight + extra) / heavy
        for d in range(width):
            rows[a, d] = heavy * root[d] * fixed[i, d]
    _inner(rows, m, small)
    for a in range(m):
        small[a, a] += np.float32(1.0)
    _cholesky(small, m, right)
    for d in range(width):
        out[u, d] = 0
    a = 0
    while a + 4 <= m:
        r0, r1, r2, r3 = right[a], right[a + 1], right[a + 2], right[a + 3]
        for d in range(width):
            out[u, d] += r0 * rows[a, d] + r1 * rows[a + 1, d] + r2 * rows[a + 2, d] + r3 * rows[a + 3, d]
        a += 4
    while a < m:
        for d in range(width):
            out[u, d] += right[a] * rows[a, d]
        a += 1
    for d in range(width):
        out[u, d] *= root[d]


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _times(fixed, indices, weights, first, last, way, ahead):
    """Add to `ahead` what the entries of a row make of `way`."""
    width = fixed.shape[1]
    q = first
    while q + 4 <= last:  # more rows are on their way from memory, and the sums are written a quarter as often
        i, j, k, n = indices[q], indices[q + 1], indices[q + 2], indices[q + 3]
        s0, s1, s2, s3 = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for d in range(width):
            one = way[d]
            s0 += one * fixed[i, d]
            s1 += one * fixed[j, d]
            s2 += one * fixed[k, d]
            s3 += one * fixed[n, d]
        s0, s1, s2, s3 = weights[q] * s0, weights[q + 1] * s1, weights[q + 2] * s2, weights[q + 3] * s3
        for d in range(width):
            ahead[d] += s0 * fixed[i, d] + s1 * fixed[j, d] + s2 * fixed[k, d] + s3 * fixed[n, d]
        q += 4
    while q < last:
        i, s0 = indices[q], np.float32(0.0)
        for d in range(width):
            s0 += way[d] * fixed[i, d]
        for d in range(width):
            ahead[d] += weights[q] * s0 * fixed[i, d]
        q += 1


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _begin(fixed, indices, weights, extra, first, last, now, left, own):
    """Add to `left` what the entries still pull at `now`, and to `own` their part of the diagonal."""
    width = fixed.shape[1]
    for q in range(first, last):
        i, weight, total = indices[q], weights[q], np.float32(0.0)
        for d in range(width):
            total += fixed[i, d] * now[d]
        pull = weight + extra - weight * total
        for d in range(width):
            left[d] += pull * fixed[i, d]
            own[d] += weight * fixed[i, d] * fixed[i, d]


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def _steps(fixed, indices, weights, extra, first, last, diagonal, steps, now, left, own, way, ahead):
    """Conjugate gradients from `now` on, in place, preconditioned by the diagonal of the row's matrix."""
    width = fixed.shape[1]
    for d in range(width):
        left[d] = -diagonal[d] * now[d]
        own[d] = diagonal[d]
    _begin(fixed, indices, weights, extra, first, last, now, left, own)
    size = np.float32(0.0)
    for d in range(width):
        way[d] = left[d] / own[d]
        size += left[d] * way[d]
    for _ in range(steps):
        if size <= np.float32(1e-20):
            return
        for d in range(width):
            ahead[d] = diagonal[d] * way[d]
        _times(fixed, indices, weights, first, last, way, ahead)
        bend = np.float32(0.0)
        for d in range(width):
            bend += way[d] * ahead[d]
        length, before, size = size / bend, size, np.float32(0.0)
        for d in range(width):
            now[d] += length * way[d]
            left[d] -= length * ahead[d]
            size += left[d] * left[d] / own[d]
        turn = size / before
        for d in range(width):
            way[d] = left[d] / own[d] + turn * way[d]


@nb.njit(nogil=True, cache=True)
def solve(indptr, indices, weights, extra, shared, penalty, fixed, order, start, step, steps, out):
    """Write the rows `order[start::step]` of `out` (n, width); those of many entries begin where they stand.

    Of row u, entry q has the weight weights[q] and pulls by it and `extra` towards its row of `fixed`; `shared`
    (width,) is the diagonal of all rows, to which penalty[u] is added.
    """
    width = fixed.shape[1]
    rows, small, right = np.empty((FEW, width), np.float32), np.empty((FEW, FEW), np.float32), np.empty(FEW, np.float32)
    diagonal, root, now = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    left, own, way = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    ahead = np.empty(width, np.float32)
    last_penalty = np.float32(-1.0)
    for place in range(start, order.shape[0], step):
        u = order[place]
        first, last = indptr[u], indptr[u + 1]
        if penalty[u] != last_penalty:  # rows of one length come one after another, and are often penalised alike
            last_penalty = penalty[u]
            for d in range(width):
                diagonal[d] = shared[d] + last_penalty
                root[d] = np.float32(1.0) / np.sqrt(diagonal[d])
        if last - first <= FEW:
            _exact(fixed, indices, weights, extra, first, last, root, rows, small, right, out, u)
            continue
        for d in range(width):
            now[d] = out[u, d]
        _steps(fixed, indices, weights, extra, first, last, diagonal, steps, now, left, own, way, ahead)
        for d in range(width):
            out[u, d] = now[d]


def gram(pool: Work, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """(width, width) the sum over rows of their products with themselves, added in float64 in the order of the rows."""
    starts = list(range(0, len(rows), _BLOCK))
    parts = np.empty((len(starts), rows.shape[1], rows.shape[1]), np.float32)

    def loop(first: int, last: int) -> None:
        for part in range(first, last):
            block = rows[starts[part] : starts[part] + _BLOCK]
            np.dot(block.T, block, out=parts[part])

    pool.map(loop, len(starts), 1)
    return np.asarray(parts.sum(axis=0, dtype=np.float64))


def turned(pool: Work, rows: NDArray[np.float32], axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows times a square matrix."""
    out = np.empty_like(rows)

    def loop(first: int, last: int) -> None:
        np.dot(rows[first:last], axes, out=out[first:last])

    pool.map(loop, len(rows), _BLOCK)
    return out


def axes_of(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The axes of a Gram matrix, (width, width), one a column, and the (width,) lengths along them."""
    lengths, axes = np.linalg.eigh(matrix)
    return np.ascontiguousarray(axes, np.float32), np.maximum(lengths, 0).astype(np.float32)


def half(
    pool: Work,
    taken: csr_array,
    fixed: NDArray[np.float32],
    moved: NDArray[np.float32],
    penalty: NDArray[np.float32],
    unobserved: float,
    extra: float,
    steps: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sides, along the axes of `fixed`, after every row of `moved` was solved against it.

    taken (n_moved, n_fixed) the weights of what was taken, all above zero; penalty (n_moved,).
    """
    axes, lengths = axes_of(gram(pool, fixed))
    counts = np.diff(taken.indptr)
    order = np.argsort(-counts, kind="stable").astype(np.int32)
    long = order[: int((counts > FEW).sum())]
    fixed, out = turned(pool, fixed, axes), np.empty_like(moved)
    out[long] = turned(pool, moved[long], axes)  # the others do not begin anywhere
    step = max(1, min(64, len(order) // 256))
    shared, more = (unobserved * lengths).astype(np.float32), np.float32(extra)
    entries = taken.indptr.astype(np.int64), taken.indices.astype(np.int32, copy=False), taken.data

    def loop(first: int, last: int) -> None:
        # Every so manieth row: each part has its share of the long ones, and the parts take alike.
        for part in range(first, last):
            solve(*entries, more, shared, penalty, fixed, order, part, step, steps, out)

    pool.map(loop, step, 1)
    return fixed, out


def factorise(
    taken: csr_array,
    width: int,
    shopper_penalty: NDArray[np.float32],
    product_penalty: NDArray[np.float32],
    *,
    unobserved: float,
    extra: float,
    iterations: int,
    steps: int,
    seed: int,
    deviation: float = 0.1,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The factors of shoppers and products."""
    columns = csr_array(taken.T.tocsr())
    rng = np.random.default_rng(seed)
    products = rng.standard_normal((taken.shape[1], width), np.float32) * np.float32(deviation / np.sqrt(width))
    products[np.diff(columns.indptr) == 0] = 0
    shoppers = np.zeros((taken.shape[0], width), np.float32)
    with work() as pool:
        for _ in range(iterations):
            products, shoppers = half(pool, taken, products, shoppers, shopper_penalty, unobserved, extra, steps)
            shoppers, products = half(pool, columns, shoppers, products, product_penalty, unobserved, extra, steps)
    return shoppers, products
