"""Shoppers in groups of one interest each, and what is recommended from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from wares.algorithm import Clusterer, Context, Recommender, context_rows, setting
from wares.arrays import Dense, Labels, Rows, unit
from wares.cluster.kmeans import KMeans
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.profile import Strength, ballots, picked
from wares.tasks.agreement import quality
from wares.tasks.holding import hold
from wares.tasks.numbering import choose, halves
from wares.tasks.portraying import Portraits, joined

PIECES = (1, 2, 3, 5, 10, 20, 50)
"""Events of the pieces of histories that placing is learned from, their beginnings and others, beside whole ones."""

SILENT = 1e-6
"""What is shorter than this says nothing."""


@dataclass(kw_only=True, eq=False)
class Interests(Recommender):
    """The shopper's interests, as far as they show, and what the shoppers of each take most.

    Choose it for shoppers of whom little is known: a few events, a sentence or who they are place them among the
    interests, each with a probability, and an empty history gets what is popular. Of well-known shoppers other models
    know more. Shoppers are read as `Portraits`; those with enough events are clustered, in as many groups as tell most
    of what shoppers take later (`wares.tasks.numbering`). Then linear models learn, from pieces of 1 to 50 events, to
    say the interest of a shopper of whom only a piece is known. A score is the sum over interests of the probability
    times the share of the product among what its shoppers take, smoothed by what all take.

    Time O(events x width + interests x products) to fit, beside the clusterer's on `sample` shoppers; O(interests x
    products) a question. Memory O(events) for a part of four million at a time, 8 x interests x products bytes and 1 KB
    for each of `sample` shoppers. No shopper is kept.

    Settings
    --------
    clusterer : groups the shoppers; how many is set by `n_interests` where it can be told.
    n_interests : how many; 0 = those that suit best.
    text, behaviour, attributes : what each view counts; 0 leaves it out. The last is read where shoppers have any.
    width, factors : of text and behaviour. strength, shrink, said : as of `Portraits`.
    half_life : days after which a product of a history counts half; 0 = never fades.
    fresh : days after which a vote for a product counts half; 0 = never fades, else at least 14.
    smoothing : votes of all shoppers mixed into those of each interest, as many times as it has on the mean; None = as
        suits best.
    least : distinct products that a shopper needs to be clustered.
    sample : shoppers that are clustered at most; as many are cut into pieces, a tenth of them.

    Learned
    -------
    portraits_ : how shoppers are read.
    prior_ : (n_interests,) float32 share of the shoppers; the interests stand by it, the greatest first.
    centers_ : (n_interests, width) float32 the mean of the clustered shoppers of each, as `joined` sees them.
    by_events_, by_text_, by_attributes_ : (columns + 1, n_interests) float32 linear models, the last row the constant.
    smoothing_ : the one that was taken.
    votes_ : (n_interests, n_products) float64 votes of their shoppers, each worth 2 ** (days since 2010 / fresh).
    taste_ : (n_interests, n_products) float32 rows that sum to 1.
    chosen_ : why so many: reason, curve, silhouette, agreement (share of whole histories placed where they were
    clustered), shoppers (that were clustered).

    Source: mixtures of shoppers as in Hofmann 2004, doi:10.1145/963770.963774.
    """

    READS: ClassVar[Sequence[str]] = ("history", "vectors")

    clusterer: Clusterer = field(default_factory=KMeans)
    n_interests: int = setting(0, low=0)
    text: float = setting(1.0, low=0.0)
    behaviour: float = setting(0.5, low=0.0)
    attributes: float = setting(0.3, low=0.0)
    width: int = setting(64, low=0)
    factors: int = setting(32, low=0)
    strength: Strength = "log"
    half_life: float = setting(180.0, low=0.0)
    shrink: float = setting(3.0, low=0.0)
    said: float = setting(1.0, low=0.0)
    fresh: float = setting(0.0, low=0.0)
    smoothing: float | None = setting(None, low=0.0)
    least: int = setting(3, low=1)
    sample: int = setting(20_000, low=1)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context(), *, before: Labels | None = None) -> Self:
        """Find the interests, learn to place shoppers among them, and count what the shoppers of each take.

        before : (n_shoppers,) interests of a former fit, -1 for none: they are held where they suit as well as new ones
        (`wares.tasks.holding`), by clusterers that can begin at given centres.
        """
        self._check()
        settings = {each: getattr(self, each) for each in ("strength", "half_life", "shrink", "said", "seed")}
        width, factors = self.width if self.text else 0, self.factors if self.behaviour else 0
        self.portraits_ = Portraits(width=width, factors=factors, **settings).fit(history, context)
        self._find(history, context, before)
        self._count(self._votes(history, context))
        return self

    def partial_fit(self, history: History, context: Context = Context()) -> Self:
        """Count what further shoppers take, under the interests that are known."""
        self._ready()
        votes = self._votes(history, context)
        n = max(self.votes_.shape[1], votes.shape[1])
        total = np.zeros((len(votes), n), np.float64)
        total[:, : self.votes_.shape[1]] += self.votes_
        total[:, : votes.shape[1]] += votes
        self._count(total)
        return self

    # -- finding the interests -------------------------------------------------------------------------------------

    def _find(self, history: History, context: Context, before: Labels | None) -> None:
        rows = self._clear(history)
        some = _of(context, rows)
        known = history.take(rows)
        views = self._views(known, some)
        X = joined(views, self._weights)
        labels, self.chosen_ = self._clustered(known, some, X, None if before is None else before[rows])
        shape = quality(X, labels, sample=2000, seed=self.seed)
        self.chosen_ |= {"silhouette": shape["silhouette"], "shoppers": len(rows)}
        kept = labels >= 0
        sizes = np.bincount(labels[kept])
        order = np.argsort(-sizes, kind="stable")
        labels = np.where(kept, np.argsort(order, kind="stable")[labels], -1)
        self.prior_ = (sizes[order] / sizes.sum()).astype(np.float32)
        member = csr_array((np.ones(int(kept.sum())), (labels[kept], np.flatnonzero(kept))), (len(sizes), len(labels)))
        self.centers_ = np.asarray((member @ X) / sizes[order][:, None], np.float32)
        events, pieces, owners = self._pieces(known, some, labels)
        self.by_events_ = _linear(events, owners, len(sizes))
        self.by_text_ = _linear(pieces, owners, len(sizes))
        who = views[2].any(axis=1) & kept
        self.by_attributes_ = _linear(views[2][who], labels[who], len(sizes), strength=0.1)
        told = self._place_events(known, some).argmax(axis=1)
        self.chosen_["agreement"] = float((told == labels)[kept].mean())

    def _clear(self, history: History) -> Rows:
        """The shoppers who took enough products to be clustered, at most `sample`; all with any where none did."""
        distinct = np.zeros(len(history), np.int64)
        start = 0
        for part in history.parts():
            distinct[start : start + len(part)] = np.diff(part.matrix().indptr)
            start += len(part)
        rows = np.flatnonzero(distinct >= min(self.least, int(distinct.max(initial=1))))
        if not distinct.any():
            raise DataError("interests need shoppers who took something: every history is empty")
        if len(rows) > self.sample:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, self.sample, replace=False))
        return rows

    def _views(self, history: History, context: Context) -> list[Dense]:
        read = self.portraits_
        return [
            read.text(history, context),
            read.behaviour(history, context),
            read.attributes(context.shoppers if self.attributes else None, len(history)),
        ]

    def _clustered(
        self, history: History, context: Context, X: Dense, last: Labels | None
    ) -> tuple[Labels, dict[str, Any]]:
        """(n,) the cluster of each row of X, numbered without gaps, and why there are so many."""
        distinct = len(np.unique(X, axis=0)) if len(X) < 1000 else len(X)
        if distinct < 4 or not X.shape[1]:
            self.smoothing_ = 1.0 if self.smoothing is None else self.smoothing
            return np.zeros(len(X), np.int64), {"reason": f"{distinct} shoppers: nothing to part", "curve": []}
        before, after = halves(history)
        views = joined(self._views(before, replace(context, at=None)), self._weights)
        k, self.smoothing_, chosen = choose(
            self._make, views, after, k=self._number, smoothing=self.smoothing, seed=self.seed
        )
        model = self._make(min(k, distinct)).fit(X)
        if last is not None and (last >= 0).any():
            _, was = np.unique(last[last >= 0], return_inverse=True)
            member = csr_array((np.ones(len(was)), (was, np.flatnonzero(last >= 0))), (int(was.max()) + 1, len(X)))
            centers = np.asarray((member @ X) / np.bincount(was)[:, None], np.float32)
            numbers = np.full(len(X), -1, np.int64)
            numbers[last >= 0] = was
            held = hold(model, X, numbers, centers, k=self.n_interests or None)
            model, chosen["held"] = held.model, held.reason
        labels = np.asarray(model.labels_, np.int64)
        there = np.unique(labels[labels >= 0])
        if not len(there):
            raise DataError(f"{type(self.clusterer).__name__} finds no group among {len(X)} shoppers; choose another")
        return np.where(labels >= 0, np.searchsorted(there, labels), -1), chosen

    @property
    def _number(self) -> int | None:
        """How many interests there are to be; 1 stands for as many as a clusterer finds that cannot be told."""
        if "n_clusters" not in self.clusterer.get_params(deep=False):
            return 1
        return self.n_interests or None

    def _make(self, k: int) -> Clusterer:
        made: Clusterer = clone(self.clusterer)
        known = made.get_params(deep=False)
        given = {"n_clusters": k} if "n_clusters" in known else {}
        made.set_params(**given, **({"seed": self.seed} if "seed" in known else {}))
        return made

    @property
    def _weights(self) -> list[float]:
        return [self.text, self.behaviour, self.attributes]

    def _pieces(self, history: History, context: Context, labels: Labels) -> tuple[Dense, Dense, Labels]:
        """What is read, by all and by text alone, from pieces of histories; and whose interest each piece shows."""
        rng = np.random.default_rng(self.seed)
        rows = np.flatnonzero(labels >= 0)
        most = max(self.sample // 10, 100)
        rows = np.sort(rng.choice(rows, most, replace=False)) if len(rows) > most else rows
        some, own = history.take(rows), _of(context, rows)
        cuts, owners = [some], [labels[rows]]
        for n in PIECES:
            longer = np.flatnonzero(np.diff(some.indptr) > n)
            if len(longer):
                known = some.take(longer)
                cuts += [beginning(known, n), piece(known, n, rng)]
                owners += [labels[rows[longer]]] * 2
        bare = Context()  # the last event of a piece is its moment
        read = [self._read(each, own if number == 0 else bare) for number, each in enumerate(cuts)]
        text, acts = (np.concatenate(each) for each in zip(*read, strict=True))
        return np.concatenate([text, acts], axis=1), text, np.concatenate(owners)

    def _read(self, history: History, context: Context) -> tuple[Dense, Dense]:
        read = self.portraits_
        return read.text(history, context, far=True), read.behaviour(history, context, far=True)

    # -- placing shoppers ------------------------------------------------------------------------------------------

    def place(self, history: History, context: Context = Context()) -> Dense:
        """(n_shoppers, n_interests) the probability that each interest is the shopper's; the prior of unknown ones.

        What the shopper did, said (`context.told`) and is (`context.shoppers`) is taken together.
        """
        self._ready()
        out = np.empty((len(history), len(self.prior_)), np.float32)
        start = 0
        for part in history.parts():
            stop = start + len(part)
            out[start:stop] = self._place(part, context_rows(context, start, stop))
            start = stop
        return out

    def nearest(self, history: History, context: Context = Context()) -> Labels:
        """(n_shoppers,) the interest whose mean is nearest to all that is known: where a shopper would be clustered."""
        self._ready()
        rows = joined(self._views(history, context), self._weights)
        squares = np.einsum("ij,ij->i", self.centers_, self.centers_)
        return np.asarray((squares - 2 * (rows @ self.centers_.T)).argmin(axis=1), np.int64)

    def portrait(self, history: History, context: Context = Context()) -> Dense:
        """(n_shoppers, width) rows of length one, by text and behaviour, to compare shoppers by; 0 of unknown ones."""
        self._ready()
        views = [self.portraits_.text(history, context), self.portraits_.behaviour(history, context)]
        return np.asarray(unit(joined(views, [self.text or 1.0, self.behaviour or 1.0])), np.float32)

    def _place(self, history: History, context: Context) -> Dense:
        log = np.log(np.maximum(self._place_events(history, context), 1e-12))
        if context.shoppers is not None and len(self.by_attributes_) > 1:
            who = self.portraits_.attributes(context.shoppers, len(history))
            known = who.any(axis=1)
            log[known] += np.log(_softmax(who[known], self.by_attributes_)) - np.log(self.prior_)
        return _normal(log)

    def _place_events(self, history: History, context: Context) -> Dense:
        """By events and phrases; by the text alone where there are no events."""
        text, acts = self._read(history, context)
        out = _softmax(np.concatenate([text, acts], axis=1), self.by_events_)
        still = np.abs(acts).max(axis=1, initial=0.0) <= SILENT
        out[still] = _softmax(text[still], self.by_text_)
        out[still & (np.abs(text).max(axis=1, initial=0.0) <= SILENT)] = self.prior_
        return out

    # -- recommending ----------------------------------------------------------------------------------------------

    def _votes(self, history: History, context: Context) -> NDArray[np.float64]:
        """(n_interests, n_products) the votes of all shoppers, each shared among the interests it may have."""
        votes = np.zeros((len(self.prior_), history.n_products))
        start = 0
        for part in history.parts():
            stop = start + len(part)
            shares = self._place(part, context_rows(context, start, stop))
            profile, each = ballots(part, self.fresh)
            table = csr_array((each, profile.rows, profile.indptr), shape=(len(part), history.n_products))
            votes += np.asarray((table.T @ shares.astype(np.float64)).T)
            start = stop
        return votes

    def _count(self, votes: NDArray[np.float64]) -> None:
        self.votes_ = votes
        overall = votes.sum(axis=0)
        everybody = overall / max(float(overall.sum()), 1e-300)
        mixed = self.smoothing_ * float(votes.sum()) / len(votes)
        own = votes + mixed * everybody
        self.taste_ = (own / np.maximum(own.sum(axis=1, keepdims=True), 1e-300)).astype(np.float32)

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Probability that a vote of the shopper falls on the product; -inf for products not fitted on."""
        self._ready()
        n = self.taste_.shape[1]
        scores = np.full((len(history), max(n, history.n_products)), -np.inf, np.float32)
        scores[:, :n] = self._place(history, context) @ self.taste_
        return picked(scores, products)


def beginning(history: History, n: int) -> History:
    """The first `n` events of each shopper."""
    place = np.arange(history.n_events) - history.indptr[:-1][history.owners()]
    return history.keep(place < n)


def piece(history: History, n: int, rng: np.random.Generator) -> History:
    """Of each shopper `n` events in a row, from a place drawn at random; all where there are no more."""
    lengths = np.diff(history.indptr)
    starts = history.indptr[:-1] + (rng.random(len(history)) * np.maximum(lengths - n + 1, 1)).astype(np.int64)
    place = np.arange(history.n_events)
    owners = history.owners()
    return history.keep((place >= starts[owners]) & (place < starts[owners] + n))


def _of(context: Context, rows: Rows) -> Context:
    """The context of some shoppers."""
    if context.shoppers is None and context.at is None:
        return context
    shoppers = None if context.shoppers is None else context.shoppers[rows]
    return Context(vectors=context.vectors, shoppers=shoppers, at=None if context.at is None else context.at[rows])


def _linear(X: Dense, y: Labels, k: int, *, strength: float = 10.0) -> Dense:
    """(width + 1, k) a multinomial logistic regression, the constant in the last row; constants where X is empty."""
    out = np.zeros((X.shape[1] + 1, k), np.float32)
    there = np.unique(y)
    if len(there) < 2 or not X.shape[1]:
        return out[-1:] if not X.shape[1] else out
    from sklearn.linear_model import LogisticRegression  # long to import, and only learning needs it

    # Rows are short where little is known: brought to one scale for all, not each by itself.
    scale = float(np.sqrt((X.astype(np.float64) ** 2).sum(axis=1).mean())) or 1.0
    with threadpool_limits(1, user_api="blas"):
        model = LogisticRegression(C=strength, max_iter=300, tol=1e-4).fit(X / scale, y)
    weights = np.concatenate([model.coef_.T / scale, model.intercept_[None]])
    out[:, there] = np.concatenate([-weights / 2, weights / 2], axis=1) if len(there) == 2 else weights
    out[-1, np.setdiff1d(np.arange(k), there)] = -30.0
    return out


def _softmax(X: Dense, weights: Dense) -> Dense:
    return _normal(X @ weights[:-1] + weights[-1])


def _normal(log: Dense) -> Dense:
    found = np.exp(log - log.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(found / found.sum(axis=1, keepdims=True), np.float32)
