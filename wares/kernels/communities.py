"""The hot loops of community detection on a weighted graph: moving nodes, refining communities, making them nodes.

A graph is `bounds` (n + 1), `others` and `weights` (m): row by row the other ends of a node's edges, each edge in both
rows; an edge of a node to itself stands once and holds the weight twice. `mass` (n) are the sums of the rows. What a
node gains in a community is its weight to it less `pull` x the product of the masses, where pull is resolution over the
sum of all masses: modularity (Newman & Girvan) but for a factor. One thread: what a move is worth depends on the moves
before it.
"""

import numba as nb
import numpy as np

_LEAST = 1e-10
"""A gain below this share of a node's mass is rounding."""


@nb.njit(nogil=True, cache=True)
def shared(rows, start, stop, out):
    """Of each row's neighbours (n, k): how much their neighbourhoods, themselves included, overlap with its own.

    The overlap of two is what both have over what either has (Jaccard).
    """
    mark = np.full(rows.shape[0], -1, np.int32)
    for i in range(start, stop):
        mark[i] = i
        mine = 1
        for j in rows[i]:
            if j >= 0:
                mark[j] = i
                mine += 1
        for q in range(rows.shape[1]):
            other = rows[i, q]
            out[i, q] = 0.0
            if other < 0:
                continue
            both, theirs = int(mark[other] == i), 1
            for j in rows[other]:
                if j >= 0:
                    theirs += 1
                    both += mark[j] == i
            out[i, q] = both / (mine + theirs - both)


@nb.njit(nogil=True, cache=True)
def _links(bounds, others, weights, node, labels, sums, touched):
    """The weight of a node's edges to each community in `sums`; how many communities, listed in `touched`."""
    count = 0
    for e in range(bounds[node], bounds[node + 1]):
        other = others[e]
        if other == node:
            continue
        label = labels[other]
        if sums[label] == 0.0:
            touched[count] = label
            count += 1
        sums[label] += weights[e]
    return count


@nb.njit(nogil=True, cache=True)
def move(bounds, others, weights, mass, pull, order, labels):
    """Move each node to the community where it gains most, until none gains; communities in `labels` change in place.

    Nodes are tried in `order`, then again whenever a neighbour has moved away from theirs. True if any has moved.
    """
    n = labels.size
    totals = np.zeros(n, np.float64)
    for node in range(n):
        totals[labels[node]] += mass[node]
    sizes = np.zeros(n, np.int64)
    for node in range(n):
        sizes[labels[node]] += 1
    free = np.empty(n, np.int64)
    n_free = 0
    for label in range(n - 1, -1, -1):
        if sizes[label] == 0:
            free[n_free] = label
            n_free += 1
    queue, waiting = order.copy(), np.ones(n, np.bool_)
    first, length = 0, n
    sums, touched = np.zeros(n, np.float64), np.empty(n, np.int64)
    moved = False
    while length:
        node = queue[first]
        first, length = (first + 1) % n, length - 1
        waiting[node] = False
        old = labels[node]
        count = _links(bounds, others, weights, node, labels, sums, touched)
        totals[old] -= mass[node]
        best, most = old, sums[old] - pull * mass[node] * totals[old]
        least = _LEAST * mass[node]
        for t in range(count):
            label = touched[t]
            gain = sums[label] - pull * mass[node] * totals[label]
            if gain > most + least:
                best, most = label, gain
            sums[label] = 0.0
        if most < -least and sizes[old] > 1:  # alone is better
            n_free -= 1
            best = free[n_free]
        totals[best] += mass[node]
        if best == old:
            continue
        moved = True
        labels[node] = best
        sizes[best] += 1
        sizes[old] -= 1
        if sizes[old] == 0:
            free[n_free] = old
            n_free += 1
        for e in range(bounds[node], bounds[node + 1]):
            other = others[e]
            if not waiting[other] and labels[other] != best:
                waiting[other] = True
                queue[(first + length) % n] = other
                length += 1
    return moved


@nb.njit(nogil=True, cache=True)
def refine(bounds, others, weights, mass, pull, order, communities):
    """(n,) parts of the communities, each connected, made of nodes that belong together without what lies between.

    Every node starts alone. One that is still alone joins the part of its community where it gains most, if both are
    well enough tied to the rest of the community.
    """
    n = communities.size
    totals = np.zeros(n, np.float64)
    for node in range(n):
        totals[communities[node]] += mass[node]
    parts, masses = np.arange(n), mass.copy()
    alone = np.ones(n, np.bool_)
    ties = np.zeros(n, np.float64)  # of a part to the rest of its community
    for node in range(n):
        for e in range(bounds[node], bounds[node + 1]):
            if others[e] != node and communities[others[e]] == communities[node]:
                ties[node] += weights[e]
    sums, touched = np.zeros(n, np.float64), np.empty(n, np.int64)
    for node in order:
        whole = totals[communities[node]]
        if not alone[node] or ties[node] < pull * mass[node] * (whole - mass[node]):
            continue
        count = 0
        for e in range(bounds[node], bounds[node + 1]):
            other = others[e]
            if other == node or communities[other] != communities[node]:
                continue
            part = parts[other]
            if sums[part] == 0.0:
                touched[count] = part
                count += 1
            sums[part] += weights[e]
        best, most, tie = -1, _LEAST * mass[node], 0.0
        for t in range(count):
            part = touched[t]
            gain = sums[part] - pull * mass[node] * masses[part]
            if gain > most and ties[part] >= pull * masses[part] * (whole - masses[part]):
                best, most, tie = part, gain, sums[part]
            sums[part] = 0.0
        if best >= 0:
            alone[node] = alone[best] = False
            parts[node] = best
            masses[best] += mass[node]
            ties[best] += ties[node] - 2 * tie
    return parts


@nb.njit(nogil=True, cache=True)
def merge(bounds, others, weights, labels, n_new):
    """The graph whose nodes are the communities `labels` 0..n_new-1: its bounds, others and weights."""
    n = labels.size
    starts = np.zeros(n_new + 1, np.int64)
    for node in range(n):
        starts[labels[node] + 1] += 1
    for c in range(n_new):
        starts[c + 1] += starts[c]
    place, members = starts[:-1].copy(), np.empty(n, np.int64)
    for node in range(n):
        members[place[labels[node]]] = node
        place[labels[node]] += 1
    new_bounds = np.zeros(n_new + 1, np.int64)
    new_others, new_weights = np.empty(others.size, np.int32), np.empty(others.size, np.float64)
    sums, touched = np.zeros(n_new, np.float64), np.empty(n_new, np.int64)
    seen = np.full(n_new, -1, np.int64)
    at = 0
    for c in range(n_new):
        count = 0
        for m in range(starts[c], starts[c + 1]):
            node = members[m]
            for e in range(bounds[node], bounds[node + 1]):
                label = labels[others[e]]
                if seen[label] != c:
                    seen[label] = c
                    touched[count] = label
                    count += 1
                sums[label] += weights[e]
        for t in range(count):
            label = touched[t]
            new_others[at], new_weights[at] = label, sums[label]
            sums[label] = 0.0
            at += 1
        new_bounds[c + 1] = at
    return new_bounds, new_others[:at].copy(), new_weights[:at].copy()


@nb.njit(nogil=True, cache=True)
def masses(bounds, weights):
    """(n,) the sum of each row."""
    out = np.zeros(bounds.size - 1, np.float64)
    for node in range(out.size):
        for e in range(bounds[node], bounds[node + 1]):
            out[node] += weights[e]
    return out


@nb.njit(nogil=True, cache=True)
def modularity(bounds, others, weights, labels, n_labels, resolution):
    """The share of weight inside communities less `resolution` x what chance would put there; 0 without edges."""
    inside, whole = 0.0, 0.0
    totals = np.zeros(n_labels, np.float64)
    for node in range(labels.size):
        for e in range(bounds[node], bounds[node + 1]):
            totals[labels[node]] += weights[e]
            whole += weights[e]
            if labels[others[e]] == labels[node]:
                inside += weights[e]
    if whole == 0.0:
        return 0.0
    by_chance = 0.0
    for total in totals:
        by_chance += (total / whole) ** 2
    return inside / whole - resolution * by_chance


@nb.njit(nogil=True, cache=True)
def connected(bounds, others, labels):
    """(n,) the connected parts of the communities, each called by its first node."""
    n = labels.size
    out, stack = np.full(n, -1, np.int64), np.empty(n, np.int64)
    for start in range(n):
        if out[start] >= 0:
            continue
        out[start] = start
        stack[0], height = start, 1
        while height:
            height -= 1
            node = stack[height]
            for e in range(bounds[node], bounds[node + 1]):
                other = others[e]
                if out[other] < 0 and labels[other] == labels[start]:
                    out[other] = start
                    stack[height] = other
                    height += 1
    return out
