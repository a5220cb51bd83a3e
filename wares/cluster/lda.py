"""Latent Dirichlet allocation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.arrays import Dense, Sparse
from wares.cluster.topics import Topics, seeds
from wares.kernels import topics as fast


@dataclass(kw_only=True, eq=False)
class LDA(Topics):
    """Each text a mixture of topics, each topic a distribution over words.

    Choose it for descriptions of some length, where a product is of several things at once and the topics are to be
    read: each has its words, each product its shares. On titles of a few words `nmf` is as good and k-means on
    sentence vectors better. Learned online, a batch at a time, by collapsed variational inference of order zero; what
    a topic's words are worth is learned from all the rows, in several passes. Time O(passes x words of all rows x
    n_clusters); memory 4 x n_clusters x (n_rows + n_words) bytes beside the rows.

    Ask for more topics than there are distinct rows and there is one for each. A row without a known word goes to the
    largest topic, with the sizes of the topics as its probabilities.

    Settings
    --------
    n_clusters : topics; those that no row has most of are let go.
    words_prior : added to the count of each word in each topic; less makes sharper topics.
    topics_prior : words of each topic that every text is given before it is read; less makes purer texts.
    passes : over all rows. batch : rows between two updates of the topics.
    rounds : most rounds of reading one text; tol : of its words, how many may still move.
    delay, fade : a batch's share in the topics is (delay + batches before) ** -fade.

    Learned
    -------
    components_ : (n_clusters_, n_words) float32, rows sum to 1: the words of each topic.
    labels_ : (n,) int64, the topic with the largest share. shares_ : (n_clusters_,) float32, how many rows each has.

    Source: Blei, Ng & Jordan 2003, doi:10.5555/944919.944937; Asuncion et al. 2009, arXiv:1205.2662, and Foulds et
    al. 2013, doi:10.1145/2487575.2487697, for how it is learned.
    """

    n_clusters: int = setting(20, low=1)
    words_prior: float = setting(0.05, low=0)
    topics_prior: float = setting(0.1, low=0)
    passes: int = setting(10, low=1)
    batch: int = setting(1024, low=1)
    rounds: int = setting(50, low=1)
    tol: float = setting(1e-2, low=0)
    delay: float = setting(4.0, low=1)
    fade: float = setting(0.7, low=0.5, high=1)
    seed: int = setting(0, low=0)

    def _learn(self, rows: Sparse) -> NDArray[np.float32]:
        rng = np.random.default_rng(self.seed)
        first = seeds(rows, self.n_clusters, 10, 10_000, rng)
        total = float(rows.data.sum(dtype=np.float64))
        if not total:
            return np.full((1, rows.shape[1]), 1 / max(rows.shape[1], 1), np.float32)
        # The seeds count as if each were an equal part of all the words.
        counts = first.astype(np.float64) * (total / len(first) / first.sum(axis=1, keepdims=True))
        steps = 0
        for _ in range(self.passes):
            order = rng.permutation(rows.shape[0])
            for start in range(0, len(order), self.batch):
                part = rows[np.sort(order[start : start + self.batch])]
                found = self._counted(part, self._words(counts))
                size = float(part.data.sum(dtype=np.float64))
                steps += 1
                if size:
                    share = min(1.0, (self.delay + steps) ** -self.fade)
                    counts = (1 - share) * counts + share * total / size * found
        return self._words(counts)

    def _words(self, counts: NDArray[np.float64]) -> NDArray[np.float32]:
        raised = counts + self.words_prior
        shares: NDArray[np.float32] = (raised / np.maximum(raised.sum(axis=1, keepdims=True), 1e-30)).astype(np.float32)
        return shares

    def _counted(self, rows: Sparse, topics: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n_topics, n_words) how many of the words of these rows come of each topic."""
        amounts, shares = self._mixed(rows, topics)
        weighted = type(rows)((shares, rows.indices, rows.indptr), shape=rows.shape)
        return np.asarray(topics.astype(np.float64) * (weighted.T @ amounts).T)

    def _amounts(self, rows: Sparse, topics: NDArray[np.float32]) -> Dense:
        amounts, shares = self._mixed(rows, topics)
        # Words that stand in no topic leave only the prior.
        known = np.add.reduceat(np.append(shares, 0), rows.indptr[:-1]) if rows.shape[0] else shares[:0]
        known[np.diff(rows.indptr) == 0] = 0
        amounts[known == 0] = 0
        return amounts

    def _mixed(self, rows: Sparse, topics: NDArray[np.float32]) -> tuple[Dense, NDArray[np.float32]]:
        used, place = np.unique(rows.indices, return_inverse=True)  # a question of one row needs few words
        words = np.ascontiguousarray(topics[:, used].T)
        prior = np.full(len(topics), self.topics_prior, np.float32)
        amounts = np.empty((rows.shape[0], len(topics)), np.float32)
        shares = np.zeros(rows.nnz, np.float32)
        indptr = rows.indptr.astype(np.int64)
        data = np.ascontiguousarray(rows.data, np.float32)
        fast.mixed(
            data, place.astype(np.int64), indptr, words, prior, self.rounds, np.float32(self.tol), amounts, shares
        )
        return amounts, shares
