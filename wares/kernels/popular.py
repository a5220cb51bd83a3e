"""Scores of what is popular, among all shoppers and inside the clusters of each history."""

import numba as nb


@nb.njit(nogil=True, cache=True)
def personal(popularity, groups, within, bases, shares, out):
    """Fill `out` (q, n): popularity (n,) times bases (q,), and within (n,) times the share (q, m) of its group.

    groups (n,) uint32 of the products, each below m.
    """
    for q in range(out.shape[0]):
        base, mine, line = bases[q], shares[q], out[q]
        for j in range(popularity.shape[0]):
            line[j] = base * popularity[j] + mine[groups[j]] * within[j]
