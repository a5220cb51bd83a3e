"""Scores from the kept histories most like the one asked about."""

import numba as nb
import numpy as np

from wares.kernels.cooccurrence import _best


@nb.njit(nogil=True, cache=True)
def _nearest(rows, values, size, starts, histories, fresh, lengths, shrink, sample, k, sums, near, likeness):
    """Fill `near` and `likeness` with the k kept histories most like one asked about; returns how many there are.

    rows, values : the products asked about and what each counts; size : by what they are divided together. (starts,
    histories) : for each product the histories that hold it, of which the first `sample` are looked at. sums
    (n_histories,) has to be zeros, and is again.
    """
    m = 0
    for a in range(rows.shape[0]):
        value = values[a]
        if value <= 0:
            continue
        first = starts[rows[a]]
        for z in range(first, min(starts[rows[a] + 1], first + sample)):
            u = histories[z]
            had = sums[u]
            if had == 0:
                near[m] = u
                m += 1
            sums[u] = had + value
    for z in range(m):
        u = near[z]
        likeness[z] = sums[u] * fresh[u] / (size * lengths[u] + shrink)
        sums[u] = 0
    maxima, spare = np.empty(4 * k, np.float32), np.empty(4 * k, np.int32)
    return _best(likeness, near, m, k, maxima, spare)


@nb.njit(nogil=True, cache=True)
def _met(first, last, products, asked):
    """Where the latest of the products asked about stands in one kept history; `asked` (n,) says how late, 0 = not."""
    latest, place = 0, first
    for f in range(first, last):
        if asked[products[f]] > latest:
            latest, place = asked[products[f]], f
    return place


@nb.njit(nogil=True, cache=True)
def _counts(f, place, near, backward, again):
    """What the product at `f` of a kept history counts, of which the one at `place` was met."""
    if f == place:
        return again
    return near[f - place] if f > place else backward * near[place - f]


@nb.njit(nogil=True, cache=True)
def vote(
    indptr,
    products,
    starts,
    histories,
    fresh,
    lengths,
    asked_ptr,
    rows,
    values,
    late,
    sizes,
    shrink,
    sample,
    k,
    by_distance,
    backward,
    again,
    out,
):
    """Add to `out` (q, n) what the nearest kept histories hold, times their likeness to each of q asked about.

    (indptr, products) : the kept histories, (starts, histories) where each product is, fresh and lengths (n_histories,)
    their factor and divisor. (asked_ptr, rows, values, late) : the histories asked about, late (m,) from 1 says how
    late a product came, sizes (q,) their divisor. by_distance (longest,) : what a product counts so many places behind
    the one that was met, times `backward` before it; the one met itself counts `again`.
    """
    n_kept = indptr.shape[0] - 1
    sums, near, likeness = (
        np.zeros(n_kept, np.float32),
        np.empty(n_kept + 1, np.int32),
        np.empty(n_kept + 1, np.float32),
    )
    asked = np.zeros(starts.shape[0] - 1, np.int32)
    for q in range(asked_ptr.shape[0] - 1):
        first, last = asked_ptr[q], asked_ptr[q + 1]
        found = _nearest(
            rows[first:last],
            values[first:last],
            sizes[q],
            starts,
            histories,
            fresh,
            lengths,
            shrink,
            sample,
            k,
            sums,
            near,
            likeness,
        )
        for a in range(first, last):
            if values[a] > 0:
                asked[rows[a]] = late[a]
        line = out[q]
        for z in range(found):
            start, stop = indptr[near[z]], indptr[near[z] + 1]
            place = _met(start, stop, products, asked)
            for f in range(start, stop):
                line[products[f]] += likeness[z] * _counts(f, place, by_distance, backward, again)
        for a in range(first, last):
            asked[rows[a]] = 0


@nb.njit(nogil=True, cache=True)
def vote_by_product(
    indptr,
    products,
    starts,
    histories,
    fresh,
    lengths,
    rows,
    values,
    late,
    size,
    shrink,
    sample,
    k,
    by_distance,
    backward,
    again,
    columns,
):
    """(len(columns), len(rows)) float32: of what `vote` adds for one history, what each of its products adds."""
    n, n_kept = starts.shape[0] - 1, indptr.shape[0] - 1
    out = np.zeros((columns.shape[0], rows.shape[0]), np.float32)
    sums, near, likeness = (
        np.zeros(n_kept, np.float32),
        np.empty(n_kept + 1, np.int32),
        np.empty(n_kept + 1, np.float32),
    )
    found = _nearest(rows, values, size, starts, histories, fresh, lengths, shrink, sample, k, sums, near, likeness)
    asked, whose = np.zeros(n, np.int32), np.full(n, -1, np.int32)
    for a in range(rows.shape[0]):
        if values[a] > 0:
            asked[rows[a]], whose[rows[a]] = late[a], a
    wanted = np.full(n, -1, np.int32)
    for c in range(columns.shape[0] - 1, -1, -1):
        if columns[c] < n:
            wanted[columns[c]] = c
    shared = np.zeros(rows.shape[0], np.float32)
    for z in range(found):
        u = near[z]
        start, stop = indptr[u], indptr[u + 1]
        place = _met(start, stop, products, asked)
        scale = fresh[u] / (size * lengths[u] + shrink)
        # Only the products among the first `sample` histories of which this one is were counted as shared.
        for f in range(start, stop):
            a = whose[products[f]]
            if a >= 0:
                limit = min(starts[rows[a] + 1], starts[rows[a]] + sample)
                shared[a] = values[a] * scale if u <= histories[limit - 1] else np.float32(0.0)
        for f in range(start, stop):
            c = wanted[products[f]]
            if c >= 0:
                counts = _counts(f, place, by_distance, backward, again)
                for g in range(start, stop):
                    a = whose[products[g]]
                    if a >= 0:
                        out[c, a] += shared[a] * counts
    for c in range(columns.shape[0]):  # a column asked for twice
        if columns[c] < n and wanted[columns[c]] != c:
            out[c] = out[wanted[columns[c]]]
    return out
