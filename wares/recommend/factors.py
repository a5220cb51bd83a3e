"""Models that know products by a few numbers each: a shopper is placed among them by what their history holds."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.profile import Profile, Strength, matrix_of, picked

_POSV: Any = get_lapack_funcs("posv", dtype=np.float64)


@dataclass(kw_only=True, eq=False)
class Factors(Recommender):
    """What the factor models share: no shopper is kept, each is folded in, and the score is a dot product.

    The vector x of a shopper solves A x = the sum of what each product of the history pulls; so each event's part of a
    score is known exactly.

    Settings
    --------
    factors : numbers that a product is known by; more tell finer tastes apart and need more events.
    strength : how much a product counts for a shopper: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product counts half, both in learning (before the newest event of all) and in asking
        (before the moment asked about); 0 = never fades.

    Learned
    -------
    factors_ : (n_products, factors) float32. biases_ : (n_products,) float32 what every shopper gets. shoppers_of_ :
    (n_products,) int64 how many shoppers took each; one that nobody took cannot be scored.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    factors: int = setting(64, low=1)
    strength: Strength = "binary"
    half_life: float = setting(0.0, low=0.0)

    @abstractmethod
    def _system(self, rows: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[Any, Any]:
        """A (factors, factors) and the (m, factors) pulls, float64, of what one shopper took, all values above 0."""

    def fold(self, history: History, *, context: Context = Context()) -> Dense:
        """(n_shoppers, factors) the vector of each history; 0 where it holds nothing that is known."""
        return self._fold(self._profile(history, context))[0]

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The dot product and what everybody gets; -inf for products that nobody took and for histories without any."""
        vectors, spoken = self._fold(self._profile(history, context))
        n = len(self.factors_)
        scores = np.full((len(history), max(n, history.n_products)), -np.inf, np.float32)
        scores[:, :n] = vectors @ self.factors_.T
        scores[:, :n] += np.where(self.shoppers_of_ > 0, self.biases_, np.float32(-np.inf))
        scores[~spoken] = -np.inf
        return picked(scores, products)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; with what everybody gets they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        profile = self._profile(history, context)
        products = np.asarray(products)
        found = np.zeros((len(products), len(profile.rows)), np.float32)
        told = self._told(profile)
        inside = products < len(self.factors_)
        if told.any() and inside.any():
            parts = solved(*self._system(profile.rows[told], profile.values[told].astype(np.float64)))
            found[np.ix_(inside, told)] = self.factors_[products[inside]] @ parts
        return profile, found

    def _profile(self, history: History, context: Context) -> Profile:
        self._ready()
        return Profile.of(history, len(self.factors_), self.strength, self.half_life, context.at)

    def _told(self, profile: Profile) -> NDArray[np.bool_]:
        """(m,) whether a product of the profile says anything: it was kept, and others took it."""
        return np.asarray((profile.values > 0) & (self.shoppers_of_[profile.rows] > 0))

    def _fold(self, profile: Profile) -> tuple[Dense, NDArray[np.bool_]]:
        """The vectors, and whose histories say anything."""
        told = self._told(profile)
        starts = np.concatenate([[0], np.cumsum(told)])[profile.indptr]
        rows, values = profile.rows[told], profile.values[told].astype(np.float64)
        vectors = np.zeros((len(starts) - 1, self.factors_.shape[1]), np.float32)
        with calm(len(vectors)):
            for shopper in np.flatnonzero(np.diff(starts)):
                own = slice(starts[shopper], starts[shopper + 1])
                matrix, pulls = self._system(rows[own], values[own])
                vectors[shopper] = solved(matrix, pulls.sum(axis=0)[None])[:, 0]
        return vectors, np.diff(starts) > 0

    def _taken(self, history: History) -> csr_array:
        """(n_shoppers, n_products) how much each product counts for each shopper, at the newest event of all."""
        times = history.times
        at = None if times is None or not len(times) else int(times.max())
        taken = matrix_of(history, self.strength, self.half_life, at)
        if not taken.nnz:
            raise DataError(f"{type(self).__name__} needs events: no product of the history was taken by anybody")
        return taken

    def _keep(self, factors: NDArray[np.floating], biases: NDArray[np.floating] | None, counts: NDArray[Any]) -> None:
        """What every factor model learns; counts (n_products,) how many shoppers took each."""
        self.factors_ = np.ascontiguousarray(factors, np.float32)
        self.biases_ = np.zeros(len(factors), np.float32) if biases is None else np.asarray(biases, np.float32)
        self.shoppers_of_ = counts.astype(np.int64)


def calm(n_shoppers: int) -> AbstractContextManager[Any]:
    """For many small systems one after another: a second thread of BLAS would only wait for each."""
    return threadpool_limits(1, "blas") if n_shoppers > 8 else nullcontext()


def solved(matrix: NDArray[np.float64], pulls: NDArray[np.float64]) -> NDArray[np.float64]:
    """(width, m) the solutions for (m, width) pulls, of a symmetric matrix above zero."""
    _, solved, failed = _POSV(matrix, pulls.T)
    if failed:
        raise DataError("a shopper cannot be placed: the factors are not numbers, or too large; learn more slowly")
    return np.asarray(solved)
