"""Exact nearest vectors by dot product: a scan of 8-bit codes finds who may be among the best, floats decide.

A row x is kept as x' = scale * code, |x - x'| <= error; so a dot product with q is known from the codes to within
|q| * error, and only rows that this leaves in doubt are looked at in full: a quarter of the memory is read, the answer
is the exact one. Scores of the answer are always made by `_dot`, in one order of additions, whatever found the rows:
equal vectors get equal scores, and a batch the same scores as its queries one by one.
"""

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.topk import top_k

ROUNDING = np.float32(4e-6)
"""What float32 additions in another order may move a dot product, as a part of the product of the two lengths."""


@nb.njit(nogil=True, cache=True)
def quantise(vectors, codes, scales, errors):
    """Fill `codes` (n, width) int8, `scales` (n,) and `errors` (n,) float32 from `vectors` (n, width) float32."""
    n, width = vectors.shape
    for i in range(n):
        most = np.float32(0)
        for j in range(width):
            most = max(most, abs(vectors[i, j]))
        scale = most / np.float32(127)
        scales[i] = scale
        left = 0.0
        for j in range(width):
            code = np.rint(vectors[i, j] / scale) if scale > 0 else np.float32(0)
            codes[i, j] = np.int8(code)
            left += (np.float64(vectors[i, j]) - np.float64(scale) * code) ** 2
        errors[i] = np.float32(np.sqrt(left) * 1.0001)


@nb.njit(nogil=True, cache=True, fastmath=True)
def _code_dot(code, query):
    s = np.float32(0)
    for j in range(code.size):
        s += np.float32(code[j]) * query[j]
    return s


@nb.njit(nogil=True, cache=True, fastmath=True)
def _dot(vector, query):
    s = np.float32(0)
    for j in range(vector.size):
        s += vector[j] * query[j]
    return s


@nb.njit(nogil=True, cache=True)
def scan(codes, scales, query, allowed, out):
    """Fill `out` (n,) with the dot products by codes, -inf where not allowed; `allowed` is empty or (n,) bool."""
    everything = allowed.size == 0
    for i in range(codes.shape[0]):
        out[i] = _code_dot(codes[i], query) * scales[i] if everything or allowed[i] else -np.inf


@nb.njit(nogil=True, cache=True)
def in_doubt(scores, errors, length, bar):
    """Rows whose true score may reach `bar`, where it lies within length * errors of `scores`."""
    rows = np.empty(scores.size, np.int64)
    n = 0
    for i in range(scores.size):
        if scores[i] + length * errors[i] >= bar and scores[i] > -np.inf:
            rows[n] = i
            n += 1
    return rows[:n]


@nb.njit(nogil=True, cache=True)
def dots(vectors, rows, query, out):
    """Fill `out` (m,) with the dot products of `rows` (m,) of `vectors`; -inf where a row is -1."""
    for i in range(rows.size):
        out[i] = _dot(vectors[rows[i]], query) if rows[i] >= 0 else -np.inf


@nb.njit(nogil=True, cache=True)
def _best(rows, scores, k, out_rows, out_scores):
    """The k best of (rows, scores), ties to the lower row; by insertion, for a k that is small."""
    n = 0
    for i in range(rows.size):
        score, row = scores[i], rows[i]
        if not score > -np.inf:
            continue
        if n == k and (score < out_scores[k - 1] or (score == out_scores[k - 1] and row > out_rows[k - 1])):
            continue
        place = n if n < k else k - 1
        while place > 0 and (
            out_scores[place - 1] < score or (out_scores[place - 1] == score and out_rows[place - 1] > row)
        ):
            out_scores[place], out_rows[place] = out_scores[place - 1], out_rows[place - 1]
            place -= 1
        out_scores[place], out_rows[place] = score, row
        n = min(n + 1, k)


def best(rows: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best of some rows, (k,) each; -1 and -inf where there are fewer."""
    out_rows, out_scores = np.full(k, -1, np.int64), np.full(k, -np.inf, np.float32)
    if k and len(rows):
        if k <= 64:
            _best(rows, scores, k, out_rows, out_scores)
        else:
            order = np.lexsort((rows, -scores))[:k]
            order = order[scores[order] > -np.inf]
            out_rows[: len(order)], out_scores[: len(order)] = rows[order], scores[order]
    return out_rows, out_scores


def rescored(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best of the given rows by their exact scores."""
    scores = np.empty(len(rows), np.float32)
    dots(vectors, rows, query, scores)
    return best(rows, scores, k)


def one(
    vectors: NDArray[np.float32],
    codes: NDArray[np.int8],
    scales: NDArray[np.float32],
    errors: NDArray[np.float32],
    query: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None,
    longest: float,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k nearest of one query: (k,) rows and scores. longest : of the vectors' lengths."""
    rough = np.empty(len(vectors), np.float32)
    scan(codes, scales, query, np.empty(0, np.bool_) if allowed is None else allowed, rough)
    length = np.float32(np.linalg.norm(query) * 1.0001)
    _, sure = top_k((rough - length * errors)[None], k)
    # Where fewer than k may be answered, the bar is -inf and every allowed row is looked at in full.
    rows = in_doubt(rough, errors, length, sure[0, -1] - ROUNDING * length * np.float32(longest))
    return rescored(vectors, rows, query, k)


def many(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None,
    longest: float,
    block: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k nearest of each query, by blocks of matrix products: (n_queries, k) rows and scores."""
    out_rows = np.full((len(queries), k), -1, np.int64)
    out_scores = np.full((len(queries), k), -np.inf, np.float32)
    none = np.zeros(len(vectors), np.float32)
    for start in range(0, len(queries), block):
        rough = queries[start : start + block] @ vectors.T
        if allowed is not None:
            rough[:, ~allowed] = -np.inf
        _, sure = top_k(rough, k)
        for i, query in enumerate(queries[start : start + block]):
            slack = ROUNDING * np.float32(np.linalg.norm(query) * longest)
            rows = in_doubt(rough[i], none, np.float32(0), sure[i, -1] - slack)
            out_rows[start + i], out_scores[start + i] = rescored(vectors, rows, query, k)
    return out_rows, out_scores
