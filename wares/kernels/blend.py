"""Scores of several parts to one score."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def greatest(scores, own, held):
    """What to divide a part's scores (n,) by: the greatest finite one, 0 = a part that has nothing to say.

    Products of the history, `own` (m,) rows that are True in `held` (n,), are looked at only where nothing else is
    above zero.
    """
    infinite = np.float32(np.inf)
    best = np.float32(0.0)
    for j in range(scores.shape[0]):
        score = scores[j]
        # The first comparison is almost always false: the others cost nothing.
        if score > best and score < infinite and not held[j]:
            best = score
    if best == 0:
        for row in own:
            if scores[row] > best and scores[row] < infinite:
                best = scores[row]
    return best


@nb.njit(nogil=True, cache=True)
def add(scores, factor, following, instead, on_top, out):
    """Add a part's scores (n,) times `factor` to `out` (n,), which is -inf where no part before knew the product.

    Where the part scores -inf, the next part, `following` (n,), stands in with the factor `instead`, unless that is 0.
    Of a part `on_top` of the others, 0 knows nothing.
    """
    lowest = np.float32(-np.inf)
    nothing = np.float32(0.0)
    least = nothing if on_top else lowest
    if instead > 0:
        for j in range(out.shape[0]):
            score, other, before = scores[j], following[j], out[j]
            known = score > least
            amount = factor * score if known else instead * other
            base = before if before > lowest else nothing
            out[j] = base + amount if known or other > lowest else before
    else:
        for j in range(out.shape[0]):
            score, before = scores[j], out[j]
            base = before if before > lowest else nothing
            out[j] = base + factor * score if score > least else before
