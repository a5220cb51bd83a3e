"""What a shopper buys again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Mask, Rows
from wares.data.history import History
from wares.data.hits import Hits
from wares.recommend.profile import DAY, decays, picked


@dataclass(kw_only=True, eq=False)
class Repeat(Recommender):
    """The days on which a shopper took a product, the latest counting most, times how readily it is taken again.

    Choose it where people buy the same again: groceries, cosmetics, supplies. It ranks what the history holds and
    nothing else. Time O(events).

    Settings
    --------
    half_life : days after which a day counts half; 0 = never fades.
    smoothing : shoppers of average behaviour added to each product, so that few do not decide.

    Learned
    -------
    again_ : (n_products,) float32 square root of the share of its shoppers who took it on more than one day.
    average_ : that of all products together; what a product not fitted on gets.
    full_ : the greatest weight of an event: the weights of a day are counted in it, 1 at most.

    Source: personal popularity with recency, as in Hu et al. 2020, doi:10.1145/3397271.3401066.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    half_life: float = setting(120.0, low=0.0)
    smoothing: float = setting(10.0, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn how readily each product is taken again."""
        self._check()
        self.full_ = float(np.abs(history.weights).max(initial=0.0)) or 1.0
        shoppers, again = np.zeros((2, history.n_products))
        for part in history.parts():
            owners, products, place, _ = _visits(part)
            days = np.bincount(place, weights=part.weights > 0, minlength=len(owners)) > 0
            taken, starts = np.unique(owners[days] * history.n_products + products[days], return_counts=True)
            of_product = taken % history.n_products
            shoppers += np.bincount(of_product, minlength=history.n_products)
            again += np.bincount(of_product, weights=starts > 1, minlength=history.n_products)
        self.average_ = float(np.sqrt((again.sum() + 1) / (shoppers.sum() + 2)))
        prior = self.smoothing + 1e-9
        self.again_ = np.sqrt((again + prior * self.average_**2) / (shoppers + prior)).astype(np.float32)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Days, faded, times readiness; 0 where the history does not hold the product; -inf for an empty history."""
        self._ready()
        n = max(len(self.again_), history.n_products)
        scores = np.zeros((len(history), n), np.float32)
        np.add.at(scores, (history.owners(), history.products), self._each(history, context))
        np.maximum(scores, 0, out=scores)
        scores[np.diff(history.indptr) == 0] = -np.inf
        return picked(scores, products)

    def recommend(
        self,
        history: History,
        k: int,
        *,
        context: Context = Context(),
        allowed: Mask | None = None,
        repeats: bool = False,
    ) -> Hits:
        """The k products of the history most likely bought again; nothing without `repeats`."""
        hits = super().recommend(history, k, context=context, allowed=allowed, repeats=repeats)
        real = hits.scores > 0
        return Hits(np.where(real, hits.rows, -1), np.where(real, hits.scores, -np.inf).astype(np.float32))

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        each = self._each(history, context)
        same = np.asarray(products)[:, None] == history.products
        found = np.where(same, each, np.float32(0))
        found[found.sum(axis=1) <= 0] = 0  # more sent back than kept: the score is 0
        return found

    def _each(self, history: History, context: Context) -> NDArray[np.float32]:
        """(n_events,) what each event adds to the score of its own product."""
        self._ready()
        again = self.again_
        _, _, place, n = _visits(history)
        total = np.bincount(place, weights=history.weights, minlength=n)
        size = np.bincount(place, weights=np.abs(history.weights), minlength=n)
        day = np.clip(total / self.full_, -1, 1) / np.maximum(size, 1e-9)
        fresh = decays(history, self.half_life, context.at)
        ready = np.where(
            history.products < len(again), again[np.minimum(history.products, len(again) - 1)], self.average_
        )
        return np.asarray(day[place] * np.abs(history.weights) * fresh * ready, np.float32)


def _visits(history: History) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Shopper and product of each distinct (shopper, product, day), the visit of each event, and how many there are.

    Without times every event is a visit of its own.
    """
    owners, products = history.owners(), history.products.astype(np.int64)
    if history.times is None:
        return owners, products, np.arange(len(owners)), len(owners)
    day = history.times // DAY
    day = day - day.min(initial=0)
    key = (owners * history.n_products + products) * (int(day.max(initial=0)) + 1) + day
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    return owners[first], products[first], place, len(first)
