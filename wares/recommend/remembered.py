"""What recommenders share that keep histories, without a name, and look for those like the one asked about."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.kernels.remembered import vote, vote_by_product
from wares.recommend.profile import DAY, Profile, faded, frozen, latest, picked

Kept: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]
"""indptr, products and times of the last event of some histories."""


@dataclass(kw_only=True, eq=False)
class Remembering(Recommender):
    """A recommender that keeps the products of the newest histories and nothing else of them.

    What is kept has no name, no weight and no time but that of its end; `forget` takes a history out again.

    Settings
    --------
    neighbours : how many kept histories vote.
    sample : of those that hold a product so many, the newest, are looked at; bounds the time of an answer.
    max_histories : the newest that are kept. max_length : the latest products kept of each.
    pause : hours; a longer one between two events parts a history in two. 0 = never.
    rare : power of the logarithm of how rare a product is, by which it counts; 0 = all count alike.
    decay : what is left of a product of the asked history for each event that came after it; 1 = never fades.

    Learned
    -------
    indptr_, products_ : (n_kept + 1,) int64 and int32, the distinct products of each kept history, in order of their
        last event; the newest history first. ends_ : (n_kept,) int64 when each ended, 0 where no times are known.
    starts_, holders_ : (n_products + 1,) int64 and int32, which kept histories hold each product, the newest first.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    neighbours: int = setting(150, low=1)
    sample: int = setting(5000, low=1)
    max_histories: int = setting(200_000, low=1)
    max_length: int = setting(200, low=1)
    pause: float = setting(0.0, low=0.0)
    rare: float = setting(1.0, low=0.0)
    decay: float = setting(1.0, low=0.0, high=1.0)

    @abstractmethod
    def _weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n_kept,) by what likeness to each kept history is multiplied, and by what it is divided."""

    @abstractmethod
    def _sizes(self, totals: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n_shoppers,) by what likeness to the history asked about is divided; `totals` is the sum of its products."""

    @abstractmethod
    def _how(self) -> tuple[float, NDArray[np.float32], float, float]:
        """What is added to the divisor, and what a product of a kept history counts.

        That is (max_length,) by how far it is behind the product that was met, by what that is multiplied for one
        before it, and what the one that was met counts itself.
        """

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Keep the newest histories."""
        self._check()
        return self._take_in([self._stored(part) for part in history.parts()], history.n_products)

    def partial_fit(self, history: History, context: Context = Context()) -> Self:
        """Keep further histories too, newer ones where no times are known; the oldest make room for them."""
        self._ready()
        newer = [self._stored(part) for part in history.parts()]
        own = _reversed((self.indptr_, self.products_, self.ends_))
        return self._take_in([own, *newer], max(history.n_products, self._n()))

    def forget(self, history: History) -> int:
        """Take each of these histories out again, one kept that is equal for each; returns how many were found.

        They have to be given as they were learned. Kept histories have no name: of several that are equal, it makes no
        difference which one goes.
        """
        self._ready()
        given = self._stored(history)
        rows = (given[1][given[0][i] : given[0][i + 1]] for i in range(len(given[2])))
        wanted = Counter(row.tobytes() for row in rows)
        stay = np.ones(len(self.ends_), bool)
        for i in range(len(stay)):
            key = np.asarray(self.products_[self.indptr_[i] : self.indptr_[i + 1]], np.int32).tobytes()
            if wanted[key] > 0:
                wanted[key] -= 1
                stay[i] = False
        kept = _some((self.indptr_, self.products_, self.ends_), np.flatnonzero(stay))
        self._take_in([_reversed(kept)], self._n())
        return int((~stay).sum())

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Summed votes of the kept histories most alike; -inf for an empty history and for products not fitted on."""
        n = self._n()
        profile, sizes = self._asked(history)
        scores = np.zeros((len(history), max(n, history.n_products)), np.float32)
        late = _late(profile, history)
        asked = (profile.indptr, profile.rows, profile.values, late, sizes)
        everything: list[Any] = [*self._kept, *asked, *self._setting(), scores]
        vote(*everything)
        scores[:, n:] = -np.inf
        scores[np.diff(profile.indptr) == 0] = -np.inf
        return picked(scores, products)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        self._ready()
        profile, sizes = self._asked(history)
        late, columns = _late(profile, history), np.asarray(products, np.int64)
        asked = (profile.rows, profile.values, late, sizes[0])
        everything: list[Any] = [*self._kept, *asked, *self._setting(), columns]
        found = vote_by_product(*everything)
        return profile, np.asarray(found, np.float32)

    def _n(self) -> int:
        self._ready()
        return len(self.starts_) - 1

    def _asked(self, history: History) -> tuple[Profile, NDArray[np.float32]]:
        """The profile of the histories asked about, by how rare a product is, and their divisors."""
        profile = faded(Profile.of(history, self._n()), history, self.decay)
        values = np.maximum(profile.values, 0) * self._rarity[profile.rows]
        owners = np.repeat(np.arange(len(history)), np.diff(profile.indptr))
        totals = np.bincount(owners, weights=values, minlength=len(history)).astype(np.float64)
        return replace(profile, values=values.astype(np.float32)), self._sizes(totals)

    @cached_property
    def _rarity(self) -> NDArray[np.float32]:
        """(n_products,) what each product counts by how few of the kept histories hold it."""
        held = np.maximum(np.diff(self.starts_), 1)
        return np.asarray(np.log1p(len(self.ends_) / held) ** self.rare, np.float32)

    @cached_property
    def _kept(self) -> tuple[Any, ...]:
        arrays = (self.indptr_, self.products_, self.starts_, self.holders_, *self._weights())
        return tuple(frozen(each) for each in arrays)

    def _setting(self) -> tuple[Any, ...]:
        shrink, near, backward, again = self._how()
        least = np.float32(shrink + 1e-12)
        return least, self.sample, self.neighbours, near, np.float32(backward), np.float32(again)

    def _take_in(self, kept: list[Kept], n: int) -> Self:
        """Learn the newest of some histories, given from the oldest to the newest."""
        for name in ("_kept", "_rarity"):
            self.__dict__.pop(name, None)
        ends = np.concatenate([np.empty(0, np.int64), *(part[2] for part in kept)])
        lengths = np.concatenate([np.empty(0, np.int64), *(np.diff(part[0]) for part in kept)])
        products = np.concatenate([np.empty(0, np.int32), *(part[1] for part in kept)])
        whole = (np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), products, ends)
        newest = np.argsort(ends, kind="stable")[::-1][: self.max_histories]
        self.indptr_, self.products_, self.ends_ = _some(whole, newest)
        owners = np.repeat(np.arange(len(self.ends_), dtype=np.int32), np.diff(self.indptr_))
        order = np.argsort(self.products_, kind="stable")
        self.holders_ = owners[order]
        self.starts_ = np.concatenate([[0], np.cumsum(np.bincount(self.products_, minlength=n))]).astype(np.int64)
        return self

    def _stored(self, history: History) -> Kept:
        """What is kept of each history that holds two products or more, in their order."""
        history = parted(history, self.pause)
        profile = Profile.of(replace(history), history.n_products)  # a copy, on which no notes are left
        last = latest(profile, history)
        owners = np.repeat(np.arange(len(history)), np.diff(profile.indptr))
        order = np.lexsort((last, owners))
        order = order[profile.values[order] > 0]
        lengths = np.bincount(owners[order], minlength=len(history))
        behind = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(order))
        order = order[(behind <= self.max_length) & (lengths[owners[order]] > 1)]
        rows = np.unique(owners[order])
        lengths = np.bincount(owners[order], minlength=len(history))[rows]
        ends = np.zeros(len(rows), np.int64)
        if history.times is not None and len(rows):
            ends = history.times[history.indptr[rows + 1] - 1]
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), profile.rows[order], ends


def parted(history: History, pause: float) -> History:
    """The same events, a row beginning anew after a pause of so many hours; 0 = never."""
    if not pause or history.times is None or not history.n_events:
        return history
    gaps = np.diff(history.times, prepend=history.times[:1]) > pause * DAY / 24
    starts = np.union1d(np.flatnonzero(gaps), history.indptr)
    return replace(history, indptr=starts.astype(np.int64))


def _some(kept: Kept, rows: NDArray[np.int64]) -> Kept:
    indptr, products, ends = kept
    lengths = np.diff(indptr)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    places = np.repeat(indptr[:-1][rows] - starts[:-1], lengths) + np.arange(starts[-1])
    return starts, np.asarray(products[places], np.int32), np.asarray(ends[rows], np.int64)


def _reversed(kept: Kept) -> Kept:
    return _some(kept, np.arange(len(kept[2]))[::-1])


def _late(profile: Profile, history: History) -> NDArray[np.int32]:
    """(m,) from 1, how late in its row each product came last."""
    starts = np.repeat(history.indptr[:-1], np.diff(profile.indptr))
    return np.asarray(latest(profile, history) - starts + 1, np.int32)
