"""Scores of several parts to one score."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def scales(scores, own, out):
    """Fill `out` (parts,) with what to divide each part's scores (parts, n) by: the greatest finite one.

    Products of the history, `own` (m,) rows, are looked at only where nothing else is above zero; 0 = a part that has
    nothing to say.
    """
    n_parts, n = scores.shape
    held = np.zeros(n, np.bool_)
    held[own] = True
    infinite = np.float32(np.inf)
    for p in range(n_parts):
        best = np.float32(0.0)
        best_own = np.float32(0.0)
        for j in range(n):
            score = scores[p, j]
            if score < infinite:
                if held[j]:
                    best_own = max(best_own, score)
                else:
                    best = max(best, score)
        out[p] = best if best > 0 else best_own


@nb.njit(nogil=True, cache=True)
def blend(scores, factors, out):
    """Fill `out` (n,) with the sum of the parts' scores (parts, n) times `factors` (parts, 2).

    Where a part scores -inf, the next part stands in with the second factor; without one it adds nothing. -inf where no
    part with a factor knows the product; of the last part, which adds on top, 0 knows nothing.
    """
    n_parts, n = scores.shape
    lowest = np.float32(-np.inf)
    nothing = np.float32(0.0)
    known = np.zeros(n, np.bool_)
    out[:] = nothing
    for p in range(n_parts):
        factor, instead = factors[p, 0], factors[p, 1]
        if factor == 0:
            continue
        mine = scores[p]
        following = scores[p + 1] if instead > 0 else mine
        for j in range(n):
            score = mine[j]
            if score > lowest:
                out[j] += factor * score
                known[j] |= p < n_parts - 1 or score > 0
            elif instead > 0 and following[j] > lowest:
                out[j] += instead * following[j]
    for j in range(n):
        out[j] = out[j] if known[j] else lowest
