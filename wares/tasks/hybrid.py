"""Candidates of several recommenders, put in order by what became of such candidates before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Ranker, Recommender, context_rows, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError, SettingError
from wares.rank.lambdamart import LambdaMART
from wares.tasks.blending import Blend, Mixture
from wares.tasks.features import Products, names, traits
from wares.tasks.splitting import DAY, wanted

LEAST = 0.1
"""Share of the events that a lesson learns from at least: with fewer it would teach of an emptier shop."""


@dataclass(kw_only=True, eq=False)
class Hybrid(Recommender):
    """The best of each part of a blend, put in order by a ranker that has seen what shoppers took of such.

    Choose it where some thousand shoppers came back often enough to learn from. The ranker is taught on lessons from
    the past: what the blend, learned from the events before a moment, would have proposed, and what of that a shopper
    took for the first time in the days after it, with what was known then of product and shopper: buyers of late and
    for the first time, prices, clusters, and what each part said. With too few answers to learn from it is the blend.
    What is no candidate stands behind, in the order of the blend; what the history holds is ranked by the blend. Time
    that of the blend, for each lesson and once more, and the ranker's; an answer takes some hundred candidates through
    the trees. Memory of the lessons 100 bytes a candidate: lessons x most x candidates of all parts.

    Settings
    --------
    base : the blend whose parts propose. ranker : puts candidates in order. candidates : of each part and of the blend.
    lessons : moments in the past, each `days` before the next. days : that an answer is waited for. most : shoppers of
    a lesson, drawn by `seed`. least : shoppers who took a candidate, below which nothing is taught.

    Learned
    -------
    base_ : the fitted blend. ranker_ : the fitted ranker, None where there was too little to learn. traits_ :
    (n_products, n_traits) what is known of products. clusters_ : (n_products,). at_ : the moment of that, ns since 1970
    UTC. names_ : what the ranker reads. taught_ : shoppers of all lessons who took a candidate.

    Source: Covington, Adams & Sargin 2016, doi:10.1145/2959100.2959190, with trees for the network.
    """

    BLOCK: ClassVar[int] = 32
    APART: ClassVar[bool] = False  # the blend is learned once for each lesson
    READS: ClassVar[Sequence[str]] = ("history", "vectors", "clusters", "created", "prices")

    base: Recommender = field(default_factory=Blend)
    ranker: Ranker = field(default_factory=lambda: LambdaMART(rounds=100, leaves=7, least=500))
    candidates: int = setting(100, low=1)
    lessons: int = setting(3, low=1)
    days: float = setting(30.0, low=0.01)
    most: int = setting(2000, low=1)
    least: int = setting(200, low=1)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Teach the ranker on the past, then fit the blend to everything."""
        self._check()
        blend = self._blend()
        lessons = self._lessons(history, context) if history.times is not None and history.n_events else []
        self.base_: Blend = clone(blend).fit(history, context)
        features, taken, groups = [[part[number] for lesson in lessons for part in lesson] for number in range(3)]
        self.names_ = names(self._parts(self.base_))
        self.taught_ = len(groups)
        self.ranker_: Ranker | None = None
        if self.taught_ >= self.least:
            ranker = clone(self.ranker)
            self.ranker_ = ranker.fit(
                np.concatenate(features), np.concatenate(taken).astype(np.float32), np.array(groups, np.int64)
            )
        self.at_ = int(history.times.max()) if history.times is not None and history.n_events else 0
        known = Products.of(history, context, self.at_)
        self.traits_, self.clusters_ = known.table, known.clusters
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Above 1 the candidates, by the ranker; below, as by `again` for what the history holds, the blend's score."""
        self._ready()
        known = Products(self.traits_, self.clusters_)
        out = np.empty((len(history), len(products)), np.float32)
        for start in range(0, len(history), self.BLOCK):
            block = history.take(slice(start, start + self.BLOCK))
            asked = context_rows(context, start, start + self.BLOCK)
            for row, mixture in enumerate(self.base_.mixtures(block, context=asked)):
                one = block.one(row)
                total = mixture.total()
                if self.ranker_ is not None and one.n_events:
                    at = self.at_ if asked.at is None else int(asked.at[row])
                    rows, features = self._proposed(self.base_, mixture, total, one, known, at)
                    if len(rows):
                        total[rows] = 1 + 1 / (1 + np.exp(-self.ranker_.predict(features)))
                out[start + row] = total[products]
        return out

    def _blend(self) -> Blend:
        """The blend of the settings. Raises SettingError for another recommender: it has no parts to propose."""
        if not isinstance(self.base, Blend):
            raise SettingError(f"Hybrid(base={type(self.base).__name__}): it must be a blend, whose parts propose")
        return self.base

    def _parts(self, base: Blend) -> list[str]:
        """Of each part its place and name: what could not be fitted in a lesson is asked as silent."""
        return [f"{number} {type(part).__name__.lower()}" for number, part in enumerate(base.parts)]

    def _lessons(self, history: History, context: Context) -> "list[list[tuple[Dense, NDArray[np.bool_], int]]]":
        """For each moment, for each shopper who took a candidate after it, features, what was taken, and how many."""
        assert history.times is not None
        end = int(history.times.max()) + 1
        span = int(self.days * DAY)
        found = []
        for number in range(1, self.lessons + 1):
            at = end - number * span
            before, after = history.times < at, (history.times >= at) & (history.times < at + span)
            if before.mean() < LEAST or not after.any():
                break
            found.append(self._lesson(history.keep(before), history.keep(after), context, at, number))
        return found

    def _lesson(
        self, train: History, later: History, context: Context, at: int, number: int
    ) -> list[tuple[Dense, NDArray[np.bool_], int]]:
        right = wanted(train, later, "new")
        shoppers = np.flatnonzero((np.diff(right.indptr) > 0) & (np.diff(train.indptr) > 0))
        if len(shoppers) > self.most:
            rng = np.random.default_rng([self.seed, number])
            shoppers = np.sort(rng.choice(shoppers, self.most, replace=False))
        try:
            base = clone(self._blend()).fit(train, context)
        except DataError:
            return []  # too little had happened by then
        known, found = Products.of(train, context, at), []
        for start in range(0, len(shoppers), self.BLOCK):
            rows = shoppers[start : start + self.BLOCK]
            block = train.take(rows)
            asked = Context(at=np.full(len(rows), at))
            for place, mixture in enumerate(base.mixtures(block, context=asked)):
                proposed, features = self._proposed(base, mixture, mixture.total(), block.one(place), known, at)
                taken = np.isin(proposed, right.row(int(rows[place])))
                if taken.any():
                    found.append((features, taken, len(proposed)))
        return found

    def _proposed(
        self, base: Blend, mixture: Mixture, total: NDArray[np.float32], one: History, known: Products, at: int
    ) -> tuple[NDArray[np.int64], Dense]:
        """The candidates of a one-shopper history, in the order of their rows, and what the ranker reads of them."""
        n = min(len(total), len(known.table))
        free = np.ones(n, bool)
        free[one.products[one.products < n]] = False
        scores = np.zeros((len(base.parts), n), np.float32)
        for number, place in enumerate(self._places(base)):
            factor = 0.0 if place < 0 else float(mixture.factors[place, 0])
            if factor:
                said = mixture.scores[place][:n]
                greatest = np.where(free & np.isfinite(said), said, 0).max(initial=0)
                scores[number] = np.where(np.isfinite(said), said, 0) / (greatest or 1.0)
        whole = np.where(free & np.isfinite(total[:n]), total[:n], -np.inf)
        chosen = [_best(whole, self.candidates)]
        chosen += [_best(np.where(free & (each > 0), each, -np.inf), self.candidates) for each in scores]
        rows = np.unique(np.concatenate(chosen))
        order = np.empty(len(rows), np.float32)
        order[np.lexsort((rows, -whole[rows]))] = np.arange(len(rows))
        told = [*scores[:, rows], np.where(np.isfinite(whole[rows]), whole[rows], 0), order]
        return rows, np.concatenate([np.stack(told, axis=1), traits(known, one, rows, at)], axis=1).astype(np.float32)

    def _places(self, base: Blend) -> list[int]:
        """Where each part of the settings stands among the fitted ones, -1 for one that could not be fitted."""
        left = [each.partition(":")[0] for each in base.left_out_]
        found, place = [], 0
        for part in base.parts:
            name = type(part).__name__.lower()
            if name in left:
                left.remove(name)
                found.append(-1)
            else:
                found.append(place)
                place += 1
        return found


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The rows of the k greatest, those of -inf left out; which of the tied is as the rows come."""
    if len(scores) > k:
        rows = np.argpartition(-scores, k - 1)[:k]
        least = scores[rows].min()
        above = np.flatnonzero(scores > least)
        rows = np.concatenate([above, np.flatnonzero(scores == least)[: k - len(above)]])
    else:
        rows = np.arange(len(scores))
    return np.asarray(rows[np.isfinite(scores[rows])], np.int64)
