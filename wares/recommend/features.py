"""What recommenders read of the vectors of products: the directions that keep most of them."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.arrays import Dense


def basis(vectors: Any, width: int, seed: int) -> Dense:
    """(vectors' width, width) the directions that keep most of the vectors' length; all of them where few enough."""
    wide = vectors.shape[1]
    if wide <= width:
        return np.eye(wide, dtype=np.float32)
    if isinstance(vectors, csr_array):
        from sklearn.decomposition import TruncatedSVD  # only sparse vectors need it, and it takes a while to import

        found = TruncatedSVD(min(width, vectors.shape[0]), random_state=seed).fit(vectors).components_.T
    else:
        with threadpool_limits(1, user_api="blas"):  # so small a matrix has threads mostly wait for each other
            _, directions = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
        found = directions[:, ::-1][:, :width]
    # A direction has no sign of its own: its greatest entry is made positive, whatever the library chose.
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    return np.ascontiguousarray(found * signs, np.float32)
