"""The hot loops of the kNN graph: rows against the cells around them, and repair along the edges found.

Rows lie sorted by cell, each as what remains of it after its cell's centre is taken away: the products are then small
numbers near zero, and float32 tells apart points that lie close together far from the origin. A score is less half the
squared distance, so more is nearer. Every row of an answer is written by one task, in an order that does not depend on
the threads. BLAS is held to one thread by `wares.kernels.kmeans.work`.
"""

import numba as nb
import numpy as np

QUERIES = 256
"""Rows of one product."""

MEMBERS = 512
"""Columns of one product: with the rows of both sides it stays in a core's cache."""

_LANES = 64
_NO_NAN = {"nnan", "nsz"}  # lets a maximum run in vector lanes without changing any sum
_ANY_ORDER = {"nnan", "nsz", "reassoc", "contract"}  # sums in vector lanes; the same lanes on every thread


@nb.njit(nogil=True, cache=True)
def _push(scores, rows, score, row):
    """Put into lists sorted from high to low; the last falls out."""
    at = scores.size - 1
    while at > 0 and scores[at - 1] < score:
        scores[at], rows[at] = scores[at - 1], rows[at - 1]
        at -= 1
    scores[at], rows[at] = score, row


@nb.njit(nogil=True, cache=True, fastmath=_NO_NAN, inline="always")
def _highest(products, half, start, stop):
    highest = np.float32(-np.inf)
    for j in range(start, stop):
        value = products[j] - half[j]
        highest = value if value > highest else highest
    return highest


@nb.njit(nogil=True, cache=True, fastmath=_ANY_ORDER)
def _half(row):
    total = np.float32(0.0)
    for value in row:
        total += value * value
    return np.float32(0.5) * total


@nb.njit(nogil=True, cache=True)
def _meet(queries, ids, n, members, half, first, last, alike, tile, scores, rows):
    """The first n queries, rows `ids` of the answer, with members first..last; `alike`: rows too, so never oneself."""
    for a in range(first, last, MEMBERS):
        b = min(last, a + MEMBERS)
        width = b - a
        products = tile[: n * width].reshape(n, width)
        np.dot(queries[:n], members[a:b].T, products)
        block = half[a:b]
        for i in range(n):
            row, mine = ids[i], _half(queries[i])
            kept, places = scores[row], rows[row]
            bound = kept[-1] + mine
            for start in range(0, width, _LANES):
                stop = min(width, start + _LANES)
                if _highest(products[i], block, start, stop) <= bound:
                    continue
                for j in range(start, stop):
                    value = products[i, j] - block[j]
                    if value > bound and not (alike and a + j == row):
                        _push(kept, places, value - mine, a + j)
                        bound = kept[-1] + mine


@nb.njit(nogil=True, cache=True)
def nearest_cells(vectors, picked, middle, centers, half, start, stop, scores, cells):
    """The best cells, nearest first, of the rows `picked[start:stop]`, less `middle`."""
    width = vectors.shape[1]
    queries = np.empty((QUERIES, width), np.float32)
    tile = np.empty(QUERIES * MEMBERS, np.float32)
    ids = np.empty(QUERIES, np.int64)
    for first in range(start, stop, QUERIES):
        n = min(stop, first + QUERIES) - first
        for i in range(n):
            ids[i] = first + i
            for j in range(width):
                queries[i, j] = vectors[picked[first + i], j] - middle[j]
        _meet(queries, ids, n, centers, half, 0, centers.shape[0], False, tile, scores, cells)


@nb.njit(nogil=True, cache=True)
def take(vectors, picked, middle, centers, own, start, stop, out, half):
    """What remains of the rows when `middle` and the centre of their cell are taken away, and half its square."""
    for i in range(start, stop):
        for j in range(vectors.shape[1]):
            out[i, j] = (vectors[picked[i], j] - middle[j]) - centers[own[i], j]
        half[i] = _half(out[i])


@nb.njit(nogil=True, cache=True)
def _shifted(rest, centers, row, own, cell, out):
    """What remains of a row when another cell's centre is taken away instead of its own."""
    for j in range(out.size):
        out[j] = rest[row, j] + (centers[own, j] - centers[cell, j])


@nb.njit(nogil=True, cache=True)
def _looking(cells, start, stop, n_cells):
    """(n_cells + 1) bounds and rows: which of start..stop look into each cell that is not their own."""
    bounds = np.zeros(n_cells + 1, np.int64)
    for i in range(start, stop):
        for p in range(1, cells.shape[1]):
            bounds[cells[i, p] + 1] += 1
    for c in range(n_cells):
        bounds[c + 1] += bounds[c]
    place = bounds[:-1].copy()
    out = np.empty(bounds[n_cells], np.int64)
    for i in range(start, stop):
        for p in range(1, cells.shape[1]):
            out[place[cells[i, p]]] = i
            place[cells[i, p]] += 1
    return bounds, out


@nb.njit(nogil=True, cache=True)
def look_home(rest, half, bounds, own, start, stop, scores, rows):
    """Rows start..stop against the members of their own cell."""
    tile = np.empty(QUERIES * MEMBERS, np.float32)
    ids = np.empty(QUERIES, np.int64)
    first = start
    while first < stop:
        a, b = bounds[own[first]], bounds[own[first] + 1]
        last = min(stop, b, first + QUERIES)
        for i in range(last - first):
            ids[i] = first + i
        _meet(rest[first:last], ids, last - first, rest, half, a, b, True, tile, scores, rows)
        first = last


@nb.njit(nogil=True, cache=True)
def look_around(rest, half, centers, bounds, own, cells, start, stop, scores, rows):
    """Rows start..stop against the members of the other cells they look into."""
    queries = np.empty((QUERIES, rest.shape[1]), np.float32)
    tile = np.empty(QUERIES * MEMBERS, np.float32)
    ids = np.empty(QUERIES, np.int64)
    inside, looking = _looking(cells, start, stop, centers.shape[0])
    for c in range(centers.shape[0]):
        for a in range(inside[c], inside[c + 1], QUERIES):
            n = min(inside[c + 1], a + QUERIES) - a
            for q in range(n):
                ids[q] = looking[a + q]
                _shifted(rest, centers, ids[q], own[ids[q]], c, queries[q])
            _meet(queries, ids, n, rest, half, bounds[c], bounds[c + 1], True, tile, scores, rows)


@nb.njit(nogil=True, cache=True)
def look_everywhere(rest, half, centers, bounds, own, chosen, start, stop, scores, rows):
    """The rows `chosen[start:stop]` against all others, into the lists of all rows."""
    queries = np.empty((QUERIES, rest.shape[1]), np.float32)
    tile = np.empty(QUERIES * MEMBERS, np.float32)
    for a in range(start, stop, QUERIES):
        n = min(stop, a + QUERIES) - a
        for c in range(centers.shape[0]):
            for q in range(n):
                _shifted(rest, centers, chosen[a + q], own[chosen[a + q]], c, queries[q])
            _meet(queries, chosen[a : a + n], n, rest, half, bounds[c], bounds[c + 1], True, tile, scores, rows)


@nb.njit(nogil=True, cache=True)
def turned(rows, cap):
    """(n, cap) who has each row among its neighbours, the nearest ranks first; -1 where there are fewer."""
    n = rows.shape[0]
    out = np.full((n, cap), -1, np.int32)
    count = np.zeros(n, np.int64)
    for rank in range(rows.shape[1]):
        for i in range(n):
            j = rows[i, rank]
            if j >= 0 and count[j] < cap:
                out[j, count[j]] = i
                count[j] += 1
    return out


@nb.njit(nogil=True, cache=True, fastmath=_ANY_ORDER)
def _gap(a, b, shift):
    total = np.float32(0.0)
    for j in range(a.size):
        gap = a[j] - (b[j] + shift[j])
        total += gap * gap
    return np.float32(-0.5) * total


@nb.njit(nogil=True, cache=True)
def repair(rest, centers, own, cells, before, back, new, reach, start, stop, scores, rows, changed):
    """Rows start..stop try the neighbours of their neighbours and of those they are a neighbour of.

    Only rows of cells that were not looked into, and only paths on which an edge is new, are tried.
    """
    n, width = rest.shape
    n_near, n_back = min(reach, before.shape[1]), back.shape[1]
    seen = np.full(n, -1, np.int32)
    looked = np.full(centers.shape[0], -1, np.int32)
    row = np.empty(width, np.float32)
    for i in range(start, stop):
        for p in range(cells.shape[1]):
            looked[cells[i, p]] = i
        seen[i] = i
        for q in range(rows.shape[1]):
            if rows[i, q] >= 0:
                seen[rows[i, q]] = i
        for j in range(width):
            row[j] = rest[i, j] + centers[own[i], j]
        for x in range(n_near + n_back):
            a = before[i, x] if x < n_near else back[i, x - n_near]
            if a < 0:
                continue
            fresh = x >= n_near or new[i, x]
            for y in range(-1, n_near):
                b = a if y < 0 else before[a, y]
                if b < 0 or seen[b] == i or looked[own[b]] == i or not (fresh or new[a, y]):
                    continue
                seen[b] = i
                score = _gap(row, rest[b], centers[own[b]])
                if score > scores[i, -1]:
                    _push(scores[i], rows[i], score, b)
        for q in range(rows.shape[1]):
            b = rows[i, q]
            changed[i, q] = b >= 0 and looked[own[b]] != i


@nb.njit(nogil=True, cache=True, fastmath=_ANY_ORDER)
def _distance(a, b):
    total = np.float32(0.0)
    for j in range(a.size):
        gap = a[j] - b[j]
        total += gap * gap
    return np.sqrt(total)


@nb.njit(nogil=True, cache=True)
def spell_out(vectors, picked, order, bounds, copies, found, start, stop, rows, distances):
    """From the neighbours of distinct rows to those of all rows: copies of itself first, then the copies of each.

    Distances are measured anew from the rows as they were given; ties go to the lower row.
    """
    k = rows.shape[1]
    near = np.empty(found.shape[1] + 1, np.int64)
    far = np.empty(near.size, np.float32)
    for at in range(start, stop):
        near[0], far[0] = order[at], 0.0
        n = 1
        while n < near.size and found[at, n - 1] >= 0:
            near[n] = order[found[at, n - 1]]
            far[n] = _distance(vectors[picked[near[0]]], vectors[picked[near[n]]])
            n += 1
        for c in range(bounds[near[0]], bounds[near[0] + 1]):
            row, count = copies[c], 0
            mine, gaps = rows[row], distances[row]
            for q in range(n):
                for d in range(bounds[near[q]], bounds[near[q] + 1]):
                    other = copies[d]
                    if other == row:
                        continue
                    if count == k and (far[q] > gaps[k - 1] or (far[q] == gaps[k - 1] and other > mine[k - 1])):
                        break
                    count = min(count + 1, k)
                    x = count - 1
                    while x > 0 and (gaps[x - 1] > far[q] or (gaps[x - 1] == far[q] and mine[x - 1] > other)):
                        mine[x], gaps[x] = mine[x - 1], gaps[x - 1]
                        x -= 1
                    mine[x], gaps[x] = other, far[q]
