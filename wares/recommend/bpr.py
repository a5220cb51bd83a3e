"""Factors learned from which of two products was taken."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.data.history import History
from wares.kernels.descent import pairwise
from wares.recommend.descending import REFERENCE, Descending, Numbers, entries, newton


@dataclass(kw_only=True, eq=False)
class BPR(Descending):
    """Bayesian personalised ranking: what a shopper took should score above what they did not, pair by pair.

    Choose it where the order of the list is what counts and tastes are broad. Time O(epochs x events x (1 + negatives)
    x factors) in one thread, memory 4 factors (n_shoppers + n_products) + 24 bytes for each event. A shopper is folded
    in at the one best point of the same objective against a fixed draw of products: some steps of O(256 m + factors^3).

    Settings
    --------
    negatives : products drawn beside each event; the one that scores highest is the one to beat. 1 = plain BPR.

    Learned
    -------
    drawn_ : (at most 256,) int32 the products that stand for all not taken when a shopper is folded in.

    Source: Rendle et al. 2009, arXiv:1205.2618; Zhang et al. 2013, doi:10.1145/2484028.2484126 (the highest).
    """

    negatives: int = setting(1, low=1)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`."""
        self._check()
        taken = self._taken(history)
        _, products, common = self.factorise(taken)
        counts = np.bincount(taken.indices, minlength=taken.shape[1])
        self._keep(products, common, counts)
        known = np.flatnonzero(counts)
        chosen = np.random.default_rng([self.seed, 1]).permutation(known)[:REFERENCE]
        self.drawn_ = np.sort(chosen).astype(np.int32)
        return self

    def factorise(self, taken: csr_array) -> tuple[Numbers, Numbers, Numbers]:
        """The factors of shoppers and products, and what every shopper gets of each product."""
        indptr, indices, owners = entries(taken)
        rng = np.random.default_rng(self.seed)
        products, shoppers = self._start(taken.shape[1], rng), self._start(taken.shape[0], rng)
        common = np.zeros(taken.shape[1], np.float32)
        known = np.flatnonzero(np.bincount(indices, minlength=taken.shape[1])).astype(np.int32)
        decay = np.float32(self.regularisation)
        for places, drawn, rate in self._rounds(len(indices), known, self.negatives, rng):
            pairwise(indptr, indices, owners, places, drawn, taken.data, rate, decay, shoppers, products, common)
        return shoppers, products, common

    def _system(self, rows: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[Any, Any]:
        mine, my_bias = self.factors_[rows].astype(np.float64), self.biases_[rows].astype(np.float64)
        others = self.drawn_[~np.isin(self.drawn_, rows)]
        theirs, their_bias = self.factors_[others].astype(np.float64), self.biases_[others].astype(np.float64)
        share = values[:, None] / max(len(others), 1)
        penalty = max(self.regularisation * values.sum(), 1e-6)

        def missed(x: NDArray[np.float64]) -> NDArray[np.float64]:
            apart = (mine @ x + my_bias)[:, None] - (theirs @ x + their_bias)
            return np.asarray(1 / (1 + np.exp(np.clip(apart, -60, 60))))

        def gradient(x: NDArray[np.float64]) -> tuple[float, Any, Any]:
            miss = missed(x)
            pull = share * miss
            curve = pull * (1 - miss)
            value = float((share * np.log1p(-miss)).sum() - 0.5 * penalty * x @ x)
            slope = mine.T @ pull.sum(axis=1) - theirs.T @ pull.sum(axis=0) - penalty * x
            cross = mine.T @ curve @ theirs
            bend = (mine.T * curve.sum(axis=1)) @ mine + (theirs.T * curve.sum(axis=0)) @ theirs - cross - cross.T
            bend[np.diag_indices(len(x))] += penalty
            return value, slope, bend

        # At the best point the shrinkage and the pulls of all pairs even out: so the vector is their sum.
        pull = share * missed(newton(gradient, mine.shape[1]))
        return np.eye(mine.shape[1]) * penalty, pull.sum(axis=1)[:, None] * mine - pull @ theirs
