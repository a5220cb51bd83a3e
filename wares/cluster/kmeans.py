"""k-means, Euclidean or spherical."""

from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

from wares.algorithm import setting
from wares.arrays import Dense, Links, Vectors, unit
from wares.cluster.centred import Centred, nearest
from wares.cluster.descent import Descent
from wares.cluster.parts import Parts
from wares.errors import DataError, SettingError
from wares.kernels import kmeans as fast
from wares.kernels import lloyd as plain
from wares.runner import Local, Runner

SPARSE_AS_DENSE = 2**28
"""Sparse rows that take no more bytes than this when dense are made dense."""


DESCENT: tuple[str, ...] = ("n_clusters", "seeding", "spherical", "solver", "max_rounds", "tol", "split_merge", "near")
DESCENT += ("learning_rate", "batch_size", "anchor", "seed")
"""Settings that a run takes over by name."""


@dataclass(kw_only=True, eq=False)
class KMeans(Centred):
    """Groups around means; each row belongs to the nearest.

    Choose it first: it takes any number of rows, every row gets a cluster, a new row is placed in microseconds and the
    reason can be read from the centre. Memory: one copy of the distinct vectors, whether those given lie in memory or
    in a mapped file (a million of width 256: 1.3 GB beside the file); where that is too much choose `minibatch`. Time:
    few products with all centres; most rounds compare a row only with the `near` centres around its own, O(n x near x
    width). Between rounds the clusters that are least missed are merged and the most spread ones split, which leaves
    the poor local optimum where plain k-means stops. The last pass is over all centres and exact.

    Neither the order of the rows nor how often one is repeated matters beyond its weight: a weight of two is the row
    given twice, to the bit. Ask for more clusters than there are distinct rows and there is one for each distinct row;
    a constant column changes nothing; NaN and infinity are errors. Vectors are read as float32. Sparse rows beyond
    256 MB dense go the plain way (no splitting, no anchors); the centres are dense, so they must be few or narrow.

    Settings
    --------
    n_clusters : clusters to make.
    seeding : first centres: "k-means++" draws them far apart (beyond 64 of them inside coarse cells), "k-means||" in a
        few passes over all rows, "random" draws rows.
    spherical : centres of unit length and rows scaled to it, so that nearest means the largest cosine.
    solver : "rounds" averages whole clusters (Lloyd), "gradient" goes down the gradient by batches of rows; both end in
        the same kind of place, rounds sooner.
    max_rounds : most rounds (or passes of the gradient over all rows) before the first split and after each.
    tol : a run of rounds ends when one lowers the inertia by less than this share.
    split_merge : how often clusters are merged and split; 0 is plain k-means.
    near : centres that a row is compared with between exact passes; 0 is all.
    learning_rate : of "gradient", in its first pass: at 1 a row moves its centre by one over the weight of the cluster.
        It falls as 1/pass.
    batch_size : rows of one step of "gradient".
    anchor : what holds a centre at its anchor, in rows: the loss gets anchor x squared distance for each, so an anchor
        counts as that many rows in the mean. Works where `fit` is given anchors.
    seed : same seed, same rows, same machine: same bits, on any number of threads.
    radius : distance from the own centre beyond which a row is borderline; 0 takes the one that holds `inside`.
    inside : share of the fitted rows within the radius, where `radius` is 0.

    Learned
    -------
    cluster_centers_ : (n_clusters_, width) float32; those begun at anchors first, in their order.
    labels_ : (n,) int64, each cluster having at least one row.
    mass_ : (n_clusters_,) float64, the weight of the rows each centre has seen.
    inertia_ : weighted sum of squared distances to the centres.
    n_iter_ : rounds done.
    radius_ : distance beyond which a row is borderline. borderline_ : (n,) which of the rows fitted are.

    Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489; Arthur & Vassilvitskii 2007, "k-means++"; Bahmani et al. 2012,
    doi:10.14778/2180912.2180915 (k-means||); Bottou & Bengio 1995, "Convergence properties of the k-means algorithms"
    (gradient); Dhillon & Modha 2001, doi:10.1023/A:1007612920971 (spherical); Ward 1963,
    doi:10.1080/01621459.1963.10500845 (cost of a merge).
    """

    n_clusters: int = setting(8, low=1)
    seeding: Literal["k-means++", "k-means||", "random"] = "k-means++"
    spherical: bool = False
    solver: Literal["rounds", "gradient"] = "rounds"
    max_rounds: int = setting(100, low=1)
    tol: float = setting(1e-3, low=0)
    split_merge: int = setting(6, low=0)
    near: int = setting(32, low=0)
    learning_rate: float = setting(1.0, low=1e-6)
    batch_size: int = setting(4096, low=1)
    anchor: float = setting(0.0, low=0)
    seed: int = setting(0, low=0)

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        anchors: Any = None,
        links: Links | None = None,
        runner: Runner = Local(),
    ) -> Self:
        """Group the rows of X (n, width); `sample_weight` (n,) counts a row as that many.

        `anchors` (at most n_clusters, width) are centres to begin with, such as those of the last build, which the
        setting `anchor` holds near; further centres are sought where rows are far from all of them. Raises SettingError
        for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError("KMeans cannot honour must-link and cannot-link pairs")
        vectors = self._rows(X, reset=True)
        weights = _weights(sample_weight, vectors.shape[0])
        held = None if anchors is None else self._anchors(anchors)
        if issparse(vectors):
            if held is not None or self.solver != "rounds":
                raise DataError("sparse rows beyond 256 MB dense are clustered without anchors and by rounds only")
            labels, gaps = self._fit_sparse(vectors, weights)
        else:
            labels, gaps = self._fit_dense(vectors, weights, held)
        self._settle(labels, gaps, weights)
        self.mass_ = np.bincount(self.labels_, weights, self.n_clusters_).astype(np.float64)
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
        labels, _ = nearest(vectors, known)
        batch, extra = plain.means(vectors, weights, labels, known, False)
        share = np.divide(extra, mass + extra, out=np.zeros(len(mass)), where=mass + extra > 0)[:, None]
        moved = (known + share * (batch.astype(np.float64) - known)).astype(np.float32)
        self.cluster_centers_ = unit(moved) if self.spherical else moved
        self.mass_ = mass + extra
        self.n_iter_ = int(learned["n_iter_"]) + 1
        self._settle(*nearest(vectors, self.cluster_centers_), weights)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _parts(self, X: Any, *, reset: bool) -> Parts:
        return Parts(self._rows(X, reset=reset), checked=True)

    def _rows(self, X: Any, *, reset: bool) -> Vectors:
        """X as float32 rows, of unit length if spherical. Raises ValueError as scikit-learn does."""
        rows: Any = validate_data(self, X, reset=reset, dtype=np.float32, order="C", accept_sparse="csr")
        if issparse(rows):
            # What is small enough goes the fast way.
            rows = cast("Any", rows)
            rows = rows.toarray() if 4 * rows.shape[0] * rows.shape[1] <= SPARSE_AS_DENSE else csr_array(rows)
        vectors: Vectors = rows
        return cast("Vectors", unit(vectors)) if self.spherical and not _of_unit_length(vectors) else vectors

    def _anchors(self, given: Any) -> Dense:
        """Centres to begin with, as float32. Raises DataError."""
        anchors = np.array(given, np.float32, order="C")
        if anchors.ndim != 2 or anchors.shape[1] != self.n_features_in_ or not len(anchors):
            raise DataError(f"anchors have shape {anchors.shape}, expected (at least 1, {self.n_features_in_})")
        if len(anchors) > self.n_clusters:
            raise DataError(f"{len(anchors)} anchors are more than n_clusters={self.n_clusters}")
        if not np.isfinite(anchors).all():
            raise DataError("anchors must be finite")
        return cast("Dense", unit(anchors)) if self.spherical else anchors

    def _fit_dense(
        self, vectors: Any, weights: NDArray[np.float32], anchors: Dense | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        shared = {name: getattr(self, name) for name in DESCENT}
        with fast.work() as work:
            run = Descent(work, vectors, weights, anchors=anchors, **shared)
            run.run()
            self.cluster_centers_, self.n_iter_ = run.centers, run.rounds
            return run.labels, work.spread(vectors, run.centers, run.labels)

    def _fit_sparse(
        self, vectors: Vectors, weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
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
        kept, labels = np.unique(labels, return_inverse=True)
        self.cluster_centers_ = centers[kept]
        return labels, gaps

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
    if seeding != "random":
        rows = np.flatnonzero(weights > 0)
        if len(rows) > 128 * k + 4096:
            rows = np.sort(rng.choice(rows, 128 * k + 4096, replace=False))
        return plain.plus_plus(vectors[rows], weights[rows], k, rng)
    rows = rng.choice(np.flatnonzero(weights > 0), min(k, int((weights > 0).sum())), replace=False)
    drawn = vectors[rows]
    return np.unique(drawn.toarray() if isinstance(drawn, csr_array) else drawn, axis=0)


def _of_unit_length(vectors: Vectors) -> bool:
    """Whether all rows have length one already, as far as float32 goes: they are taken as they are then."""
    return isinstance(vectors, np.ndarray) and bool((np.abs(fast.ALONE.squares(vectors) - 1) < 1e-6).all())
