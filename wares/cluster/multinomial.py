"""A mixture of multinomials over words, started from the directions the words go together in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd

from wares.algorithm import setting
from wares.arrays import Dense, Sparse, unit
from wares.cluster.descent import Descent
from wares.cluster.topics import Topics
from wares.kernels.kmeans import work


@dataclass(kw_only=True, eq=False)
class Multinomial(Topics):
    """Clusters whose members use the same words: k-means finds their rough places, naive Bayes then settles each word.

    Choose it for titles: a few words each, most of them telling. Where vectors put a product between two shelves, the
    one word that only one of them uses decides. First the rows are reduced to `width` directions (latent semantic
    analysis) and grouped by spherical k-means; then in rounds (expectation and maximisation) every cluster's words are
    counted, and every row belongs to the clusters by how likely they would have written it. The first rounds are
    lukewarm: a row belongs a little to all, which frees it from a poor beginning, and sharper from step to step.
    Time O(rounds x words of all rows x n_clusters) and that of the directions, learned from a sample; memory
    (4 x width + 16 x n_clusters) bytes a row, 16 x n_clusters bytes a word.

    Ask for more clusters than there are distinct rows and there is one for each. A row without a known word goes to
    the largest cluster, with the sizes of the clusters as its probabilities.

    Settings
    --------
    n_clusters : clusters to make; those that no row is left in are let go.
    width : directions of the rough clusters.
    smoothing : added to the count of each word in each cluster; more trusts rare words less.
    sample : rows that the directions are learned from.
    warmth : the power that probabilities are raised to at first; it doubles to 1. 1 leaves the lukewarm rounds out.
    rounds : of counting and sharing out at each step.

    Learned
    -------
    components_ : (n_clusters_, n_words) float32, the probability of each word in each cluster; rows sum to 1.
    labels_ : (n,) int64, the likeliest cluster. shares_ : (n_clusters_,) float32, how many rows each has.

    Source: Nigam, McCallum, Thrun & Mitchell 2000, doi:10.1023/A:1007692713085, without any labels; Ueda & Nakano 1998,
    doi:10.1016/S0893-6080(97)00133-0, for the lukewarm rounds.
    """

    n_clusters: int = setting(20, low=1)
    width: int = setting(128, low=1)
    smoothing: float = setting(0.1, low=1e-6)
    sample: int = setting(20_000, low=256)
    warmth: float = setting(0.05, low=1e-3, high=1)
    rounds: int = setting(5, low=1)
    seed: int = setting(0, low=0)

    def _learn(self, rows: Sparse) -> NDArray[np.float32]:
        filled = rows[np.flatnonzero(np.diff(rows.indptr))]
        if not filled.shape[0]:
            return np.full((1, rows.shape[1]), 1 / rows.shape[1], np.float32)
        labels = self._rough(filled)
        shares = np.zeros((len(labels), int(labels.max()) + 1))
        shares[np.arange(len(labels)), labels] = 1
        turned = csr_array(filled.T)
        # What says little can grow so alike while lukewarm that nothing parts it again: then whole moves are likelier.
        whole, warm = self._moved(filled, turned, shares), self._cooled(filled, turned, shares)
        return warm if _likelihood(filled, warm) > _likelihood(filled, whole) else whole

    def _cooled(self, rows: Sparse, turned: Sparse, shares: NDArray[np.float64]) -> NDArray[np.float32]:
        """The topics after rounds of rising sharpness."""
        sharpness = self.warmth
        while True:
            for _ in range(self.rounds):
                topics = self._counted(turned, shares)
                shares = _likely(rows, topics, min(sharpness, 1.0))
            if sharpness >= 1:
                return self._counted(turned, shares)
            sharpness *= 2

    def _moved(self, rows: Sparse, turned: Sparse, shares: NDArray[np.float64]) -> NDArray[np.float32]:
        """The topics after rounds in which every row goes to its likeliest as a whole."""
        for _ in range(self.rounds):
            labels = _likely(rows, self._counted(turned, shares), 1.0).argmax(axis=1)
            shares = np.zeros_like(shares)
            shares[np.arange(len(labels)), labels] = 1
        return self._counted(turned, shares)

    def _rough(self, rows: Sparse) -> NDArray[np.int64]:
        """(n,) spherical k-means along the main directions of TF-IDF."""
        n, words = rows.shape
        found = np.bincount(rows.indices[rows.data > 0], minlength=words)
        weights = (np.log((1 + n) / (1 + found)) + 1).astype(np.float32)
        weighed: Sparse = unit(csr_array((weights[rows.indices], rows.indices, rows.indptr), shape=rows.shape))
        some = weighed
        if n > self.sample:
            some = weighed[np.sort(np.random.default_rng(self.seed).choice(n, self.sample, replace=False))]
        width = min(self.width, *some.shape)
        with work() as pool:
            _, _, axes = randomized_svd(some, width, n_iter=2, random_state=self.seed, transpose=False)
            vectors = np.ascontiguousarray(weighed @ np.ascontiguousarray(axes.T, np.float32), np.float32)
            run = Descent(
                pool, unit(vectors), np.ones(n, np.float32), n_clusters=self.n_clusters, spherical=True, seed=self.seed
            )
            run.run()
        return run.labels

    def _counted(self, turned: Sparse, shares: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n_topics, n_words) the smoothed share of each word in each cluster, of the transposed rows."""
        counts = np.asarray(turned @ shares).T + self.smoothing
        topics: NDArray[np.float32] = (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
        return topics

    def _amounts(self, rows: Sparse, topics: NDArray[np.float32]) -> Dense:
        """The probability of each cluster for each row, all clusters being as likely; zeros for a row of no words."""
        found = _likely(rows, topics, 1.0).astype(np.float32)
        found[np.diff(rows.indptr) == 0] = 0
        return found


def _likely(rows: Sparse, topics: NDArray[np.float32], sharpness: float) -> NDArray[np.float64]:
    """(n, n_topics) the probabilities of the topics, their logarithms times `sharpness`."""
    found = _logs(rows, topics) * sharpness
    found -= found.max(axis=1, keepdims=True)
    np.exp(found, out=found)
    found /= found.sum(axis=1, keepdims=True)
    return found


def _likelihood(rows: Sparse, topics: NDArray[np.float32]) -> float:
    """The mean logarithm of how likely each row was written by its likeliest topic."""
    return float(_logs(rows, topics).max(axis=1).mean())


def _logs(rows: Sparse, topics: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(rows @ np.log(np.maximum(topics.T.astype(np.float64), 1e-30)))
