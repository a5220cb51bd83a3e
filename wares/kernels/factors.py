"""The best products of many shoppers by dot products: cache-sized tiles, never a matrix of all scores."""

import numba as nb
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wares.kernels.greatest import greatest
from wares.kernels.topk import _sift

HEIGHT, WIDTH = 256, 2048
"""Shoppers and products of a tile: its scores take 2 MB, what a core's cache holds."""


@nb.njit(parallel=True, cache=True)
def _best(shoppers, tiles, n, indptr, indices, out_rows, out_scores, height):
    """Fill `out_rows` and `out_scores` (q, k); shoppers (q, f), tiles (n_tiles, f, width) of n products."""
    n_shoppers = shoppers.shape[0]
    k = out_rows.shape[1]
    width = tiles.shape[2]
    lowest = np.float32(-np.inf)
    step = 64
    for block in nb.prange((n_shoppers + height - 1) // height):
        start, stop = block * height, min(n_shoppers, block * height + height)
        mine = shoppers[start:stop]
        scores = np.empty((stop - start, width), np.float32)
        place = indptr[start:stop].copy()
        rows = np.full((stop - start, k), np.int64(n), np.int64)
        best = np.full((stop - start, k), lowest, np.float32)
        for tile in range(tiles.shape[0]):
            left = tile * width
            right = min(n, left + width)
            np.dot(mine, tiles[tile], scores)
            for i in range(stop - start):
                line = scores[i]
                while place[i] < indptr[start + i + 1] and indices[place[i]] < right:
                    line[indices[place[i]] - left] = lowest
                    place[i] += 1
                for first in range(0, right - left, step):
                    last = min(right - left, first + step)
                    # One comparison for 64 products: nearly all of them are below the k-th best so far.
                    if greatest(line, first, last) > best[i, 0]:
                        for j in range(first, last):
                            if line[j] > best[i, 0]:
                                rows[i, 0], best[i, 0] = left + j, line[j]
                                _sift(rows[i], best[i], k)
        for i in range(stop - start):
            for end in range(k - 1, -1, -1):
                row, score = rows[i, 0], best[i, 0]
                rows[i, 0], best[i, 0] = rows[i, end], best[i, end]
                _sift(rows[i], best[i], end)
                out_rows[start + i, end] = row if score > lowest else -1
                out_scores[start + i, end] = score


def best_products(
    shoppers: NDArray[np.float32],
    products: NDArray[np.float32],
    indptr: NDArray[np.integer],
    indices: NDArray[np.integer],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows and scores, (n_shoppers, k) each, of the greatest dot products; ties to the lower row.

    shoppers (n_shoppers, f), products (n, f); what `indptr` and `indices` hold (CSR, ascending) is left out.
    Uses all cores: for jobs over many shoppers, not for answers to one.
    """
    n, f = products.shape
    tiles = np.zeros((max(1, -(-n // WIDTH)), f, WIDTH), np.float32)
    for tile in range(len(tiles)):
        part = products[tile * WIDTH : (tile + 1) * WIDTH]
        tiles[tile, :, : len(part)] = part.T
    rows = np.full((len(shoppers), k), -1, np.int64)
    scores = np.full((len(shoppers), k), -np.inf, np.float32)
    with threadpool_limits(1, "blas"):
        shoppers = np.ascontiguousarray(shoppers, np.float32)
        _best(shoppers, tiles, n, indptr.astype(np.int64), indices.astype(np.int64), rows, scores, HEIGHT)
    return rows, scores
