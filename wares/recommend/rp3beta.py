"""A walk from product to shopper to product."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.arrays import Dense, Sparse
from wares.data.history import History
from wares.recommend.pairs import Pairwise, greatest_of, over, scaled, strongest
from wares.recommend.profile import Profile, matrix_of


@dataclass(kw_only=True, eq=False)
class RP3beta(Pairwise):
    """How likely a random walk from a product by its shoppers ends at another, which is damped where it is popular.

    Choose it where the long tail matters: `beta` says how much what everybody takes is held back, and a shopper of few
    products says more of each than one of many. It is quick and often near EASE, with no limit to the catalog. Time
    O(sum over shoppers of their products squared), memory O(n_products x neighbours).

    Settings
    --------
    alpha : power of the chances of each step; above 1 it keeps to likely ones.
    beta : power of how many took a product, by which it is divided; 0 = the popular come first, 1 = they do not count.
    neighbours : kept for each product; more is smoother and slower.
    strength, half_life, decay : how much a product of the history counts, as in `Pairwise`.

    Learned
    -------
    similar_ : (n_products, n_products) float32 sparse, zero diagonal, at most `neighbours` a row, all above zero.

    Source: Paudel et al. 2017, doi:10.1145/2955101.
    """

    alpha: float = setting(0.6, low=0.0)
    beta: float = setting(0.3, low=0.0)
    neighbours: int = setting(200, low=1)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Walk from every product over the shoppers of `history`."""
        self._check()
        taken = matrix_of(history, self.strength)
        degrees = np.bincount(taken.indices, weights=taken.data, minlength=history.n_products)
        steps, back = self._steps(taken)
        damp = np.maximum(over(degrees, -self.beta), 1e-30)
        found = strongest(steps, back, damp, self.neighbours)  # damped by both ends: the row's own is taken out again
        self.similar_ = scaled(found, damp * over(degrees, self.alpha), np.ones(len(damp)))
        return self

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`walked` (n_products, n_products): the steps by the shoppers of `part`; `taken` (n_products,) how much."""
        taken = Profile.of(part, part.n_products, self.strength).matrix(part.n_products)
        steps, back = self._steps(taken)
        walked = csr_array(steps.T @ back)
        walked.sort_indices()
        sums = np.bincount(taken.indices, weights=taken.data, minlength=part.n_products)
        return {"walked": walked, "taken": sums.astype(np.float32)}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once."""
        self._check()
        degrees = np.asarray(tally["taken"], np.float64)
        whole = scaled(csr_array(tally["walked"]), over(degrees, self.alpha), over(degrees, self.beta))
        self.similar_ = greatest_of(whole, self.neighbours)
        return self

    def table(self) -> csr_array:
        """(n_products, n_products) float32: `similar_`."""
        return self.similar_

    def _steps(self, taken: csr_array) -> tuple[csr_array, csr_array]:
        """What a shopper took to the power alpha; and the same over the power of all that the shopper took."""
        sums = np.asarray(taken.sum(axis=1)).ravel()
        steps = taken.copy()
        steps.data = steps.data**self.alpha
        return steps, scaled(steps, over(sums, self.alpha), np.ones(taken.shape[1]))
