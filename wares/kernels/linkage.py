"""Average linkage over a sparse table of likenesses, with merges that may not be.

A pair that is not in the table has the likeness `missing`, so this is plain average linkage of the full table, of which
only the pairs that say something are ever looked at. A merge can only lower an average: that of A+B with C is at most
the larger of A with C and B with C. So the likeness a pair once had stays a bound, pairs wait in a heap under it, and
one is measured again only when it comes to the top. Of two clusters that merge the one with fewer neighbours hands
them over, which bounds the moves by O(m log n). What may not be is a likeness of minus infinity, which survives every
average; and a group is one more neighbour that a row has: two clusters that have the same one stay apart.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.errors import DataError
from wares.kernels.constraints import check_apart, memberships, pairs_of, parts
from wares.kernels.unions import find, labels_of

NOWHERE = -1


@nb.njit(nogil=True, cache=True)
def key_of(a, b):
    """One number for a pair of rows, in any order."""
    return (np.int64(min(a, b)) << 32) | np.int64(max(a, b))


@nb.njit(nogil=True, cache=True)
def place_of(keys, key):
    """Where a key stands in the open table, or the free place where it would."""
    mask = keys.size - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(20)) & mask
    while keys[at] != key and keys[at] != -1:
        at = (at + 1) & mask
    return at


@nb.njit(nogil=True, cache=True)
def grown(keys, sums, parents, wanted):
    """The table without the pairs of which a side stands for itself no more, with room for `wanted`; and its pairs."""
    size = 64
    while size < 4 * wanted:
        size *= 2
    new_keys, new_sums, alive = np.full(size, -1, np.int64), np.zeros(size), 0
    for at in range(keys.size):
        if keys[at] < 0:
            continue
        high, low = keys[at] >> 32, keys[at] & 0xFFFFFFFF
        if parents[high] == high and parents[low] == low:
            to = place_of(new_keys, keys[at])
            new_keys[to], new_sums[to] = keys[at], sums[at]
            alive += 1
    return new_keys, new_sums, alive


@nb.njit(nogil=True, cache=True)
def sink(heap, size, at, bounds):
    """Let the pair at a place of the heap sink below those of larger bounds, ties to the lower pair."""
    moved = heap[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size:
            one, other = heap[child], heap[child + 1]
            if bounds[other] > bounds[one] or (bounds[other] == bounds[one] and other < one):
                child += 1
        below = heap[child]
        if bounds[moved] > bounds[below] or (bounds[moved] == bounds[below] and moved < below):
            break
        heap[at] = below
        at = child
    heap[at] = moved


@nb.njit(nogil=True, cache=True)
def taken(heap, size, bounds):
    """Take the first off the heap; returns the size left."""
    size -= 1
    heap[0] = heap[size]
    if size:
        sink(heap, size, 0, bounds)
    return size


@nb.njit(nogil=True, cache=True)
def enlist(node, own, heads, tails, follow, degree):
    """Add a node to the end of the list of neighbours of a cluster."""
    if heads[own] == NOWHERE:
        heads[own] = node
    else:
        follow[tails[own]] = node
    follow[node] = NOWHERE
    tails[own] = node
    degree[own] += 1


@nb.njit(nogil=True, cache=True)
def handed_over(a, b, parents, keys, values, heads, tails, follow, ends, degree, summed):
    """Give cluster a the neighbours of b, which has become part of it; returns how many were new to it.

    values : of the pairs; the two of a common neighbour are added where `summed`, else the greater stays.
    """
    fresh, node = 0, heads[b]
    while node != NOWHERE:
        after = follow[node]
        c = find(parents, ends[node])
        if c != a:
            old = place_of(keys, key_of(b, c))
            to = place_of(keys, key_of(a, c))
            if keys[to] == -1:
                keys[to] = key_of(a, c)
                fresh += 1
                enlist(node, a, heads, tails, follow, degree)
            if summed:
                values[to] += values[old]
                values[old] = 0.0  # a neighbour that is itself a merger stands in the list more than once
            else:
                values[to] = max(values[to], values[old])
        node = after
    return fresh


@nb.njit(nogil=True, cache=True)
def _share_a_group(a, b, n, heads, follow, ends, degree, keys):
    """Whether both clusters have a row of the same group; groups are the neighbours from n on."""
    if degree[a] > degree[b]:
        a, b = b, a
    node = heads[a]
    while node != NOWHERE:
        if ends[node] >= n and keys[place_of(keys, key_of(b, ends[node]))] >= 0:
            return True
        node = follow[node]
    return False


@nb.njit(nogil=True, cache=True)
def merge_pairs(edges, values, sizes, n, threshold):
    """Merge the most alike clusters as long as their average is at least `threshold` > 0.

    edges : (m, 2) int64, first < second, each pair once, ends below n + groups; the first is a row, an end from n on a
    group. values : (m,) float64, -inf where two must stay apart. sizes : (n + groups,) rows of each. Returns the merges
    (k, 2), rows that stand for the two clusters, and (k,) their likeness, most alike first.
    """
    m, total = edges.shape[0], sizes.size
    room = 64
    while room < 4 * m:
        room *= 2
    keys, sums = np.full(room, -1, np.int64), np.zeros(room)
    heads, tails = np.full(total, NOWHERE, np.int64), np.full(total, NOWHERE, np.int64)
    degree = np.zeros(total, np.int64)
    ends, follow = np.empty(2 * m, np.int64), np.full(2 * m, NOWHERE, np.int64)
    parents, sizes = np.arange(total), sizes.copy()
    bounds, heap, waiting = np.empty(m), np.empty(m, np.int64), 0
    for e in range(m):
        a, b = edges[e, 0], edges[e, 1]
        at = place_of(keys, key_of(a, b))
        keys[at], sums[at] = key_of(a, b), values[e]
        for side in range(2):
            node, own = 2 * e + side, edges[e, side]
            ends[node] = edges[e, 1 - side]
            enlist(node, own, heads, tails, follow, degree)
        bounds[e] = values[e] / (sizes[a] * sizes[b])
        if b < n and bounds[e] >= threshold:
            heap[waiting] = e
            waiting += 1
    used = m
    for at in range(waiting // 2 - 1, -1, -1):
        sink(heap, waiting, at, bounds)
    merges, likeness, done = np.empty((n, 2), np.int64), np.empty(n), 0
    while waiting:
        e = heap[0]
        a, b = find(parents, edges[e, 0]), find(parents, edges[e, 1])
        current = -np.inf
        if a != b:
            at = place_of(keys, key_of(a, b))
            current = sums[at] / (sizes[a] * sizes[b])
            if threshold <= current < bounds[e]:
                bounds[e] = current
                sink(heap, waiting, 0, bounds)
                continue
            if current >= threshold and _share_a_group(a, b, n, heads, follow, ends, degree, keys):
                sums[at] = current = -np.inf
        waiting = taken(heap, waiting, bounds)
        if current < threshold:
            continue
        merges[done, 0], merges[done, 1], likeness[done] = a, b, current
        done += 1
        if degree[a] < degree[b]:
            a, b = b, a
        if used + degree[b] > keys.size // 2:
            keys, sums, used = grown(keys, sums, parents, used + degree[b])
        parents[b] = a
        sizes[a] += sizes[b]
        used += handed_over(a, b, parents, keys, sums, heads, tails, follow, ends, degree, True)
    return merges[:done], likeness[:done]


def average_linkage(
    edges: NDArray[np.integer],
    likeness: NDArray[np.floating],
    n: int,
    *,
    threshold: float,
    groups: NDArray[np.int64] | None = None,
    must: NDArray[np.int64] | None = None,
    cannot: NDArray[np.int64] | None = None,
    established: NDArray[np.int64] | None = None,
    missing: float = 0.0,
) -> NDArray[np.int64]:
    """(n,) clusters, counted from zero by first row: the most alike are merged while the average is >= `threshold`.

    edges : (m, 2) rows of a pair; given twice, the larger likeness counts. likeness : (m,). missing : the likeness of
    every other pair, below `threshold`. groups : (n,) no two rows of one group in one cluster, -1 for none. must,
    cannot : (·, 2) pairs that are, or are not, in one cluster. established : (n,) clusters that rows are in already, -1
    for none: they keep together and apart, others may join them. Time O(m log² n), memory about 150 bytes a pair.

    Raises DataError naming the rows where what must be together may not.
    """
    roots, merges, _ = average_merges(
        edges,
        likeness,
        n,
        threshold=threshold,
        groups=groups,
        must=must,
        cannot=cannot,
        established=established,
        missing=missing,
    )
    return labels_of(roots, merges)


def average_merges(
    edges: NDArray[np.integer],
    likeness: NDArray[np.floating],
    n: int,
    *,
    threshold: float,
    groups: NDArray[np.int64] | None = None,
    must: NDArray[np.int64] | None = None,
    cannot: NDArray[np.int64] | None = None,
    established: NDArray[np.int64] | None = None,
    missing: float = 0.0,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """(n,) the row that stands for each row's part, (k, 2) merges of those, and (k,) their averages, best first."""
    if not threshold > missing:
        raise DataError(f"threshold {threshold} must be above the likeness of missing pairs, {missing}")
    pairs = pairs_of(edges, n, "edges")
    values = np.asarray(likeness, np.float64)
    if values.shape != (len(pairs),):
        raise DataError(f"likeness has shape {values.shape}, expected ({len(pairs)},): one for each edge")
    if np.isnan(values).any():
        raise DataError("a likeness is NaN; leave the pair out where it is not known")
    roots = parts(n, must, established)
    members = memberships(roots, groups, established)
    apart = pairs_of(cannot, n, "cannot")
    check_apart(roots, apart, "cannot-link", must)
    pairs, values = _largest(pairs, values - missing, n)
    mapped = [roots[pairs], roots[apart], np.stack([members[:, 0], n + members[:, 1]], axis=1)]
    table = np.concatenate([values, np.full(len(apart), -np.inf), np.ones(len(members))])
    joined, table = _summed(np.concatenate(mapped), table)
    sizes = np.ones(n + (int(members[:, 1].max()) + 1 if len(members) else 0), np.int64)
    sizes[:n] = np.bincount(roots, minlength=n)
    merges, averages = merge_pairs(joined, table, sizes, n, threshold - missing)
    return roots, merges, averages + missing


def _largest(
    pairs: NDArray[np.int64], values: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each pair of rows once, with its largest value."""
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    keys = low * n + high
    order = np.lexsort((-values, keys))
    keys = keys[order]
    kept = order[np.flatnonzero(np.diff(keys, prepend=-1))]
    return np.stack([low[kept], high[kept]], axis=1), values[kept]


def _summed(pairs: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each pair of parts once, lower first, values summed; none of a part with itself."""
    two = pairs[:, 0] != pairs[:, 1]
    both, table = np.sort(pairs[two], axis=1), values[two]
    order = np.lexsort((both[:, 1], both[:, 0]))
    both, table = both[order], table[order]
    if not len(both):
        return both, table
    starts = np.flatnonzero(np.r_[True, (np.diff(both, axis=0) != 0).any(axis=1)])
    return np.ascontiguousarray(both[starts]), np.add.reduceat(table, starts)
