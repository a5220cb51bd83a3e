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
def blend(scores, weights, factors, out):
    """Fill `out` (n,) with the parts' scores (parts, n) times `factors` (parts,), over the weights of those that know.

    A part that scores -inf leaves its weight to the others; -inf where all do. Parts with a factor and no weight are
    added after the division.
    """
    n_parts, n = scores.shape
    lowest = np.float32(-np.inf)
    nothing = np.float32(0.0)
    total = np.zeros(n, np.float32)
    out[:] = nothing
    for p in range(n_parts):
        weight, factor = weights[p], factors[p]
        if weight > 0:
            for j in range(n):
                there = scores[p, j] > lowest
                total[j] += weight if there else nothing
                out[j] += factor * scores[p, j] if there else nothing
    for j in range(n):
        out[j] = out[j] / total[j] if total[j] > 0 else lowest
    for p in range(n_parts):
        factor = factors[p]
        if weights[p] == 0 and factor > 0:
            for j in range(n):
                out[j] += factor * scores[p, j]
