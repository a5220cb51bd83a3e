"""What clusterers with centres share: the nearest centre, distances to centres, and who is far from all of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted

from wares.algorithm import Clusterer, setting
from wares.arrays import Dense, Labels, Mask
from wares.cluster.parts import Parts
from wares.kernels import kmeans as fast
from wares.kernels import lloyd as plain

ALONE = 50_000_000
"""Products of numbers up to which the calling thread looks for nearest centres by itself."""


@dataclass(kw_only=True, eq=False)
class Centred(Clusterer):
    """A clusterer that learns `cluster_centers_` and places a row with the nearest.

    Settings
    --------
    radius : distance from the own centre beyond which a row is borderline; 0 takes the one that holds `inside`.
    inside : share of the fitted rows within the radius, where `radius` is 0.

    Learned
    -------
    radius_ : the distance. borderline_ : (n,) which of the fitted rows are beyond it.
    """

    radius: float = setting(0.0, low=0)
    inside: float = setting(0.95, low=0, high=1)

    def predict(self, X: Any) -> Labels:
        """(n,) the nearest centre of each row; on the fitted X exactly `labels_`."""
        return self._placed(X)[0]

    def borderline(self, X: Any) -> Mask:
        """(n,) which rows are farther than `radius_` from their centre."""
        return self._beyond(self._placed(X)[1])

    def fit_predict(self, X: Any, y: Any = None, **others: Any) -> Labels:
        """(n,) `labels_` after `fit`."""
        return np.asarray(self.fit(X, y, **others).labels_, np.int64)

    def transform(self, X: Any) -> Dense:
        """(n, n_clusters_) float32 distances to the centres."""
        check_is_fitted(self)
        parts = self._parts(X, reset=False)
        out = np.empty((len(parts), len(self.cluster_centers_)), np.float32)
        for start, rows in parts:
            for first in range(0, rows.shape[0], plain.BLOCK):
                block = rows[first : first + plain.BLOCK]
                gaps = np.sqrt(plain.distances(block, self.cluster_centers_))
                out[start + first : start + first + len(gaps)] = gaps
        return out

    def fit_transform(self, X: Any, y: Any = None, **others: Any) -> Dense:
        """(n, n_clusters_) distances to the centres after `fit`."""
        self.fit(X, y, **others)
        return self.transform(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Less the weighted sum of squared distances to the nearest centres: higher is better."""
        gaps = self._placed(X)[1]
        return -float((gaps if sample_weight is None else gaps * np.asarray(sample_weight)).sum())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        return tags

    def _parts(self, X: Any, *, reset: bool) -> Parts:
        """X in parts. Raises ValueError as scikit-learn does."""
        return Parts.of(self, X, reset=reset)

    def _placed(self, X: Any) -> tuple[Labels, NDArray[np.float64]]:
        """(n,) nearest centres and (n,) squared distances to them."""
        check_is_fitted(self)
        return self._nearest(self._parts(X, reset=False))

    def _nearest(self, parts: Parts) -> tuple[Labels, NDArray[np.float64]]:
        labels, gaps = np.empty(len(parts), np.int64), np.empty(len(parts))
        for start, rows in parts:
            here = slice(start, start + rows.shape[0])
            labels[here], gaps[here] = nearest(rows, self.cluster_centers_)
        return labels, gaps

    def _settle(self, labels: Labels, gaps: NDArray[np.float64], weights: NDArray[np.float32] | None = None) -> None:
        """Learn what follows from labels and squared distances."""
        self.labels_ = labels.astype(np.int64)
        self.n_clusters_ = len(self.cluster_centers_)
        self.inertia_ = float((gaps if weights is None else gaps * weights).sum())
        self.radius_ = float(self.radius or np.sqrt(np.quantile(gaps, self.inside)))
        self.borderline_ = self._beyond(gaps)

    def _beyond(self, gaps: NDArray[np.float64]) -> Mask:
        beyond: Mask = np.sqrt(gaps) > self.radius_
        return beyond


def nearest(rows: Any, centers: NDArray[np.float32]) -> tuple[Labels, NDArray[np.float64]]:
    """(n,) the nearest centre of dense or sparse rows and (n,) the squared distance to it; exact."""
    if not isinstance(rows, np.ndarray):
        return plain.nearest(rows, centers)
    if rows.shape[0] * centers.size < ALONE:
        return _nearest(fast.ALONE, rows, centers)
    with fast.work() as work:
        return _nearest(work, rows, centers)


def _nearest(work: fast.Work, rows: Dense, centers: Dense) -> tuple[Labels, NDArray[np.float64]]:
    labels, _ = work.nearest(rows, work.squares(rows), centers)
    return labels, work.spread(rows, centers, labels)
