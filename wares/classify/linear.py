"""Lines between one class and the rest."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import setting
from wares.arrays import Dense, Labels, Vectors
from wares.classify.rows import OfVectors, arrays, class_weights, distinct, folded, numbers, temperature
from wares.kernels import margins
from wares.kernels.kmeans import work

LOSSES = {"hinge": margins.HINGE, "logistic": margins.LOGISTIC}


@dataclass(kw_only=True, eq=False)
class Linear(OfVectors):
    """A weight for each column and class: a support vector machine or logistic regression, with honest probabilities.

    Choose it first for text: nothing else is as good as fast on words and character n-grams, and each answer can be
    read as a sum over columns. Each class is learned against the rest by coordinate descent in the dual, classes side
    by side on all cores. The scores become probabilities by one factor, fitted to scores of rows held out in turn.
    Time O(numbers in the rows x classes x some passes) x `folds`, in practice a few passes, as most rows lie far from
    most borders; memory 8 bytes x columns that occur x classes.

    `partial_fit` moves the weights as little as the new rows allow; a class not seen before begins with "no". One class
    alone is answered with certainty; a class with one row is learned like the others.

    Settings
    --------
    loss : "hinge" (squared) or "logistic".
    C : what a row weighs against small weights, for rows of the mean length; more follows the rows more closely.
    balance : "full" counts a row of a class n / (n_classes x rows of it), so that rare classes weigh as much as
        frequent ones, "root" the root of that, "none" 1.
    folds : parts of the rows that are held out in turn to learn the factor; 0 takes the scores as they are.
    rounds : most passes over the rows for one class. tol : it ends where no row pulls harder.
    seed : same seed, same rows: same bits, on any number of threads.

    Learned
    -------
    classes_ : in order. coef_ : (n_kept, n_classes) float32, and intercept_ (n_classes,): logits are sums over columns.
    places_ : (width,) int32 the row of `coef_` for each column of sparse rows, -1 for columns never met.
    factor_ : that makes scores logits, contained in `coef_`. centre_ : (width,) of dense rows. scale_ : mean length.

    Source: Hsieh et al. 2008, doi:10.1145/1390156.1390208 (hinge); Yu, Huang & Lin 2011,
    doi:10.1007/s10994-010-5221-8 (logistic); Guo et al. 2017, arXiv:1706.04599 (factor).
    """

    loss: Literal["hinge", "logistic"] = "hinge"
    C: float = setting(1.0, low=1e-6)
    balance: Literal["none", "root", "full"] = "none"
    folds: int = setting(3, low=0, high=100)
    rounds: int = setting(100, low=1)
    tol: float = setting(0.1, low=1e-8)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the class y (n,) of each row of X (n, width), dense or sparse."""
        self.fit_held_out(X, y)
        return self

    def fit_held_out(self, X: Any, y: Any) -> Dense:
        """Fit; and (n, n_classes) the logits of each row by weights that were learned without it, NaN where there are
        none: with `folds` of 0 or 1, and for the only row of a class."""
        self._check()
        self._forget()
        rows, codes = self._taught(X, y)
        if isinstance(rows, csr_array):
            self.places_, kept = _kept(rows)
        else:
            self.centre_, kept = rows.mean(axis=0, dtype=np.float64).astype(np.float32), rows.shape[1]
        shape = len(self.classes_), kept + 1
        self.scale_ = 1.0
        table = self._table(rows)
        self.scale_ = _length(table)
        held = folded(rows, codes, self.folds, self.seed) if self.folds > 1 else np.full(len(codes), -1, np.int64)
        weights = np.zeros(shape, np.float32)
        scores = self._descend(self._table(rows), codes, weights, held)
        known = np.where(np.isnan(scores).any(axis=1), -1, codes)
        self.factor_ = temperature(scores, known) if (known >= 0).any() else 1.0
        if not (known >= 0).any() and len(self.classes_) == 2:
            self.factor_ = 0.5  # both classes have the one score, with its sign
        self._settle(weights)
        return np.asarray(scores * np.float32(self.factor_), np.float32)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Learn on from more rows; `classes` are those to come, where any are known. The first call is `fit`."""
        if not hasattr(self, "coef_"):
            return self.fit(X, y) if classes is None else self._begun(X, y, classes)
        self._check()
        rows, y = self._read(X, y, reset=False)
        weights = self._unsettled()
        before = self.classes_
        self.classes_, codes = distinct(
            np.concatenate([np.asarray(before), y if classes is None else np.r_[y, classes]])
        )
        codes = codes[len(before) : len(before) + len(y)]
        if isinstance(rows, csr_array):
            self.places_, kept = _kept(rows, np.array(self.places_))
            weights = np.insert(weights, [weights.shape[1] - 1] * (kept + 1 - weights.shape[1]), 0, axis=1)
        if len(self.classes_) > len(before):
            grown = np.zeros((len(self.classes_), weights.shape[1]), np.float32)
            grown[:, -1] = -1
            grown[np.searchsorted(self.classes_, before)] = weights
            weights = grown
        self._descend(self._table(rows), codes, weights, np.full(len(codes), -1, np.int64))
        self._settle(weights)
        return self

    def logits(self, X: Any) -> Dense:
        """(n, n_classes) of which softmax makes the probabilities."""
        rows = self._rows(X)
        out = np.tile(np.asarray(self.intercept_), (rows.shape[0], 1))
        indptr, indices, data = arrays(rows)
        places = np.asarray(self.places_) if isinstance(rows, csr_array) else np.empty(0, np.int32)
        margins.scores(indptr, indices, data, places, np.asarray(self.coef_), out)
        return out

    def contributions(self, X: Any, classes: Any) -> csr_array:
        """(n, width) what each column adds to the logit of one class for each row (n,); with `intercept_` they sum to
        it."""
        rows = self._rows(X)
        table = csr_array(rows)
        wanted = np.repeat(numbers(np.asarray(self.classes_), classes), np.diff(table.indptr))
        places = self.places_[table.indices] if isinstance(rows, csr_array) else table.indices
        data = np.where(places >= 0, table.data * self.coef_[np.maximum(places, 0), wanted], np.float32(0))
        return csr_array((data.astype(np.float32), table.indices, table.indptr), shape=table.shape)

    def _begun(self, X: Any, y: Any, classes: Any) -> Self:
        """Fitted to rows that may lack some of the classes."""
        self.fit(X, y)
        return self.partial_fit(X, y, classes=classes) if len(np.setdiff1d(classes, self.classes_)) else self

    def _table(self, rows: Vectors) -> tuple[NDArray[Any], NDArray[Any], Dense]:
        """indptr, indices and numbers as they are learned from: columns kept only, dense rows centred, scaled."""
        indptr, indices, data = arrays(rows)
        if isinstance(rows, csr_array):
            return indptr, np.asarray(self.places_)[indices], np.asarray(data / np.float32(self.scale_), np.float32)
        return indptr, indices, ((rows - self.centre_) / np.float32(self.scale_)).ravel()

    def _descend(
        self, table: tuple[NDArray[Any], NDArray[Any], Dense], codes: Labels, weights: Dense, held: Labels
    ) -> Dense:
        """Change the weights (n_classes, n_kept + 1); (n, n_classes) scores of the rows held out, NaN for others."""
        indptr, indices, data = table
        n_classes, folds = len(weights), range(int(held.max(initial=-1)) + 1)
        scores = np.full((n_classes, len(codes)), np.nan, np.float32)
        lengths = margins.squares(indptr, data)
        cost = class_weights(codes, n_classes, self.balance) * self.C
        binary = n_classes == 2

        def learn(fold: int, k: int) -> None:
            rows, positive = np.flatnonzero(held != fold) if fold >= 0 else np.arange(len(codes)), codes == k
            line = np.zeros_like(weights[k]) if fold >= 0 else weights[k].copy()
            if fold >= 0:
                line[-1] = -1
            if fold < 0 or positive[rows].any():
                costs = np.array([cost[0] if binary else self.C, cost[k]])
                margins.descend(
                    *(indptr, indices, data, lengths, rows, positive, costs, LOSSES[self.loss]),
                    *(self.rounds, self.tol, self.seed + k, line),
                )
            if fold < 0:
                weights[k] = line
                return
            margins.margins_of(np.flatnonzero(held == fold), indptr, indices, data, line, scores[k])

        first = int(binary)  # of two classes one is the other turned round
        if n_classes > 1:
            tasks = [(fold, k) for fold in (-1, *folds) for k in range(first, n_classes)]
            with work() as threads:
                threads.map(lambda task, _: learn(*tasks[task]), len(tasks), 1)
        if binary:
            weights[0], scores[0] = -weights[1], -scores[1]
        return np.ascontiguousarray(scores.T)

    def _settle(self, weights: Dense) -> None:
        """Learn weights of scores as weights of logits of rows as they come."""
        table = np.ascontiguousarray(weights[:, :-1].T) * np.float32(self.factor_ / self.scale_)
        intercept = weights[:, -1].astype(np.float64) * self.factor_
        if hasattr(self, "centre_"):
            intercept = intercept - np.asarray(self.centre_, np.float64) @ table
        self.coef_, self.intercept_ = table, intercept.astype(np.float32)

    def _unsettled(self) -> Dense:
        """(n_classes, n_kept + 1) the weights of scores again."""
        intercept = np.asarray(self.intercept_, np.float64)
        if hasattr(self, "centre_"):
            intercept = intercept + np.asarray(self.centre_, np.float64) @ self.coef_
        table = np.asarray(self.coef_).T * np.float32(self.scale_ / self.factor_)
        if len(self.classes_) == 1:
            intercept = np.ones(1)
        return np.concatenate([table, intercept[:, None] / self.factor_], axis=1, dtype=np.float32)


def _kept(rows: csr_array, known: NDArray[np.int32] | None = None) -> tuple[NDArray[np.int32], int]:
    """(width,) the place of each column that occurs, -1 for others, and how many there are. The most frequent stand
    first, so that what is read most lies together."""
    counts = np.bincount(rows.indices, minlength=rows.shape[1])
    places = np.full(rows.shape[1], -1, np.int32) if known is None else known
    start = int(places.max(initial=-1)) + 1
    new = np.flatnonzero((counts > 0) & (places < 0))
    new = new[np.argsort(-counts[new], kind="stable")]
    places[new] = np.arange(start, start + len(new))
    return places, start + len(new)


def _length(table: tuple[NDArray[Any], NDArray[Any], Dense]) -> float:
    """The root of the mean squared length of the rows; 1 where all are nothing."""
    n = max(len(table[0]) - 1, 1)
    return float(np.sqrt(np.square(table[2], dtype=np.float64).sum() / n)) or 1.0
