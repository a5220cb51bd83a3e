"""Counts of the values of a result set."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def tally(codes, rows, counts, met):
    """Add the code of each row to `counts` (n_values,) int32, zero before; codes (n,) int32, below 0 = missing.

    Fills `met` with the distinct codes in order of first meeting; returns how many, and how many rows miss one.
    """
    n, missing = 0, 0
    for j in range(rows.size):
        code = codes[rows[j]]
        if code < 0:
            missing += 1
            continue
        if counts[code] == 0:
            met[n] = code
            n += 1
        counts[code] += 1
    return n, missing


@nb.njit(nogil=True, cache=True)
def climb(counts, codes, above, sums, met):
    """Add the counts of some codes to `sums` of the node above each; above (n_values,) int32, -1 = none.

    Fills `met` with the distinct nodes in order of first meeting; returns how many.
    """
    n = 0
    for i in range(codes.size):
        node = above[codes[i]]
        if node >= 0:
            if sums[node] == 0:
                met[n] = node
                n += 1
            sums[node] += counts[codes[i]]
    return n


@nb.njit(nogil=True, cache=True)
def most(counts, codes, best, amounts):
    """Fill `best` and `amounts` (k,) with those of `codes` counted most, ties to the lower; returns how many."""
    k = best.size
    n = 0
    for i in range(codes.size):
        code, count = codes[i], counts[codes[i]]
        if n == k and (count < amounts[k - 1] or (count == amounts[k - 1] and code > best[k - 1])):
            continue
        place = n if n < k else k - 1
        while place > 0 and (amounts[place - 1] < count or (amounts[place - 1] == count and best[place - 1] > code)):
            best[place], amounts[place] = best[place - 1], amounts[place - 1]
            place -= 1
        best[place], amounts[place] = code, count
        n = min(n + 1, k)
    return n


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
            r = np.int64(0)
            # All edges are looked at: a loop of one length has no end for the processor to guess wrong.
            for e in range(ends[slot]):
                r += np.int64(number >= edges[slot, e])
            counts[i, r] += 1
