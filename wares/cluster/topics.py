"""What methods that read words share: rows of counts, topics that are all used, and the words that tell of them."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils import Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from wares.algorithm import Clusterer
from wares.arrays import Dense, Labels, Links, Sparse, unit
from wares.errors import DataError, SettingError
from wares.kernels import lloyd
from wares.runner import Local, Runner

RELEVANCE = 0.6
"""Of a word's rank in a topic, how much is how often the topic uses it; the rest is how much more often than others.

Source: Sievert & Shirley 2014, doi:10.3115/v1/W14-3110.
"""


class Topics(Clusterer):
    """A clusterer whose rows are counts of words and whose clusters are topics.

    A row belongs to the topic it has most of. A row without a known word goes to the largest topic, with the sizes of
    the topics as its probabilities: it is not lost, and nothing is made up about it. Topics that no row has most of
    are let go, so there may be fewer than asked for.
    """

    READS: ClassVar[Literal["vectors", "words"]] = "words"

    @abstractmethod
    def _learn(self, rows: Sparse) -> NDArray[np.float32]:
        """(n_topics, n_words) the topics of the rows."""

    @abstractmethod
    def _amounts(self, rows: Sparse, topics: NDArray[np.float32]) -> Dense:
        """(n, n_topics) how much each row has of each topic, comparable between topics."""

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Find the topics of the rows of X (n, n_words), counts of words, sparse or dense.

        Raises SettingError for links, which this method cannot honour; ValueError for counts below 0.
        """
        self._check()
        if links is not None:
            raise SettingError(f"{type(self).__name__} cannot honour must-link and cannot-link pairs")
        rows = self._rows(X, reset=True)
        topics = self._learn(rows)
        while True:
            amounts = self._amounts(rows, topics)
            used = np.unique(amounts[amounts.any(axis=1)].argmax(axis=1))
            if not len(used):  # no row has a word
                used = np.zeros(1, np.int64)
            if len(used) == len(topics):
                break
            topics = topics[used]
        self.components_ = topics
        self.n_clusters_ = len(topics)
        sizes = np.bincount(amounts[amounts.any(axis=1)].argmax(axis=1), minlength=len(topics))
        self.shares_ = (sizes / sizes.sum() if sizes.any() else np.ones(1)).astype(np.float32)
        self.labels_ = self._shared(amounts).argmax(axis=1).astype(np.int64)
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) the topic each row has most of; on the fitted X exactly `labels_`."""
        return np.asarray(self.predict_proba(X).argmax(axis=1), np.int64)

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_clusters_) float32 the share of each topic in each row; rows sum to 1."""
        return self._shared(self.transform(X))

    def transform(self, X: Any) -> Dense:
        """(n, n_clusters_) float32 how much each row has of each topic; zeros where it has no known word."""
        check_is_fitted(self)
        return self._amounts(self._rows(X, reset=False), np.asarray(self.components_))

    def fit_transform(self, X: Any, y: Any = None, **others: Any) -> Dense:
        """(n, n_clusters_) how much each row has of each topic, after `fit`."""
        return self.fit(X, y, **others).transform(X)

    def fit_predict(self, X: Any, y: Any = None, **others: Any) -> Labels:
        """(n,) `labels_` after `fit`."""
        return np.asarray(self.fit(X, y, **others).labels_, np.int64)

    def describe(self, names: Sequence[str] | NDArray[Any], n: int = 8) -> list[list[str]]:
        """For each topic the n words that tell most of it, best first; `names` (n_words,) are those of the columns.

        Raises DataError where there are not as many names as columns.
        """
        topics = np.asarray(self.learned()["components_"], np.float64)
        if len(names) != topics.shape[1]:
            raise DataError(f"{len(names)} names for {topics.shape[1]} columns: one of each")
        inside = topics / np.maximum(topics.sum(axis=1, keepdims=True), 1e-30)
        overall = np.maximum(np.asarray(self.shares_, np.float64) @ inside, 1e-30)
        told = RELEVANCE * np.log(np.maximum(inside, 1e-30)) + (1 - RELEVANCE) * np.log(
            np.maximum(inside, 1e-30) / overall
        )
        order = np.argsort(-told, axis=1, kind="stable")[:, :n]
        return [
            [str(names[column]) for column in best if inside[topic, column] > 1e-9]
            for topic, best in enumerate(order.tolist())
        ]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        return tags

    def _rows(self, X: Any, *, reset: bool) -> Sparse:
        """X as csr float32. Raises ValueError as scikit-learn does, also for counts below 0."""
        rows: Any = validate_data(self, X, reset=reset, dtype=np.float32, accept_sparse="csr")
        check_non_negative(rows, type(self).__name__)
        return csr_array(rows)

    def _shared(self, amounts: Dense) -> Dense:
        """Amounts as shares that sum to 1; those of the topics where there is none."""
        sums = amounts.sum(axis=1, keepdims=True)
        return np.where(sums > 0, amounts / np.where(sums > 0, sums, 1), np.asarray(self.shares_))


def seeds(rows: Sparse, k: int, rounds: int, sample: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(at most k, n_words) means of groups of alike rows: spherical k-means from seeds far apart.

    From random topics several would settle on the largest group, and a small one would get none.
    """
    filled = np.flatnonzero(np.diff(rows.indptr))
    if len(filled) > sample:
        filled = np.sort(rng.choice(filled, sample, replace=False))
    if not len(filled):
        return np.ones((1, rows.shape[1]), np.float32)
    near: Any = unit(rows[filled])
    weights = np.ones(len(filled), np.float32)
    centers = lloyd.plus_plus(near, weights, k, rng)
    labels, _ = lloyd.nearest(near, centers)
    for _ in range(rounds):
        before = labels
        centers, _ = lloyd.means(near, weights, labels, centers, True)
        labels, _ = lloyd.nearest(near, centers)
        if np.array_equal(before, labels):
            break
    return centers[np.unique(labels)]
