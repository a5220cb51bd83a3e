"""The tree of merges with what is too small fallen off, and the clusters that last the longest in it."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def _fall(node, n, tree, part, density, parts, densities):
    """All rows below a node leave `part` at that density."""
    stack = [node]
    while stack:
        node = stack.pop()
        if node < n:
            parts[node], densities[node] = part, density
        else:
            stack.append(np.int64(tree[node - n, 0]))
            stack.append(np.int64(tree[node - n, 1]))


@nb.njit(nogil=True, cache=True)
def _size(node, n, tree):
    return 1 if node < n else np.int64(tree[node - n, 3])


@nb.njit(nogil=True, cache=True)
def condense(tree, least):
    """Follow the tree from the top down; a part splits where both sides have `least` rows, else rows fall off it.

    tree : (n - 1, 4) as scipy writes it. Returns parts (n,) the part that each row fell from last and densities (n,)
    1/height when it did; of parts, the first being all rows: their parents, births (density) and stabilities.
    """
    n = len(tree) + 1
    tiny = np.inf
    for e in range(n - 1):
        if tree[e, 2] > 0:
            tiny = min(tiny, tree[e, 2])
    parts, densities = np.zeros(n, np.int64), np.zeros(n)
    parents, births = np.full(2 * n, -1, np.int64), np.zeros(2 * n)
    stability = np.zeros(2 * n)
    count = 1
    nodes, owners = [np.int64(2 * n - 2)], [np.int64(0)]
    opened, sides = [np.int64(0)], [np.int64(0)]
    opened.clear()
    while nodes:
        node, part = nodes.pop(), owners.pop()
        if node < n:
            continue
        # Rows that are the same are infinitely dense; here as dense as the nearest that are not.
        height = tree[node - n, 2]
        density = 1 / max(height, tiny) if tiny < np.inf else 1.0
        sides.clear()
        opened.append(node)
        while opened:  # merges of one height are one split: in what order they stand in the tree means nothing
            node = opened.pop()
            for side in (np.int64(tree[node - n, 0]), np.int64(tree[node - n, 1])):
                if side >= n and tree[side - n, 2] == height:
                    opened.append(side)
                else:
                    sides.append(side)
        large = 0
        for side in sides:
            large += _size(side, n, tree) >= least
        for side in sides:
            size = _size(side, n, tree)
            if size < least:
                _fall(side, n, tree, part, density, parts, densities)
                stability[part] += (density - births[part]) * size
            elif large == 1:
                nodes.append(side)
                owners.append(part)
            else:
                parents[count], births[count] = part, density
                stability[part] += (density - births[part]) * size
                if side < n:
                    parts[side], densities[side] = count, density
                nodes.append(side)
                owners.append(np.int64(count))
                count += 1
    return parts, densities, parents[:count], births[:count], stability[:count]


@nb.njit(nogil=True, cache=True)
def select(parents, stability, leaves):
    """(n_parts,) the chosen part that each part lies in, -1 for none: those that last longest, or the last splits."""
    count = parents.size
    inside, split = np.zeros(count), np.zeros(count, np.bool_)
    chosen = np.zeros(count, np.bool_)
    for part in range(count - 1, 0, -1):  # a part comes after the one it split from
        if leaves:
            chosen[part] = not split[part]
        else:
            chosen[part] = inside[part] <= stability[part]
            inside[parents[part]] += max(inside[part], stability[part])
        split[parents[part]] = True
    out = np.full(count, -1, np.int64)
    for part in range(1, count):
        above = out[parents[part]]
        if above >= 0:
            out[part] = above
        elif chosen[part]:
            out[part] = part
    return out


@nb.njit(nogil=True, cache=True)
def memberships(parts, densities, parents, births, chosen):
    """(n,) the chosen part of each row, -1 for none, and (n,) how deep in it the row lies, 0..1."""
    n = parts.size
    deepest = np.zeros(chosen.size)
    for row in range(n):
        deepest[parts[row]] = max(deepest[parts[row]], densities[row])
    for part in range(1, chosen.size):  # a part reaches down to where it splits
        deepest[parents[part]] = max(deepest[parents[part]], births[part])
    labels, depth = np.full(n, -1, np.int64), np.zeros(n, np.float32)
    for row in range(n):
        label = chosen[parts[row]]
        if label >= 0:
            labels[row] = label
            most = deepest[label]
            depth[row] = min(densities[row], most) / most if most > 0 else 1.0
    return labels, depth
