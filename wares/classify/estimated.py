"""Classifiers that scikit-learn has well: its estimators behind the settings and promises of the house."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from threadpoolctl import threadpool_limits

from wares.arrays import Dense, Labels, Vectors
from wares.classify.rows import OfVectors

FLOOR = 1e-7
"""The least probability whose logarithm is taken."""

ALONE = 200_000
"""Numbers in rows so few that threads would wait for each other longer than they work."""


@dataclass(kw_only=True, eq=False)
class Estimated(OfVectors):
    """A classifier whose learning is scikit-learn's.

    Learned
    -------
    classes_ : in order. estimator_ : the fitted estimator, of class numbers; none where there is one class.
    """

    @abstractmethod
    def _made(self, codes: Labels) -> Any:
        """The estimator with these settings, for classes (n,)."""

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the class y (n,) of each row of X (n, width)."""
        self._check()
        self._forget()
        rows, codes = self._taught(X, y)
        with _threads(rows):
            self.estimator_ = self._made(codes).fit(rows, codes) if len(self.classes_) > 1 else None
        return self

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_classes) probabilities, columns in the order of `classes_`."""
        rows = self._rows(X)
        if self.estimator_ is None:
            return np.ones((rows.shape[0], 1), np.float32)
        with _threads(rows):
            return np.asarray(self.estimator_.predict_proba(rows), np.float32)

    def logits(self, X: Any) -> Dense:
        """(n, n_classes) logarithms of the probabilities."""
        return np.log(np.maximum(self.predict_proba(X), np.float32(FLOOR)))


def _threads(rows: Vectors) -> Any:
    return threadpool_limits(1 if rows.shape[0] * rows.shape[1] < ALONE else None, "openmp")
