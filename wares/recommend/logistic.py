"""Factors of the odds that a product is taken."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.data.history import History
from wares.kernels.descent import pointwise
from wares.recommend.descending import REFERENCE, Descending, Numbers, entries, newton


@dataclass(kw_only=True, eq=False)
class Logistic(Descending):
    """Logistic matrix factorisation: the odds that a shopper takes a product, against products drawn by chance.

    Choose it where a score that can be read as odds is wanted, or beside the others in a blend. Time O(epochs x events
    x (1 + negatives) x factors) in one thread, memory 4 factors (n_shoppers + n_products) + 24 bytes for each event. A
    shopper is folded in at the one best point of the same objective against a fixed draw of products.

    Learned
    -------
    drawn_ : (at most 256,) int32 the products that stand for all not taken when a shopper is folded in.

    Source: Johnson 2014, Logistic matrix factorization for implicit feedback data, NIPS workshop on distributed ML.
    """

    regularisation: float = setting(0.05, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`."""
        self._check()
        taken = self._taken(history)
        _, products, common = self.factorise(taken)
        counts = np.bincount(taken.indices, minlength=taken.shape[1])
        self._keep(products, common, counts)
        chosen = np.random.default_rng([self.seed, 1]).permutation(np.flatnonzero(counts))[:REFERENCE]
        self.drawn_ = np.sort(chosen).astype(np.int32)
        return self

    def factorise(self, taken: csr_array) -> tuple[Numbers, Numbers, Numbers]:
        """The factors of shoppers and products, and what every shopper gets of each product."""
        indptr, indices, owners = entries(taken)
        rng = np.random.default_rng(self.seed)
        products, shoppers = self._start(taken.shape[1], rng), self._start(taken.shape[0], rng)
        common, own = np.zeros(taken.shape[1], np.float32), np.zeros(taken.shape[0], np.float32)
        known = np.flatnonzero(np.bincount(indices, minlength=taken.shape[1])).astype(np.int32)
        wanted, decay = np.ones(len(indices), np.float32), np.float32(self.regularisation)
        for places, drawn, rate in self._rounds(len(indices), known, self.negatives, rng):
            pointwise(
                indptr, indices, owners, places, drawn, wanted, taken.data, np.float32(0), True, True, rate, decay,
                decay, shoppers, products, own, common,
            )  # fmt: skip
        return shoppers, products, common

    def _system(self, rows: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[Any, Any]:
        mine, my_bias = self.factors_[rows].astype(np.float64), self.biases_[rows].astype(np.float64)
        others = self.drawn_[~np.isin(self.drawn_, rows)]
        theirs, their_bias = self.factors_[others].astype(np.float64), self.biases_[others].astype(np.float64)
        mass = values.sum()
        each = self.negatives * mass / max(len(others), 1)
        penalty = max(self.regularisation * (1 + self.negatives) * mass, 1e-6)

        def odds(x: NDArray[np.float64]) -> tuple[Any, Any]:
            return _share(-(mine @ x + my_bias)), _share(theirs @ x + their_bias)

        def gradient(x: NDArray[np.float64]) -> tuple[float, Any, Any]:
            missed, said = odds(x)
            value = float(values @ np.log1p(-missed) + each * np.log1p(-said).sum() - 0.5 * penalty * x @ x)
            slope = mine.T @ (values * missed) - each * (theirs.T @ said) - penalty * x
            bend = (mine.T * (values * missed * (1 - missed))) @ mine
            bend += (theirs.T * (each * said * (1 - said))) @ theirs
            bend[np.diag_indices(len(x))] += penalty
            return value, slope, bend

        # At the best point shrinkage and pulls even out: so the vector is their sum. What was not taken pushes against
        # each product taken by its share.
        missed, said = odds(newton(gradient, mine.shape[1]))
        pulls = (values * missed)[:, None] * mine - (values / mass)[:, None] * (each * (said @ theirs))
        return np.eye(mine.shape[1]) * penalty, pulls


def _share(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(np.clip(-odds, -30, 30))))
