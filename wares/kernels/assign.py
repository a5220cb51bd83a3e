"""Parts to clusters at least cost where some may not be together.

What may not be together are sets: of each, no two parts in one cluster; a cannot-link is a set of two.
"""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def _taken(part, labels, sets_of, bounds_of, members, bounds, taken):
    """Mark the clusters that mates of a part hold; returns how many."""
    taken[:] = False
    count = 0
    for at in range(bounds_of[part], bounds_of[part + 1]):
        one = sets_of[at]
        for to in range(bounds[one], bounds[one + 1]):
            label = labels[members[to]]
            if members[to] != part and label >= 0 and not taken[label]:
                taken[label] = True
                count += 1
    return count


@nb.njit(nogil=True, cache=True)
def first_fit(labels, k, sets_of, bounds_of, members, bounds, costs, budget):
    """Fill `labels` (n,), -1 where open, so that no set is twice in a cluster; False where none was found in `budget`.

    The part with the fewest clusters left is placed first, at its cheapest; a part that nowhere fits takes one back.
    """
    n = labels.size
    placed, depth = np.empty(n, np.int64), 0
    tried = np.zeros((n, k), np.bool_)
    taken = np.zeros(k, np.bool_)
    blocked = np.zeros(n, np.int64)
    for part in range(n):
        blocked[part] = _taken(part, labels, sets_of, bounds_of, members, bounds, taken)
    steps, back, current = 0, False, -1
    while True:
        if not back:
            current, most = -1, -1
            for part in range(n):
                if labels[part] < 0 and blocked[part] > most:
                    current, most = part, blocked[part]
            if current < 0:
                return True
            tried[current] = False
        steps += 1
        if steps > budget:
            return False
        _taken(current, labels, sets_of, bounds_of, members, bounds, taken)
        best, least = -1, np.inf
        for label in range(k):
            if not taken[label] and not tried[current, label] and (best < 0 or costs[current, label] < least):
                best, least = label, costs[current, label]
        if best >= 0:
            tried[current, best] = True
            labels[current] = best
            placed[depth] = current
            depth += 1
            back = False
        else:
            if depth == 0:
                return False
            depth -= 1
            current = placed[depth]
            labels[current] = -1
            back = True
        _refresh(current, labels, sets_of, bounds_of, members, bounds, taken, blocked)


@nb.njit(nogil=True, cache=True)
def _refresh(part, labels, sets_of, bounds_of, members, bounds, taken, blocked):
    """Count anew what the mates of a part may still take."""
    for at in range(bounds_of[part], bounds_of[part + 1]):
        one = sets_of[at]
        for to in range(bounds[one], bounds[one + 1]):
            mate = members[to]
            if mate != part and labels[mate] < 0:
                blocked[mate] = _taken(mate, labels, sets_of, bounds_of, members, bounds, taken)


@nb.njit(nogil=True, cache=True)
def improve(labels, costs, fixed, sets_of, bounds_of, members, bounds):
    """One pass: each part moves to the cheapest cluster open to it, or trades places with the one mate in its way.

    labels : (n,) valid, changed in place and valid after. costs : (n, k). fixed : (n,) bool. Returns how many moved;
    the sum of costs never rises.
    """
    n, k = costs.shape
    taken = np.zeros(k, np.bool_)
    moved = 0
    for part in range(n):
        if fixed[part]:
            continue
        own = labels[part]
        _taken(part, labels, sets_of, bounds_of, members, bounds, taken)
        best = own
        for label in range(k):
            if not taken[label] and costs[part, label] < costs[part, best]:
                best = label
        if best != own:
            labels[part] = best
            moved += 1
        for at in range(bounds_of[part], bounds_of[part + 1]):
            one = sets_of[at]
            for to in range(bounds[one], bounds[one + 1]):
                mate = members[to]
                a, b = labels[part], labels[mate]
                if mate == part or fixed[mate] or a == b:
                    continue
                if costs[part, b] + costs[mate, a] < costs[part, a] + costs[mate, b] - 1e-9:
                    labels[part], labels[mate] = b, a
                    _taken(part, labels, sets_of, bounds_of, members, bounds, taken)
                    fits = not taken[b]
                    _taken(mate, labels, sets_of, bounds_of, members, bounds, taken)
                    if fits and not taken[a]:
                        moved += 1
                    else:
                        labels[part], labels[mate] = a, b
    return moved
