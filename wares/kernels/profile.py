"""From events to what each shopper took, product by product."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def gather(indptr, products, weights, times, n_known):
    """Join the events of one product inside each row.

    indptr (n + 1,), products, weights and times (n_events,), or times (0,). Products not below `n_known` are left out.

    Returns starts (n + 1,) int64, rows (m,) int32 in order of first touch, sums (m,) float32 of the weights, latest
    (m,) int64 the latest time of each (0 without times), place (n_events,) int64 where an event went or -1, and shares
    (n_events,) float32, what part of its product's weight an event carries.
    """
    n_events = products.shape[0]
    starts = np.zeros(indptr.shape[0], np.int64)
    rows = np.empty(n_events, np.int32)
    sums = np.empty(n_events, np.float32)
    sizes = np.empty(n_events, np.float32)
    latest = np.empty(n_events, np.int64)
    timed = times.shape[0] > 0
    place = np.full(n_events, -1, np.int64)
    shares = np.zeros(n_events, np.float32)
    seen = np.full(n_known, -1, np.int64)
    m = 0
    for s in range(indptr.shape[0] - 1):
        first = m
        for e in range(indptr[s], indptr[s + 1]):
            p = products[e]
            if p >= n_known:
                continue
            at = seen[p]
            if at < first:
                at = m
                seen[p] = m
                rows[m] = p
                sums[m] = 0.0
                sizes[m] = 0.0
                latest[m] = times[e] if timed else 0
                m += 1
            sums[at] += weights[e]
            sizes[at] += abs(weights[e])
            if timed:
                latest[at] = max(latest[at], times[e])
            place[e] = at
        starts[s + 1] = m
    for e in range(n_events):
        if place[e] >= 0 and sizes[place[e]] > 0:
            shares[e] = abs(weights[e]) / sizes[place[e]]
    return starts, rows[:m].copy(), sums[:m].copy(), latest[:m].copy(), place, shares
