"""Vectors of products that the same shoppers took: where a network begins that has to learn them."""

import numpy as np
from sklearn.utils.extmath import randomized_svd

from wares.arrays import Dense
from wares.data.history import History

ITERATIONS = 4
"""Of the randomised decomposition; more change nothing that learning does not."""


def together(history: History, width: int, seed: int) -> Dense:
    """(n_products, width) float32 singular vectors of shoppers x products, each scaled by its root.

    Who took much and what was taken much count less; the mean length of a row is 1, columns there are too few of are 0.
    Time O(events x width).
    """
    taken = history.matrix()
    taken.data[:] = 1
    counts = np.maximum(taken.sum(axis=1), 1)
    taken.data *= np.repeat(counts**-0.5, np.diff(taken.indptr)).astype(np.float32)
    taken.data *= np.maximum(np.bincount(taken.indices, minlength=taken.shape[1]), 1)[taken.indices] ** np.float32(-0.5)
    vectors = np.zeros((taken.shape[1], width), np.float32)
    rank = min(width, *taken.shape)
    _, sizes, rows = randomized_svd(taken, rank, n_iter=ITERATIONS, random_state=seed)
    vectors[:, :rank] = rows.T * np.sqrt(sizes)
    return np.asarray(vectors / max(float(np.linalg.norm(vectors, axis=1).mean()), 1e-9), np.float32)
