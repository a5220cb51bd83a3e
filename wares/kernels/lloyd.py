"""k-means in plain numpy, one idea a line: the way for sparse vectors, and what the fast loops are held to."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Vectors

BLOCK = 4096
"""Rows scored at once: BLOCK x n_centers x 8 bytes."""


def distances(vectors: Vectors, centers: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, n_centers) squared distances, in float64 for dense rows."""
    wide = centers.astype(np.float64)
    products = np.asarray(vectors @ wide.T) if isinstance(vectors, csr_array) else vectors.astype(np.float64) @ wide.T
    out: NDArray[np.float64] = squares(vectors)[:, None] - 2.0 * products + np.einsum("ij,ij->i", wide, wide)
    return np.maximum(out, 0.0, out=out)


def squares(vectors: Vectors) -> NDArray[np.float64]:
    """(n,) squared lengths."""
    if isinstance(vectors, csr_array):
        return np.asarray(vectors.multiply(vectors).sum(axis=1), dtype=np.float64).ravel()
    out: NDArray[np.float64] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return out


def nearest(vectors: Vectors, centers: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n,) nearest centre of each row, ties to the lower, and (n,) squared distance to it."""
    labels, least = np.empty(vectors.shape[0], np.int64), np.empty(vectors.shape[0])
    for start in range(0, len(labels), BLOCK):
        rows = slice(start, start + BLOCK)
        found = distances(vectors[rows], centers)
        labels[rows] = found.argmin(axis=1)
        least[rows] = found.min(axis=1)
    return labels, least


def means(
    vectors: Vectors,
    weights: NDArray[np.float32],
    labels: NDArray[np.int64],
    centers: NDArray[np.float32],
    spherical: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Weighted mean of each group (of unit length if spherical) and its weight; an empty one keeps its centre."""
    k, n = len(centers), vectors.shape[0]
    members = csr_array((weights.astype(np.float64), (labels, np.arange(n))), shape=(k, n))
    product: Any = members @ vectors.astype(np.float64)
    sums: NDArray[np.float64] = product.toarray() if isinstance(product, csr_array) else product
    mass: NDArray[np.float64] = np.bincount(labels, weights.astype(np.float64), k).astype(np.float64)
    scale = np.sqrt(np.einsum("ij,ij->i", sums, sums)) if spherical else mass
    out = centers.astype(np.float64)
    out[scale > 0] = sums[scale > 0] / scale[scale > 0, None]
    return out.astype(np.float32), mass


def plus_plus(vectors: Vectors, weights: NDArray[np.float32], k: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """k-means++: (at most k, width) rows, drawn by weight times squared distance to those before.

    Of a few rows drawn the one that lowers the inertia most is taken.
    """
    chosen: list[NDArray[np.float32]] = []
    chance = weights.astype(np.float64)
    gap = np.full(vectors.shape[0], np.inf)
    rounding = 1e-6 * squares(vectors)  # what is left of a difference of equal numbers is not distance
    while len(chosen) < k and chance.sum() > 0:
        rows = rng.choice(len(chance), 2 + int(np.log(k)) if chosen else 1, p=chance / chance.sum())
        found: Any = vectors[rows]
        points = np.asarray(found.toarray() if isinstance(found, csr_array) else found, np.float32)
        gaps = np.minimum(gap[:, None], distances(vectors, points))
        gaps[gaps <= rounding[:, None]] = 0.0
        best = int((gaps * weights[:, None]).sum(axis=0).argmin())
        chosen.append(points[best])
        gap = gaps[:, best]
        chance = gap * weights
    return np.stack(chosen)
