"""One class against the rest, by coordinate descent in the dual; and the scores of rows over all classes.

Rows are sparse (csr) or dense: of dense rows `indices` is empty and `indptr` counts in steps of the width. A weight
vector has one place more than there are columns: the last is the bias, the weight of a column of ones.

A row reads only the weights of its own columns and most rows soon stop to matter to most classes, so a class costs
a few passes over the rows that lie near its border. Classes do not know each other: each may run on a thread of its
own, and the answer is the same on one thread and on many.
"""

import numba as nb
import numpy as np

HINGE, LOGISTIC = 0, 1


@nb.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(row, indptr, indices, data, weights):
    """The row times the weights, bias included."""
    start, stop = indptr[row], indptr[row + 1]
    total = np.float32(0)
    if len(indices) == 0:
        for j in range(stop - start):
            total += data[start + j] * weights[j]
    else:
        for j in range(start, stop):
            total += data[j] * weights[indices[j]]
    return np.float64(total + weights[-1])


@nb.njit(nogil=True, cache=True)
def _add(row, step, indptr, indices, data, weights):
    start, stop = indptr[row], indptr[row + 1]
    step = np.float32(step)
    if len(indices) == 0:
        for j in range(stop - start):
            weights[j] += step * data[start + j]
    else:
        for j in range(start, stop):
            weights[indices[j]] += step * data[j]
    weights[-1] += step


@nb.njit(nogil=True, cache=True)
def squares(indptr, data):
    """(n,) squared lengths of the rows, the column of ones included."""
    out = np.ones(len(indptr) - 1)
    for row in range(len(out)):
        for j in range(indptr[row], indptr[row + 1]):
            out[row] += np.float64(data[j]) * data[j]
    return out


@nb.njit(nogil=True, cache=True)
def margins_of(rows, indptr, indices, data, weights, out):
    """Fill `out` (n,) at `rows` with the row times the weights."""
    for row in rows:
        out[row] = dot(row, indptr, indices, data, weights)


@nb.njit(nogil=True, cache=True)
def _next(state):
    """A step of xorshift: cheap, and the same on every machine."""
    state ^= (state << np.uint64(13)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    state ^= state >> np.uint64(7)
    state ^= (state << np.uint64(17)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    return state


@nb.njit(nogil=True, cache=True)
def _logistic(alpha, cost, square, margin):
    """The best alpha in 0..cost of one row of the logistic loss, by guarded Newton steps (Yu, Huang and Lin 2011)."""
    turned = 0.5 * square * (cost - 2 * alpha) + margin < 0
    old = cost - alpha if turned else alpha
    slope = -margin if turned else margin
    value = old
    if cost - value < 0.5 * cost:
        value = 0.1 * value
    for _ in range(100):
        gradient = square * (value - old) + slope + np.log(value / (cost - value))
        if abs(gradient) < 1e-6 * max(1.0, cost):
            break
        moved = value - gradient / (square + cost / (cost - value) / value)
        value = 0.1 * value if moved <= 0 else min(moved, cost * (1 - 1e-12))
    return cost - value if turned else value


@nb.njit(nogil=True, cache=True)
def descend(indptr, indices, data, lengths, rows, positive, costs, loss, rounds, tol, seed, weights):
    """Change `weights` to where |weights - given|^2 / 2 + the sum of costs x loss is least; returns the rounds done.

    rows : those to learn from, put into another order here. positive : (n,) which rows are of the class. costs : of a
    negative and of a positive row. loss : HINGE, squared, or LOGISTIC. tol : it ends where no row pulls harder. Given
    weights other than zero are what was known before: rows move them only as far as they must.
    """
    alphas = np.zeros(len(positive))
    if loss == LOGISTIC:
        for row in rows:
            cost = costs[np.int64(positive[row])]
            alphas[row] = min(1e-3 * cost, 1e-8)
            _add(row, alphas[row] if positive[row] else -alphas[row], indptr, indices, data, weights)
    state = np.uint64(seed * 2862933555777941757 + 3037000493) | np.uint64(1)
    active, limit = len(rows), np.inf
    for done in range(rounds):
        greatest, least = -np.inf, np.inf
        for place in range(active):
            state = _next(state)
            other = place + np.int64(state % np.uint64(active - place))
            rows[place], rows[other] = rows[other], rows[place]
        place = 0
        while place < active:
            row = rows[place]
            sign = 1.0 if positive[row] else -1.0
            cost = costs[np.int64(positive[row])]
            margin = sign * dot(row, indptr, indices, data, weights)
            alpha = alphas[row]
            if loss == LOGISTIC:
                pull = margin + np.log(alpha / (cost - alpha))
                moved = _logistic(alpha, cost, lengths[row], margin)
            else:
                pull = margin - 1 + alpha / (2 * cost)
                if alpha == 0 and pull > 0:
                    if pull > limit:  # far on its own side: out of the way until the end
                        active -= 1
                        rows[place], rows[active] = rows[active], rows[place]
                        continue
                    pull = 0.0
                moved = max(alpha - pull / (lengths[row] + 1 / (2 * cost)), 0.0)
            greatest, least = max(greatest, pull), min(least, pull)
            if moved != alpha:
                _add(row, (moved - alpha) * sign, indptr, indices, data, weights)
                alphas[row] = moved
            place += 1
        if max(greatest, -least) <= tol:
            if active == len(rows):
                return done + 1
            active, limit = len(rows), np.inf  # all rows once more: those set aside may matter after all
        else:
            limit = greatest if greatest > 0 else np.inf
    return rounds


@nb.njit(nogil=True, cache=True)
def scores(indptr, indices, data, places, table, out):
    """Add to `out` (n, n_classes) each row times `table` (n_kept, n_classes), of sparse rows whose column j is the
    table's row places[j], or none where that is -1; of dense rows, column j is row j."""
    for row in range(len(indptr) - 1):
        start, stop = indptr[row], indptr[row + 1]
        for j in range(start, stop):
            place = j - start if len(indices) == 0 else places[indices[j]]
            if place >= 0:
                value = data[j]
                for k in range(out.shape[1]):
                    out[row, k] += value * table[place, k]
