"""The hot loops of k-means: nearest centres, means of groups, and small k-means inside groups.

Work is cut into parts whose bounds do not depend on the number of threads, every part writes only its own rows, and
sums run in float64 in row order: the answer is the same on one thread and on many. The loops release the interpreter
lock and BLAS is held to one thread inside them, so that one pool of threads does all the work.

A nearest centre is exact: a float32 product finds the candidates, and those too close for float32 to tell are measured
again in float64. So a row's centre does not depend on the rows that stand beside it. Ties go to the lower centre.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

BLOCK = 256
"""Rows of one product: its scores against 1,000 centres stay in a core's cache."""

_LANES = 64

# One compilation for arrays that can be written and arrays that cannot, such as memory maps.
_VECTORS = nb.types.Array(nb.float32, 2, "C", readonly=True)
_NUMBERS = nb.types.Array(nb.float32, 1, "C", readonly=True)
_ROWS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_NO_NAN = {"nnan", "nsz"}  # lets a minimum run in vector lanes without changing any sum


@nb.njit(nogil=True, cache=True, fastmath=_NO_NAN, inline="always")
def _lowest(half, scores, start, stop):
    lowest = np.float32(np.inf)
    for j in range(start, stop):
        value = half[j] - scores[j]
        lowest = value if value < lowest else lowest
    return lowest


@nb.njit(nb.float64(_NUMBERS, _NUMBERS), nogil=True, cache=True)
def _distance(a, b):
    """Squared distance in float64, always summed in the same order."""
    total = 0.0
    for j in range(a.size):
        gap = np.float64(a[j]) - np.float64(b[j])
        total += gap * gap
    return total


@nb.njit(nogil=True, cache=True)
def _copy(vectors, row, out, at):
    # Loops compile many times faster than assignments of slices.
    for j in range(out.shape[1]):
        out[at, j] = vectors[row, j]


@nb.njit(nogil=True, cache=True)
def _largest(half):
    out = np.float32(0.0)
    for value in half:
        out = max(out, value)
    return np.float32(2.0) * out


@nb.njit(
    nb.types.Tuple((nb.int64, nb.float32))(_NUMBERS, _NUMBERS, _VECTORS, _NUMBERS, nb.float32),
    nogil=True,
    cache=True,
    fastmath=_NO_NAN,
)
def _pick(row, scores, centers, half, slack):
    """(centre, half its squared distance less half that of the row to the origin) of the nearest centre."""
    n = half.size
    n_lanes = (n + _LANES - 1) // _LANES
    lows = np.empty(n_lanes, np.float32)
    lowest = np.float32(np.inf)
    for lane in range(n_lanes):
        lows[lane] = _lowest(half, scores, lane * _LANES, min(n, (lane + 1) * _LANES))
        lowest = min(lowest, lows[lane])
    bound = lowest + slack
    best, found, least = -1, 0, np.inf
    for lane in range(n_lanes):
        if lows[lane] > bound:
            continue
        for j in range(lane * _LANES, min(n, (lane + 1) * _LANES)):
            if half[j] - scores[j] > bound:
                continue
            found += 1
            if found == 2:
                least = _distance(row, centers[best])
            if found == 1:
                best = j
            else:
                distance = _distance(row, centers[j])
                if distance < least:
                    best, least = j, distance
    return best, half[best] - scores[best]


@nb.njit(nogil=True, cache=True)
def _slack(width, squared, largest):
    # Twice the bound on the rounding of a float32 product of this width, for the two sides of a comparison.
    return np.float32(2.0 * (width + 8) * 6.0e-8 * (np.sqrt(squared * largest) + largest))


@nb.njit(
    nb.void(_VECTORS, _NUMBERS, _VECTORS, _NUMBERS, nb.int64, nb.int64, nb.int64[::1], nb.float32[::1]),
    nogil=True,
    cache=True,
)
def _assign_all(vectors, squared, centers, half, start, stop, labels, scores):
    largest = _largest(half)
    width = vectors.shape[1]
    for first in range(start, stop, BLOCK):
        last = min(stop, first + BLOCK)
        products = np.dot(vectors[first:last], centers.T)
        for i in range(last - first):
            slack = _slack(width, squared[first + i], largest)
            labels[first + i], scores[first + i] = _pick(vectors[first + i], products[i], centers, half, slack)


@nb.njit(nogil=True, cache=True)
def _assign_near(vectors, squared, order, centers, half, near, tasks, start, stop, labels, scores):
    largest = _largest(half)
    width, n_near = vectors.shape[1], near.shape[1]
    mine = np.empty((n_near, width), np.float32)
    half_mine = np.empty(n_near, np.float32)
    for t in range(start, stop):
        group, first, last = tasks[t]
        for p in range(n_near):
            _copy(centers, near[group, p], mine, p)
            half_mine[p] = half[near[group, p]]
        rows = np.empty((last - first, width), np.float32)
        for i in range(last - first):
            _copy(vectors, order[first + i], rows, i)
        products = np.dot(rows, mine.T)
        for i in range(last - first):
            at = order[first + i]
            best, score = _pick(rows[i], products[i], mine, half_mine, _slack(width, squared[at], largest))
            labels[at], scores[at] = near[group, best], score


@nb.njit(
    nb.void(_VECTORS, _NUMBERS, _ROWS, _ROWS, nb.boolean, nb.int64, nb.int64, nb.float32[:, ::1], nb.float64[::1]),
    nogil=True,
    cache=True,
)
def _means(vectors, weights, order, bounds, spherical, start, stop, centers, mass):
    width = vectors.shape[1]
    for group in range(start, stop):
        total, weight = np.zeros(width, np.float64), 0.0
        for t in range(bounds[group], bounds[group + 1]):
            row, by = order[t], np.float64(weights[order[t]])
            weight += by
            for j in range(width):
                total[j] += by * np.float64(vectors[row, j])
        mass[group] = weight
        scale = weight
        if spherical:
            scale = 0.0
            for j in range(width):
                scale += total[j] * total[j]
            scale = np.sqrt(scale)
        if scale > 0.0:  # an empty group keeps its centre
            for j in range(width):
                centers[group, j] = total[j] / scale


@nb.njit(nogil=True, cache=True)
def _spread(vectors, centers, labels, start, stop, out):
    for i in range(start, stop):
        out[i] = _distance(vectors[i], centers[labels[i]])


@nb.njit(nogil=True, cache=True)
def group(labels, n_groups):
    """Rows sorted by group, lower rows first: (n_groups + 1) bounds and (n,) rows."""
    bounds = np.zeros(n_groups + 1, np.int64)
    for label in labels:
        bounds[label + 1] += 1
    for g in range(n_groups):
        bounds[g + 1] += bounds[g]
    place = bounds[:-1].copy()
    order = np.empty(labels.size, np.int64)
    for row in range(labels.size):
        order[place[labels[row]]] = row
        place[labels[row]] += 1
    return bounds, order


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
def _plus_plus(rows, weights, k, draws, out):
    """k-means++: each seed drawn by weight times squared distance to the seeds so far; how many were distinct."""
    n = rows.shape[0]
    squared = np.empty(n, np.float64)
    for i in range(n):
        squared[i] = _dot(rows[i], rows[i])
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
                    gap = _distance(rows[i], rows[candidate])
                trial[i] = min(nearest[i], gap)
                total += trial[i] * weights[i]
            if total < lowest:
                chosen, lowest = candidate, total
                trial, best_trial = best_trial, trial
        if chosen < 0:
            return q
        _copy(rows, chosen, out, q)
        for i in range(n):
            nearest[i] = best_trial[i]
            chance[i] = nearest[i] * weights[i]
    return k


@nb.njit(nogil=True, cache=True, fastmath=True)
def _dot(a, b):
    total = np.float64(0.0)
    for j in range(a.size):
        total += np.float64(a[j]) * np.float64(b[j])
    return total


@nb.njit(nogil=True, cache=True)
def _split(vectors, weights, order, bounds, groups, sizes, starts, draws, rounds, spherical, start, stop, out, made):
    """k-means inside each group: `sizes[g]` seeds by k-means++, then `rounds` rounds, into `out[starts[g]:]`."""
    width = vectors.shape[1]
    for g in range(start, stop):
        first, last, k = bounds[groups[g]], bounds[groups[g] + 1], sizes[g]
        rows = np.empty((last - first, width), np.float32)
        by = np.empty(last - first, np.float32)
        for i in range(last - first):
            _copy(vectors, order[first + i], rows, i)
            by[i] = weights[order[first + i]]
        mine = np.zeros((k, width), np.float32)
        k = _plus_plus(rows, by, k, draws[starts[g] : starts[g] + k], mine)
        made[g] = k
        mine = mine[:k].copy()
        squared = np.empty(last - first, np.float32)
        for i in range(last - first):
            squared[i] = _dot(rows[i], rows[i])
        labels = np.zeros(last - first, np.int64)
        scores = np.empty(last - first, np.float32)
        mass = np.empty(k, np.float64)
        for _ in range(rounds if k else 0):
            _assign_all(rows, squared, mine, _halves(mine), 0, last - first, labels, scores)
            inside, members = group(labels, k)
            _means(rows, by, members, inside, spherical, 0, k, mine, mass)
        for c in range(k):
            _copy(mine, c, out, starts[g] + c)


@nb.njit(nogil=True, cache=True)
def _halves(centers):
    out = np.empty(centers.shape[0], np.float32)
    for c in range(centers.shape[0]):
        out[c] = 0.5 * _dot(centers[c], centers[c])
    return out


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A view that cannot be written, C order: a memory map and an own array then run the same compiled loop."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Work:
    """The loops above, spread over the threads of one pool."""

    pool: ThreadPoolExecutor | None

    def map(self, loop: Callable[[int, int], None], n: int, step: int) -> None:
        """Run `loop(start, stop)` over 0..n in parts of `step`."""
        starts = range(0, n, step)
        if self.pool is None or len(starts) <= 1:
            for start in starts:
                loop(start, min(n, start + step))
            return
        for done in [self.pool.submit(loop, start, min(n, start + step)) for start in starts]:
            done.result()

    def nearest(
        self, vectors: NDArray[np.float32], squared: NDArray[np.float32], centers: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """(n,) nearest centre of each row among all, and (n,) half squared distance less half of `squared`."""
        labels, scores = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
        vectors, squared, centers = _frozen(vectors), _frozen(squared), _frozen(centers)
        half = _frozen(halves(centers))

        def loop(start: int, stop: int) -> None:
            _assign_all(vectors, squared, centers, half, start, stop, labels, scores)

        self.map(loop, len(vectors), 8 * BLOCK)
        return labels, scores

    def nearest_among(
        self,
        vectors: NDArray[np.float32],
        squared: NDArray[np.float32],
        groups: tuple[NDArray[np.int64], NDArray[np.int64]],
        centers: NDArray[np.float32],
        near: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As `nearest`, but each row only among the centres `near[g]` (ascending) of its group g."""
        labels, scores = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
        bounds, order = groups
        tasks = _tasks(bounds)
        vectors, squared, centers = _frozen(vectors), _frozen(squared), _frozen(centers)
        half = _frozen(halves(centers))

        def loop(start: int, stop: int) -> None:
            _assign_near(vectors, squared, order, centers, half, near, tasks, start, stop, labels, scores)

        self.map(loop, len(tasks), max(1, len(tasks) // 64))
        return labels, scores

    def means(
        self,
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32],
        groups: tuple[NDArray[np.int64], NDArray[np.int64]],
        centers: NDArray[np.float32],
        spherical: bool,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Weighted mean of each group (of unit length if spherical) and its weight; an empty one keeps its centre."""
        bounds, order = groups
        out, mass = centers.copy(), np.zeros(len(centers))
        vectors, weights = _frozen(vectors), _frozen(weights)

        def loop(start: int, stop: int) -> None:
            _means(vectors, weights, order, bounds, spherical, start, stop, out, mass)

        self.map(loop, len(centers), max(1, len(centers) // 64))
        return out, mass

    def spread(
        self, vectors: NDArray[np.float32], centers: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(n,) squared distance of each row to its centre, in float64."""
        out = np.empty(len(vectors))
        vectors, centers, labels = _frozen(vectors), _frozen(centers), _frozen(labels)
        self.map(lambda start, stop: _spread(vectors, centers, labels, start, stop, out), len(vectors), 8192)
        return out

    def split(
        self,
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
        vectors, weights = _frozen(vectors), _frozen(weights)

        def loop(start: int, stop: int) -> None:
            _split(
                vectors, weights, order, bounds, chosen, sizes, starts, draws, rounds, spherical, start, stop, out, made
            )

        self.map(loop, len(sizes), 1)
        return out, made


def halves(centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_centers,) half the squared length of each."""
    squared: NDArray[np.float64] = np.einsum("ij,ij->i", centers, centers, dtype=np.float64)
    return (0.5 * squared).astype(np.float32)


def _tasks(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_tasks, 3) group, first, last: the groups cut into blocks."""
    pieces = -(-np.diff(bounds) // BLOCK)
    groups = np.repeat(np.arange(len(pieces)), pieces)
    within = np.arange(len(groups)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = bounds[groups] + within * BLOCK
    return np.stack([groups, first, np.minimum(first + BLOCK, bounds[groups + 1])], axis=1)


@contextmanager
def work(threads: int | None = None) -> Iterator[Work]:
    """A pool for the loops; BLAS has one thread inside. `threads` is the machine's (NUMBA_NUM_THREADS) by default."""
    n = threads or int(vars(nb.config)["NUMBA_NUM_THREADS"])
    with threadpool_limits(1, "blas"):
        if n == 1:
            yield Work(None)
            return
        with ThreadPoolExecutor(n) as pool:
            yield Work(pool)


ALONE = Work(None)
"""The loops in the calling thread: for the few rows of a question, where a pool would cost more than the answer."""
