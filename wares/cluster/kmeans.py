"""k-means, Euclidean or spherical."""

from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted, validate_data

from wares.algorithm import Clusterer, setting
from wares.arrays import Dense, Labels, Links, Vectors, unit
from wares.cluster.descent import Descent
from wares.errors import DataError, SettingError
from wares.kernels import kmeans as fast
from wares.kernels import lloyd as plain
from wares.runner import Local, Runner

SPARSE_AS_DENSE = 2**28
"""Sparse rows that take no more bytes than this when dense are made dense."""


@dataclass(kw_only=True, eq=False)
class KMeans(Clusterer):
    """Groups around means; each row belongs to the nearest.

    Choose it first: it takes any number of rows, every row gets a cluster, a new row is placed in microseconds and the
    reason can be read from the centre. Memory: one copy of the vectors. Time: few products with all centres; most
    rounds compare a row only with the `near` centres around its own, O(n x near x width). Between rounds the clusters
    that are least missed are merged and the most spread ones split, which leaves the poor local optimum where plain
    k-means stops. The last pass is over all centres and exact.

    Ask for more clusters than there are distinct rows and there is one for each distinct row. Vectors are read as
    float32. Sparse rows beyond 256 MB dense go the plain way (no splitting); the centres are dense, so they must be few
    or narrow.

    Settings
    --------
    n_clusters : clusters to make.
    seeding : first centres: "k-means++" draws them far apart (beyond 64 of them inside coarse cells), "random" draws
        rows.
    spherical : centres of unit length and rows scaled to it, so that nearest means the largest cosine.
    max_rounds : most rounds of assigning and averaging before the first split and after each.
    tol : a run of rounds ends when one lowers the inertia by less than this share.
    split_merge : how often clusters are merged and split; 0 is plain k-means.
    near : centres that a row is compared with between exact passes; 0 is all.
    seed : same seed, same rows, same machine: same bits, on any number of threads.

    Learned
    -------
    cluster_centers_ : (n_clusters_, width) float32.
    labels_ : (n,) int64, each cluster having at least one row.
    mass_ : (n_clusters_,) float64, the weight of the rows each centre has seen.
    inertia_ : weighted sum of squared distances to the centres.
    n_iter_ : rounds done.

    Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489; Arthur & Vassilvitskii 2007, "k-means++"; Dhillon & Modha 2001,
    doi:10.1023/A:1007612920971 (spherical); Ward 1963, doi:10.1080/01621459.1963.10500845 (cost of a merge).
    """

    n_clusters: int = setting(8, low=1)
    seeding: Literal["k-means++", "random"] = "k-means++"
    spherical: bool = False
    max_rounds: int = setting(100, low=1)
    tol: float = setting(1e-3, low=0)
    split_merge: int = setting(6, low=0)
    near: int = setting(32, low=0)
    seed: int = setting(0, low=0)

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        links: Links | None = None,
        runner: Runner = Local(),
    ) -> Self:
        """Group the rows of X (n, width); `sample_weight` (n,) counts a row as that many.

        Raises SettingError for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError("KMeans cannot honour must-link and cannot-link pairs")
        vectors = self._rows(X, reset=True)
        weights = _weights(sample_weight, vectors.shape[0])
        if issparse(vectors):
            self._fit_sparse(vectors, weights)
            return self
        with fast.work() as work:
            run = Descent(
                work,
                vectors,
                weights,
                n_clusters=self.n_clusters,
                seeding=self.seeding,
                spherical=self.spherical,
                max_rounds=self.max_rounds,
                tol=self.tol,
                split_merge=self.split_merge,
                near=self.near,
                seed=self.seed,
            )
            run.run()
            gaps = work.spread(vectors, run.centers, run.labels)
        self.cluster_centers_, self.labels_, self.n_iter_ = run.centers, run.labels, run.rounds
        self._settle(gaps, weights)
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Move the centres towards new rows, each by its share of all it has seen; the first call is `fit`.

        While there are fewer than `n_clusters` centres, rows that are far from all of them become centres.
        """
        if not hasattr(self, "cluster_centers_"):
            return self.fit(X, y, sample_weight)
        self._check()
        vectors = self._rows(X, reset=False)
        weights = _weights(sample_weight, vectors.shape[0])
        learned = self.learned()
        known, mass = np.array(learned["cluster_centers_"]), np.array(learned["mass_"])
        if len(known) < self.n_clusters:
            known, mass = self._grown(known, mass, vectors, weights)
        labels, _ = self._nearest(vectors, known)
        batch, extra = plain.means(vectors, weights, labels, known, False)
        share = np.divide(extra, mass + extra, out=np.zeros(len(mass)), where=mass + extra > 0)[:, None]
        moved = (known + share * (batch.astype(np.float64) - known)).astype(np.float32)
        self.cluster_centers_ = unit(moved) if self.spherical else moved
        self.labels_, _ = self._nearest(vectors, self.cluster_centers_)
        gaps = _gaps(vectors, self.cluster_centers_, self.labels_)
        self.mass_, self.n_clusters_ = mass + extra, len(moved)
        self.inertia_ = float((gaps * weights).sum())
        self.n_iter_ = int(learned["n_iter_"]) + 1
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) the nearest centre of each row; on the fitted X exactly `labels_`."""
        check_is_fitted(self)
        return self._nearest(self._rows(X, reset=False), self.cluster_centers_)[0]

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Labels:
        """(n,) `labels_` after `fit`."""
        return self.fit(X, y, sample_weight).labels_

    def transform(self, X: Any) -> Dense:
        """(n, n_clusters_) float32 distances to the centres."""
        check_is_fitted(self)
        vectors = self._rows(X, reset=False)
        out = np.empty((vectors.shape[0], len(self.cluster_centers_)), np.float32)
        for start in range(0, len(out), plain.BLOCK):
            block = slice(start, start + plain.BLOCK)
            out[block] = np.sqrt(plain.distances(vectors[block], self.cluster_centers_))
        return out

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Dense:
        """(n, n_clusters_) distances to the centres after `fit`."""
        return self.fit(X, y, sample_weight).transform(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Less the weighted sum of squared distances to the nearest centres: higher is better."""
        check_is_fitted(self)
        vectors = self._rows(X, reset=False)
        labels, _ = self._nearest(vectors, self.cluster_centers_)
        gaps = _gaps(vectors, self.cluster_centers_, labels)
        return -float((gaps * _weights(sample_weight, len(gaps))).sum())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        return tags

    def _rows(self, X: Any, *, reset: bool) -> Vectors:
        """X as float32 rows, of unit length if spherical. Raises ValueError as scikit-learn does."""
        rows: Any = validate_data(self, X, reset=reset, dtype=np.float32, order="C", accept_sparse="csr")
        if issparse(rows):
            # What is small enough goes the fast way.
            rows = cast("Any", rows)
            rows = rows.toarray() if 4 * rows.shape[0] * rows.shape[1] <= SPARSE_AS_DENSE else csr_array(rows)
        vectors: Vectors = rows
        return cast("Vectors", unit(vectors)) if self.spherical else vectors

    def _fit_sparse(self, vectors: Vectors, weights: NDArray[np.float32]) -> None:
        n, width = vectors.shape
        k = min(self.n_clusters, n)
        if 4 * k * width > 2**30:
            raise DataError(
                f"{k} dense centres of width {width:,} take {4 * k * width / 2**30:.1f} GiB, at most 1 is allowed: "
                "make the vectors narrower first (the lsa encoder), or ask for fewer clusters"
            )
        rng = np.random.default_rng(self.seed)
        centers = _seeds_plain(self.seeding, vectors, weights, k, rng)
        labels, gaps = plain.nearest(vectors, centers)
        self.n_iter_ = 0
        inertia = np.inf
        for _ in range(self.max_rounds):
            before, inertia = inertia, float((gaps * weights).sum())
            if before - inertia <= self.tol * inertia:
                break
            centers, _ = plain.means(vectors, weights, labels, centers, self.spherical)
            labels, gaps = plain.nearest(vectors, centers)
            self.n_iter_ += 1
        kept, self.labels_ = np.unique(labels, return_inverse=True)
        self.cluster_centers_ = centers[kept]
        self._settle(gaps, weights)

    def _settle(self, gaps: NDArray[np.float64], weights: NDArray[np.float32]) -> None:
        self.labels_ = self.labels_.astype(np.int64)
        self.n_clusters_ = len(self.cluster_centers_)
        self.mass_ = np.bincount(self.labels_, weights, self.n_clusters_).astype(np.float64)
        self.inertia_ = float((gaps * weights).sum())

    def _nearest(self, vectors: Vectors, centers: NDArray[np.float32]) -> tuple[Labels, NDArray[Any]]:
        if isinstance(vectors, csr_array):
            return plain.nearest(vectors, centers)
        squared = plain.squares(vectors).astype(np.float32)
        if vectors.shape[0] * centers.size < 50_000_000:
            return fast.ALONE.nearest(vectors, squared, centers)
        with fast.work() as work:
            return work.nearest(vectors, squared, centers)

    def _grown(
        self,
        known: NDArray[np.float32],
        mass: NDArray[np.float64],
        vectors: Vectors,
        weights: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The centres and new ones drawn from the rows away from them, n_clusters at most."""
        rng = np.random.default_rng(self.seed + len(known))
        gaps = plain.nearest(vectors, known)[1]
        far = (np.where(gaps > 1e-6 * plain.squares(vectors), gaps, 0.0) * weights).astype(np.float32)
        if not far.any():
            return known, mass
        away = np.flatnonzero(far)
        seeds = _seeds_plain(self.seeding, vectors[away], far[away], self.n_clusters - len(known), rng)
        return np.concatenate([known, seeds]), np.concatenate([mass, np.zeros(len(seeds))])


def _weights(given: Any, n: int) -> NDArray[np.float32]:
    """(n,) weights, ones where none are given. Raises DataError."""
    if given is None:
        return np.ones(n, np.float32)
    weights = np.asarray(given, np.float32)
    if weights.shape != (n,):
        raise DataError(f"sample_weight has shape {weights.shape}, expected ({n},): one weight a row")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise DataError("sample_weight must be finite and at least 0")
    if not weights.any():
        raise DataError("sample_weight is zero for every row; at least one must be positive")
    return weights


def _seeds_plain(
    seeding: str, vectors: Vectors, weights: NDArray[np.float32], k: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """At most k first centres of dense or sparse rows."""
    if seeding == "k-means++":
        rows = np.flatnonzero(weights > 0)
        if len(rows) > 128 * k + 4096:
            rows = np.sort(rng.choice(rows, 128 * k + 4096, replace=False))
        return plain.plus_plus(vectors[rows], weights[rows], k, rng)
    rows = rng.choice(np.flatnonzero(weights > 0), min(k, int((weights > 0).sum())), replace=False)
    drawn = vectors[rows]
    return np.unique(drawn.toarray() if isinstance(drawn, csr_array) else drawn, axis=0)


def _gaps(vectors: Vectors, centers: NDArray[np.float32], labels: Labels) -> NDArray[np.float64]:
    """(n,) squared distance of each row to its centre."""
    if isinstance(vectors, csr_array):
        return plain.nearest(vectors, centers)[1]
    return fast.ALONE.spread(vectors, centers, labels)
