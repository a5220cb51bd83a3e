"""What most shoppers take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows, Sparse
from wares.data.history import History
from wares.kernels.popular import personal
from wares.recommend.profile import FEW, Profile, ballots, frozen, picked


@dataclass(kw_only=True, eq=False)
class Popular(Recommender):
    """The share of each product among the votes of all shoppers, and inside the clusters of the history.

    Choose it for strangers, and as the line every other recommender must beat. One vote a shopper a product, however
    often it was taken; none where it was sent back. Time and memory O(events).

    Settings
    --------
    half_life : days after which a vote counts half; 0 = never fades, else at least 14.
    dated : whether a vote is as young as the shopper's last event of the product or as the first: by the first and with
    a short half-life, what is taken up just now stands above what is bought again and again.
    personal : how much of the score follows the clusters of the history, 0..1, where clusters were known to `fit`.

    season : how much of what everybody gets follows what was taken at this time of other years, 0..1: in the month
    that is asked about, and half as much in those beside it. Without a moment (`context.at`) nothing does.

    Learned
    -------
    votes_ : (n_products,) float64 votes, each worth 2 ** (days since 2010 / half_life). months_ : (12, n_products)
    float32 shoppers who took each product in each month of the year; (0, n_products) without `season`.
    popularity_ : (n_products,) float32, sums to 1.
    clusters_ : (n_products,) int64 cluster of each product, or -1.
    within_ : (n_products,) float32 the product's share of its cluster; 0 outside clusters.
    """

    READS: ClassVar[Sequence[str]] = ("history", "clusters")

    half_life: float = setting(0.0, low=0.0)
    dated: Literal["last", "first"] = "last"
    personal: float = setting(0.5, low=0.0, high=1.0)
    season: float = setting(0.0, low=0.0, high=1.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Count the votes."""
        self._check()
        return self._count(self._votes(history), context, self._months(history))

    def partial_fit(self, history: History, context: Context = Context()) -> Self:
        """Count the votes of further shoppers; new products stand behind the old ones."""
        old = self.learned()["votes_"]
        votes = self._votes(history.widened(max(len(old), history.n_products)))
        votes[: len(old)] += old
        known = Context(clusters=_longer(self.clusters_, len(votes))) if context.clusters is None else context
        months = self._months(history.widened(len(votes)))
        months[:, : len(old)] += self.months_
        return self._count(votes, known, months)

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`votes` (n_products,) and `months` (12 or 0, n_products) of the shoppers of `part`."""
        votes: Dense = self._votes(part)  # type: ignore[assignment]  # float64: a sum over many shops
        return {"votes": votes, "months": self._months(part)}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; clusters known before are kept."""
        self._check()
        votes = np.asarray(tally["votes"], np.float64)
        clusters = getattr(self, "clusters_", None)
        months = np.asarray(tally["months"], np.float32)
        return self._count(votes, Context(clusters=None if clusters is None else _longer(clusters, len(votes))), months)

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Probability that a vote falls on the product; -inf for products not fitted on."""
        self._ready()
        n = len(self.popularity_)
        profile, each, spoken = self._shares(history)
        scores = np.full((len(history), max(n, history.n_products)), -np.inf, np.float32)
        base = np.where(spoken, 1 - self.personal, 1.0).astype(np.float32)
        groups, m = self._groups
        shares = np.zeros((len(history), m), np.float32)
        owners = np.repeat(np.arange(len(history)), np.diff(profile.indptr))
        np.add.at(shares, (owners, groups[profile.rows]), each)
        for line, rows in self._lines(context):
            part = scores[rows]
            personal(frozen(line), groups, frozen(self.within_), base[rows], shares[rows], part)
            scores[rows] = part
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
        n = len(self.popularity_)
        profile, each, _ = self._shares(history)
        products = np.asarray(products)
        inside = np.minimum(products, n - 1)
        same = self.clusters_[inside][:, None] == self.clusters_[profile.rows]
        found = np.where(same, self.within_[inside][:, None] * each, 0).astype(np.float32)
        found[products >= n] = 0
        return profile, found

    def _lines(self, context: Context) -> list[tuple[NDArray[np.float32], slice | NDArray[np.int64]]]:
        """What everybody gets, and who asks for that: one line, or one for each month that is asked about."""
        if context.at is None or not len(self.months_):
            return [(self.popularity_, slice(None))]
        month = np.asarray(context.at).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64) % 12
        found: list[tuple[NDArray[np.float32], slice | NDArray[np.int64]]] = []
        for each in np.unique(month).tolist():
            near = self.months_[each] + (self.months_[each - 1] + self.months_[(each + 1) % 12]) / 2
            line = (1 - self.season) * self.popularity_ + self.season * near / max(float(near.sum()), 1e-30)
            found.append((line.astype(np.float32), np.flatnonzero(month == each)))
        return found

    @cached_property
    def _groups(self) -> tuple[NDArray[np.uint32], int]:
        """The clusters, with a last one of what is in none, and how many they are."""
        last = int(self.clusters_.max(initial=-1)) + 1
        groups = np.where(self.clusters_ >= 0, self.clusters_, last).astype(np.uint32)
        return np.asarray(frozen(groups)), last + 1

    def _shares(self, history: History) -> tuple[Profile, NDArray[np.float32], NDArray[np.bool_]]:
        """What `_shared` finds; kept for the reasons of a few histories, as their profiles are."""
        profile = Profile.of(history, len(self.clusters_))
        if len(history) > FEW:
            return profile, *self._shared(history, profile)
        key = ("shares", id(self.clusters_), self.personal, profile)
        if key not in history.notes:
            history.notes[key] = (*self._shared(history, profile), self.clusters_)  # which keeps its id from another
        each, spoken, _ = history.notes[key]
        return profile, each, spoken

    def _shared(self, history: History, profile: Profile) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """What share of the score each product of a profile gives to its cluster, and whose histories speak."""
        each = np.where(self.clusters_[profile.rows] >= 0, np.maximum(profile.values, 0), 0)
        owners = np.repeat(np.arange(len(history)), np.diff(profile.indptr))
        totals = np.bincount(owners, weights=each, minlength=len(history))
        each = self.personal * each / np.maximum(totals, 1)[owners]
        return each.astype(np.float32), totals > 0

    def _votes(self, history: History) -> NDArray[np.float64]:
        votes = np.zeros(history.n_products)
        for part in history.parts():
            profile, each = ballots(part, self.half_life, self.dated)
            votes += np.bincount(profile.rows, weights=each, minlength=history.n_products)
        return votes

    def _months(self, history: History) -> NDArray[np.float32]:
        """(12, n_products) shoppers who took each product in each month; (0, n_products) where nobody asks for it."""
        if not self.season or history.times is None:
            return np.zeros((0 if not self.season else 12, history.n_products), np.float32)
        found = np.zeros((12, history.n_products), np.float32)
        for part in history.parts():
            assert part.times is not None
            month = part.times.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
            kept = part.weights > 0
            # A shopper counts once for a product in a month of a year.
            rows = np.stack([part.owners()[kept], month[kept], part.products[kept].astype(np.int64)])
            _, months, products = np.unique(rows, axis=1)
            np.add.at(found, (months % 12, products), 1)
        return found

    def _count(self, votes: NDArray[np.float64], context: Context, months: NDArray[np.float32]) -> Self:
        self.months_ = months
        known = np.full(0, -1, np.int64) if context.clusters is None else context.clusters
        self.__dict__.pop("_groups", None)
        self.votes_ = votes
        self.clusters_ = _longer(known, len(votes))
        self.popularity_ = (votes / max(votes.sum(), 1e-300)).astype(np.float32)
        inside = self.clusters_ >= 0
        mass = np.bincount(self.clusters_[inside], weights=votes[inside], minlength=1)
        self.within_ = np.zeros(len(votes), np.float32)
        self.within_[inside] = votes[inside] / np.maximum(mass, 1e-300)[self.clusters_[inside]]
        return self


def _longer(clusters: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The clusters of n products; those not known have none."""
    out = np.full(n, -1, np.int64)
    out[: min(n, len(clusters))] = clusters[:n]
    return out
