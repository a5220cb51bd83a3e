"""Whether a text praises or blames: learned from rated reviews, and by a lexicon where nobody has rated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from wares.algorithm import Algorithm, setting
from wares.arrays import Dense, Sparse
from wares.classify.linear import Linear
from wares.encode import features, phrases
from wares.text import opinions

LETTERS = 2_000
"""Of a text that are read."""

_BLOCK = 20_000


@dataclass(kw_only=True, eq=False)
class Sentiment(Algorithm):
    """The probability that a text praises, from runs of letters and words whose weight is how one-sided they are.

    Runs of letters go across words and signs, so that "不好", "not good" and "好！" are told from "good". Each run is
    weighed by the logarithm of how much more often it stands in praise than in blame, then a linear classifier learns
    from the weighed rows. What it says of reviews held out, and what a lexicon of praise and blame says of them, become
    one probability by logistic regression: with few reviews the lexicon decides, with many hardly anything but what
    was learned. Without ratings, or with fewer than `least` of either kind, the lexicon decides alone.
    Time about 0.2 ms a review to learn and as much to read one; memory some 6 KB a review of 60 letters to learn.

    Settings
    --------
    letters, words : the longest runs counted. bits : of the hash; there are 2 ** (bits + 1) columns.
    C : of the linear classifier. smooth : added to how often a run stands in praise and in blame, in reviews.
    folds : parts of the reviews that are held out in turn. least : reviews of praise, and of blame, to learn from.
    most : reviews that are learned from.

    Learned
    -------
    weights_ : (2 ** (bits + 1),) float32 how one-sided each column is. linear_ : the classifier. mix_ : (3,) float64,
    what its logit, the lexicon's score and 1 are times for the logit of praise. taught_ : reviews learned from, 0
    where the lexicon decides alone. right_ : share of held-out reviews that were told rightly, 0 for none.

    Source: Wang & Manning 2012, "Baselines and bigrams", for the weights.
    """

    letters: int = setting(4, low=0, high=8)
    words: int = setting(2, low=0, high=4)
    bits: int = setting(20, low=8, high=24)
    C: float = setting(0.5, low=1e-6)
    smooth: float = setting(1.0, low=1e-6)
    folds: int = setting(3, low=2, high=100)
    least: int = setting(20, low=2)
    most: int = setting(100_000, low=1)
    seed: int = setting(0, low=0)

    def fit(self, texts: Sequence[str], good: Any) -> Self:
        """Learn from texts and whether each praises: 1, 0, or NaN where it is not known."""
        self._check()
        for name in ("weights_", "linear_"):
            self.__dict__.pop(name, None)
        y = np.asarray(good, np.float64)
        rows = self._some(y)
        self.taught_, self.right_ = 0, 0.0
        self.mix_ = np.array([0.0, opinions.SLOPE, 0.0])
        if min((y[rows] == 1).sum(), (y[rows] == 0).sum()) < self.least:
            return self
        some = [texts[row] for row in rows]
        table, praise = self._counted(some), y[rows] == 1
        held = np.full(len(rows), np.nan)
        fold_of = self._folds(praise)
        for fold in range(self.folds):
            inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
            weights, linear = self._learn(table[inside], praise[inside])
            held[outside] = _logit(linear, weighed(table[outside], weights))
        self.weights_, self.linear_ = self._learn(table, praise)
        told = np.stack([held, opinions.scores(some), np.ones(len(rows))], axis=1)
        self.mix_ = logistic(told, praise)
        self.taught_ = len(rows)
        self.right_ = float(((told @ self.mix_ > 0) == praise).mean())
        return self

    def probability(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n,) 0..1 how likely each text praises; 0.5 where it says nothing."""
        self._ready()
        parts = features.side_by_side(self._read, _blocks([text[:LETTERS] for text in texts]))
        return np.concatenate([np.empty(0, np.float32), *parts])

    def said(self) -> str:
        """In a sentence what its answers rest on."""
        if not self.taught_:
            return "by a lexicon of English and Chinese words, as there are too few ratings to learn from"
        return f"learned from {self.taught_:,} rated reviews; of those held out {self.right_:.1%} are told rightly"

    def _read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        logit = self.mix_[1] * opinions.scores(texts) + self.mix_[2]
        if self.taught_:
            table = weighed(self._counts(texts), np.asarray(self.weights_))
            logit = logit + self.mix_[0] * _logit(self.linear_, table)
        return np.asarray(expit(logit), np.float32)

    def _some(self, y: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows with an answer, at most so many, of both kinds as they come."""
        known = np.flatnonzero(~np.isnan(y))
        if len(known) <= self.most:
            return known
        return np.sort(np.random.default_rng(self.seed).choice(known, self.most, replace=False))

    def _folds(self, praise: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(n,) the part each row is in, both kinds spread evenly."""
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(len(praise))
        order = order[np.argsort(praise[order], kind="stable")]
        out = np.empty(len(praise), np.int64)
        out[order] = np.arange(len(praise)) % self.folds
        return out

    def _counts(self, texts: Sequence[str]) -> Sparse:
        return phrases.counts(texts, self.letters, self.words, self.bits)

    def _counted(self, texts: Sequence[str]) -> Sparse:
        parts = features.side_by_side(self._counts, _blocks([text[:LETTERS] for text in texts]))
        return features.stacked(list(parts), 2 ** (self.bits + 1))

    def _learn(self, table: Sparse, praise: NDArray[np.bool_]) -> tuple[Dense, Linear]:
        weights = one_sided(table, praise, self.smooth)
        linear = Linear(C=self.C, folds=0, seed=self.seed).fit(weighed(table.copy(), weights), praise)
        return weights, linear


def one_sided(table: Sparse, praise: NDArray[np.bool_], smooth: float) -> Dense:
    """(columns,) how far a column's share of praise is from its share of blame: the logarithm of their ratio."""
    kind = np.repeat(praise, np.diff(table.indptr))
    n = np.array([praise.sum(), (~praise).sum()])
    good, bad = (np.bincount(table.indices[kind == each], minlength=table.shape[1]) for each in (True, False))
    shares = (good + smooth) / (n[0] + 2 * smooth), (bad + smooth) / (n[1] + 2 * smooth)
    return np.asarray(np.abs(np.log(shares[0] / shares[1])), np.float32)


def weighed(table: Sparse, weights: Dense) -> Sparse:
    """Counts to unit rows, each column by its weight; in place."""
    return features.weighed(table, weights, sublinear=True)


def logistic(told: NDArray[np.float64], praise: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(width,) what the columns of (n, width) are times, so that their sum is the logit of praise; by Newton's method,
    held back by a hair, so that perfect answers do not want endless weights."""
    weights = np.zeros(told.shape[1])
    back = np.eye(told.shape[1])
    for _ in range(50):
        p = expit(told @ weights)
        slope = told.T @ (p - praise) + back @ weights
        step = np.linalg.solve((told * (p * (1 - p))[:, None]).T @ told + back, slope)
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _logit(linear: Linear, table: Sparse) -> NDArray[np.float64]:
    return np.asarray(linear.logits(table)[:, 1], np.float64)


def _blocks(texts: Sequence[str]) -> Iterator[list[str]]:
    rows = iter(texts)
    while block := list(islice(rows, _BLOCK)):
        yield block
