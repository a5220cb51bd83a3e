"""Non-negative matrix factorisation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import setting
from wares.arrays import Dense, Sparse, unit
from wares.cluster.topics import Topics, seeds
from wares.kernels import topics as fast


@dataclass(kw_only=True, eq=False)
class NMF(Topics):
    """Each text a sum of parts, each part a list of words with weights; nothing is ever taken away.

    Choose it for topics of titles and short descriptions: words are weighed by how rare they are (TF-IDF), so its
    topics are plainer than those of `lda`, which suits long descriptions. The parts are learned from a sample, one
    part after the other set to its best; then every row is placed. Time O(rounds x words of the sample x n_clusters);
    memory 4 x n_clusters x (n_rows + n_words) bytes beside the rows and their weights.

    Ask for more topics than there are distinct rows and there is one for each. A row without a known word goes to the
    largest topic, with the sizes of the topics as its probabilities.

    Settings
    --------
    n_clusters : topics; those that no row has most of are let go.
    sample : rows that the parts are learned from.
    rounds : of improving the parts and what each row has of them; tol : it ends when a round gains less than this share
        of the error.
    sublinear : count a word that comes n times as 1 + ln(n).

    Learned
    -------
    components_ : (n_clusters_, n_words) float32, rows of length 1: the words of each topic.
    idf_ : (n_words,) float32, ln((1 + n) / (1 + rows that have it)) + 1.
    labels_ : (n,) int64, the topic with the largest weight. shares_ : (n_clusters_,) float32, how many rows each has.

    Source: Lee & Seung 1999, doi:10.1038/44565; Cichocki & Phan 2009, doi:10.1587/transfun.E92.A.708, for how it is
    learned.
    """

    n_clusters: int = setting(20, low=1)
    sample: int = setting(50_000, low=256)
    rounds: int = setting(100, low=1)
    tol: float = setting(1e-4, low=0)
    sublinear: bool = True
    seed: int = setting(0, low=0)

    def _learn(self, rows: Sparse) -> NDArray[np.float32]:
        rng = np.random.default_rng(self.seed)
        n, width = rows.shape
        found = np.bincount(rows.indices[rows.data > 0], minlength=width)
        self.idf_ = (np.log((1 + n) / (1 + found)) + 1).astype(np.float32)
        chosen = rows
        if n > self.sample:
            chosen = rows[np.sort(rng.choice(n, self.sample, replace=False))]
        weighed = self._weighed(chosen)
        parts = seeds(weighed, self.n_clusters, 10, 10_000, rng)
        total = float(np.square(weighed.data, dtype=np.float64).sum())
        if not total:
            return parts
        turned = csr_array(weighed.T)
        amounts, error = np.zeros((weighed.shape[0], len(parts)), np.float32), np.inf
        for _ in range(self.rounds):
            gram, products = _gram(parts.T), _product(weighed, parts.T)
            fast.parts(products, gram, 2, np.float32(0), amounts)
            # |X - WH|² of the parts before, from the small tables alone.
            inner = float((amounts * products).sum(dtype=np.float64))
            before, error = error, total - 2 * inner + float((_gram(amounts) * gram).sum(dtype=np.float64))
            if before - error <= self.tol * max(error, 0.0):
                break
            wide = np.ascontiguousarray(parts.T)
            fast.parts(_product(turned, amounts), _gram(amounts), 2, np.float32(0), wide)
            # Of length 1, so that what a row has of one part compares with what it has of another.
            lengths = np.linalg.norm(wide, axis=0)
            wide[:, lengths > 0] /= lengths[lengths > 0]
            amounts *= lengths
            parts = np.ascontiguousarray(wide.T[lengths > 0])
            amounts = np.ascontiguousarray(amounts[:, lengths > 0])
        return parts

    def _amounts(self, rows: Sparse, topics: NDArray[np.float32]) -> Dense:
        products, gram = _product(self._weighed(rows), topics.T), _gram(topics.T)
        out = np.zeros((rows.shape[0], len(topics)), np.float32)
        fast.parts(products, gram, 200, np.float32(1e-5), out)
        return out

    def _weighed(self, rows: Sparse) -> Sparse:
        """Unit rows of TF-IDF."""
        data = rows.data
        if self.sublinear:  # as 1 + ln(n) from 1 on, in proportion below, where it would be less than nothing
            data = np.where(data >= 1, 1 + np.log(np.maximum(data, 1)), data).astype(np.float32)
        out: Sparse = unit(csr_array((data * self.idf_[rows.indices], rows.indices, rows.indptr), shape=rows.shape))
        return out


def _gram(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k, k) the products of the columns of (n, k) with each other."""
    return np.ascontiguousarray(columns.T @ columns, np.float32)


def _product(rows: Sparse, columns: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(rows @ np.ascontiguousarray(columns), np.float32)
