"""Shoppers as vectors: what their products say, what they say themselves, what they do, and who they are."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from wares.algorithm import Algorithm, Context, setting
from wares.arrays import Dense, Vectors, unit
from wares.data.history import History
from wares.encode.reduce import principal
from wares.errors import DataError
from wares.recommend.profile import Profile, Strength

VIEWS = ("text", "behaviour", "attributes")
"""What a shopper is seen by, in the order of the columns."""


FAR = 10.0
"""How many times as strongly a second reading is drawn towards the average."""


@dataclass(kw_only=True, eq=False)
class Portraits(Algorithm):
    """Histories, phrases and attributes as rows of one space, where nothing known is the shop's average.

    Three views beside each other. Text: the vectors of the products touched and of the phrases said, less their mean
    over all events, the latest, the strongest kinds and the rarest products counting most. Behaviour: the factors of
    those products in the table of who touched what. Attributes: as they are given, less their mean over those who have
    any. The first two are drawn towards the average by `shrink` products, so that little said moves a shopper little.
    A new shopper is read as any other; nothing of a shopper is kept.

    Time O(events x width + products x width); memory 4 x (width + factors) bytes a product, and of the factors, while
    they are learned, 8 x (factors + 10) bytes for each of `sample` shoppers.

    Settings
    --------
    width : of the text. factors : of the behaviour; 0 leaves a view out.
    strength : how much a product counts: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product counts half; 0 = never fades.
    shrink : products of the average that each shopper is mixed with.
    said : products that one phrase counts as.
    sample : shoppers that the factors are learned from, at most.

    Learned
    -------
    vectors_ : (n_products, width) float32, of the text, centred; zero rows where nothing is known.
    basis_ : (width of the vectors, width) float32, what reduces a phrase. mean_ : (width,) float32, of the titles.
    heard_ : (width,) float32, what centres phrases: the same, until `hear` is told of some.
    factors_ : (n_products, factors) float32, centred.
    rarity_ : (n_products,) float32, 1 on the mean over events. each_ : what a product counts on the mean.
    attributes_ : (n_attributes,) float32, the mean of those who have any; empty where none were given.

    Source: Dumais et al. 1988, doi:10.1145/57167.57214 (the factors); Efron & Morris 1975,
    doi:10.1080/01621459.1975.10479864 (towards the average).
    """

    width: int = setting(64, low=0)
    factors: int = setting(32, low=0)
    strength: Strength = "log"
    half_life: float = setting(180.0, low=0.0)
    shrink: float = setting(3.0, low=0.0)
    said: float = setting(1.0, low=0.0)
    sample: int = setting(100_000, low=1)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Learn what products say of those who touch them. Raises DataError where there are no events."""
        self._check()
        n = history.n_products
        touched = np.zeros(n)
        counts = np.zeros(n)
        for part in history.parts():
            own = Profile.of(part, n, self.strength)
            touched += np.bincount(own.rows, minlength=n)
            counts += np.bincount(own.rows, weights=np.maximum(own.values, 0), minlength=n)
        if not counts.any():
            raise DataError("interests need shoppers who did something: there are no events")
        shoppers = max(int((np.diff(history.indptr) > 0).sum()), 1)
        rarity = np.log1p(shoppers / np.maximum(touched, 1))
        self.rarity_ = (rarity * counts.sum() / (rarity * counts).sum()).astype(np.float32)
        self.each_ = float(counts.sum() / touched.sum())
        share = rarity * counts / (rarity * counts).sum()
        self._learn_text(context.vectors, share, n)
        self._learn_factors(history, share)
        known = np.zeros((0, 0), np.float32) if context.shoppers is None else np.asarray(context.shoppers, np.float32)
        some = known.any(axis=1)
        self.attributes_ = known[some].mean(axis=0) if some.any() else np.zeros(0, np.float32)
        return self

    def _learn_text(self, vectors: Vectors | None, share: NDArray[np.float64], n: int) -> None:
        width = 0 if vectors is None else min(self.width, vectors.shape[1])
        if vectors is None or not width:
            self.basis_, self.mean_ = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
            self.heard_, self.vectors_ = self.mean_, np.zeros((n, 0), np.float32)
            return
        if isinstance(vectors, csr_array):
            raise DataError("interests read dense vectors of products; these are sparse: reduce them, such as by lsa")
        self.basis_ = principal(np.asarray(vectors), width) if width < vectors.shape[1] else np.eye(width, dtype="f4")
        with threadpool_limits(1, user_api="blas"):
            reduced = np.asarray(vectors @ self.basis_, np.float32)
        known = np.asarray(reduced.any(axis=1))
        own = share[: len(reduced)] * known
        self.mean_ = (own @ reduced / max(own.sum(), 1e-12)).astype(np.float32)
        self.heard_ = self.mean_
        self.vectors_ = np.where(known[:, None], reduced - self.mean_, 0).astype(np.float32)

    def _learn_factors(self, history: History, share: NDArray[np.float64]) -> None:
        rows = np.flatnonzero(np.diff(history.indptr) > 0)
        if len(rows) > self.sample:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, self.sample, replace=False))
        some = self._weights(history.take(rows), None)
        n_factors = min(self.factors, min(some.shape) - 1)
        self.factors_ = np.zeros((history.n_products, 0), np.float32)
        if n_factors < 1:
            return
        sums = np.asarray(some.sum(axis=1)).ravel()
        some.data = some.data / np.repeat(np.maximum(sums, 1e-9), np.diff(some.indptr))
        with threadpool_limits(1, user_api="blas"):
            _, lengths, found = randomized_svd(some, n_factors, n_iter=3, random_state=self.seed)
        # Directions that hold next to nothing are noise, of a sign and order that mean nothing.
        factors = found[lengths > 1e-6 * lengths[0]].T
        self.factors_ = np.ascontiguousarray(factors - share @ factors, np.float32)

    def _weights(self, history: History, at: NDArray[np.int64] | None) -> csr_array:
        """(n_shoppers, n_products) what each product counts; of what was touched, never less than nothing."""
        n = len(self.rarity_)
        found = Profile.of(history, n, self.strength, self.half_life, at).matrix(n)
        found.data = found.data * self.rarity_[found.indices]
        return found

    def hear(self, told: Dense) -> None:
        """Take the mean of some phrases (n, width of the vectors) for what a phrase says that says nothing.

        Phrases are no titles: as rows they lie elsewhere, all of them alike, and that is not what they say.
        """
        if len(told) and len(self.mean_):
            self.heard_ = np.asarray(told @ self.basis_, np.float32).mean(axis=0)

    def text(self, history: History, context: Context = Context(), *, far: bool = False) -> Dense:
        """(n_shoppers, width) what their products and their phrases say; 0 where nothing is.

        far : twice as wide, the same drawn ten times as strongly to the average beside it: that tells much from little.
        """
        weights = self._weights(history, context.at)
        return self._shrunk(weights, self.vectors_, *self._phrases(len(history), context), far=far)

    def _phrases(self, n: int, context: Context) -> tuple[Dense, NDArray[np.float32]]:
        """(n_shoppers, width) the sum of what they say, and (n_shoppers,) how many products it counts as."""
        width = self.vectors_.shape[1]
        if context.told is None or not width:
            return np.zeros((n, width), np.float32), np.zeros(n, np.float32)
        there = np.asarray(context.told.any(axis=2))
        each = np.where(there[:, :, None], context.told @ self.basis_ - self.heard_, 0)
        weight = np.float32(self.said * self.each_)
        return (weight * each.sum(axis=1)).astype(np.float32), (weight * there.sum(axis=1)).astype(np.float32)

    def _shrunk(
        self,
        weights: csr_array,
        rows: Dense,
        more: Dense | float = 0.0,
        mass: NDArray[np.float32] | float = 0.0,
        *,
        far: bool,
    ) -> Dense:
        total = np.asarray(weights.sum(axis=1)).ravel() + mass
        sums = weights @ rows + more
        strengths = (self.shrink, FAR * self.shrink) if far else (self.shrink,)
        out = [sums / np.maximum(total + strength * self.each_, 1e-9)[:, None] for strength in strengths]
        return np.asarray(np.concatenate(out, axis=1), np.float32)

    def behaviour(self, history: History, context: Context = Context(), *, far: bool = False) -> Dense:
        """(n_shoppers, factors) where they stand in the table of who touched what; 0 without events. far : as above."""
        return self._shrunk(self._weights(history, context.at), self.factors_, far=far)

    def attributes(self, shoppers: Dense | None, n: int) -> Dense:
        """(n_shoppers, n_attributes) less the mean; 0 where nothing is known."""
        if shoppers is None or not len(self.attributes_):
            return np.zeros((n, len(self.attributes_)), np.float32)
        given = np.asarray(shoppers, np.float32)
        if given.shape != (n, len(self.attributes_)):
            raise DataError(f"attributes of shape {given.shape}, not {(n, len(self.attributes_))} as learned")
        return np.where(given.any(axis=1, keepdims=True), given - self.attributes_, 0).astype(np.float32)


def joined(views: list[Dense], weights: list[float]) -> Dense:
    """(n, widths together) the views beside each other, each row of a view of the length of its weight's root."""
    there = [unit(view) * np.float32(weight**0.5) for view, weight in zip(views, weights, strict=True) if weight > 0]
    return np.ascontiguousarray(np.concatenate(there, axis=1), np.float32)
