"""Which new products to try: what was shown and what came of it, and some optimism about the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows, Sparse, Vectors, unit
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import DataError
from wares.recommend.features import basis
from wares.recommend.profile import matrix_of, picked

WIDE = 256
"""Numbers of a vector that likeness is read of."""


@dataclass(kw_only=True, eq=False)
class Thompson(Recommender):
    """The rate at which a product is taken when it is shown, drawn from what its shows leave open.

    Choose it for a slot or two of an answer (`with_slots`), where new products are to be tried: one that was shown
    seldom is drawn high now and then, one that was shown often without success hardly ever. It keeps two sums a product
    and nothing of any shopper. What is drawn hangs on `seed` and on the moment asked about (`Context.at`): the same
    question has the same answer, and a moment later another one. Asked without a moment it tells the mean. Everybody is
    told the same. Time O(events) and O(n_products) a question, memory 16 bytes a product.

    Settings
    --------
    prior : shows that what is usual counts as, for each product.
    seed : of what is drawn.

    Learned
    -------
    clicks_, shows_ : (n_products,) float64 how often it was taken, and shown. Of a history every shopper counts as
    shown what anybody took; of what nobody took nothing is known.
    usual_ : the rate of all products together.

    Source: Thompson 1933, doi:10.1093/biomet/25.3-4.285; Chapelle & Li 2011.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    prior: float = setting(20.0, low=1e-3)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Begin with what shoppers took."""
        self._check()
        return self.settle(self.tally(history))

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`clicks` (n_products,) shoppers of `part` who took each; `shoppers` (1,) how many there are."""
        taken = matrix_of(part, "binary")
        clicks = np.bincount(taken.indices, minlength=part.n_products).astype(np.float32)
        return {"clicks": clicks, "shoppers": np.array([len(part)], np.float32)}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once."""
        self._check()
        self.clicks_ = np.asarray(tally["clicks"], np.float64)
        self.shows_ = np.where(self.clicks_ > 0, float(np.asarray(tally["shoppers"])[0]), 0.0)
        return self._settled()

    def partial_fit(self, shown: History, context: Context = Context()) -> Self:
        """Learn from shows: each event is one, its value what came of it, from 0 to 1.

        Raises DataError where there are no values, or others.
        """
        values = _rewards(shown)
        if not hasattr(self, "clicks_"):
            self._check()
            self.clicks_ = self.shows_ = np.zeros(shown.n_products)
        n = max(len(self.clicks_), shown.n_products)
        clicks, shows = (np.pad(each, (0, n - len(each))) for each in (self.clicks_, self.shows_))
        self.clicks_ = clicks + np.bincount(shown.products, values, minlength=n)
        self.shows_ = shows + np.bincount(shown.products, minlength=n)
        return self._settled()

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """A rate of each product, drawn anew for each moment; alike for all histories of one moment."""
        self._ready()
        n = max(len(self.clicks_), history.n_products)
        clicks, shows = (np.pad(each, (0, n - len(each))) for each in (self.clicks_, self.shows_))
        good, bad = clicks + self.prior * self.usual_, shows - clicks + self.prior * (1 - self.usual_)
        if context.at is None:
            scores = np.broadcast_to((good / (good + bad)).astype(np.float32), (len(history), n))
        else:
            moments, place = np.unique(context.at, return_inverse=True)
            drawn = [np.random.default_rng([self.seed, int(each) % 2**63]).beta(good, bad) for each in moments]
            scores = np.array(drawn, np.float32).reshape(len(moments), n)[place]
        return picked(np.ascontiguousarray(scores), np.asarray(products))

    def _settled(self) -> Self:
        self.usual_ = float((self.clicks_.sum() + 1) / (self.shows_.sum() + 2))
        return self


@dataclass(kw_only=True, eq=False)
class LinUCB(Recommender):
    """What a product is likely to bring this shopper, by a line through what was shown, and how far that may be wrong.

    Choose it for slots of new products that have vectors: what one show teaches holds for all that are like it, and for
    shoppers of the same taste. It reads how like a product is to the history, and the product's vector; before anything
    was shown it is that likeness. It keeps the sums of one regression. Time O(n_products x width^2) a question, memory
    1 KB a product.

    Settings
    --------
    width : numbers of a product's vector that are read, of the directions that keep most.
    optimism : standard errors added to what is expected.
    ridge : shows that what is believed before any counts as.
    seed : of the reduction of sparse vectors.

    Learned
    -------
    vectors_ : (n_products, at most 256) float32 unit rows that likeness is read of. lines_ : what reduced them to that,
    and basis_ : to `width`.
    together_ : (d, d) float64 sum over shows of the products of features, and the ridge. brought_ : (d,) that of
    features times what came of it; d = width + 2: one, the likeness, the vector.

    Source: Li et al. 2010, doi:10.1145/1772690.1772758.
    """

    READS: ClassVar[Sequence[str]] = ("vectors",)

    width: int = setting(16, low=1)
    optimism: float = setting(0.3, low=0.0)
    ridge: float = setting(10.0, low=1e-6)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Take in the vectors, and believe in likeness; the history is not read."""
        self._check()
        vectors = np.zeros((history.n_products, 1), np.float32) if context.vectors is None else context.vectors
        self.lines_ = basis(vectors, WIDE, self.seed)
        self.vectors_ = self._reduced(vectors)
        self.basis_ = basis(self.vectors_, self.width, self.seed)
        d = self.basis_.shape[1] + 2
        self.together_ = self.ridge * np.eye(d)
        self.brought_ = self.ridge * np.eye(d)[1]
        return self

    def partial_fit(self, shown: History, context: Context = Context(), *, histories: History | None = None) -> Self:
        """Learn from shows: each event is one, its value what came of it, from 0 to 1.

        histories : what the shoppers of these rows had done before; None = nothing is known of them. Raises DataError
        where there are no values, others, or where the rows are not as many.
        """
        self._ready()
        values = _rewards(shown)
        histories = histories or History.of([[]] * len(shown), shown.n_products)
        if len(histories) != len(shown):
            raise DataError(f"{len(shown)} rows of shows but {len(histories)} histories: one for each")
        vectors = self._all(context)
        features = self._features(self._taste(histories, vectors)[shown.owners()], vectors, shown.products)
        self.together_ = self.together_ + features.T @ features
        self.brought_ = self.brought_ + features.T @ values
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """What is expected, and so many standard errors; -inf for products without a vector."""
        self._ready()
        vectors, products = self._all(context), np.asarray(products)
        scores = np.full((len(history), len(products)), -np.inf, np.float32)
        known = products < len(vectors)
        line, width = np.linalg.solve(self.together_, self.brought_), np.linalg.inv(self.together_)
        for row, taste in enumerate(self._taste(history, vectors)):
            features = self._features(taste, vectors, products[known])
            error = np.sqrt(np.einsum("ij,jk,ik->i", features, width, features, optimize=True))
            scores[row, known] = features @ line + self.optimism * error
        return scores

    def _features(self, taste: Dense, vectors: Dense, products: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n, d) one, the likeness to a taste (or to as many tastes), the vector."""
        own = vectors[products]
        likeness = (own * taste).sum(axis=1)[:, None]
        return np.concatenate([np.ones((len(own), 1)), likeness, own @ self.basis_], axis=1).astype(np.float64)

    def _taste(self, history: History, vectors: Dense) -> Dense:
        """(n_shoppers, width) unit rows, the direction of what each took; zero rows where nothing is known."""
        taken = matrix_of(history, "binary")[:, : len(vectors)]
        return np.asarray(unit(np.asarray(taken @ vectors[: taken.shape[1]], np.float32)), np.float32)

    def _all(self, context: Context) -> Dense:
        n = len(self.vectors_)
        if context.vectors is None or context.vectors.shape[0] <= n:
            return np.asarray(self.vectors_)
        return np.concatenate([self.vectors_, self._reduced(context.vectors[n:])])

    def _reduced(self, vectors: Vectors) -> Dense:
        return np.ascontiguousarray(unit(np.asarray(vectors @ self.lines_, np.float32)))


def with_slots(hits: Hits, tried: Hits, places: Sequence[int]) -> Hits:
    """Ranked answers with a product to try at each of some places, 0 being the first; the rest moves down.

    tried : for each row what a bandit would try, best first, such as `Thompson.recommend(..., allowed=new)`. What
    stands in an answer already is not tried again. Scores are those of the place: they fall from first to last as
    before.
    """
    k = hits.rows.shape[1]
    rows = np.full_like(hits.rows, -1)
    for number, (best, trials) in enumerate(zip(hits.rows.tolist(), tried.rows.tolist(), strict=True)):
        best = [each for each in best if each >= 0]
        trials = [each for each in trials if each >= 0 and each not in best[:k]]
        for place, trial in zip(sorted(places), trials, strict=False):
            best.insert(min(place, len(best)), trial)
        rows[number, : min(len(best), k)] = best[:k]
    scores = np.where(rows >= 0, np.where(np.isfinite(hits.scores), hits.scores, 0), -np.inf)
    return Hits(rows, np.minimum.accumulate(scores, axis=1).astype(np.float32))


def _rewards(shown: History) -> NDArray[np.float64]:
    values = shown.values
    if values is None:
        raise DataError("shows need values: what came of each, from 0 to 1")
    if len(values) and not (values.min() >= 0 and values.max() <= 1):  # which NaN is not either
        raise DataError(f"what came of a show is from 0 to 1, not {values.min()} to {values.max()}")
    return np.asarray(values, np.float64)
