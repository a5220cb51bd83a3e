"""New products inherit from their kin: what was taken with those like them, by their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows, Vectors, unit
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.features import basis
from wares.recommend.profile import Profile, faded, picked
from wares.recommend.windows import Windows

BLOCK = 1024
"""Products whose likeness to all others is worked out at once."""


@dataclass(kw_only=True, eq=False)
class Kin(Recommender):
    """What was taken with a product, and with those like it, speaks for what is like what was taken.

    Choose it beside `content` and `two_tower` for new products: a product without a single event gets what the ones
    nearest to it by their vectors have learned, and so it can go with things that it is not like. No product speaks for
    itself, so those sold long since and new ones are on one scale. Time O(events x length + products_with_events x
    n_products x width), once; a question O(n_products x neighbours). Memory 12 bytes a neighbour of each product and a
    pair that was taken together, and `BLOCK` x n_products x 4 while learning.

    Settings
    --------
    neighbours : products with events that each product inherits from.
    power : of their cosine; more looks at the nearest alone.
    length : events before each that it is counted to go with.
    near : what is left of a pair for each event between the two.
    back : what a pair counts for the earlier of the two.
    smoothing : events added to each product, so that few do not decide.
    fading : what is left of a product of the history for each event after it; 1 = all count alike.
    width : vectors wider than this are reduced to it.
    seed : of the reduction of sparse vectors.

    Learned
    -------
    pairs_ : (n_products, n_products) float32 csr, how much was taken together, over the roots of how often each was.
    kin_ : (n_products, n_products) float32 csr, the shares in which each product inherits (row) from others; rows sum
    to 1. vectors_ : (n_products, width) float32 unit rows; basis_ : what reduced them. sold_ : rows with events.

    Source: attributes mapped to behaviour, as in Gantner et al. 2010, doi:10.1109/ICDM.2010.129.
    """

    READS: ClassVar[Sequence[str]] = ("history", "vectors")

    neighbours: int = setting(50, low=1)
    power: float = setting(2.0, low=0.1)
    length: int = setting(10, low=1)
    near: float = setting(0.7, low=0.0, high=1.0)
    back: float = setting(0.8, low=0.0, high=1.0)
    smoothing: float = setting(5.0, low=0.0)
    fading: float = setting(0.5, low=0.0, high=1.0)
    width: int = setting(256, low=1)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Count what goes together, and find the kin of each product. Raises DataError without vectors or events."""
        self._check()
        if context.vectors is None:
            raise DataError("kin needs the vectors of the products: fit(history, Context(vectors=...))")
        n = max(history.n_products, context.vectors.shape[0])
        counts = np.bincount(history.products[history.weights > 0], minlength=n)
        self.sold_ = np.flatnonzero(counts)
        if not len(self.sold_):
            raise DataError("kin needs events: no product of the history was taken by anybody")
        self.basis_ = basis(context.vectors, self.width, self.seed)
        self.vectors_ = np.zeros((n, self.basis_.shape[1]), np.float32)
        self.vectors_[: context.vectors.shape[0]] = self._reduced(context.vectors)
        self.pairs_ = self._together(history, counts)
        self.kin_ = self._kin(self.vectors_, 0, n)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """What the kin of each product was taken with; -inf where no history is known and for products without kin."""
        kin = self._all(context)
        n = max(kin.shape[0], history.n_products)
        weights = self._weights(history, kin.shape[0])
        # From what was taken and its kin, over what goes with it, to what inherits from that.
        led = (weights + weights @ kin) @ self._wide(kin.shape[0])
        scores = np.full((len(history), n), -np.inf, np.float32)
        scores[:, : kin.shape[0]] = (led @ kin.T).toarray()
        scores[:, : kin.shape[0]][:, np.diff(kin.indptr) == 0] = -np.inf
        scores[np.diff(weights.indptr) == 0] = -np.inf
        return picked(scores, products)

    def _weights(self, history: History, n: int) -> csr_array:
        """(n_shoppers, n) how much each product of the histories counts; below zero where it was sent back."""
        profile = faded(Profile.of(history, n), history, self.fading)
        parts: Any = (profile.values, profile.rows, profile.indptr)
        return csr_array(parts, shape=(len(history), n))

    def _together(self, history: History, counts: NDArray[np.int64]) -> csr_array:
        """(n, n) how much each product (row) leads to each other (column)."""
        n = len(counts)
        windows = Windows.of(history, self.length)
        found: Any = csr_array((n, n), dtype=np.float32)
        for start in range(0, len(windows), 1 << 18):
            before, right = windows.take(np.arange(start, min(start + (1 << 18), len(windows))))
            here, back = np.nonzero(before >= 0)
            values = np.power(np.float32(self.near), back).astype(np.float32)
            cells = (before[here, back], right[here])
            found = csr_array(found + csr_array((values, cells), shape=(n, n)))
        found = csr_array(found + self.back * found.T)
        scale = (1 / np.sqrt(counts + self.smoothing + 1e-9)).astype(np.float32)
        found.data = (found.data * np.repeat(scale, np.diff(found.indptr)) * scale[found.indices]).astype(np.float32)
        found.sort_indices()
        return csr_array(found)

    def _kin(self, vectors: Dense, first: int, n: int) -> csr_array:
        """(len(vectors), n) the shares in which products inherit from those with events; they stand from `first` on."""
        sold = self.vectors_[self.sold_]
        most = min(self.neighbours, len(self.sold_))
        rows, columns, shares = [], [], []
        for start in range(0, len(vectors), BLOCK):
            block = vectors[start : start + BLOCK]
            with threadpool_limits(1, user_api="blas"):
                like = np.maximum(block @ sold.T, 0) ** np.float32(self.power)
            like[(start + first + np.arange(len(block)))[:, None] == self.sold_] = 0  # none is its own kin
            best = np.sort(np.argpartition(-like, most - 1, axis=1)[:, :most], axis=1)
            each = np.take_along_axis(like, best, axis=1)
            total = each.sum(axis=1, keepdims=True)
            each = np.divide(each, total, out=np.zeros_like(each), where=total > 0)
            there = each > 0
            rows.append(start + np.nonzero(there)[0])
            columns.append(self.sold_[best[there]])
            shares.append(each[there])
        found = csr_array(
            (np.concatenate(shares), (np.concatenate(rows), np.concatenate(columns))), shape=(len(vectors), n)
        )
        found.sort_indices()
        return found

    def _all(self, context: Context) -> csr_array:
        """The kin of all products; of new ones by their vectors."""
        self._ready()
        n = len(self.vectors_)
        if context.vectors is None or context.vectors.shape[0] <= n:
            return self.kin_
        wide = context.vectors.shape[0]
        new = self._kin(self._reduced(context.vectors[n:]), n, wide)
        old = self.kin_
        return csr_array(
            (
                np.concatenate([old.data, new.data]),
                np.concatenate([old.indices, new.indices]),
                np.concatenate([old.indptr, old.indptr[-1] + new.indptr[1:]]),
            ),
            shape=(wide, wide),
        )

    def _wide(self, n: int) -> csr_array:
        """What goes together, over so many products, of which the new ones go with nothing yet."""
        old = self.pairs_
        if old.shape[0] == n:
            return old
        rest = np.full(n - old.shape[0], old.indptr[-1], old.indptr.dtype)
        return csr_array((old.data, old.indices, np.concatenate([old.indptr, rest])), shape=(n, n))

    def _reduced(self, vectors: Vectors) -> Dense:
        return np.ascontiguousarray(unit(np.asarray(vectors @ self.basis_, np.float32)))
