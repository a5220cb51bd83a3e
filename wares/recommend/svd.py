"""The strongest directions of what was taken together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.arrays import Dense, Sparse
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.factors import Factors

SPARE = 16
"""Directions looked for beside those kept: with them the last ones kept come out right sooner."""


@dataclass(kw_only=True, eq=False)
class SVD(Factors):
    """Truncated singular value decomposition of shoppers x products (PureSVD): a history, seen through few directions.

    Choose it as the factor model that has next to nothing to set, that adds up over shops and that learns in seconds.
    Time O(iterations x events x factors), memory 12 factors (n_shoppers + n_products) bytes beside the events, while
    learning: 10M events of 1M shoppers x 100,000 products x 64 take some 2 GB. The score is linear in the history.

    Settings
    --------
    regularisation : a direction counts strength / (strength + this), its strength being the squares of what was taken
        that lie along it; 0 counts all kept alike, which is PureSVD.
    damping : products are divided by the number of shoppers who took them to this power; 0 leans on what is popular.
    iterations : passes over the events; each brings the directions nearer to the true ones.

    Learned
    -------
    factors_ : (n_products, at most `factors`) orthogonal columns, the strongest first, each as long as the root of what
    it counts.

    Source: Cremonesi, Koren & Turrin 2010, doi:10.1145/1864708.1864721; Nikolakopoulos et al. 2019,
    doi:10.1145/3289600.3290986 (damping).
    """

    regularisation: float = setting(1.0, low=0.0)
    damping: float = setting(0.25, low=0.0, high=1.0)
    iterations: int = setting(5, low=1)
    seed: int = 0

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`."""
        self._check()
        taken = self._taken(history)
        counts = np.bincount(taken.indices, minlength=taken.shape[1])
        scaled = csr_array((taken.data * self._scale(counts)[taken.indices], taken.indices, taken.indptr), taken.shape)
        turned = scaled.T  # a view: its columns are the rows
        return self._learn(lambda vectors: np.asarray(turned @ (scaled @ vectors)), counts)

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`together` (n_products, n_products): X'X over the shoppers of `part`; `shoppers` (n_products,) of each.

        Memory O(pairs taken together).
        """
        taken = self._taken(part)
        together = csr_array(taken.T @ taken)
        together.sort_indices()
        return {"together": together, "shoppers": np.bincount(taken.indices, minlength=part.n_products).astype("f4")}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once, but for rounding."""
        self._check()
        counts = np.asarray(tally["shoppers"]).astype(np.int64)
        together = csr_array(tally["together"])
        scale = self._scale(counts)
        owners = np.repeat(np.arange(len(counts)), np.diff(together.indptr))
        data = (together.data * scale[owners] * scale[together.indices]).astype(np.float32)
        if not counts.any():
            raise DataError("SVD needs events: no product of the tally was taken by anybody")
        scaled = csr_array((data, together.indices, together.indptr), together.shape)
        return self._learn(lambda vectors: np.asarray(scaled @ vectors), counts)

    def _scale(self, counts: NDArray[np.integer]) -> NDArray[np.float32]:
        return np.asarray(np.maximum(counts, 1) ** -self.damping, np.float32)

    def _learn(self, times: Any, counts: NDArray[np.int64]) -> Self:
        """By subspace iteration with what multiplies (n_products, m) by the scaled X'X."""
        n = len(counts)
        width = min(self.factors + SPARE, n)
        found = np.random.default_rng(self.seed).standard_normal((n, width), np.float32)
        for _ in range(self.iterations):
            found, _ = np.linalg.qr(times(found))
        strengths, axes = np.linalg.eigh(found.T.astype(np.float64) @ times(found))
        best = np.argsort(-strengths, kind="stable")[: self.factors]
        best = best[strengths[best] > 1e-6 * strengths.max(initial=0)]
        counted = np.sqrt(strengths[best] / (strengths[best] + self.regularisation))
        factors = found @ (axes[:, best] * counted).astype(np.float32)
        # Of each direction there are two; the one whose greatest entry is above zero is taken.
        factors *= np.where(factors[np.abs(factors).argmax(axis=0), np.arange(len(best))] < 0, -1, 1)
        self._keep(factors, None, counts)
        return self

    def _system(self, rows: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[Any, Any]:
        pulls = self.factors_[rows] * (values * self._scale(self.shoppers_of_[rows]))[:, None]
        return np.eye(self.factors_.shape[1]), pulls.astype(np.float64)
