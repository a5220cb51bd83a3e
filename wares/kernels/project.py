"""Dense rows through a matrix, each row alone."""

import numba as nb
import numpy as np
from numpy.typing import NDArray


@nb.njit(nogil=True, cache=True, fastmath=False)
def project(rows, matrix, out):
    """Fill `out` (n, w) with `rows` (n, d) times `matrix` (d, w), float32.

    A BLAS product cuts its sums by how many rows there are; here a row's bits never hang on the others.
    """
    n, d = rows.shape
    width = matrix.shape[1]
    for i in range(n):
        for j in range(width):
            out[i, j] = 0
        for k in range(d):
            value = rows[i, k]
            if value != 0:
                for j in range(width):
                    out[i, j] += value * matrix[k, j]


def projected(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, w) rows times a matrix, the same bits for a row whatever stands beside it."""
    out = np.empty((len(rows), matrix.shape[1]), np.float32)
    project(np.ascontiguousarray(rows, np.float32), np.ascontiguousarray(matrix, np.float32), out)
    return out
