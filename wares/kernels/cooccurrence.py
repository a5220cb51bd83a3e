"""Products that go together: exact cosines of every product with every other, and scores from the best of them."""

import numba as nb
import numpy as np

from wares.kernels.greatest import greatest


@nb.njit(nogil=True, cache=True)
def _select(values, rows, n, k):
    """Reorder the first `n` so that the k greatest values stand first (Hoare's quickselect)."""
    low, high = 0, n - 1
    while high > low:
        a, b, c = values[low], values[(low + high) >> 1], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                rows[i], rows[j] = rows[j], rows[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return


@nb.njit(nogil=True, cache=True)
def _threshold(values, n, k, maxima, rows):
    """A lower bound of the k-th greatest of `n` values: the k-th greatest of 4 k block maxima."""
    n_blocks = 4 * k
    width = n // n_blocks
    for b in range(n_blocks):
        maxima[b] = greatest(values, b * width, b * width + width)
    _select(maxima, rows, n_blocks, k)
    bound = maxima[0]
    for b in range(1, k):
        bound = min(bound, maxima[b])
    return bound


@nb.njit(nogil=True, cache=True)
def _best(values, rows, n, k, maxima, spare):
    """Reorder so that the k greatest stand first, equal values by the lower row; returns how many there are."""
    if n > 16 * k:
        # Most candidates fall to a bound that costs one pass; without it the selection costs more than the sums.
        bound = _threshold(values, n, k, maxima, spare)
        kept = 0
        for z in range(n):
            value = values[z]
            values[kept], rows[kept] = value, rows[z]
            kept += 1 if value >= bound else 0
        n = kept
    if n <= k:
        return n
    _select(values, rows, n, k)
    last = values[0]
    for z in range(1, k):
        last = min(last, values[z])
    more = False
    for z in range(k, n):
        more = more or values[z] == last
    if more:
        # Ties across the border: gather them behind what is certain, and let the lower rows in.
        certain = 0
        for z in range(n):
            if values[z] > last:
                values[z], values[certain] = values[certain], values[z]
                rows[z], rows[certain] = rows[certain], rows[z]
                certain += 1
        tied = certain
        for z in range(certain, n):
            if values[z] == last:
                values[z], values[tied] = values[tied], values[z]
                rows[z], rows[tied] = rows[tied], rows[z]
                tied += 1
        _select(-rows[certain:tied], rows[certain:tied], tied - certain, k - certain)
    return k


@nb.njit(nogil=True, cache=True)
def _sort(rows, values, n):
    """Order the first `n` by row: shell sort, n is about a hundred."""
    gap = n // 2
    while gap > 0:
        for i in range(gap, n):
            row, value = rows[i], values[i]
            j = i
            while j >= gap and rows[j - gap] > row:
                rows[j], values[j] = rows[j - gap], values[j - gap]
                j -= gap
            rows[j], values[j] = row, value
        gap = gap // 2


@nb.njit(nogil=True, cache=True)
def _sum(i, indptr, indices, data, t_indptr, t_indices, t_data, sums, touched):
    """Add the dot products of product i to `sums`; fills `touched` with those above 0 and returns how many."""
    m = 0
    for a in range(t_indptr[i], t_indptr[i + 1]):
        u, weight = t_indices[a], t_data[a]
        row, values = indices[indptr[u] : indptr[u + 1]], data[indptr[u] : indptr[u + 1]]
        for q in range(row.size):
            j = np.uint32(row[q])  # unsigned: it is not asked whether to count from the end
            had = sums[j]
            touched[m] = j
            m += 1 if had == 0 else 0
            sums[j] = had + weight * values[q]
    return m


@nb.njit(nogil=True, cache=True)
def _count(i, indptr, indices, t_indptr, t_indices, counts, touched):
    """What `_sum` does where all is 1: whole numbers of two bytes, more of which stay near the core."""
    m = 0
    for a in range(t_indptr[i], t_indptr[i + 1]):
        u = t_indices[a]
        row = indices[indptr[u] : indptr[u + 1]]
        for q in range(row.size):
            j = np.uint32(row[q])
            had = counts[j]
            touched[m] = j
            m += 1 if had == 0 else 0
            counts[j] = had + np.uint16(1)
    return m


@nb.njit(nogil=True, cache=True, error_model="numpy")
def _scale(place, sums, norms, shrink, least, order, touched, values, m):
    """Turn the m `touched` into rows with their scores, without the product at `place`; `sums` is zeros afterwards."""
    kept = 0
    norm = norms[place]
    for z in range(m):
        j = np.uint32(touched[z])
        both = np.float32(sums[j])
        sums[j] = 0
        values[kept], touched[kept] = both / (norm * norms[j] + shrink), order[j]
        kept += 1 if j != place and both >= least else 0
    return kept


@nb.njit(parallel=True, cache=True)
def neighbours(indptr, indices, data, t_indptr, t_indices, t_data, norms, shrink, least, ones, order, k, n_threads):
    """The k products most alike to each product.

    order (n,) : the products, heavy ones first; they are worked on in this order, so that the threads share the heavy
    ones, and `indices` and `norms` call them by their place in it, so that what is summed most lies close together.
    (indptr, indices, data) are shoppers x products, (t_...) the transpose, a row of it by the product itself, norms
    (n,) the length of each column. ones : whether all data are 1, and no column has 65,536 or more. Pairs whose dot
    product is below `least` are left out.

    Returns rows (n, k) int32, ascending, -1 behind where there are fewer, scores (n, k) float32 and counts (n,): dot
    product over (norm x norm + shrink), above zero, without the product itself.
    """
    n = t_indptr.shape[0] - 1
    out_rows = np.full((n, k), -1, np.int32)
    out_scores = np.zeros((n, k), np.float32)
    counts = np.zeros(n, np.int64)
    block = 64
    n_blocks = (n + block - 1) // block
    for t in nb.prange(n_threads):
        small, sums = np.zeros(n if ones else 0, np.uint16), np.zeros(0 if ones else n, np.float32)
        touched = np.empty(n + 1, np.int32)
        values = np.empty(n + 1, np.float32)
        maxima, spare = np.empty(4 * k, np.float32), np.empty(4 * k, np.int32)
        for b in range(t, n_blocks, n_threads):
            for place in range(b * block, min(n, b * block + block)):
                i = order[place]
                if ones:
                    m = _count(i, indptr, indices, t_indptr, t_indices, small, touched)
                    kept = _scale(place, small, norms, shrink, least, order, touched, values, m)
                else:
                    m = _sum(i, indptr, indices, data, t_indptr, t_indices, t_data, sums, touched)
                    kept = _scale(place, sums, norms, shrink, least, order, touched, values, m)
                found = _best(values, touched, kept, k, maxima, spare)
                _sort(touched, values, found)
                counts[i] = found
                for z in range(found):
                    out_rows[i, z], out_scores[i, z] = touched[z], values[z]
    return out_rows, out_scores, counts


@nb.njit(nogil=True, cache=True)
def add_scores(indptr, indices, data, starts, rows, values, out):
    """Add to `out` (q, n): for each query the rows of a sparse matrix, times the values given."""
    for q in range(starts.shape[0] - 1):
        for a in range(starts[q], starts[q + 1]):
            value = values[a]
            for z in range(indptr[rows[a]], indptr[rows[a] + 1]):
                out[q, indices[z]] += value * data[z]


@nb.njit(nogil=True, cache=True)
def entries(indptr, indices, data, rows, columns):
    """(len(columns), len(rows)) float32: the entry of a square sparse matrix at each row and column."""
    out = np.zeros((columns.shape[0], rows.shape[0]), np.float32)
    n = indptr.shape[0] - 1
    # Whether a product is asked for: a look into this table, which stays in the nearest cache, is faster than a search.
    asked, place = np.zeros(n, np.uint8), np.empty(n, np.int32)
    for c in range(columns.shape[0] - 1, -1, -1):
        if columns[c] < n:
            asked[columns[c]], place[columns[c]] = 1, c
    most = np.int64(0)
    for a in range(rows.shape[0]):
        most = max(most, np.int64(indptr[rows[a] + 1] - indptr[rows[a]]))
    met = np.empty(most + 1, np.int64)
    for a in range(rows.shape[0]):
        m = np.int64(0)
        for z in range(indptr[rows[a]], indptr[rows[a] + 1]):
            # Always written, kept where it is asked for: no branch for the processor to guess wrong.
            met[m] = z
            m += np.int64(asked[np.uint32(indices[z])])
        for i in range(m):
            out[place[indices[met[i]]], a] = data[met[i]]
    for c in range(columns.shape[0]):  # a column asked for twice
        if columns[c] < n and place[columns[c]] != c:
            out[c] = out[place[columns[c]]]
    return out
