"""What recommenders share that keep a sparse table of what one product says for another."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.kernels.cooccurrence import add_scores, entries, neighbours
from wares.recommend.profile import Profile, Strength, faded, frozen, picked


@dataclass(kw_only=True, eq=False)
class Pairwise(Recommender):
    """A recommender whose score is the sum, over the products of the history, of a row of a sparse table each.

    So what each event adds to a score is read from the table, exactly. A history of m products is scored in
    O(m x neighbours).

    Settings
    --------
    strength : how much a product counts for a shopper: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product of the asked history counts half; 0 = never fades.
    decay : what is left of a product of the asked history for each event that came after it; 1 = never fades.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    strength: Strength = "binary"
    half_life: float = setting(0.0, low=0.0)
    decay: float = setting(1.0, low=0.0, high=1.0)

    @abstractmethod
    def table(self) -> csr_array:
        """(n_products, n_products) float32 what having one product (row) says for another (column)."""

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Summed over the products of the history; -inf for an empty history and for products not fitted on."""
        n = self._n()
        profile = self._profile(history, context)
        scores = np.zeros((len(history), max(n, history.n_products)), np.float32)
        scores[:, n:] = -np.inf
        scores[np.diff(profile.indptr) == 0] = -np.inf
        add_scores(*self._arrays(), profile.indptr, profile.rows, profile.values, scores)
        return picked(scores, products)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        profile = self._profile(history, context)
        found = entries(*self._arrays(), profile.rows, np.asarray(products, np.int64))
        return profile, found * profile.values

    def _profile(self, history: History, context: Context) -> Profile:
        profile = Profile.of(history, self._n(), self.strength, self.half_life, context.at)
        return faded(profile, history, self.decay)

    def _n(self) -> int:
        self._ready()
        return int(self.table().shape[0])

    def _arrays(self) -> tuple[Any, Any, Any]:
        table = self.table()
        return frozen(table.indptr), frozen(table.indices), frozen(table.data)


def strongest(
    left: csr_array, right: csr_array, norms: NDArray[np.float32], k: int, shrink: float = 0.0, least: float = 0.0
) -> csr_array:
    """(n, n) the k greatest of each row of left'right, each over (norms x norms + shrink), without the diagonal.

    left, right : (n_shoppers, n) float32 with the same places filled, all above zero. Pairs whose product is below
    `least` are left out. Only k pairs a product are ever held.
    """
    n = right.shape[1]
    columns = left.tocsc()
    # Heavy products first, so that no thread is left with one of them at the end.
    taken = np.diff(columns.indptr)
    order, most = np.argsort(-taken, kind="stable").astype(np.int32), int(taken.max(initial=0))
    place = np.empty(n, np.int32)
    place[order] = np.arange(n, dtype=np.int32)
    with threadpool_limits(1, "blas"):
        rows, scores, counts = neighbours(
            right.indptr.astype(np.int64),
            place[right.indices],
            right.data,
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32, copy=False),
            columns.data,
            np.maximum(norms, 1e-30).astype(np.float32)[order],  # what nobody took is not divided by 0
            np.float32(shrink),
            np.float32(least),
            most < 2**16 and bool((right.data == 1).all() and (columns.data == 1).all()),
            order,
            min(k, max(n - 1, 1)),
            numba.get_num_threads(),
        )
    return packed(rows, scores, counts)


def packed(rows: NDArray[np.int32], scores: NDArray[np.float32], counts: NDArray[np.int64]) -> csr_array:
    """(n, n) what kernels return as `rows` (n, k), ascending and -1 behind, `scores` (n, k) and `counts` (n,)."""
    n = len(rows)
    kept = rows >= 0
    indptr = np.concatenate([[0], np.cumsum(counts)])
    # Half the bytes where they will do: asking waits for the memory, and scipy makes both alike.
    indptr = indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)
    found = csr_array((scores[kept], rows[kept], indptr), shape=(n, n))
    found.has_sorted_indices = True
    return found


def greatest_of(table: csr_array, k: int, *, diagonal: bool = False) -> csr_array:
    """The k greatest entries of each row that are above zero, ties to the lower column; `diagonal` keeps that too."""
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    columns, data = table.indices, table.data
    keep = data > 0
    if not diagonal:
        keep &= rows != columns
    rows, columns, data = rows[keep], columns[keep], data[keep]
    order = np.lexsort((columns, -data, rows))
    rows, columns, data = rows[order], columns[order], data[order]
    best = np.arange(len(rows)) - np.searchsorted(rows, rows) < k
    found = csr_array((data[best].astype(np.float32), (rows[best], columns[best])), shape=table.shape)
    found.sort_indices()
    return found


def scaled(table: csr_array, rows: NDArray[np.floating], columns: NDArray[np.floating]) -> csr_array:
    """A copy with each entry times the factor of its row and that of its column."""
    out = table.copy()
    of_row = np.repeat(np.asarray(rows, np.float32), np.diff(table.indptr))
    out.data = (out.data * of_row * np.asarray(columns, np.float32)[out.indices]).astype(np.float32)
    return out


def over(values: NDArray[Any], power: float) -> NDArray[np.float32]:
    """One over each value to a power; 0 where the value is 0."""
    values = np.asarray(values, np.float64)
    out = np.zeros(len(values), np.float32)
    some = values > 0
    out[some] = values[some] ** -power
    return out
