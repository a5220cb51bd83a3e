"""What recommenders share that predict each product from the few most like it."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, setting
from wares.arrays import Dense, Sparse
from wares.data.history import History
from wares.errors import DataError
from wares.kernels.local import local
from wares.recommend.pairs import Pairwise, greatest_of, over, packed, scaled, strongest
from wares.recommend.profile import Profile, matrix_of


@dataclass(kw_only=True, eq=False)
class Regressions(Pairwise):
    """Each product is regressed on the `neighbours` most alike to it by cosine; the diagonal is zero.

    Settings
    --------
    neighbours : how many products each one is predicted from.
    pairs : how many pairs of products are kept to learn from, equally many of each product, those most alike; what is
        beyond counts as never taken together.

    Learned
    -------
    weights_ : (n_products, n_products) float32 sparse, what having one product (row) says for another (column); zero
        diagonal, at most `neighbours` a column.
    """

    neighbours: int = setting(100, low=1)
    pairs: int = setting(50_000_000, low=1)

    @abstractmethod
    def _penalties(self) -> tuple[float, float, bool, int]:
        """The two penalties, whether weights stay at 0 or above, and how many sweeps at most."""

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`."""
        self._check()
        taken = matrix_of(history, self.strength)
        lengths = np.sqrt(_squares(taken))
        found = strongest(taken, taken, lengths, self._of_each(len(lengths)))
        return self._learn(scaled(found, lengths, lengths), lengths**2)

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
        diagonal = together.diagonal().astype(np.float32)
        cosines = scaled(together, over(diagonal, 0.5), over(diagonal, 0.5))
        found = greatest_of(cosines, self._of_each(len(diagonal)))
        return self._learn(scaled(found, np.sqrt(diagonal), np.sqrt(diagonal)), diagonal)

    def table(self) -> csr_array:
        """(n_products, n_products) float32: `weights_`."""
        return self.weights_

    def _of_each(self, n: int) -> int:
        """How many pairs of each of n products are kept."""
        return max(self.neighbours, self.pairs // max(n, 1))

    def _learn(self, found: csr_array, diagonal: NDArray[np.float32]) -> Self:
        """From the pairs kept of each product, raw dot products, and the diagonal of the Gram matrix."""
        if not (diagonal > 0).any():
            raise DataError(f"{type(self).__name__} needs events: no product of the history was taken by anybody")
        gram = csr_array(found.maximum(found.T))
        gram.sort_indices()
        l1, l2, positive, sweeps = self._penalties()
        most = int(np.diff(gram.indptr).max(initial=0))
        with threadpool_limits(1, "blas"):
            rows, weights, counts = local(
                gram.indptr.astype(np.int64),
                gram.indices.astype(np.int32, copy=False),
                gram.data,
                np.maximum(diagonal, np.float32(1e-30)),
                min(self.neighbours, max(most, 1)),
                np.float64(l1),
                np.float64(l2),
                positive,
                sweeps,
                1e-6,
                np.argsort(-np.diff(gram.indptr), kind="stable").astype(np.int32),
                numba.get_num_threads(),
            )
        if not np.isfinite(weights).all():
            raise DataError(f"{type(self).__name__}: a regression cannot be solved; raise the penalty above {l2}")
        self.weights_ = csr_array(packed(rows, weights, counts).T.tocsr())
        self.weights_.sort_indices()
        return self


def _squares(taken: csr_array) -> NDArray[np.float32]:
    weights = taken.data.astype(np.float64) ** 2
    return np.bincount(taken.indices, weights=weights, minlength=taken.shape[1]).astype(np.float32)
