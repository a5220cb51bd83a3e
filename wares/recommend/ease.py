"""A linear model of which products go together, solved in one step."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows, Sparse
from wares.data.history import History
from wares.errors import DataError
from wares.kernels.ease import add_rows, cells, gram, pack, scatter, weights_in_place
from wares.recommend.profile import Profile, Strength, faded, frozen, matrix_of, picked

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class EASE(Recommender):
    """Each product predicted from all others by ridge regression with a zero diagonal, in closed form.

    Choose it for the quality of a deep model without training one, wherever the most bought products matter most. Time
    O(n^3), memory 4 n^2 bytes, n being the least of n_products and `max_products`: 8,000 take 256 MB and some seconds.
    What is kept takes half of that. A history of m products is scored in O(m n). Products beyond `max_products` score
    -inf: let another answer for them.

    Settings
    --------
    regularisation : added to the diagonal, in shoppers; larger leans on what is common.
    max_products : the most bought ones the model knows.
    strength : how much a product counts for a shopper: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product counts half, both in learning (before the newest event of all) and in asking
        (before the moment asked about); 0 = never fades.
    decay : what is left of a product of the asked history for each event that came after it; 1 = never fades.

    Learned
    -------
    products_ : (n,) int32 the rows the model knows, ascending.
    weights_ : (n, n) int16 what having one product (row) says for another (column), in units of `scales_` (n,) float32
        of its row: reading half the bytes answers in half the time; zero diagonal.
    n_products_ : how many products it was fitted on.

    Source: Steck 2019, doi:10.1145/3308558.3313710.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    regularisation: float = setting(200.0, low=1e-6)
    max_products: int = setting(8000, low=1)
    strength: Strength = "binary"
    half_life: float = setting(0.0, low=0.0)
    decay: float = setting(1.0, low=0.0, high=1.0)

    def memory(self, n_products: int) -> int:
        """Bytes that fitting on so many products takes at its peak; the model keeps half of them."""
        return 4 * min(n_products, self.max_products) ** 2

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`."""
        self._check()
        taken = self._taken(history)
        self._choose(np.bincount(taken.indices, minlength=history.n_products))
        taken = csr_array(taken[:, self.products_])
        taken.sort_indices()
        columns = taken.tocsc()
        matrix = np.empty((len(self.products_), len(self.products_)), np.float32)
        with threadpool_limits(1, "blas"):
            gram(*_plain(taken), *_plain(columns), matrix, numba.get_num_threads())
        self._solve(matrix)
        return self

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`together` (n_products, n_products): X'X over the shoppers of `part`; `shoppers` (n_products,) of each."""
        taken = self._taken(part)
        together = csr_array(taken.T @ taken)
        together.sort_indices()
        counts = np.bincount(taken.indices, minlength=part.n_products).astype(np.float32)
        return {"together": together, "shoppers": counts}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once."""
        self._check()
        self._choose(np.asarray(tally["shoppers"]))
        together = csr_array(tally["together"])[self.products_][:, self.products_]
        self._solve(np.ascontiguousarray(together.toarray(), np.float32))
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """What the history says for each product; -inf for an empty history and for products it does not know."""
        profile, rows = self._read(history, context)
        found = np.zeros((len(history), len(self.products_)), np.float32)
        known = rows >= 0
        starts = np.concatenate([[0], np.cumsum(known)])[profile.indptr].astype(np.int64)
        inside = rows[known]
        add_rows(frozen(self.weights_), starts, inside, profile.values[known] * self.scales_[inside], found)
        found[np.diff(starts) == 0] = -np.inf
        scores = np.empty((len(history), max(self.n_products_, history.n_products)), np.float32)
        scatter(found, frozen(self.products_), scores)
        return picked(scores, products)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum to the score, where there is one."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        profile, rows = self._read(history, context)
        columns = self._places(np.asarray(products))
        found = np.empty((len(columns), len(rows)), np.float32)
        cells(frozen(self.weights_), rows, columns, profile.values * self.scales_[rows], found)
        return profile, found

    def _taken(self, history: History) -> csr_array:
        """(n_shoppers, n_products) how much each product counts for each shopper, at the newest event of all."""
        times = history.times
        at = None if times is None or not len(times) else int(times.max())
        return matrix_of(history, self.strength, self.half_life, at)

    def _read(self, history: History, context: Context) -> tuple[Profile, NDArray[np.int32]]:
        """The profile and the place in the model of each of its products, -1 where it is not known."""
        self._ready()
        profile = Profile.of(history, self.n_products_, self.strength, self.half_life, context.at)
        return faded(profile, history, self.decay), self._places(profile.rows)

    def _places(self, products: NDArray[np.integer]) -> NDArray[np.int32]:
        inside = np.minimum(products, self.n_products_)
        return np.asarray(self._place[inside], np.int32)

    @cached_property
    def _place(self) -> NDArray[np.int32]:
        """(n_products + 1,) where the model has a product, -1 where it does not; the last is for later products."""
        place = np.full(self.n_products_ + 1, -1, np.int32)
        place[self.products_] = np.arange(len(self.products_))
        return place

    def _choose(self, shoppers: NDArray[Any]) -> None:
        self.n_products_ = len(shoppers)
        self.__dict__.pop("_place", None)
        order = np.argsort(-shoppers, kind="stable")[: self.max_products]
        self.products_ = np.sort(order[shoppers[order] > 0]).astype(np.int32)
        if not len(self.products_):
            raise DataError("EASE needs events: no product of the history was taken by anybody")
        n = len(self.products_)
        logger.info("EASE on %s of %s products takes %.1f MB", f"{n:,}", f"{len(shoppers):,}", 4e-6 * n * n)

    def _solve(self, matrix: NDArray[np.float32]) -> None:
        """The weights, written over the Gram matrix of which the lower triangle is given."""
        matrix[np.diag_indices(len(matrix))] += np.float32(self.regularisation)
        lapack: Any = get_lapack_funcs(("potrf", "potri"), (matrix,))
        potrf, potri = lapack
        # Symmetric: the transposed view is in LAPACK's order, so nothing is copied; its upper triangle is our lower.
        inverse, failed = potrf(matrix.T, lower=0, overwrite_a=1, clean=0)
        if not failed:
            inverse, failed = potri(inverse, lower=0, overwrite_c=1)
        if failed:
            raise DataError(f"EASE: the matrix cannot be inverted; raise regularisation above {self.regularisation}")
        weights = inverse.T
        weights_in_place(weights)
        n = len(weights)
        self.scales_ = np.empty(n, np.float32)
        self.weights_ = weights.reshape(-1).view(np.int16)[: n * n].reshape(n, n)
        pack(weights, self.weights_, self.scales_)


def _plain(matrix: Any) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False), matrix.data
