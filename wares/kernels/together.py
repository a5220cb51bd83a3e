"""Which products stand in the same units (baskets, visits, shoppers), counted product by product."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def companions(unit_ptr, unit_products, ptr, units, least, shrink, out_rows, out_scores, out_counts):
    """The best companions of each product by cosine over units, shrunk: both / (sqrt(one * other) + shrink).

    unit_ptr, unit_products : distinct products of each unit. ptr, units : units of each product. Pairs in fewer than
    `least` units are left out. Fills out_rows, out_scores, out_counts (n_products, k) from -1, 0, 0, best first, ties
    to the lower row.
    """
    n, k = out_rows.shape
    counts = np.zeros(n, np.int32)
    touched = np.empty(n, np.int32)
    for i in range(n):
        m = 0
        for u in range(ptr[i], ptr[i + 1]):
            unit = units[u]
            for p in range(unit_ptr[unit], unit_ptr[unit + 1]):
                j = unit_products[p]
                if counts[j] == 0:
                    touched[m] = j
                    m += 1
                counts[j] += 1
        own = np.float64(ptr[i + 1] - ptr[i])
        size = 0
        for t in range(m):
            j = touched[t]
            both = counts[j]
            counts[j] = 0
            if j == i or both < least:
                continue
            score = np.float32(both / (np.sqrt(own * (ptr[j + 1] - ptr[j])) + shrink))
            if size == k and (
                score < out_scores[i, k - 1] or (score == out_scores[i, k - 1] and j > out_rows[i, k - 1])
            ):
                continue
            place = size if size < k else k - 1
            while place > 0 and (
                out_scores[i, place - 1] < score or (out_scores[i, place - 1] == score and out_rows[i, place - 1] > j)
            ):
                out_scores[i, place] = out_scores[i, place - 1]
                out_rows[i, place] = out_rows[i, place - 1]
                out_counts[i, place] = out_counts[i, place - 1]
                place -= 1
            out_rows[i, place] = j
            out_scores[i, place] = score
            out_counts[i, place] = both
            size = min(size + 1, k)
