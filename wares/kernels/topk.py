"""The one top-k of the house: best first, ties to the lower row."""

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True)
def _sift(rows, scores, size):
    """Push the root of a heap whose root is its worst down to its place."""
    i = 0
    row, score = rows[0], scores[0]
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            scores[right] < scores[child] or (scores[right] == scores[child] and rows[right] > rows[child])
        ):
            child = right
        if scores[child] < score or (scores[child] == score and rows[child] > row):
            rows[i], scores[i] = rows[child], scores[child]
            i = child
        else:
            break
    rows[i], scores[i] = row, score


@nb.njit(nogil=True, cache=True)
def top(scores, out_rows, out_scores):
    """Fill `out_rows` (q, k) int64 and `out_scores` (q, k) float32 with the k best of each row of `scores` (q, n).

    -inf and NaN are never chosen; missing places stay -1 and -inf.
    """
    n_queries, n = scores.shape
    k = out_rows.shape[1]
    worst = np.float32(-np.inf)
    for q in range(n_queries):
        rows = np.full(k, np.int64(n), np.int64)
        best = np.full(k, worst, np.float32)
        for j in range(n):
            score = np.float32(scores[q, j])
            # Rows come in order, so an equal score never replaces an earlier row.
            if score > best[0]:
                rows[0], best[0] = j, score
                _sift(rows, best, k)
        for end in range(k - 1, -1, -1):
            row, score = rows[0], best[0]
            rows[0], best[0] = rows[end], best[end]
            _sift(rows, best, end)
            out_rows[q, end] = row if score > worst else -1
            out_scores[q, end] = score


def top_k(scores: NDArray[np.floating], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows and scores, (n_queries, k) each, of the k best of `scores` (n_queries, n)."""
    rows = np.full((scores.shape[0], k), -1, np.int64)
    best = np.full((scores.shape[0], k), -np.inf, np.float32)
    if scores.size and k:
        top(scores, rows, best)
    return rows, best


@nb.njit(nogil=True, cache=True)
def two_greatest(names, values, places, most):
    """Fill `places` and `most` (n, 2) with where the two greatest of each row of `values` (n, m) are, and those.

    Ties to the lower of `names` (m,); 0 and -inf where there are fewer.
    """
    lowest = np.float32(-np.inf)
    for i in range(values.shape[0]):
        line = values[i]
        a, b, first, second = 0, 0, lowest, lowest
        for j in range(line.size):
            value = line[j]
            if value > first or (value == first and names[j] < names[a]):
                b, second = a, first
                a, first = j, value
            elif value > second or (value == second and names[j] < names[b]):
                b, second = j, value
        places[i, 0], places[i, 1] = a, b
        most[i, 0], most[i, 1] = first, second
