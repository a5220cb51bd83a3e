"""What follows what: for each product the products of the events soon after it, and the most frequent of them."""

import numba as nb
import numpy as np

from wares.kernels.cooccurrence import _best, _sort


@nb.njit(nogil=True, cache=True)
def _collect(i, starts, places, owners, indptr, products, times, gaps, half_life, backward, sums, touched):
    """Add to `sums` (n,) what follows product i; fills `touched` and returns how many there are, and their total."""
    reach = gaps.shape[0]
    m = 0
    total = np.float64(0.0)
    for a in range(starts[i], starts[i + 1]):
        e = places[a]
        first, last = indptr[owners[e]], indptr[owners[e] + 1]
        low = max(first, e - reach) if backward > 0 else e
        for f in range(low, min(last, e + reach + 1)):
            if f == e:
                continue
            weight = gaps[f - e - 1] if f > e else backward * gaps[e - f - 1]
            if times.shape[0] > 0 and half_life > 0:
                weight *= np.float32(np.exp2(-abs(times[f] - times[e]) / half_life))
            if weight <= 0:
                continue
            j = products[f]
            had = sums[j]
            if had == 0:
                touched[m] = j
                m += 1
            sums[j] = had + weight
            total += weight
    return m, total


@nb.njit(parallel=True, cache=True)
def followers(
    starts, places, owners, indptr, products, times, gaps, half_life, backward, smoothing, order, k, n_threads
):
    """The k products that most often follow each product, as shares of all that follows it.

    (starts, places) : for each product the events that are of it, ascending. owners (n_events,) the row of each event,
    indptr its rows. gaps (reach,) what counts what comes so many events later; with `half_life` (ns, 0 = none) and
    times (n_events,) that is halved for each half-life between. backward : what counts what came before. order (n,) the
    products in the order they are worked on.

    Returns rows (n, k) int32, ascending, -1 behind where there are fewer, scores (n, k) float32, the weight over that
    of all and `smoothing`, and counts (n,).
    """
    n = starts.shape[0] - 1
    out_rows = np.full((n, k), -1, np.int32)
    out_scores = np.zeros((n, k), np.float32)
    counts = np.zeros(n, np.int64)
    block = 64
    n_blocks = (n + block - 1) // block
    for t in nb.prange(n_threads):
        sums = np.zeros(n, np.float32)
        touched = np.empty(n + 1, np.int32)
        values = np.empty(n + 1, np.float32)
        maxima = np.empty(4 * k, np.float32)
        spare = np.empty(4 * k, np.int32)
        for b in range(t, n_blocks, n_threads):
            for place in range(b * block, min(n, b * block + block)):
                i = order[place]
                m, total = _collect(
                    i, starts, places, owners, indptr, products, times, gaps, half_life, backward, sums, touched
                )
                for z in range(m):
                    j = touched[z]
                    values[z] = sums[j] / (total + smoothing)
                    sums[j] = 0
                found = _best(values, touched, m, k, maxima, spare)
                _sort(touched, values, found)
                counts[i] = found
                for z in range(found):
                    out_rows[i, z], out_scores[i, z] = touched[z], values[z]
    return out_rows, out_scores, counts
