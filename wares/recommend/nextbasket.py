"""What the next basket holds: what is bought again and what is new, told apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.data.hits import Hits
from wares.kernels.cooccurrence import add_scores
from wares.recommend.habits import NAMES, Habits, from_the_end
from wares.recommend.pairs import strongest
from wares.recommend.profile import Profile, decays, frozen, matrix_of, picked

PRIOR = {"the same, half-life 30 baskets": 0.6, "taken again": 0.2}
"""What a habit counts, in standard deviations, before anything is learned; few baskets leave it at that."""

FIRM = 10.0
"""How firmly it is held, in rows learned from."""

STEPS = 8
"""Of Newton's method."""

BEST, JUDGED = 10, 1024
"""New products of a shopper, and shoppers, by which the likelihood of what is new is judged."""

SOME = 10.0
"""Shoppers of average behaviour added to each product."""


class _Lesson(NamedTuple):
    """A basket of each shopper, and what was before.

    kept : (m,) which of the `habits` are of a shopper with such a basket. again : (kept.sum(),) whether it held the
    product. held : what the baskets hold, shopper x n_products + product, ascending.
    """

    before: History
    habits: Habits
    kept: NDArray[np.bool_]
    again: NDArray[np.bool_]
    held: NDArray[np.int64]


@dataclass(kw_only=True, eq=False)
class NextBasket(Recommender):
    """The probability that the next basket holds a product: of what was taken before by habit, of the rest by likeness.

    Choose it where baskets are large and most of a basket was bought before: groceries, supplies. How habits tell what
    is taken again (how often, lately and regularly, counted in baskets and in days) is learned from the last baskets of
    the shoppers themselves, so nothing has to be set. What is new is shared out half by what goes together with the
    history and half by what sells, and made as likely as the best ten of it were found in those baskets. Ask with
    `repeats`. Time O(events + pairs taken together), memory O(n_products x neighbours + events of `learners`); an
    answer of a history of m events takes O(m log m + m x neighbours).

    Settings
    --------
    rounds : last baskets of each shopper to learn habits from. learners : shoppers at most, drawn, to learn them from.
    neighbours, shrink : of what goes together, as in `itemknn`. half_life : days after which what sells counts half.
    seed : of the drawing.

    Learned
    -------
    habits_ : (n_columns + 1,) float64, what a habit says: the columns of `habits.NAMES`, three of the product, a
        constant. middle_, spread_ : (n_columns,) float64 by which columns are brought to one scale.
    of_product_ : (n_products, 3) float32 how readily a product is taken again, how well it sells, how often a shopper
        takes it; average_ : (3,) of one not seen. similar_ : (n_products, n_products) float32 sparse.
    sells_ : (n_products,) float32, share of what sells. new_ : by what a share is multiplied, so that it is likely.

    Source: Hu et al. 2020 (personal frequency with recency, and neighbours), doi:10.1145/3397271.3401066.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    rounds: int = setting(2, low=1)
    learners: int = setting(5000, low=1)
    neighbours: int = setting(50, low=1)
    shrink: float = setting(10.0, low=0.0)
    half_life: float = setting(30.0, low=0.0)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn what goes together, what sells, and from each shopper's last baskets how habits tell the next."""
        self._check()
        self._products(history)
        taken = matrix_of(history, "binary")
        norms = np.sqrt(np.bincount(taken.indices, minlength=history.n_products)).astype(np.float32)
        self.similar_ = strongest(taken, taken, norms, self.neighbours, self.shrink)
        lessons = list(self._lessons(history))
        table = np.concatenate([self._table(each.habits)[each.kept] for each in lessons])
        again = np.concatenate([each.again for each in lessons])
        self.middle_ = table.mean(axis=0, dtype=np.float64) if len(table) else np.zeros(table.shape[1])
        spread = table.std(axis=0, dtype=np.float64) if len(table) else np.zeros(table.shape[1])
        self.spread_ = np.where(spread > 1e-6, spread, 1.0)
        names = (*NAMES, "taken again")
        prior = np.array([PRIOR.get(name, 0.0) for name in names] + [0.0, 0.0])
        self.habits_ = _logistic((table - self.middle_) / self.spread_, again, prior)
        self.new_ = self._found(lessons[0])
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The probability that the next basket holds each; what sells for an empty history; -inf for the unknown."""
        self._ready()
        n = len(self.sells_)
        scores = np.zeros((len(history), max(n, history.n_products)), np.float32)
        habits = Habits.of(history)
        np.minimum(self._shared(history, habits, scores) * np.float32(self.new_), 1, out=scores)
        scores[:, n:] = -np.inf
        scores[habits.owners, habits.products] = self._again(habits)
        return picked(scores, products)

    def _shared(self, history: History, habits: Habits, scores: Dense) -> Dense:
        """Zeros become the share that each product has of what is new, 0 for what was taken before."""
        n, similar = len(self.sells_), self.similar_
        profile = Profile.of(history, n)
        arrays = frozen(similar.indptr), frozen(similar.indices), frozen(similar.data)
        add_scores(*arrays, profile.indptr, profile.rows, np.maximum(profile.values, 0), scores)
        scores[habits.owners, habits.products] = 0
        near = scores.sum(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        share = np.where(near > 0, np.float32(0.5), np.float32(0))
        scores *= share / np.maximum(near, np.float32(1e-9))
        scores[:, :n] += (1 - share) * self.sells_
        scores[habits.owners, habits.products] = 0
        return scores

    def _again(self, habits: Habits) -> NDArray[np.float32]:
        """(m,) the probability that the next basket holds each of the products taken before."""
        said = ((self._table(habits) - self.middle_) / self.spread_) @ self.habits_[:-1] + self.habits_[-1]
        return np.asarray(1 / (1 + np.exp(-said)), np.float32)

    def _table(self, habits: Habits) -> NDArray[np.float32]:
        known = np.minimum(habits.products, max(len(self.of_product_) - 1, 0))
        of_product = np.where(
            (habits.products < len(self.of_product_))[:, None],
            self.of_product_[known] if len(self.of_product_) else self.average_,
            self.average_,
        )
        return np.concatenate([habits.table, of_product], axis=1).astype(np.float32)

    def _products(self, history: History) -> None:
        """What is learned of each product alone."""
        n = history.n_products
        shoppers, again, baskets, sells = np.zeros((4, n))
        end = None if history.times is None else int(history.times.max(initial=0))
        for part in history.parts():
            habits = Habits.of(part)
            shoppers += np.bincount(habits.products, minlength=n)
            again += np.bincount(habits.products, weights=habits.counts > 1, minlength=n)
            baskets += np.bincount(habits.products, weights=habits.counts, minlength=n)
            fresh = decays(part, self.half_life, None if end is None else np.full(len(part), end))
            sells += np.bincount(part.products, weights=fresh * (part.weights > 0), minlength=n)
        self.average_ = np.log(
            [
                (again.sum() + 1) / (shoppers.sum() + SOME),
                (sells.sum() + 1) / max(n, 1),
                (baskets.sum() + 1) / (shoppers.sum() + 1),
            ]
        ).astype(np.float32)
        self.of_product_ = np.stack(
            [
                np.log((again + SOME * np.exp(self.average_[0])) / (shoppers + SOME)),
                np.log(sells + 0.5),
                np.log((baskets + 1) / (shoppers + 1)),
            ],
            axis=1,
        ).astype(np.float32)
        self.sells_ = (sells / max(float(sells.sum()), 1e-9)).astype(np.float32)

    def _lessons(self, history: History) -> Iterator[_Lesson]:
        """The last baskets of each shopper, one after another, and what was before.

        What is known of the products is as it is now: a single basket says little of them.
        """
        rows = np.arange(len(history))
        if len(rows) > self.learners:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, self.learners, replace=False))
        before = history.take(rows)
        for _ in range(self.rounds):
            back, n_baskets = from_the_end(before)
            last = (back == 0) & (n_baskets[before.owners()] > 1)
            basket = before.keep(last & (before.weights > 0))
            before = before.keep(~last)
            habits = Habits.of(before)
            held = np.unique(basket.owners() * history.n_products + basket.products)
            kept = (n_baskets > 1)[habits.owners]
            again = np.isin(habits.owners * history.n_products + habits.products, held)
            yield _Lesson(before, habits, kept, again[kept], held)

    def _found(self, lesson: _Lesson) -> float:
        """How often one of the best ten new products was in the basket, over the share that they had of what is new."""
        width = lesson.before.n_products
        rows = np.unique(lesson.held // max(width, 1))[:JUDGED]
        found, said = 1.0, 1.0
        for start in range(0, len(rows), self.BLOCK):
            some = rows[start : start + self.BLOCK]
            part = lesson.before.take(some)
            shares = self._shared(part, Habits.of(part), np.zeros((len(some), width), np.float32))
            best = Hits.top(shares, BEST)
            there = best.rows >= 0
            found += np.isin(some[:, None] * width + best.rows, lesson.held)[there].sum()
            said += best.scores[there].sum()
        return float(found / said)


def _logistic(
    table: NDArray[np.floating], answers: NDArray[np.bool_], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n_columns + 1,) weights and a constant of a logistic regression that is held to a prior."""
    rate = (answers.sum() + 1) / (len(answers) + 2)
    start = np.append(prior, np.log(rate / (1 - rate)))
    rows = np.concatenate([table, np.ones((len(table), 1))], axis=1).astype(np.float32)
    weights = start.copy()
    for _ in range(STEPS):
        said = (1 / (1 + np.exp(-np.clip(rows @ weights.astype(np.float32), -30, 30)))).astype(np.float32)
        slope = rows.T @ (said - answers) + FIRM * (weights - start)
        bend = (rows * (said * (1 - said))[:, None]).T @ rows + FIRM * np.eye(len(start))
        weights = weights - np.linalg.solve(bend.astype(np.float64), slope.astype(np.float64))
    return np.asarray(weights)
