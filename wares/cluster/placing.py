"""Where a new product goes when a method has no rule of its own: to the cluster of its nearest labelled neighbour."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from wares.algorithm import Clusterer
from wares.arrays import Dense, Labels

BLOCK = 1024
"""Rows placed at once: BLOCK x n_fitted x 4 bytes."""


class PlacesByNeighbour(Clusterer):
    """A clusterer that keeps the rows it was fitted to, as `points_` (n, width), and places others beside them.

    `predict` gives a row that is labelled -1 by `fit` back as -1 and never places a new one there: -1 is no cluster.
    """

    def predict(self, X: Any) -> Labels:
        """(n,) the cluster of the nearest labelled row; on the fitted X exactly `labels_`."""
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        if rows.shape == self.points_.shape and np.array_equal(rows, self.points_):
            return np.array(self.labels_, np.int64)
        labelled = np.flatnonzero(np.asarray(self.labels_) >= 0)
        if not len(labelled):
            return np.full(len(rows), -1, np.int64)
        points = np.asarray(self.points_)[labelled]
        squares = np.einsum("ij,ij->i", points, points)
        out = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            out[start : start + BLOCK] = (squares - 2 * (block @ points.T)).argmin(axis=1)
        return np.asarray(self.labels_, np.int64)[labelled[out]]

    def fit_predict(self, X: Any, y: Any = None, **others: Any) -> Labels:
        """(n,) `labels_` after `fit`."""
        return np.asarray(self.fit(X, y, **others).labels_, np.int64)

    def _rows(self, X: Any, *, reset: bool) -> Dense:
        """X as float32 rows in C order. Raises ValueError as scikit-learn does (NaN, wrong width, no rows)."""
        rows: Dense = validate_data(self, X, reset=reset, dtype=np.float32, order="C")
        return rows

    def _settle(self, rows: Dense, labels: Labels) -> None:
        """Learn labels, counted from zero in the order in which the clusters first appear; -1 stays."""
        labels = np.asarray(labels, np.int64)
        found, first, codes = np.unique(labels, return_index=True, return_inverse=True)
        named = found >= 0
        numbers = np.full(len(found), -1, np.int64)
        numbers[np.flatnonzero(named)[np.argsort(first[named], kind="stable")]] = np.arange(int(named.sum()))
        self.labels_ = numbers[codes]
        self.n_clusters_ = int(named.sum())
        self.points_ = rows
