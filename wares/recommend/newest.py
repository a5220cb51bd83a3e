"""What came in last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from wares.algorithm import Context, Recommender
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.recommend.profile import picked


@dataclass(kw_only=True, eq=False)
class Newest(Recommender):
    """The products in the order in which they came in, the latest first; the same for everybody.

    Choose it where nothing is known of shopper and shop. Where `context.created` says nothing, a product further down
    the product file is taken for newer. Time and memory O(n_products).

    Learned
    -------
    newness_ : (n_products,) float32 in (0, 1], 1 for the newest.
    """

    READS: ClassVar[Sequence[str]] = ("created",)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Order the products; the history is not read."""
        self._check()
        n = history.n_products
        created = np.zeros(n, np.int64) if context.created is None else context.created
        order = np.lexsort((np.arange(n), created))
        self.newness_ = np.empty(n, np.float32)
        self.newness_[order] = np.arange(1, n + 1) / max(n, 1)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Newness; products not fitted on are newer than all others."""
        self._ready()
        known = self.newness_
        n = len(known)
        line = np.ones(max(n, history.n_products), np.float32)
        line[:n] = known
        line[n:] += np.arange(1, len(line) - n + 1) / max(n, 1)
        return picked(np.repeat(line[None, :], len(history), axis=0), products)
