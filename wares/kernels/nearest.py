"""Exact nearest vectors by dot product: a scan of 8-bit codes finds who may be among the best, floats decide.

Codes lie column by column, so a query reads only the columns that matter to it: those where it is zero, as a short text
is in most columns of a sketch, and those where it is as good as zero are never touched. Column j of row x is kept as
scale[j] * code, and |x - x'| <= error of the row. What the columns left out can add is at most |q * spread| * reach,
with reach = |x / spread| of the row (Cauchy-Schwarz). So a dot product is known to within |q| * error + |q * spread| *
reach, and only rows that this leaves in doubt are looked at in full: a ninth of the memory is read, the answer is the
exact one. Scores of the answer are always made by `_dot`, in one order of additions, whatever found the rows: equal
vectors get equal scores, and a batch the same scores as its queries one by one.
"""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.topk import top_k

ROUNDING = np.float32(4e-6)
"""What float32 additions in another order may move a dot product, as a part of the product of the two lengths."""

ASIDE = 0.03
"""What the columns left out of a scan may add to a usual score, as a part of |q| * longest: less reads more columns,
more leaves more rows in doubt."""

FEW = 10
"""Where one row in so many or fewer is allowed, looking at each of them in full reads less than the scan."""

_LEAST = float(np.finfo(np.float32).min)  # what is not allowed is below it
_TILE = 4096  # rows scanned at once: their sums stay in the nearest cache
_TOGETHER = 8  # columns added in one pass over the sums


class Codes(NamedTuple):
    """What `quantise` makes of vectors (n, width).

    codes (width, n) int8 and scales (width,) float32 : column j is scales[j] * codes[j]. spreads (width,) float32 :
    root mean square of each column. errors, reaches (n,) float32 : of each row, what its codes are off by, and its
    length in spreads. widest : the greatest error and reach. longest : the greatest length of a row.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    spreads: NDArray[np.float32]
    errors: NDArray[np.float32]
    reaches: NDArray[np.float32]
    widest: list[float]
    longest: float


def quantise(vectors: NDArray[np.float32]) -> Codes:
    """The codes of vectors (n, width) float32."""
    n, width = vectors.shape
    greatest, squares = np.zeros(width, np.float32), np.zeros(width)
    _columns(vectors, greatest, squares)
    scales, spreads = greatest / np.float32(127), np.sqrt(squares / max(n, 1)).astype(np.float32)
    codes = np.empty((width, n), np.int8)
    errors, reaches, lengths = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    _fill(vectors, scales, spreads, codes, errors, reaches, lengths)
    widest = [float(errors.max(initial=0)), float(reaches.max(initial=0))]
    return Codes(codes, scales, spreads, errors, reaches, widest, float(lengths.max(initial=0)))


@nb.njit(nogil=True, cache=True)
def _columns(vectors, greatest, squares):
    """Greatest absolute value and sum of squares of each column, (width,) each."""
    for i in range(vectors.shape[0]):
        for j in range(vectors.shape[1]):
            value = abs(vectors[i, j])
            greatest[j] = max(greatest[j], value)
            squares[j] += np.float64(value) * value


@nb.njit(nogil=True, cache=True)
def _fill(vectors, scales, spreads, codes, errors, reaches, lengths):
    """Codes column by column, a tile of rows at a time; and of each row its error, reach and length, rounded up."""
    n, width = vectors.shape
    tile = 64
    error, reach, length = np.empty(tile), np.empty(tile), np.empty(tile)
    for start in range(0, n, tile):
        stop = min(n, start + tile)
        error[:], reach[:], length[:] = 0, 0, 0
        for j in range(width):
            scale, spread = scales[j], spreads[j]
            for i in range(start, stop):
                value = np.float64(vectors[i, j])
                code = np.rint(vectors[i, j] / scale) if scale > 0 else np.float32(0)
                code = min(max(code, np.float32(-127)), np.float32(127))  # where the scale is too small to be one
                codes[j, i] = np.int8(code)
                error[i - start] += (value - np.float64(scale) * code) ** 2
                length[i - start] += value * value
                if spread > 0:
                    reach[i - start] += (value / spread) ** 2
        for i in range(start, stop):
            errors[i] = np.float32(np.sqrt(error[i - start]) * 1.0001)
            reaches[i] = np.float32(np.sqrt(reach[i - start]) * 1.0001)
            lengths[i] = np.float32(np.sqrt(length[i - start]) * 1.0001)


@nb.njit(nogil=True, cache=True, fastmath=True)
def _dot(vector, query):
    s = np.float32(0)
    for j in range(vector.size):
        s += vector[j] * query[j]
    return s


@nb.njit(nogil=True, cache=True, fastmath={"contract"})
def scan(codes, columns, weights, out):
    """Fill `out` (n,) with the sum of some columns of `codes`, each times its weight; eight columns at a time.

    columns (m,), weights (m,) float32 : m a multiple of eight; a column of weight 0 adds nothing.
    """
    n = out.size
    for start in range(0, n, _TILE):
        stop = min(n, start + _TILE)
        sums = out[start:stop]
        sums[:] = 0
        for a in range(0, columns.size, _TOGETHER):
            w0, w1, w2, w3 = weights[a], weights[a + 1], weights[a + 2], weights[a + 3]
            w4, w5, w6, w7 = weights[a + 4], weights[a + 5], weights[a + 6], weights[a + 7]
            c0, c1 = codes[columns[a], start:stop], codes[columns[a + 1], start:stop]
            c2, c3 = codes[columns[a + 2], start:stop], codes[columns[a + 3], start:stop]
            c4, c5 = codes[columns[a + 4], start:stop], codes[columns[a + 5], start:stop]
            c6, c7 = codes[columns[a + 6], start:stop], codes[columns[a + 7], start:stop]
            for i in range(stop - start):
                low = (
                    w0 * np.float32(c0[i]) + w1 * np.float32(c1[i]) + (w2 * np.float32(c2[i]) + w3 * np.float32(c3[i]))
                )
                high = (
                    w4 * np.float32(c4[i]) + w5 * np.float32(c5[i]) + (w6 * np.float32(c6[i]) + w7 * np.float32(c7[i]))
                )
                sums[i] += low + high


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
            kept = scores > -np.inf
            if len(rows) > k:
                kept &= scores >= np.partition(scores, len(scores) - k)[-k]
            rows, scores = rows[kept], scores[kept]
            order = np.lexsort((rows, -scores))[:k]
            out_rows[: len(order)], out_scores[: len(order)] = rows[order], scores[order]
    return out_rows, out_scores


def rescored(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best of the given rows by their exact scores."""
    return best(rows, scored(vectors, rows, query), k)


def scored(vectors: NDArray[np.float32], rows: NDArray[np.int64], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """(m,) the exact scores of the given rows."""
    scores = np.empty(len(rows), np.float32)
    dots(vectors, rows, query, scores)
    return scores


def one(
    vectors: NDArray[np.float32],
    known: Codes,
    query: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_] | None,
    least: float = -np.inf,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k nearest of one query: (k,) rows and scores. Rows that score below `least` may be missing."""
    if allowed is not None:
        few = int(np.count_nonzero(allowed))
        if few * FEW <= len(vectors) or few <= k:
            return rescored(vectors, np.flatnonzero(allowed), query, k)
    if len(vectors) <= k:
        return rescored(vectors, np.arange(len(vectors)), query, k)
    length = float(np.sqrt(np.dot(query, query)) * 1.0001)
    columns, weights, aside = _chosen(known, query, ASIDE * length * known.longest)
    rough = np.empty(len(vectors), np.float32)
    scan(known.codes, columns, weights, rough)
    if allowed is not None:
        rough[~allowed] = -np.inf
    slack = _slack(len(columns)) * length * known.longest
    doubt = slack + length * known.widest[0] + aside * known.widest[1]
    likely = max(_likely(rough, k), np.float32(max(least - 1.0001 * doubt, _LEAST)))
    first = np.flatnonzero(rough >= likely)
    scores = scored(vectors, first, query)
    if len(first) < k:  # all others score below `least`
        return best(first, scores, k)
    # The worst of k true scores: a row that cannot reach it is not among the k best.
    bar = max(float(np.partition(scores, len(scores) - k)[-k]), least) - slack
    more = np.flatnonzero(rough >= np.float32(max(bar - (doubt - slack), _LEAST)))
    near = rough[more]
    more = more[(near + length * known.errors[more] + aside * known.reaches[more] >= bar) & (near < likely)]
    if not len(more):
        return best(first, scores, k)
    return best(np.concatenate([first, more]), np.concatenate([scores, scored(vectors, more, query)]), k)


def greatest(
    vectors: NDArray[np.float32], known: Codes, query: NDArray[np.float32], left_out: NDArray[np.integer]
) -> float:
    """The greatest score of a row of one query; -inf where all rows are left out."""
    length = float(np.sqrt(np.dot(query, query)) * 1.0001)
    columns, weights, aside = _chosen(known, query, ASIDE * length * known.longest)
    rough = np.empty(len(vectors), np.float32)
    scan(known.codes, columns, weights, rough)
    rough[left_out] = -np.inf
    first = int(rough.argmax()) if len(rough) else -1
    if first < 0 or rough[first] == -np.inf:
        return -np.inf
    bar = scored(vectors, np.array([first]), query)[0] - _slack(len(columns)) * length * known.longest
    rows = np.flatnonzero(rough >= np.float32(max(bar - length * known.widest[0] - aside * known.widest[1], _LEAST)))
    rows = rows[rough[rows] + length * known.errors[rows] + aside * known.reaches[rows] >= bar]
    return float(scored(vectors, rows, query).max())


def _likely(rough: NDArray[np.float32], k: int) -> np.float32:
    """A finite score that at least k rows reach, and not many more; of 16 rows only the best is looked at."""
    if k * 4 <= len(rough) // 16:
        rough = rough[: len(rough) // 16 * 16].reshape(16, -1).max(axis=0)
    return max(np.float32(np.partition(rough, len(rough) - k)[-k]), np.float32(_LEAST))


def _slack(n_columns: int) -> float:
    """What rounding may move a sum of so many products and a score apart, as a part of the product of the lengths."""
    return float(ROUNDING) + (n_columns // _TOGETHER + 16) * 6e-8


def _chosen(
    known: Codes, query: NDArray[np.float32], most: float
) -> tuple[NDArray[np.int64], NDArray[np.float32], float]:
    """The columns to scan for a query with their weights, and |query * spread| of those left out.

    As many are left out as add at most `most` to a row of usual reach.
    """
    weighed = (query * known.spreads).astype(np.float64) ** 2
    ordered = np.sort(weighed)
    usual = max(float(np.sqrt(np.count_nonzero(known.spreads))), 1.0)  # reaches are this in the root mean square
    m = int(np.searchsorted(np.cumsum(ordered), (most / usual) ** 2, side="right"))
    left = weighed <= ordered[m - 1] if m else np.zeros(len(weighed), np.bool_)
    columns = np.flatnonzero(~left)
    over = -len(columns) % _TOGETHER
    weights = query[columns] * known.scales[columns]
    columns = np.concatenate([columns, np.zeros(over, columns.dtype)])
    return columns, np.concatenate([weights, np.zeros(over, np.float32)]), float(np.sqrt(weighed[left].sum()) * 1.0001)


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
    for start in range(0, len(queries), block):
        rough = queries[start : start + block] @ vectors.T
        if allowed is not None:
            rough[:, ~allowed] = -np.inf
        _, sure = top_k(rough, k)
        for i, query in enumerate(queries[start : start + block]):
            slack = ROUNDING * np.float32(np.linalg.norm(query) * longest)
            rows = np.flatnonzero((rough[i] >= sure[i, -1] - slack) & (rough[i] > -np.inf))
            out_rows[start + i], out_scores[start + i] = rescored(vectors, rows, query, k)
    return out_rows, out_scores
