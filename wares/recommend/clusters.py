"""What is popular and well rated inside the groups of products that a shopper likes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.profile import Profile, Strength, ballots, picked

FEW_RATINGS = 10
"""Ratings of the mean that a product is mixed with."""


@dataclass(kw_only=True, eq=False)
class Clusters(Recommender):
    """How much the shopper likes the product's cluster, times the product's share of it among all shoppers.

    Choose it where a reason has to be short, and where products are many and events few: a cluster is liked after one
    event. What a history adds is a plain sum, so each score can be read: `shrink` times the product's popularity, plus
    its share of its cluster for each product of that cluster in the history. Time O(events + shoppers asked x
    products), memory 12 bytes a product.

    Settings
    --------
    strength : how much a product of the history counts: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which it counts half; 0 = never fades.
    fresh : days after which a vote for a product counts half; 0 = never fades, else at least 14.
    shrink : products of an average shopper mixed into each history.
    rated : how much well-rated products gain: a share is multiplied by (rating / mean rating) ** rated, a product of
        few ratings standing near the mean. Read where the context has ratings, or `values` says that events do.
    values : what the values of events are: "ratings", or "other", which is not read.

    Learned
    -------
    clusters_ : (n_products,) int64 cluster of each product; those of none are one together.
    within_ : (n_products,) float32 the product's share of its cluster, by votes and ratings; sums to 1 in each.
    popularity_ : (n_products,) float32, sums to 1.
    """

    READS: ClassVar[Sequence[str]] = ("history", "clusters", "ratings")

    strength: Strength = "log"
    half_life: float = setting(180.0, low=0.0)
    fresh: float = setting(60.0, low=0.0)
    shrink: float = setting(2.0, low=0.0)
    rated: float = setting(1.0, low=0.0)
    values: Literal["ratings", "other"] = "other"

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Count votes and ratings. Raises DataError where the clusters of the products are not known."""
        self._check()
        if context.clusters is None:
            raise DataError("clusters needs the clusters of the products: fit(history, Context(clusters=...))")
        n = max(history.n_products, len(context.clusters))
        clusters = np.full(n, -1, np.int64)
        clusters[: len(context.clusters)] = context.clusters
        self.clusters_ = np.where(clusters >= 0, clusters, int(clusters.max(initial=-1)) + 1)
        votes = np.zeros(n)
        for part in history.widened(n).parts():
            profile, each = ballots(part, self.fresh)
            votes += np.bincount(profile.rows, weights=each, minlength=n)
        worth = votes * self._gain(history, context, n)
        mass = np.bincount(self.clusters_, weights=worth)
        self.within_ = (worth / np.maximum(mass, 1e-300)[self.clusters_]).astype(np.float32)
        liked = np.bincount(self.clusters_, weights=votes)
        popularity = self.within_ * (liked / max(float(liked.sum()), 1e-300))[self.clusters_]
        self.popularity_ = popularity.astype(np.float32)
        return self

    def _gain(self, history: History, context: Context, n: int) -> NDArray[np.float64]:
        """(n,) what ratings multiply a product's share with: 1 where nobody rated."""
        mean, counts = _ratings(history, context, n, own=self.values == "ratings")
        known = counts > 0
        if not self.rated or not known.any():
            return np.ones(n)
        middle = float((mean * counts)[known].sum() / counts[known].sum())
        if middle <= 0:
            return np.ones(n)
        drawn = (np.where(known, mean, 0) * counts + middle * FEW_RATINGS) / (counts + FEW_RATINGS)
        return np.asarray(np.maximum(drawn / middle, 1e-3) ** self.rated)

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The sum that the class tells of; -inf for products not fitted on."""
        self._ready()
        n = len(self.within_)
        profile = self._profile(history, context)
        liked = np.zeros((len(history), int(self.clusters_.max(initial=-1)) + 1), np.float32)
        owners = np.repeat(np.arange(len(history)), np.diff(profile.indptr))
        np.add.at(liked, (owners, self.clusters_[profile.rows]), np.maximum(profile.values, 0))
        scores = np.full((len(history), max(n, history.n_products)), -np.inf, np.float32)
        scores[:, :n] = liked[:, self.clusters_] * self.within_ + np.float32(self.shrink) * self.popularity_
        return picked(scores, products)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; with what everybody gets they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        self._ready()
        profile = self._profile(history, context)
        products = np.asarray(products)
        inside = np.minimum(products, len(self.within_) - 1)
        same = self.clusters_[inside][:, None] == self.clusters_[profile.rows]
        found = np.where(same, self.within_[inside][:, None] * np.maximum(profile.values, 0), 0)
        found[products >= len(self.within_)] = 0
        return profile, np.asarray(found, np.float32)

    def _profile(self, history: History, context: Context) -> Profile:
        return Profile.of(history, len(self.within_), self.strength, self.half_life, context.at)


def _ratings(
    history: History, context: Context, n: int, *, own: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) mean rating of each product, and (n,) of how many; the shop's own ratings count as those of ten people."""
    if own and history.values is not None:
        rated = np.isfinite(history.values)
        counts = np.bincount(history.products[rated], minlength=n).astype(np.float64)
        sums = np.bincount(history.products[rated], weights=history.values[rated], minlength=n)
        return sums / np.maximum(counts, 1), counts
    mean, counts = np.zeros(n), np.zeros(n)
    if context.ratings is not None:
        known = np.flatnonzero(np.isfinite(context.ratings[:n]))
        mean[known], counts[known] = context.ratings[known], FEW_RATINGS
    return mean, counts
