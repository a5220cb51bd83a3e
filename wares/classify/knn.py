"""What the nearest labelled rows are."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, vstack

from wares.algorithm import setting
from wares.arrays import Dense, Vectors, unit
from wares.classify.rows import OfVectors, distinct
from wares.data.hits import Hits
from wares.kernels import nearest

BLOCK = 64
"""Rows compared with all labelled ones at once: BLOCK x n x 4 bytes."""

SHARPNESS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Of which `fit` takes the one that says best how likely the classes of fitted rows are, each without itself."""


@dataclass(kw_only=True, eq=False)
class KNN(OfVectors):
    """A vote of the nearest labelled rows by cosine, the nearer the more.

    Choose it where labels come and go by the minute, or where the reason has to be an example: nothing is learned but
    how much nearness counts. Best with sentence or image vectors. Time to answer O(n x width) for each row; memory one
    copy of the rows. `partial_fit` adds rows, new classes too.

    One class alone is answered with certainty; a class with one row is answered beside that row. A zero row is near to
    nothing and gets each class by its share.

    Settings
    --------
    k : neighbours that vote. doubt : votes given to the classes by their share, so that nothing is quite sure.
    sample : fitted rows, drawn, on which the weight of nearness is chosen. seed : of the draw.

    Learned
    -------
    classes_ : in order. rows_ : (n, width) unit rows. codes_ : (n,) class numbers. sharpness_ : s of exp(s x cosine).

    Source: Cover & Hart 1967, doi:10.1109/TIT.1967.1053964.
    """

    k: int = setting(10, low=1)
    doubt: float = setting(0.5, low=1e-6)
    sample: int = setting(2000, low=1)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the rows of X (n, width) and their classes y (n,)."""
        self._check()
        self._forget()
        rows, self.codes_ = self._taught(X, y)
        self.rows_ = unit(rows)
        self._sharpen()
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Keep more rows; the answers are those of a fit of all. `classes` are those to come, where any are known."""
        if not hasattr(self, "rows_"):
            return self.fit(X, y)
        self._check()
        rows, y = self._read(X, y, reset=False)
        self.classes_, self.codes_ = distinct(np.concatenate([np.asarray(self.classes_)[self.codes_], y]))
        self.rows_ = _joined(self.rows_, unit(rows))
        self._sharpen()
        return self

    def neighbours(self, X: Any, k: int) -> Hits:
        """The k labelled rows most like each row of X, by their number in the order in which they were learned."""
        return self._near(unit(self._rows(X)), k)

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_classes) probabilities, columns in the order of `classes_`."""
        return self._votes(self.neighbours(X, self.k), self.sharpness_)

    def logits(self, X: Any) -> Dense:
        """(n, n_classes) logarithms of the probabilities."""
        return np.log(self.predict_proba(X))

    def _near(self, rows: Vectors, k: int) -> Hits:
        known = self.rows_
        if isinstance(known, csr_array):
            queries = csr_array(rows)
            blocks = range(0, queries.shape[0], BLOCK)
            parts = [Hits.top(np.asarray((queries[i : i + BLOCK] @ known.T).toarray(), np.float32), k) for i in blocks]
            return Hits(np.concatenate([each.rows for each in parts]), np.concatenate([each.scores for each in parts]))
        table = np.asarray(rows.toarray() if isinstance(rows, csr_array) else rows, np.float32)
        return Hits(*nearest.many(np.asarray(known), table, k, None, 1.0, BLOCK))

    def _votes(self, hits: Hits, sharpness: float) -> Dense:
        known = (hits.rows >= 0) & (np.abs(hits.scores) > 1e-6)
        weights = np.where(known, np.exp(sharpness * (np.where(known, hits.scores, 0) - 1)), 0)
        # Nearness says who has more of the vote; how many votes there are, and so how sure the answer, it does not.
        total = weights.sum(axis=1, keepdims=True)
        weights *= known.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1)
        counts = np.bincount(self.codes_, minlength=len(self.classes_))
        votes = np.tile(self.doubt * counts / counts.sum(), (len(hits), 1))
        np.add.at(votes, (np.arange(len(hits))[:, None], np.asarray(self.codes_)[hits.rows]), weights)
        return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float32)

    def _sharpen(self) -> None:
        """Choose how much nearness counts, by what each of some fitted rows is told by the others."""
        n = len(self.codes_)
        asked = np.sort(np.random.default_rng(self.seed).choice(n, min(n, self.sample), replace=False))
        hits = self._near(self.rows_[asked], self.k + 1)
        others = hits.rows != asked[:, None]
        others[others.all(axis=1), -1] = False  # its twins fill the places: one of them stands for it
        shape = len(asked), self.k
        left = Hits(hits.rows[others].reshape(shape), hits.scores[others].reshape(shape))
        own = np.asarray(self.codes_)[asked]
        losses = [-np.log(self._votes(left, each)[np.arange(len(asked)), own]).mean() for each in SHARPNESS]
        self.sharpness_ = SHARPNESS[int(np.argmin(losses))]


def _joined(rows: Vectors, more: Vectors) -> Vectors:
    if isinstance(rows, csr_array):
        return csr_array(vstack([rows, csr_array(more)], format="csr"))
    return np.concatenate([rows, more.toarray() if isinstance(more, csr_array) else more])
