"""Compiled loops of k-means over ranges of rows or groups; `wares.kernels.kmeans` spreads them over threads."""

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

BLOCK = 256
"""Rows of one product: its scores against 1,000 centres stay in a core's cache."""

_LANES = 64

# One compilation for arrays that can be written and arrays that cannot, such as memory maps.
VECTORS = nb.types.Array(nb.float32, 2, "C", readonly=True)
NUMBERS = nb.types.Array(nb.float32, 1, "C", readonly=True)
ROWS = nb.types.Array(nb.int64, 1, "C", readonly=True)
_NO_NAN = {"nnan", "nsz"}  # lets a minimum run in vector lanes without changing any sum


@nb.njit(nogil=True, cache=True, fastmath=_NO_NAN, inline="always")
def _lowest(half, scores, start, stop):
    lowest = np.float32(np.inf)
    for j in range(start, stop):
        value = half[j] - scores[j]
        lowest = value if value < lowest else lowest
    return lowest


@nb.njit(nb.float64(NUMBERS, NUMBERS), nogil=True, cache=True)
def apart(a, b):
    """Squared distance in float64, always summed in the same order."""
    total = 0.0
    for j in range(a.size):
        gap = np.float64(a[j]) - np.float64(b[j])
        total += gap * gap
    return total


@nb.njit(nogil=True, cache=True)
def copy_row(vectors, row, out, at):
    """Copy one row to another place."""
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
    nb.types.Tuple((nb.int64, nb.float32))(NUMBERS, NUMBERS, VECTORS, NUMBERS, nb.float32),
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
                least = apart(row, centers[best])
            if found == 1:
                best = j
            else:
                distance = apart(row, centers[j])
                if distance < least:
                    best, least = j, distance
    return best, half[best] - scores[best]


@nb.njit(nogil=True, cache=True)
def _slack(width, squared, largest):
    # Twice the bound on the rounding of a float32 product of this width, for the two sides of a comparison.
    return np.float32(2.0 * (width + 8) * 6.0e-8 * (np.sqrt(squared * largest) + largest))


@nb.njit(
    nb.void(VECTORS, NUMBERS, VECTORS, NUMBERS, nb.float32, nb.int64[::1], nb.float32[::1]),
    nogil=True,
    cache=True,
)
def _block(rows, squared, centers, half, largest, labels, scores):
    """The nearest of some centres for some rows, by one product."""
    width = rows.shape[1]
    products = np.dot(rows, centers.T)
    for i in range(rows.shape[0]):
        labels[i], scores[i] = _pick(rows[i], products[i], centers, half, _slack(width, squared[i], largest))


@nb.njit(
    nb.void(VECTORS, NUMBERS, VECTORS, NUMBERS, nb.int64, nb.int64, nb.int64[::1], nb.float32[::1]),
    nogil=True,
    cache=True,
)
def assign_all(vectors, squared, centers, half, start, stop, labels, scores):
    """The nearest of all centres for the rows of a range."""
    largest = _largest(half)
    for first in range(start, stop, BLOCK):
        last = min(stop, first + BLOCK)
        here = slice(first, last)
        _block(vectors[here], squared[here], centers, half, largest, labels[here], scores[here])


@nb.njit(nogil=True, cache=True)
def assign_near(vectors, squared, order, centers, half, near, tasks, start, stop, labels, scores):
    """The nearest of the centres near its group for each row of some tasks (group, first, last place in `order`)."""
    largest = _largest(half)
    width, n_near = vectors.shape[1], near.shape[1]
    mine = np.empty((n_near, width), np.float32)
    half_mine = np.empty(n_near, np.float32)
    for t in range(start, stop):
        group, first, last = tasks[t]
        for p in range(n_near):
            copy_row(centers, near[group, p], mine, p)
            half_mine[p] = half[near[group, p]]
        rows, by = np.empty((last - first, width), np.float32), np.empty(last - first, np.float32)
        for i in range(last - first):
            copy_row(vectors, order[first + i], rows, i)
            by[i] = squared[order[first + i]]
        found, score = np.empty(last - first, np.int64), np.empty(last - first, np.float32)
        _block(rows, by, mine, half_mine, largest, found, score)
        for i in range(last - first):
            labels[order[first + i]], scores[order[first + i]] = near[group, found[i]], score[i]


@nb.njit(
    nb.void(
        VECTORS,
        NUMBERS,
        ROWS,
        ROWS,
        VECTORS,
        nb.float64,
        nb.boolean,
        nb.int64,
        nb.int64,
        nb.float32[:, ::1],
        nb.float64[::1],
    ),
    nogil=True,
    cache=True,
)
def average(vectors, weights, order, bounds, anchors, pull, spherical, start, stop, centers, mass):
    """Weighted means of the groups of a range; the first ones count an anchor as `pull` rows more."""
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
        if group < anchors.shape[0]:
            scale += pull
            for j in range(width):
                total[j] += pull * np.float64(anchors[group, j])
        if spherical:
            scale = 0.0
            for j in range(width):
                scale += total[j] * total[j]
            scale = np.sqrt(scale)
        if scale > 0.0:  # an empty group keeps its centre
            for j in range(width):
                centers[group, j] = total[j] / scale


@nb.njit(nogil=True, cache=True)
def spread(vectors, centers, labels, start, stop, out):
    """Squared distances to the own centre."""
    for i in range(start, stop):
        out[i] = apart(vectors[i], centers[labels[i]])


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


@nb.njit(nogil=True, cache=True, fastmath=True)
def dot(a, b):
    """Dot product in float64."""
    total = np.float64(0.0)
    for j in range(a.size):
        total += np.float64(a[j]) * np.float64(b[j])
    return total


@nb.njit(nogil=True, cache=True)
def squares(vectors, start, stop, out):
    """Squared lengths."""
    for i in range(start, stop):
        out[i] = dot(vectors[i], vectors[i])


@nb.njit(nogil=True, cache=True)
def take(vectors, rows, start, stop, out):
    """Copy some rows."""
    for i in range(start, stop):
        copy_row(vectors, rows[i], out, i)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A view that cannot be written, C order: a memory map and an own array then run the same compiled loop."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view
