"""The directions that vectors spread in; not an algorithm itself."""

import numpy as np
from threadpoolctl import threadpool_limits

from wares.arrays import Dense


def principal(rows: Dense, width: int) -> Dense:
    """(d, width) orthonormal float32 columns: the directions that hold most of the length of `rows` (n, d).

    Uncentred, so that cosines stay what they were. One thread and float64: the same rows give the same bits.
    Signs are settled by each column's largest entry.
    """
    with threadpool_limits(1, user_api="blas"):
        gram = np.zeros((rows.shape[1], rows.shape[1]))
        for start in range(0, len(rows), 8192):
            block = rows[start : start + 8192].astype(np.float64)
            gram += block.T @ block
        _, vectors = np.linalg.eigh(gram)
    vectors = vectors[:, ::-1][:, :width]
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    return np.ascontiguousarray(vectors * signs, np.float32)
