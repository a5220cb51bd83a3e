"""The directions in which histories spread: where networks begin."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from wares.arrays import Dense


def directions(taken: csr_array, most: int, seed: int) -> Dense:
    """(n_products, at most `most`) float32 orthonormal columns, those of histories of length one; few where few are.

    One thread: the same histories give the same bits.
    """
    found = min(*taken.shape, most)
    if found < 1 or not taken.nnz:
        return np.zeros((taken.shape[1], 0), np.float32)
    rows = csr_array(taken.multiply(1 / np.sqrt(np.maximum(taken.multiply(taken).sum(axis=1), 1e-12))[:, None]))
    with threadpool_limits(1, user_api="blas"):
        _, _, lines = randomized_svd(rows, found, n_iter=4, random_state=seed)
    return np.ascontiguousarray(lines.T, np.float32)
