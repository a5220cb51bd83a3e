"""A small network of layers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import setting
from wares.arrays import Dense, Labels, Vectors
from wares.classify.rows import OfVectors, arrays, distinct, folded, softmax, temperature
from wares.kernels import margins

DECAY, SECOND, TINY = 0.9, 0.999, 1e-8

LEAST = 100
"""Steps that are made between two looks at the rows held out, at least: few rows are gone over several times."""


@dataclass(kw_only=True, eq=False)
class MLP(OfVectors):
    """One hidden layer between columns and classes, learned by Adam; what `linear` is, with columns that work together.

    Choose it for dense vectors, such as of sentences and images, where classes do not lie on one side of a line each;
    on words and n-grams `linear` is as good and ten times as fast. A part of the rows is held out: learning ends where
    it stops to help these, and they make the probabilities honest. Of sparse rows only the columns of a batch are
    touched. Time O(passes x numbers in the rows x hidden); memory 12 bytes x columns x hidden.

    One class alone is answered with certainty; the only row of a class is never held out. `partial_fit` goes over new
    rows once; classes not seen before are added.

    Settings
    --------
    hidden : numbers between columns and classes. passes : most times over the rows. batch : rows of one step.
    rate : length of a step. dropout : share of the hidden numbers left out of each step. decay : of weights, a step.
    patience : passes without gain on the rows held out before it ends. seed : of the first weights and the order.

    Learned
    -------
    classes_ : in order. inner_ (width, hidden), inner_bias_, outer_ (hidden, n_classes), outer_bias_ : float32 weights;
    factor_ : of calibration, contained in the last two. centre_, scale_ : (width,) of dense rows.

    Source: Kingma & Ba 2015, arXiv:1412.6980 (Adam); Srivastava et al. 2014, "Dropout".
    """

    hidden: int = setting(256, low=1)
    passes: int = setting(40, low=1)
    batch: int = setting(64, low=1)
    rate: float = setting(1e-3, low=1e-7)
    dropout: float = setting(0.2, low=0.0, high=0.95)
    decay: float = setting(1e-4, low=0.0)
    patience: int = setting(4, low=1)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the class y (n,) of each row of X (n, width), dense or sparse."""
        self._check()
        self._forget()
        rows, codes = self._taught(X, y)
        width, n_classes = rows.shape[1], len(self.classes_)
        rng = np.random.default_rng(self.seed)
        if not isinstance(rows, csr_array):
            self.centre_ = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
            spread = np.sqrt(np.square(rows - self.centre_, dtype=np.float64).mean(axis=0))
            # One scale for all columns: those that hardly vary are not to be blown up.
            self.scale_ = float(np.sqrt(np.square(spread).mean())) or 1.0
        self.factor_ = 1.0
        fan = width if not isinstance(rows, csr_array) else max(rows.nnz / max(rows.shape[0], 1), 1)
        length = 1.0 if not isinstance(rows, csr_array) else float(np.sqrt(np.square(rows.data).mean() or 1.0))
        self.inner_ = (rng.standard_normal((width, self.hidden)) * np.sqrt(2 / fan) / length).astype(np.float32)
        self.inner_bias_ = np.zeros(self.hidden, np.float32)
        self.outer_ = (rng.standard_normal((self.hidden, n_classes)) * np.sqrt(1 / self.hidden)).astype(np.float32)
        self.outer_bias_ = np.zeros(n_classes, np.float32)
        if n_classes > 1:
            with threadpool_limits(1, "blas"):  # the same sums in the same order on any machine of a kind
                self._learn(self._ready_rows(rows), codes, rng)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go over more rows once; `classes` are those to come, where any are known. The first call is `fit`."""
        if not hasattr(self, "outer_"):
            self.fit(X, y)
            if classes is None or not len(np.setdiff1d(classes, self.classes_)):
                return self
        self._check()
        rows, y = self._read(X, y, reset=False)
        before = self.classes_
        self.classes_, codes = distinct(
            np.concatenate([np.asarray(before), y if classes is None else np.r_[y, classes]])
        )
        places = np.searchsorted(self.classes_, before)
        outer = np.zeros((self.hidden, len(self.classes_)), np.float32)
        bias = np.full(len(self.classes_), np.float32(np.min(self.outer_bias_) - 1), np.float32)
        outer[:, places], bias[places] = self.outer_, self.outer_bias_
        self.outer_, self.outer_bias_ = outer / np.float32(self.factor_), bias / np.float32(self.factor_)
        self.inner_, self.inner_bias_ = np.array(self.inner_), np.array(self.inner_bias_)  # may be mapped
        if len(self.classes_) > 1:
            rng = np.random.default_rng(self.seed + len(codes))
            with threadpool_limits(1, "blas"):
                steps = _Adam(self.rate, self.decay)
                self._pass(self._ready_rows(rows), codes[len(before) : len(before) + len(y)], rng, steps)
        self._sharpen(self.factor_)
        return self

    def logits(self, X: Any) -> Dense:
        """(n, n_classes) of which softmax makes the probabilities."""
        return self._forward(self._ready_rows(self._rows(X)))

    def _ready_rows(self, rows: Vectors) -> Vectors:
        if isinstance(rows, csr_array):
            return rows
        return np.asarray((rows - self.centre_) / np.float32(self.scale_), np.float32)

    def _forward(self, rows: Vectors) -> Dense:
        """Row by row, so that an answer does not depend on what is asked beside it."""
        hidden = _times(rows, self.inner_, self.inner_bias_)
        return _times(np.maximum(hidden, 0, out=hidden), self.outer_, self.outer_bias_)

    def _learn(self, rows: Vectors, codes: Labels, rng: np.random.Generator) -> None:
        held = np.flatnonzero(folded(rows, codes, 10, self.seed) == 0)
        taught = np.setdiff1d(np.arange(len(codes)), held)
        if len(np.unique(codes[taught])) < len(self.classes_):  # a class of twins: better learned than judged
            held, taught = held[:0], np.arange(len(codes))
        steps = _Adam(self.rate, self.decay)
        best, waited = np.inf, 0
        weights = self._weights()
        for _ in range(self.passes):
            goal = steps.count + LEAST
            while True:
                self._pass(rows[taught], codes[taught], rng, steps)
                if steps.count >= goal:
                    break
            if not len(held):
                weights = self._weights()
                continue
            shares = softmax(self._forward(rows[held]))[np.arange(len(held)), codes[held]]
            loss = float(-np.log(np.maximum(shares, 1e-12)).mean())
            waited = 0 if loss < best else waited + 1
            if loss < best:
                best, weights = loss, self._weights()
            if waited >= self.patience:
                break
        self.inner_, self.inner_bias_, self.outer_, self.outer_bias_ = weights
        if len(held):
            self._sharpen(temperature(self._forward(rows[held]), codes[held]))

    def _sharpen(self, factor: float) -> None:
        self.factor_ = float(factor)
        self.outer_ = self.outer_ * np.float32(factor)
        self.outer_bias_ = self.outer_bias_ * np.float32(factor)

    def _weights(self) -> tuple[Dense, Dense, Dense, Dense]:
        return self.inner_.copy(), self.inner_bias_.copy(), self.outer_.copy(), self.outer_bias_.copy()

    def _pass(self, rows: Vectors, codes: Labels, rng: np.random.Generator, steps: "_Adam") -> None:
        """Once over the rows, in batches."""
        order = rng.permutation(len(codes))
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            batch, n = rows[chosen], len(chosen)
            columns: NDArray[Any]
            steps.count += 1
            if isinstance(batch, csr_array):
                columns, places = np.unique(batch.indices, return_inverse=True)
                batch = csr_array((batch.data, places, batch.indptr), shape=(n, len(columns)))
            else:
                columns = np.arange(batch.shape[1])
            hidden = np.asarray(batch @ self.inner_[columns] + self.inner_bias_, np.float32)
            kept = (hidden > 0) * (rng.random(hidden.shape, np.float32) >= self.dropout) / np.float32(1 - self.dropout)
            active = hidden * kept
            wrong = softmax(active @ self.outer_ + self.outer_bias_)
            wrong[np.arange(n), codes[chosen]] -= 1
            wrong /= n
            back = (wrong @ self.outer_.T) * kept
            steps.move(self.outer_, active.T @ wrong, "outer")
            steps.move(self.outer_bias_, wrong.sum(axis=0), "outer_bias")
            steps.move(self.inner_, np.asarray(batch.T @ back), "inner", columns)
            steps.move(self.inner_bias_, back.sum(axis=0), "inner_bias")


class _Adam:
    """Steps along gradients, each number by its own scale; of tables with many rows only those that have a gradient."""

    def __init__(self, rate: float, decay: float) -> None:
        self.rate, self.decay, self.count = rate, decay, 0
        self.moments: dict[str, tuple[Dense, Dense]] = {}

    def move(self, weights: Dense, gradient: NDArray[np.floating], name: str, rows: NDArray[Any] | None = None) -> None:
        """Change weights in place."""
        first, second = self.moments.setdefault(name, (np.zeros_like(weights), np.zeros_like(weights)))
        where: Any = slice(None) if rows is None or len(rows) == len(weights) else rows
        mean = DECAY * first[where] + (1 - DECAY) * gradient
        square = SECOND * second[where] + (1 - SECOND) * np.square(gradient)
        first[where], second[where] = mean, square
        scale = np.sqrt(square / (1 - SECOND**self.count)) + TINY
        step = self.rate * (mean / (1 - DECAY**self.count) / scale)
        weights[where] -= (step + self.rate * self.decay * weights[where]).astype(np.float32)


def _times(rows: Vectors, table: Dense, bias: Dense) -> Dense:
    out = np.tile(np.asarray(bias), (rows.shape[0], 1))
    places = np.arange(rows.shape[1], dtype=np.int32)
    margins.scores(*arrays(rows), places, np.asarray(table), out)
    return out
