"""The k nearest neighbours of every row: the graph that density, community and linkage methods work on."""

import numpy as np
from numpy.typing import NDArray

BLOCK = 1024
"""Rows compared with all others at once: BLOCK x n x 4 bytes."""


def exact(vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(n, k) rows and Euclidean distances of the nearest others of each row, nearest first, ties to the lower row.

    Where there are fewer than k others the last places hold -1 and infinity. Every row is compared with every other.
    """
    n = len(vectors)
    rows = np.full((n, k), -1, np.int32)
    distances = np.full((n, k), np.inf, np.float32)
    kept = min(k, n - 1)
    if kept < 1:
        return rows, distances
    squares = np.einsum("ij,ij->i", vectors, vectors)
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        gaps = squares[block, None] + squares - 2 * (vectors[block] @ vectors.T)
        np.maximum(gaps, 0, out=gaps)
        gaps[np.arange(gaps.shape[0]), np.arange(block.start, block.stop)] = np.inf
        near = np.argpartition(gaps, kept - 1, axis=1)[:, :kept]
        near.sort(axis=1)
        found = np.take_along_axis(gaps, near, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        rows[block, :kept] = np.take_along_axis(near, order, axis=1)
        distances[block, :kept] = np.sqrt(np.take_along_axis(found, order, axis=1))
    return rows, distances


def neighbours(
    vectors: NDArray[np.float32], k: int, *, recall: float = 0.95, seed: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(n, k) rows and Euclidean distances of the nearest others of each row, nearest first.

    -1 and infinity fill up where there are fewer. Exact for few rows; for many, about `recall` of the true neighbours.
    """
    return exact(vectors, k)
