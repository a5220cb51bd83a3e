"""Where right answers stand among all candidates."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def standing(scores, right, left_out):
    """(m,) the place of each right product among all candidates, from 1, and the chance that one beats a wrong product.

    Places: ties count against it. A wrong candidate that scores as much stands before it; right ones that score alike
    follow each other; what cannot be scored (-inf) stands behind all: n + 1. The chance is the mean over pairs of a
    right and a wrong product, ties counting half; NaN without either kind. scores (n,); right (m,) distinct rows;
    left_out rows that are no candidates.
    """
    n, m = scores.shape[0], right.shape[0]
    found = np.full(m, n + 1, np.int64)
    if m == 0:
        return found, np.nan
    state = np.zeros(n, np.int8)
    for row in left_out:
        state[row] = 1
    for row in right:
        state[row] = 2
    order = np.argsort(scores[right], kind="mergesort")
    wanted = scores[right][order]
    beats = np.zeros(m + 1, np.int64)  # by how many right products a wrong one stands before
    least, n_wrong, wins = wanted[0], 0, 0.0
    for j in range(n):
        if state[j] != 0:
            continue
        n_wrong += 1
        score = scores[j]
        if score < least:  # most products are below every right one
            wins += m
            continue
        upto = np.searchsorted(wanted, score, "right")
        beats[upto] += 1
        wins += m - upto
        if upto > 0 and wanted[upto - 1] == score:
            wins += 0.5 * (upto - np.searchsorted(wanted, score, "left"))
    above = 0
    for i in range(m - 1, -1, -1):
        above += beats[i + 1]
        if wanted[i] > -np.inf:
            found[order[i]] = above + m - i
    return found, wins / (n_wrong * m) if n_wrong else np.nan
