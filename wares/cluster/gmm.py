"""A mixture of Gaussians: every row belongs to every cluster by some share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from sklearn.utils.validation import check_is_fitted

from wares.algorithm import Clusterer, setting
from wares.arrays import Dense, Labels, Links
from wares.cluster.descent import Descent
from wares.cluster.parts import Parts
from wares.errors import SettingError
from wares.kernels.kmeans import work
from wares.runner import Local, Runner

BLOCK = 4096
"""Rows whose shares are held at once: BLOCK x n_clusters x 8 bytes."""

FLOOR = 1e-6
"""Least variance of a cluster along an axis, as a share of the mean variance of all rows."""

Wide = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class GMM(Clusterer):
    """Soft membership: the probability of each cluster for each row, under a mixture of Gaussians.

    Choose it where products stand between shelves and the shares matter (`predict_proba`), or where clusters are very
    unequal in width; `kmeans` is quicker and needs no such model. The rows are first turned to their `reduce` principal
    axes: in hundreds of dimensions every share is 0 or 1. Begins at k-means, then rounds of expectation and
    maximisation. Time O(n x n_clusters x reduce) a round; memory 4 x reduce bytes a row and blocks of 4,096 rows x
    n_clusters: the (n, n_clusters) shares are never held.

    Ask for more clusters than there are distinct rows and there is one for each distinct row; a cluster that is the
    likeliest of no row is left out; a constant column has no weight; NaN and infinity are errors.

    Settings
    --------
    n_clusters : clusters to make.
    covariance : "diagonal" (each cluster its variance along each axis), "spherical" (each its one variance) or "tied"
        (all the same full covariance).
    reduce : principal axes kept where the rows are wider; 0 keeps the rows as they are.
    max_rounds : most rounds of expectation and maximisation.
    tol : they end when one raises the mean log-likelihood of a row by less.
    seed : same seed, same rows, same machine: same bits.

    Learned
    -------
    labels_ : (n,) int64, the likeliest cluster.
    cluster_centers_ : (n_clusters_, width) float32, the means in the space of the rows.
    weights_ : (n_clusters_,) float64, the share of all rows. means_ : (n_clusters_, axes) float64.
    variances_ : (n_clusters_, axes) float64, along the axes; for "tied" along whitened ones, where they are 1.
    whitener_ : (axes, axes) float64 that turns rows so; the unit matrix but for "tied".
    mean_ : (width,) float64. axes_ : (width, axes) float64, the principal axes.
    log_likelihood_ : mean over the fitted rows. bic_ : Bayesian information criterion, less is better.
    n_iter_ : rounds done.

    Source: Dempster, Laird & Rubin 1977, doi:10.1111/j.2517-6161.1977.tb01600.x; Fraley & Raftery 2002,
    doi:10.1198/016214502760047131 (BIC and forms of covariance).
    """

    n_clusters: int = setting(8, low=1)
    covariance: Literal["diagonal", "spherical", "tied"] = "diagonal"
    reduce: int = setting(32, low=0)
    max_rounds: int = setting(100, low=1)
    tol: float = setting(1e-3, low=0)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Fit the mixture to the rows of X (n, width).

        Raises SettingError for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError("GMM cannot honour must-link and cannot-link pairs")
        parts = Parts.of(self, X, reset=True)
        self._find_axes(parts)
        rows = np.concatenate([self._turned(part) for _, part in parts])
        floor = max(FLOOR * float(rows.var(axis=0, dtype=np.float64).mean()), 1e-12)
        with work() as pool:
            run = Descent(pool, rows, np.ones(len(rows), np.float32), n_clusters=self.n_clusters, seed=self.seed)
            run.run()
            added, likelihood = self._added(rows, run.labels)[0], -np.inf
            self.n_iter_, before = 0, -np.inf
            while self.n_iter_ < self.max_rounds and (self.n_iter_ < 2 or likelihood - before >= self.tol):
                self._maximise(added, floor)
                before = likelihood
                added, likelihood = self._added(rows)
                self.n_iter_ += 1
            self.log_likelihood_ = likelihood
            self._settle(rows)
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) the likeliest cluster of each row; on the fitted X exactly `labels_`."""
        return np.concatenate([shares.argmax(axis=1) for shares, _ in self._blocks(X)]).astype(np.int64)

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_clusters_) float32, the probability of each cluster for each row."""
        return np.concatenate([shares.astype(np.float32) for shares, _ in self._blocks(X)])

    def fit_predict(self, X: Any, y: Any = None, **others: Any) -> Labels:
        """(n,) `labels_` after `fit`."""
        return np.asarray(self.fit(X, y, **others).labels_, np.int64)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-likelihood of the rows: higher is better."""
        return float(np.concatenate([likelihood for _, likelihood in self._blocks(X)]).mean())

    # -- axes ----------------------------------------------------------------------------------------------------------

    def _find_axes(self, parts: Parts) -> None:
        """Mean and principal axes; of rows narrow enough, all the axes as they are."""
        total = np.zeros(parts.width)
        for _, part in parts:
            total += part.sum(axis=0, dtype=np.float64)
        self.mean_ = total / len(parts)
        self.axes_ = np.eye(parts.width)
        if not 0 < self.reduce < parts.width:
            return
        scatter = np.zeros((parts.width, parts.width))
        for _, part in parts:
            for start in range(0, len(part), BLOCK):
                block = part[start : start + BLOCK] - self.mean_
                scatter += block.T @ block
        vectors = np.linalg.eigh(scatter)[1][:, ::-1][:, : self.reduce]
        largest = np.abs(vectors).argmax(axis=0)
        self.axes_ = vectors * np.sign(vectors[largest, np.arange(self.reduce)])

    def _turned(self, rows: Any) -> Dense:
        """Rows along the axes, float32."""
        out: Dense = np.empty((len(rows), self.axes_.shape[1]), np.float32)
        for start in range(0, len(rows), BLOCK):
            out[start : start + BLOCK] = (rows[start : start + BLOCK] - self.mean_) @ self.axes_
        return out

    # -- expectation and maximisation ----------------------------------------------------------------------------------

    def _blocks(self, X: Any) -> Iterator[tuple[Wide, Wide]]:
        check_is_fitted(self)
        for _, part in Parts.of(self, X, reset=False):
            rows = self._turned(part)
            for start in range(0, len(rows), BLOCK):
                yield self._block(rows[start : start + BLOCK].astype(np.float64))

    def _block(self, rows: Wide) -> tuple[Wide, Wide]:
        """(n, n_clusters) shares of some rows and (n,) their log-likelihoods."""
        rows, means = rows @ self.whitener_, self.means_ @ self.whitener_
        tight = 1 / self.variances_
        logs = (rows**2) @ tight.T
        logs -= 2 * (rows @ (means * tight).T)
        logs += (means**2 * tight).sum(axis=1)
        turned = np.linalg.slogdet(self.whitener_)[1]
        constant = np.log(self.weights_) + turned - 0.5 * np.log(2 * np.pi * self.variances_).sum(axis=1)
        logs *= -0.5
        logs += constant
        highest = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - highest)
        total = shares.sum(axis=1, keepdims=True)
        return shares / total, (highest + np.log(total)).ravel()

    def _added(self, rows: Dense, labels: Labels | None = None) -> tuple[tuple[Wide, Wide, Wide], float]:
        """What the shares of all rows add up to, and the mean log-likelihood of a row.

        (k,) weights, (k, axes) sums, and squares as the covariance needs them. Labels are shares of 0 or 1, before
        there is a mixture.
        """
        k = len(self.means_) if labels is None else int(labels.max()) + 1
        width = rows.shape[1]
        mass, sums, likelihood = np.zeros(k), np.zeros((k, width)), 0.0
        squares = np.zeros((width, width) if self.covariance == "tied" else (k, width))
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK].astype(np.float64)
            if labels is None:
                shares, each = self._block(block)
                likelihood += float(each.sum())
            else:
                shares = (labels[start : start + BLOCK, None] == np.arange(k)).astype(np.float64)
            mass += shares.sum(axis=0)
            sums += shares.T @ block
            squares += block.T @ block if self.covariance == "tied" else shares.T @ block**2
        return (mass, sums, squares), likelihood / len(rows)

    def _maximise(self, added: tuple[Wide, Wide, Wide], floor: float) -> None:
        """The weights, means and variances that fit the shares best; clusters without any share are left out."""
        mass, sums, squares = added
        n = mass.sum()
        kept = mass > 1e-9
        mass, sums = mass[kept], sums[kept]
        self.weights_, self.means_ = mass / n, sums / mass[:, None]
        self.whitener_ = np.eye(sums.shape[1])
        if self.covariance == "tied":
            covariance = squares / n - (self.means_ * self.weights_[:, None]).T @ self.means_
            covariance[np.diag_indices_from(covariance)] += floor
            root = np.linalg.cholesky(covariance)
            self.whitener_ = solve_triangular(root, np.eye(len(root)), lower=True).T
            self.variances_ = np.ones_like(self.means_)
            return
        variances = np.maximum(squares[kept] / mass[:, None] - self.means_**2, 0) + floor
        if self.covariance == "spherical":
            variances[:] = variances.mean(axis=1, keepdims=True)
        self.variances_ = variances

    def _settle(self, rows: Dense) -> None:
        blocks = (rows[start : start + BLOCK].astype(np.float64) for start in range(0, len(rows), BLOCK))
        labels = np.concatenate([self._block(block)[0].argmax(axis=1) for block in blocks])
        kept, self.labels_ = np.unique(labels, return_inverse=True)
        self.n_clusters_ = len(kept)
        self.weights_ = self.weights_[kept] / self.weights_[kept].sum()
        self.means_, self.variances_ = self.means_[kept], self.variances_[kept]
        self.cluster_centers_ = (self.mean_ + self.means_ @ self.axes_.T).astype(np.float32)
        k, width = self.means_.shape
        spreads = {"diagonal": k * width, "spherical": k, "tied": width * (width + 1) // 2}[self.covariance]
        free = k - 1 + k * width + spreads
        self.bic_ = float(-2 * self.log_likelihood_ * len(rows) + free * np.log(len(rows)))
