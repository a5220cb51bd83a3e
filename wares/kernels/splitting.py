"""Small k-means inside groups of rows: the first centres of k-means, and the halves of a cluster that is split."""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.centers import apart, assign_all, average, copy_row, dot, frozen, group
from wares.kernels.kmeans import Work

ROUNDING = 1e-13
"""Share of its squared length by which a row can be off after it was scaled to length one in float32."""


@nb.njit(nogil=True, cache=True)
def _draw(values, at):
    """The first place where the running sum of `values` passes the share `at` of the whole."""
    total = 0.0
    for value in values:
        total += value
    goal, running, last = at * total, 0.0, -1
    for i in range(values.size):
        running += values[i]
        if values[i] > 0.0:
            last = i
            if running > goal:
                break
    return last


@nb.njit(nogil=True, cache=True)
def _plus_plus(rows, weights, k, draws, nothing, out):
    """k-means++: each seed drawn by weight times squared distance to the seeds so far; how many were distinct.

    Squared distances below the share `nothing` of a row's squared length are none.
    """
    n = rows.shape[0]
    squared = np.empty(n, np.float64)
    for i in range(n):
        squared[i] = dot(rows[i], rows[i])
    nearest = np.full(n, np.inf)
    chance = np.empty(n, np.float64)
    for i in range(n):
        chance[i] = weights[i]
    trial = np.empty(n, np.float64)
    best_trial = np.empty(n, np.float64)
    n_trials = draws.shape[1]
    for q in range(k):
        chosen, lowest = -1, np.inf
        for each in range(1 if q == 0 else n_trials):
            candidate = _draw(chance, draws[q, each])
            if candidate < 0:
                continue
            products = np.dot(rows, rows[candidate])
            total = 0.0
            for i in range(n):
                gap = squared[i] + squared[candidate] - 2.0 * np.float64(products[i])
                if gap < 1e-6 * squared[i]:  # float32 cannot tell it from zero: measure
                    gap = apart(rows[i], rows[candidate])
                    gap = gap if gap > nothing * squared[i] else 0.0
                trial[i] = min(nearest[i], gap)
                total += trial[i] * weights[i]
            if total < lowest:
                chosen, lowest = candidate, total
                trial, best_trial = best_trial, trial
        if chosen < 0:
            return q
        copy_row(rows, chosen, out, q)
        for i in range(n):
            nearest[i] = best_trial[i]
            chance[i] = nearest[i] * weights[i]
    return k


@nb.njit(nogil=True, cache=True)
def _split(vectors, weights, order, bounds, groups, sizes, starts, draws, rounds, spherical, start, stop, out, made):
    """k-means inside each group: `sizes[g]` seeds by k-means++, then `rounds` rounds, into `out[starts[g]:]`."""
    width = vectors.shape[1]
    for g in range(start, stop):
        first, last, k = bounds[groups[g]], bounds[groups[g] + 1], sizes[g]
        rows = np.empty((last - first, width), np.float32)
        by = np.empty(last - first, np.float32)
        for i in range(last - first):
            copy_row(vectors, order[first + i], rows, i)
            by[i] = weights[order[first + i]]
        mine = np.zeros((k, width), np.float32)
        k = _plus_plus(rows, by, k, draws[starts[g] : starts[g] + k], ROUNDING if spherical else 0.0, mine)
        made[g] = k
        mine = mine[:k].copy()
        squared = np.empty(last - first, np.float32)
        for i in range(last - first):
            squared[i] = dot(rows[i], rows[i])
        labels = np.zeros(last - first, np.int64)
        scores = np.empty(last - first, np.float32)
        mass = np.empty(k, np.float64)
        for _ in range(rounds if k else 0):
            assign_all(rows, squared, mine, _halves(mine), 0, last - first, labels, scores)
            inside, members = group(labels, k)
            average(rows, by, members, inside, mine[:0], 0.0, spherical, 0, k, mine, mass)
        for c in range(k):
            copy_row(mine, c, out, starts[g] + c)


@nb.njit(nogil=True, cache=True)
def _halves(centers):
    out = np.empty(centers.shape[0], np.float32)
    for c in range(centers.shape[0]):
        out[c] = 0.5 * dot(centers[c], centers[c])
    return out


def split(
    work: Work,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    groups: tuple[NDArray[np.int64], NDArray[np.int64]],
    chosen: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    rounds: int,
    trials: int,
    spherical: bool,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """k-means inside each chosen group: (sum of sizes, width) centres, and how many each group could make.

    A group with fewer distinct rows than its size makes fewer; the places left are zero.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    out = np.zeros((int(sizes.sum()), vectors.shape[1]), np.float32)
    made = np.zeros(len(sizes), np.int64)
    draws = rng.random((len(out), trials))
    bounds, order = groups
    vectors, weights = frozen(vectors), frozen(weights)

    def loop(start: int, stop: int) -> None:
        _split(vectors, weights, order, bounds, chosen, sizes, starts, draws, rounds, spherical, start, stop, out, made)

    work.map(loop, len(sizes), 1)
    return out, made
