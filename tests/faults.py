"""Algorithms with one fault each, for the contract to catch; and plain ones without any, for comparison."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from wares.algorithm import Clusterer, Context, Encoder, Index, Recommender, setting
from wares.arrays import unit
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.hits import Hits

# -- without fault -------------------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class Pairs(Recommender):
    """What was bought by the same shoppers."""

    damp: float = setting(1.0, low=0.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        self._check()
        return self.settle(self.tally(history))

    def tally(self, part: History) -> dict[str, Any]:
        taken = np.minimum(np.maximum(part.matrix().toarray(), 0), 1)
        return {"together": (taken.T @ taken).astype(np.float32)}

    def settle(self, tally: Any) -> Self:
        self._check()
        together = np.array(tally["together"], np.float32)
        own = np.diag(together).copy()
        np.fill_diagonal(together, 0)
        self.pairs_ = (together / np.sqrt(np.outer(own, own) + self.damp)).astype(np.float32)
        return self

    def scores(self, history: History) -> Any:
        pairs = self.learned()["pairs_"]
        n = len(pairs)
        out = np.full((len(history), max(n, history.n_products)), -np.inf, np.float32)
        taken = np.minimum(np.maximum(history.matrix().toarray(), 0), 1)[:, :n]
        out[:, :n] = np.pad(taken, ((0, 0), (0, max(0, n - taken.shape[1])))) @ pairs
        return out

    def score(self, history: History, products: Any, *, context: Context = Context()) -> Any:
        return self.scores(history)[:, products]

    def contributions(self, history: History, product: int) -> Any:
        taken = history.matrix().toarray()[0]
        times = np.bincount(history.products, minlength=history.n_products)
        each = np.where(taken > 0, 1.0, 0.0) / np.maximum(times, 1)
        column = np.zeros(history.n_products)
        column[: len(self.pairs_)] = self.pairs_[:, product]
        return (each * column)[history.products].astype(np.float32)


@dataclass(kw_only=True, eq=False)
class Plain(Index):
    """All dot products."""

    def fit(self, vectors: Any) -> Self:
        self._check()
        self.vectors_ = np.array(vectors)
        return self

    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Hits:
        # einsum and not BLAS: a row's sum must not depend on its neighbours.
        scores = np.einsum("qd,nd->qn", queries, self.learned()["vectors_"]).astype(np.float32)
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        return Hits.top(scores, k)


@dataclass(kw_only=True, eq=False)
class Letters(Encoder):
    """Counts of hashed words."""

    width: int = setting(64, low=1)

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Any = None) -> Self:
        self._check()
        self.fitted_on_ = len(catalog)
        return self

    def encode(self, catalog: Catalog) -> Any:
        self.learned()
        return self.encode_text(catalog.text(("title", "category")))

    def encode_text(self, texts: Any) -> Any:
        out = np.zeros((len(texts), self.width), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                out[row, sum(word.encode()) % self.width] += 1
        return unit(out)


@dataclass(kw_only=True, eq=False)
class Means(Clusterer):
    """k-means from far-apart rows."""

    n_clusters: int = setting(3, low=1)

    def fit(self, X: Any, y: Any = None, *, links: Any = None, runner: Any = None) -> Self:
        self._check()
        table = np.asarray(X, np.float32)
        centers = [table[0]]
        while len(centers) < min(self.n_clusters, len(np.unique(table, axis=0))):
            gaps = np.min([((table - each) ** 2).sum(axis=1) for each in centers], axis=0)
            centers.append(table[gaps.argmax()])
        self.centers_ = np.array(centers)
        for _ in range(10):
            labels = self.predict(table)
            self.centers_ = np.array([table[labels == each].mean(axis=0) for each in range(len(centers))], np.float32)
        self.labels_, self.n_clusters_ = self.predict(table), len(centers)
        return self

    def predict(self, X: Any) -> Any:
        centers = self.learned()["centers_"]
        table = np.asarray(X, np.float32)
        return ((table[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1).astype(np.int64)


GOOD = [Pairs, Plain, Letters, Means]

# -- one fault each ------------------------------------------------------------------------------------------------

_draws = np.random.default_rng()


class Transposed(Pairs):
    """Counts shoppers where products are meant."""

    def tally(self, part: History) -> dict[str, Any]:
        taken = part.matrix().toarray()
        wrong = np.zeros((12, 12), np.float32)
        wrong[: len(taken), : len(taken)] = (taken @ taken.T)[:12, :12]
        return {"together": wrong}


class ShowsSeen(Pairs):
    def recommend(
        self, history: History, k: int, *, context: Any = None, allowed: Any = None, repeats: Any = False
    ) -> Any:
        return super().recommend(history, k, allowed=allowed, repeats=True)


class IgnoresFilter(Pairs):
    def recommend(
        self, history: History, k: int, *, context: Any = None, allowed: Any = None, repeats: Any = False
    ) -> Any:
        return super().recommend(history, k, repeats=repeats)


class LowestFirst(Pairs):
    def scores(self, history: History) -> Any:
        return -super().scores(history)


class KeepsOldCounts(Pairs):
    def settle(self, tally: Any) -> Self:
        old = getattr(self, "pairs_", 0)
        super().settle(tally)
        self.pairs_ = self.pairs_ + old
        return self


class ChangesSetting(Pairs):
    def fit(self, history: History, context: Context = Context()) -> Self:
        super().fit(history, context)
        self.damp = 2.0
        return self


class WritesInput(Pairs):
    def fit(self, history: History, context: Context = Context()) -> Self:
        history.weights[0] += 1
        return super().fit(history, context)


class DrawsUnseeded(Pairs):
    def settle(self, tally: Any) -> Self:
        super().settle(tally)
        self.pairs_ = self.pairs_ + _draws.random(self.pairs_.shape, np.float32) * 0.01
        return self


class NotLearned(Pairs):
    """Keeps what it learned under a name that is not saved."""

    def settle(self, tally: Any) -> Self:
        super().settle(tally)
        self.hidden = self.pairs_ * 2
        return self

    def scores(self, history: History) -> Any:
        return super().scores(history) * (2 if hasattr(self, "hidden") else 1)


class ScoreDisagrees(Pairs):
    def recommend(self, history, k, *, context=None, allowed=None, repeats=False):
        hits = super().recommend(history, k, allowed=allowed, repeats=repeats)
        return Hits(hits.rows, np.where(hits.rows < 0, hits.scores, hits.scores * 3))


class ScoreDependsOnTheOthers(Pairs):
    def score(self, history: History, products: Any, *, context: Context = Context()) -> Any:
        return super().score(history, products) * len(products)


class NaNForStrangers(Pairs):
    def scores(self, history: History) -> Any:
        out = super().scores(history)
        out[np.diff(history.indptr) == 0] = np.nan
        return out


class NarrowOnly(Pairs):
    def scores(self, history: History) -> Any:
        return super().scores(history)[:, : len(self.pairs_)]


class BatchScaled(Pairs):
    def scores(self, history: History) -> Any:
        out = super().scores(history)
        return out / max(float(out.max(initial=1, where=np.isfinite(out))), 1e-9)


class TallyForgetsAPart(Pairs):
    def tally(self, part: History) -> dict[str, Any]:
        return {"together": super().tally(part)["together"] / max(len(part), 1)}


class HalfReasons(Pairs):
    def contributions(self, history: History, product: int) -> Any:
        return super().contributions(history, product) * 0.5


class UnjudgedSetting(Pairs):
    def fit(self, history: History, context: Context = Context()) -> Self:
        return self.settle(self.tally(history))

    def _check(self) -> None:
        return


class AnswersUnfitted(Pairs):
    def scores(self, history: History) -> Any:
        return np.zeros((len(history), 12), np.float32)


class HigherRowOnTies(Plain):
    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Hits:
        n = len(self.learned()["vectors_"])
        turned = Plain().fit(self.vectors_[::-1])
        hits = turned.search(queries, k, allowed=None if allowed is None else allowed[::-1])
        return Hits(np.where(hits.rows >= 0, n - 1 - hits.rows, -1), hits.scores)


class FiltersAfterwards(Plain):
    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Hits:
        hits = super().search(queries, k)
        if allowed is None or not hits.rows.size:
            return hits
        bad = ~allowed[hits.rows] | (hits.rows < 0)
        return Hits.ordered(np.where(bad, -1, hits.rows), hits.scores, k)


class MissesHalf(Plain):
    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Hits:
        some = np.arange(len(self.learned()["vectors_"])) % 2 == 0
        return super().search(queries, k, allowed=some if allowed is None else allowed & some)


class DistanceNotScore(Plain):
    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Hits:
        hits = super().search(queries, k, allowed=allowed)
        return Hits(hits.rows, -hits.scores)


class ShortAnswers(Plain):
    def search(self, queries: Any, k: int, *, allowed: Any = None) -> Hits:
        return super().search(queries, min(k, len(self.learned()["vectors_"])), allowed=allowed)


class NotUnit(Letters):
    def encode(self, catalog: Catalog) -> Any:
        return super().encode(catalog) * 2


class ReadsIds(Letters):
    def encode(self, catalog: Catalog) -> Any:
        self.learned()
        return self.encode_text(catalog.text(("id", "title", "category")))


class CentredByBatch(Letters):
    def encode(self, catalog: Catalog) -> Any:
        found = super().encode(catalog)
        return unit(found - found.mean(axis=0)) if len(found) else found


class Doubles(Letters):
    def encode(self, catalog: Catalog) -> Any:
        return super().encode(catalog).astype(np.float64)


class NothingAlike(Letters):
    def encode(self, catalog: Catalog) -> Any:
        self.learned()
        rows = [
            np.random.default_rng(len(each) * 7 + sum(each.encode())).standard_normal(64) for each in catalog.text()
        ]
        return unit(np.array(rows, np.float32).reshape(-1, 64))


class CountsFromOne(Means):
    def fit(self, X: Any, y: Any = None, *, links: Any = None, runner: Any = None) -> Self:
        vars(self).pop("labels_", None)
        super().fit(X)
        self.labels_ = self.labels_ + 1
        return self

    def predict(self, X: Any) -> Any:
        return super().predict(X) + hasattr(self, "labels_")


class PredictsOtherwise(Means):
    def predict(self, X: Any) -> Any:
        found = super().predict(X)
        return found if not hasattr(self, "labels_") else (found + 1) % self.n_clusters_


class OneCluster(Means):
    def fit(self, X: Any, y: Any = None, *, links: Any = None, runner: Any = None) -> Self:
        self._check()
        self.centers_ = np.asarray(X, np.float32).mean(axis=0, keepdims=True)
        self.labels_, self.n_clusters_ = np.zeros(len(X), np.int64), 1
        return self


class SmallLabels(Means):
    def predict(self, X: Any) -> Any:
        return super().predict(X).astype(np.int32)


CAUGHT_BY: dict[type, set[str]] = {
    Transposed: {"shoe_buyers_get_shoes"},
    ShowsSeen: {"seen_stays_away"},
    IgnoresFilter: {"filters_are_respected"},
    LowestFirst: {"shoe_buyers_get_shoes"},
    KeepsOldCounts: {"refit_forgets"},
    ChangesSetting: {"fit_changes_no_setting"},
    WritesInput: {"fit_changes_no_input"},
    DrawsUnseeded: {"same_seed_same_bits"},
    NotLearned: {"saved_and_loaded"},
    ScoreDisagrees: {"score_agrees_with_recommend"},
    ScoreDependsOnTheOthers: {"scores_are_numbers"},
    NaNForStrangers: {"scores_are_numbers"},
    NarrowOnly: {"more_products_than_fitted"},
    BatchScaled: {"one_or_many"},
    TallyForgetsAPart: {"sum_of_parts"},
    HalfReasons: {"contributions_sum_to_the_score"},
    UnjudgedSetting: {"settings_are_judged_by_fit"},
    AnswersUnfitted: {"asked_before_fit"},
    HigherRowOnTies: {"ties_go_to_the_lower_row"},
    FiltersAfterwards: {"filters_are_respected"},
    MissesHalf: {"each_finds_itself", "as_the_plain_one"},
    DistanceNotScore: {"hits_are_well_formed"},
    ShortAnswers: {"hits_are_well_formed"},
    NotUnit: {"unit_rows"},
    ReadsIds: {"ids_say_nothing"},
    CentredByBatch: {"batches_do_not_matter"},
    Doubles: {"unit_rows"},
    NothingAlike: {"shoes_are_near_shoes"},
    CountsFromOne: {"labels_count_from_zero"},
    PredictsOtherwise: {"predict_repeats_labels"},
    OneCluster: {"blobs_are_found"},
    SmallLabels: {"labels_count_from_zero"},
}
"""The checks that must catch each."""
