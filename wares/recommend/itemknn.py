"""Products taken by the same shoppers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.arrays import Dense, Sparse
from wares.data.history import History
from wares.recommend.pairs import Pairwise, greatest_of, strongest
from wares.recommend.profile import Profile, matrix_of


@dataclass(kw_only=True, eq=False)
class ItemKNN(Pairwise):
    """Cosine between products over the shoppers who took both, shrunk for rare pairs.

    Choose it when events are few, products are many or each score must be read at a glance. Every pair is compared
    exactly; no product is left out. Time O(sum over shoppers of their products squared), memory O(n_products x
    neighbours); a history of m products is scored in O(m x neighbours).

    Settings
    --------
    neighbours : kept for each product; more is smoother and slower.
    shrink : added to the denominator; damps pairs that few shoppers have touched.
    strength, half_life, decay : how much a product of the history counts, as in `Pairwise`.

    Learned
    -------
    similar_ : (n_products, n_products) float32 sparse, zero diagonal, at most `neighbours` a row, all above zero.

    Source: Linden, Smith & York 2003, doi:10.1109/MIC.2003.1167344.
    """

    neighbours: int = setting(100, low=1)
    shrink: float = setting(10.0, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Compare every product with every other over the shoppers of `history`."""
        self._check()
        self.similar_ = nearest(matrix_of(history, self.strength), self.neighbours, self.shrink)
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
        self.similar_ = _settled(csr_array(tally["together"]), self.neighbours, self.shrink)
        return self

    def table(self) -> csr_array:
        """(n_products, n_products) float32: `similar_`."""
        return self.similar_


def nearest(taken: csr_array, k: int, shrink: float = 0.0) -> csr_array:
    """(n, n) the k most alike columns of each column of `taken` (shoppers x products, all above zero), by cosine."""
    squares = np.bincount(taken.indices, weights=taken.data.astype(np.float64) ** 2, minlength=taken.shape[1])
    return strongest(taken, taken, np.sqrt(squares).astype(np.float32), k, shrink)


def _settled(together: csr_array, k: int, shrink: float) -> csr_array:
    """The same from X'X: for each row the k greatest of its scaled entries, ties to the lower row."""
    lengths = np.sqrt(together.diagonal().astype(np.float64)).astype(np.float32)
    found = together.copy()
    rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    found.data = found.data / np.maximum(lengths[rows] * lengths[found.indices] + np.float32(shrink), 1e-30)
    return greatest_of(found, k)
