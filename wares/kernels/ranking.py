"""Where right answers stand among all candidates."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def auc(scores, right, left_out):
    """The chance that a right product scores above a wrong one, ties counting half; NaN without either kind.

    scores (n,); right (m,) distinct rows; left_out rows that are no candidates.
    """
    n = scores.shape[0]
    state = np.zeros(n, np.int8)
    for row in left_out:
        state[row] = 1
    for row in right:
        state[row] = 2
    wanted = np.sort(scores[right])
    n_right = wanted.shape[0]
    n_wrong = 0
    wins = 0.0
    for j in range(n):
        if state[j] == 0:
            n_wrong += 1
            if n_right and scores[j] < wanted[0]:
                wins += n_right  # most products are below every right one
                continue
            # Of the right ones, those above this one win; equal ones win by half.
            below = np.searchsorted(wanted, scores[j], "left")
            upto = np.searchsorted(wanted, scores[j], "right")
            wins += n_right - upto + 0.5 * (upto - below)
    if n_right == 0 or n_wrong == 0:
        return np.nan
    return wins / (n_right * n_wrong)


@nb.njit(nogil=True, cache=True)
def places(scores, right, left_out):
    """(m,) the place of each right product among all candidates, from 1; ties count against it.

    A wrong candidate that scores as much stands before it; right ones that score alike follow each other. What cannot
    be scored (-inf) stands behind all: n + 1. scores (n,); right (m,) distinct rows; left_out rows that are no
    candidates.
    """
    n = scores.shape[0]
    state = np.zeros(n, np.int8)
    for row in left_out:
        state[row] = 1
    for row in right:
        state[row] = 2
    m = right.shape[0]
    order = np.argsort(scores[right], kind="mergesort")
    wanted = scores[right][order]
    found = np.full(m, n + 1, np.int64)
    if m == 0:
        return found
    beats = np.zeros(m + 1, np.int64)  # by how many right products a wrong one stands before
    for j in range(n):
        if state[j] == 0 and scores[j] >= wanted[0]:
            beats[np.searchsorted(wanted, scores[j], "right")] += 1
    above = 0
    for i in range(m - 1, -1, -1):
        above += beats[i + 1]
        if wanted[i] > -np.inf:
            found[order[i]] = above + m - i
    return found
