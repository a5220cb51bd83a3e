"""Products taken by the same shoppers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows, Sparse
from wares.data.history import History
from wares.kernels.cooccurrence import add_scores, entries, neighbours
from wares.recommend.profile import Profile, Strength, frozen, matrix_of, picked


@dataclass(kw_only=True, eq=False)
class ItemKNN(Recommender):
    """Cosine between products over the shoppers who took both, shrunk for rare pairs.

    Choose it when events are few, products are many or each score must be read at a glance. Every pair is compared
    exactly; no product is left out. Time O(sum over shoppers of their products squared), memory O(n_products x
    neighbours); a history of m products is scored in O(m x neighbours).

    Settings
    --------
    neighbours : kept for each product; more is smoother and slower.
    shrink : added to the denominator; damps pairs that few shoppers have touched.
    strength : how much a product counts for a shopper: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product of the asked history counts half; 0 = never fades.

    Learned
    -------
    similar_ : (n_products, n_products) float32 sparse, zero diagonal, at most `neighbours` a row, all above zero.

    Source: Linden, Smith & York 2003, doi:10.1109/MIC.2003.1167344.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    neighbours: int = setting(100, low=1)
    shrink: float = setting(10.0, low=0.0)
    strength: Strength = "binary"
    half_life: float = setting(0.0, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Compare every product with every other over the shoppers of `history`."""
        self._check()
        taken = matrix_of(history, self.strength)
        self.similar_ = nearest(taken, self.neighbours, self.shrink)
        return self

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`together` (n_products, n_products): X'X over the shoppers of `part`; memory O(pairs taken together)."""
        taken = Profile.of(part, part.n_products, self.strength).matrix(part.n_products)
        together = csr_array(taken.T @ taken)
        together.sort_indices()
        return {"together": together}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once."""
        self._check()
        together = csr_array(tally["together"])
        self.similar_ = _settled(together, self.neighbours, self.shrink)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Summed likeness to the products of the history; -inf for an empty history and for products not fitted on."""
        n = self._n()
        profile = Profile.of(history, n, self.strength, self.half_life, context.at)
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
        profile = Profile.of(history, self._n(), self.strength, self.half_life, context.at)
        found = entries(*self._arrays(), profile.rows, np.asarray(products, np.int64))
        return profile, found * profile.values

    def _n(self) -> int:
        self._ready()
        return int(self.similar_.shape[0])

    def _arrays(self) -> tuple[Any, Any, Any]:
        similar = self.similar_
        return frozen(similar.indptr), frozen(similar.indices), frozen(similar.data)


def nearest(taken: csr_array, k: int, shrink: float = 0.0) -> csr_array:
    """(n, n) the k most alike columns of each column of `taken` (shoppers x products, all above zero), by cosine."""
    n = taken.shape[1]
    columns = taken.tocsc()
    lengths = np.sqrt(np.bincount(taken.indices, weights=taken.data.astype(np.float64) ** 2, minlength=n))
    # Heavy products first, so that no thread is left with one of them at the end.
    order = np.argsort(-np.diff(columns.indptr), kind="stable").astype(np.int32)
    with threadpool_limits(1, "blas"):
        rows, scores, counts = neighbours(
            taken.indptr.astype(np.int64),
            taken.indices.astype(np.int32, copy=False),
            taken.data,
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32, copy=False),
            columns.data,
            lengths.astype(np.float32),
            np.float32(shrink),
            order,
            k,
            numba.get_num_threads(),
        )
    kept = rows >= 0
    indptr = np.concatenate([[0], np.cumsum(counts)])
    # Half the bytes where they will do: asking waits for the memory, and scipy makes both alike.
    indptr = indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64)
    found = csr_array((scores[kept], rows[kept], indptr), shape=(n, n))
    found.has_sorted_indices = True
    return found


def _settled(together: csr_array, k: int, shrink: float) -> csr_array:
    """The same from X'X: for each row the k greatest of its scaled entries, ties to the lower row."""
    lengths = np.sqrt(together.diagonal().astype(np.float64)).astype(np.float32)
    rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    columns = together.indices
    keep = (rows != columns) & (together.data > 0)
    rows, columns, data = rows[keep], columns[keep], together.data[keep]
    data = data / (lengths[rows] * lengths[columns] + np.float32(shrink))
    order = np.lexsort((columns, -data, rows))
    rows, columns, data = rows[order], columns[order], data[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    best = rank < k
    found = csr_array((data[best].astype(np.float32), (rows[best], columns[best])), shape=together.shape)
    found.sort_indices()
    return found
