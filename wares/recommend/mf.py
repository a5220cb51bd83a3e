"""The textbook matrix factorisation: ratings by factors and biases, learned by gradient descent."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError
from wares.kernels.descent import pointwise
from wares.recommend.descending import Descending, Numbers, entries
from wares.recommend.factors import calm, solved

BIASES = 0.2
"""Of ratings, biases are shrunk this much as strongly as factors: there are many more events to each."""


@dataclass(kw_only=True, eq=False)
class MF(Descending):
    """Matrix factorisation with biases and squared error (P.Q by SGD): what a shopper would rate, and would take.

    Choose it where shoppers rate. `rate` predicts the `values` of a history: the mean, what the shopper and the product
    are above it, and P.Q. What is rated highest is not what is taken next, though: `score`, and so the answers, come
    from the same model learned of what was taken, 1, against products drawn by chance, 0; so it also answers where
    nobody rates. Time O(epochs x events x factors), for `score` times 1 + negatives, in one thread; memory
    4 factors (n_shoppers + 2 n_products) + 32 bytes for each event. A shopper is folded in by one exact solve.

    Settings
    --------
    rating_epochs, rating_learning_rate, rating_regularisation : of the ratings, what the same names without it are of
        what was taken.

    Learned
    -------
    rated_ : (n_products, factors) float32 and rated_biases_ (n_products,) float32 of the ratings, 0 where there are
    none. scale_ : their mean, least and greatest, empty where nobody rated. offset_ : of what was taken, the share that
    was no draw. sums_ : (factors + 1, factors) float64, what all products together pull a shopper to when not taken.

    Source: Funk 2006; Koren, Bell & Volinsky 2009, doi:10.1109/MC.2009.263.
    """

    regularisation: float = setting(0.08, low=0.0)
    negatives: int = setting(2, low=1)
    rating_epochs: int = setting(60, low=1)
    rating_learning_rate: float = setting(0.01, low=1e-6)
    rating_regularisation: float = setting(0.07, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn from the shoppers of `history`, and from their ratings where there are `values`."""
        self._check()
        taken = self._taken(history)
        _, products, common = self.factorise(taken)
        counts = np.bincount(taken.indices, minlength=taken.shape[1])
        self._keep(products, common, counts)
        self.offset_ = 1 / (1 + self.negatives)
        seen = np.ascontiguousarray(self.factors_[counts > 0], np.float64)
        rest = -(self.offset_ + self.biases_[counts > 0].astype(np.float64))
        self.sums_ = np.concatenate([seen.T @ seen, (rest @ seen)[None]]) / len(seen)
        self._learn_ratings(history)
        return self

    def factorise(self, taken: csr_array) -> tuple[Numbers, Numbers, Numbers]:
        """Of what was taken, the factors of shoppers and products, and what every shopper gets of each product."""
        indptr, indices, owners = entries(taken)
        rng = np.random.default_rng(self.seed)
        products, shoppers = self._start(taken.shape[1], rng), self._start(taken.shape[0], rng)
        common, own = np.zeros(taken.shape[1], np.float32), np.zeros(taken.shape[0], np.float32)
        known = np.flatnonzero(np.bincount(indices, minlength=taken.shape[1])).astype(np.int32)
        wanted, decay = np.ones(len(indices), np.float32), np.float32(self.regularisation)
        middle = np.float32(1 / (1 + self.negatives))
        for places, drawn, rate in self._rounds(len(indices), known, self.negatives, rng):
            pointwise(
                indptr, indices, owners, places, drawn, wanted, taken.data, middle, False, True, rate, decay,
                decay, shoppers, products, own, common,
            )  # fmt: skip
        return shoppers, products, common

    def rate(self, history: History, products: Rows) -> Dense:
        """(n_shoppers, len(products)) the rating each shopper would give; for a stranger, what others give.

        A product that nobody rated gets what the shopper gives on the whole. Raises DataError where there were no
        `values` to learn from.
        """
        self._ready()
        if not len(self.scale_):
            raise DataError("MF cannot rate: it was fitted on a history without values")
        vectors, own = self._raters(history)
        inside = np.minimum(np.asarray(products), len(self.rated_))
        factors = np.concatenate([self.rated_, np.zeros((1, self.rated_.shape[1]), np.float32)])[inside]
        biases = np.append(self.rated_biases_, np.float32(0))[inside]
        mean, least, greatest = self.scale_.tolist()
        said = vectors @ factors.T + biases + (mean + own)[:, None]
        return np.asarray(np.clip(said, least, greatest), np.float32)

    def as_trained(self, history: History) -> Dense:
        """(n_shoppers, n_products) the ratings by the shoppers' own vectors of learning this history anew.

        To compare with what folding in gives: the model keeps no shopper.
        """
        self._ready()
        rated = ratings(history, history.n_products)
        if rated is None:
            raise DataError("MF cannot rate: the history has no values")
        mean = rated.data.mean(dtype=np.float64)
        rated.data -= np.float32(mean)
        shoppers, own, products, common = self.factorise_ratings(rated)
        said = shoppers @ products.T + own[:, None] + common + np.float32(mean)
        return np.asarray(np.clip(said, self.scale_[1], self.scale_[2]), np.float32)

    def factorise_ratings(self, rated: csr_array) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Of ratings less their mean, the factors and the biases of shoppers, and those of products."""
        indptr, indices, owners = entries(rated)
        rng = np.random.default_rng([self.seed, 2])
        products, shoppers = self._start(rated.shape[1], rng), self._start(rated.shape[0], rng)
        own, common = np.zeros(rated.shape[0], np.float32), np.zeros(rated.shape[1], np.float32)
        ones, decay = np.ones(len(indices), np.float32), np.float32(self.rating_regularisation)
        none = np.empty(0, np.int32)
        for places, drawn, rate in self._rounds(
            len(indices), none, 0, rng, self.rating_epochs, self.rating_learning_rate
        ):
            pointwise(
                indptr, indices, owners, places, drawn, rated.data, ones, np.float32(0), False, False, rate, decay,
                np.float32(BIASES) * decay, shoppers, products, own, common,
            )  # fmt: skip
        return shoppers, own, products, common

    def _learn_ratings(self, history: History) -> None:
        n = history.n_products
        self.rated_, self.rated_biases_ = np.zeros((n, self.factors), np.float32), np.zeros(n, np.float32)
        self.scale_ = np.empty(0, np.float32)
        rated = ratings(history, n)
        if rated is None or not rated.nnz:
            return
        mean = float(rated.data.mean(dtype=np.float64))
        self.scale_ = np.array([mean, rated.data.min(), rated.data.max()], np.float32)
        rated.data -= np.float32(mean)
        if rated.data.any():  # else all rated alike, and there is nothing to learn
            _, _, self.rated_, self.rated_biases_ = self.factorise_ratings(rated)

    def _raters(self, history: History) -> tuple[Numbers, Numbers]:
        """(n_shoppers, factors) and (n_shoppers,) where the ratings of each history place its shopper."""
        width = self.rated_.shape[1]
        vectors = np.zeros((len(history), width + 1), np.float32)
        rated = ratings(history, len(self.rated_))
        if rated is not None:
            with calm(len(vectors)):
                for shopper in np.flatnonzero(np.diff(rated.indptr)):
                    own = slice(rated.indptr[shopper], rated.indptr[shopper + 1])
                    rows = rated.indices[own]
                    known = np.concatenate([self.rated_[rows], np.ones((len(rows), 1), np.float32)], 1).astype(
                        np.float64
                    )
                    penalty = np.full(width + 1, max(self.rating_regularisation * len(rows), 1e-6))
                    penalty[-1] *= BIASES
                    left = rated.data[own].astype(np.float64) - self.scale_[0] - self.rated_biases_[rows]
                    matrix = known.T @ known + np.diag(np.maximum(penalty, 1e-6))
                    vectors[shopper] = solved(matrix, (left @ known)[None])[:, 0]
        return vectors[:, :width], vectors[:, width]

    def _system(self, rows: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[Any, Any]:
        own = self.factors_[rows].astype(np.float64)
        mass = values.sum()
        drawn = self.negatives * mass
        matrix = (own.T * values) @ own + drawn * self.sums_[:-1]
        matrix[np.diag_indices(len(matrix))] += max(self.regularisation * (mass + drawn), 1e-6)
        wanted = values * (1 - self.offset_ - self.biases_[rows].astype(np.float64))
        return matrix, wanted[:, None] * own + (values / mass)[:, None] * (drawn * self.sums_[-1])


def ratings(history: History, n_products: int) -> csr_array | None:
    """(n_shoppers, n_products) the mean of what each shopper gave each of the first products; None without values.

    What is no number is left out; a rating of 0 is one.
    """
    if history.values is None:
        return None
    kept = np.isfinite(history.values) & (history.products < n_products)
    part = history.keep(kept)
    place = part.owners() * n_products + part.products
    distinct, inverse = np.unique(place, return_inverse=True)
    means = np.bincount(inverse, weights=part.values) / np.maximum(np.bincount(inverse), 1)
    indptr = np.searchsorted(distinct, np.arange(len(history) + 1) * n_products)
    return csr_array(
        (means.astype(np.float32), (distinct % n_products).astype(np.int32), indptr), (len(history), n_products)
    )
