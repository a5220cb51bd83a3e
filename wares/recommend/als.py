"""Factors by alternating least squares over everything that was taken and everything that was not."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.data.history import History
from wares.kernels.als import factorise
from wares.recommend.factors import Factors, calm, solved
from wares.recommend.profile import matrix_of

ROUNDS = 2
"""Times that new shoppers and the products they took are solved in turn when learning on."""


@dataclass(kw_only=True, eq=False)
class ALS(Factors):
    """iALS: a product taken should score 1, and everything else lightly 0; shoppers and products are solved in turn.

    Choose it where tastes are few and broad, catalogs too large for `ease`, or memory is short. Time O(iterations x
    factors x (events + (n_shoppers + n_products) x factors)) on all cores, memory 12 factors (n_shoppers + n_products)
    bytes beside the events: 10M events of 1M shoppers x 100,000 products x 64 take some 1.5 GB. A shopper is folded in
    by one exact solve, O(m factors^2 + factors^3).

    Settings
    --------
    unobserved : what a product not taken counts beside one taken, in all pairs; less for larger catalogs.
    regularisation : times (what a shopper or product took part in) to the power of `scaling`.
    scaling : 1 penalises who took much as much as who took little for each event; 0 all alike.
    iterations : sweeps over both sides. steps : conjugate gradient steps of a row too long to be solved exactly.

    Learned
    -------
    gram_ : (factors, factors) float64 of the products. shared_ : (factors, factors) float64 of the shoppers learned
    from, a sum that names nobody; n_shoppers_ : how many they were.

    Source: Hu, Koren & Volinsky 2008, doi:10.1109/ICDM.2008.22; Rendle et al. 2022, doi:10.1145/3523227.3548486.
    """

    unobserved: float = setting(0.1, low=1e-9)
    regularisation: float = setting(0.05, low=1e-9)
    scaling: float = setting(1.0, low=0.0, high=2.0)
    iterations: int = setting(12, low=1)
    steps: int = setting(2, low=1)
    seed: int = 0

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`."""
        self._check()
        taken = self._taken(history)
        shoppers, products = self.factorise(taken)
        self._keep(products, None, np.bincount(taken.indices, minlength=taken.shape[1]))
        self._sum_up(shoppers.T.astype(np.float64) @ shoppers, len(shoppers))
        return self

    def partial_fit(self, history: History, context: Context = Context()) -> Self:
        """Learn on from further shoppers; products beyond those known come in behind them.

        What a product had learned stands against the new events with the weight of the shoppers who took it before, as
        shoppers are on the whole: nobody of them is kept. A product that nobody of the new takes stays as it is.
        """
        self._ready()
        self._check()
        n = max(len(self.factors_), history.n_products)
        taken = matrix_of(history.widened(n), self.strength)
        before = np.concatenate([self.shoppers_of_, np.zeros(n - len(self.factors_), np.int64)])
        self.factors_ = np.concatenate([self.factors_, np.zeros((n - len(self.factors_), self.factors), np.float32)])
        self.biases_ = np.zeros(n, np.float32)
        columns = csr_array(taken.T.tocsr())
        counts = np.diff(columns.indptr)
        old = self.factors_.astype(np.float64)
        self.shoppers_of_ = before
        for _ in range(ROUNDS):
            # Who took only what is new has no place before that has one: hence another round.
            shoppers = self.fold(history.widened(n))
            factors = self.factors_.copy()
            with calm(len(counts)):
                for product in np.flatnonzero(counts):
                    own = slice(columns.indptr[product], columns.indptr[product + 1])
                    who = shoppers[columns.indices[own]].astype(np.float64)
                    factors[product] = self._learned_on(old[product], before[product], who, columns.data[own])
            self.factors_ = factors
            self.shoppers_of_ = before + counts
        together = shoppers.T.astype(np.float64) @ shoppers
        self._sum_up(self.shared_ + together, self.n_shoppers_ + len(history))
        return self

    def _learned_on(
        self, old: NDArray[np.float64], count: int, who: NDArray[np.float64], weights: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """(factors,) of a product that `count` shoppers took before and `who` (m, factors) take now."""
        matrix = (self.unobserved + count / max(self.n_shoppers_, 1)) * self.shared_
        matrix[np.diag_indices(len(matrix))] += self._penalty(np.array(count), self.n_shoppers_)
        pulls = who * weights[:, None]
        right = matrix @ old + pulls.sum(axis=0)
        matrix = matrix + pulls.T @ who
        more = self._penalty(np.array(count + len(who)), self.n_shoppers_) - self._penalty(
            np.array(count), self.n_shoppers_
        )
        matrix[np.diag_indices(len(matrix))] += more
        return np.asarray(solved(matrix, right[None])[:, 0])

    def factorise(self, taken: csr_array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The factors of the shoppers (rows) and products of a matrix of what was taken, all above zero."""
        n_shoppers, n_products = taken.shape
        counts = np.bincount(taken.indices, minlength=n_products)
        return factorise(
            taken,
            self.factors,
            self._penalty(np.diff(taken.indptr), n_products),
            self._penalty(counts, n_shoppers),
            unobserved=self.unobserved,
            extra=0.0,
            iterations=self.iterations,
            steps=self.steps,
            seed=self.seed,
        )

    def _penalty(self, taken: Any, others: int) -> NDArray[np.float32]:
        return np.asarray(self.regularisation * (taken + self.unobserved * others) ** self.scaling, np.float32)

    def _sum_up(self, shared: NDArray[np.float64], n_shoppers: int) -> None:
        self.gram_ = np.asarray(self.factors_.T.astype(np.float64) @ self.factors_)
        self.shared_ = np.asarray(shared, np.float64)
        self.n_shoppers_ = n_shoppers

    def _system(self, rows: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[Any, Any]:
        own = self.factors_[rows].astype(np.float64)
        pulls = own * values[:, None]
        matrix = self.unobserved * self.gram_ + pulls.T @ own
        matrix[np.diag_indices(len(matrix))] += self._penalty(np.array(len(rows)), len(self.factors_))
        return matrix, pulls
