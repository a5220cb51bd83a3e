"""Counts of the values of a result set."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def tally(codes, slots, rows, starts, counts):
    """Add to `counts` at starts[i] + code for each row and column i; codes (n_columns, n) int32, below 0 = missing.

    slots : (m,) which rows of `codes` are the columns asked about; starts (m,).
    """
    for i in range(slots.size):
        slot, start = slots[i], starts[i]
        for j in range(rows.size):
            code = codes[slot, rows[j]]
            if code >= 0:
                counts[start + code] += 1


@nb.njit(nogil=True, cache=True)
def spread(numbers, slots, edges, ends, rows, counts, lows, highs):
    """Least, greatest and counts by range of each column asked about; NaN is missing and in no range.

    numbers : (n_columns, n) float64. edges : (n_columns, n_edges) ascending, ends (n_columns,) how many are used;
    range r holds edges[r - 1] <= number < edges[r]. Fills counts (m, n_edges + 1), lows and highs (m,).
    """
    for i in range(slots.size):
        slot = slots[i]
        for j in range(rows.size):
            number = numbers[slot, rows[j]]
            if np.isnan(number):
                continue
            lows[i] = min(lows[i], number)
            highs[i] = max(highs[i], number)
            r = 0
            while r < ends[slot] and number >= edges[slot, r]:
                r += 1
            counts[i, r] += 1
