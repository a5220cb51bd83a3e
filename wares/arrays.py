"""The shapes that travel through the house, named once."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Dense: TypeAlias = NDArray[np.float32]
"""(n, width) float32, C order."""

Sparse: TypeAlias = csr_array
"""(n, width) float32, sorted indices."""

Vectors: TypeAlias = Dense | Sparse
"""(n, width) float32; unit rows, or a zero row where nothing is known."""

Labels: TypeAlias = NDArray[np.int64]
"""(n,) cluster or class numbers; -1 means none."""

Rows: TypeAlias = NDArray[np.int64]
"""(n,) row numbers of products or shoppers."""

Mask: TypeAlias = NDArray[np.bool_]
"""(n_products,) True where a product may be answered."""

Links: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Must-link and cannot-link pairs, (n, 2) each."""


def unit(vectors: Any) -> Any:
    """The same vectors with rows of length one; zero rows stay zero."""
    if isinstance(vectors, csr_array):
        lengths = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
        scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        out = vectors.copy()
        out.data = (out.data * np.repeat(scale, np.diff(out.indptr))).astype(np.float32)
        return out
    # The sum that np.linalg.norm takes, without its questions: a query asks four times.
    lengths = np.sqrt(np.add.reduce(vectors * vectors, axis=1, keepdims=True))
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
