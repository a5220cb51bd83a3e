"""A map of the catalog: a place in the plane for every product, like products near one another."""

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense
from wares.cluster.graph import graph
from wares.errors import DataError
from wares.kernels.distinct import kinds
from wares.kernels.kmeans import work
from wares.kernels.layout import settle

NEIGHBOURS = 15
ROUNDS = 80
PUSHES = 3
"""Points that each edge pushes its first end from; the fewer, the tighter the groups."""

EXTENT = 10.0
"""How far the first places reach from the middle."""

SAMPLE = 4096
"""Rows that the directions of the first places are found from."""


def layout(vectors: Dense, *, seed: int = 0) -> NDArray[np.float32]:
    """(n, 2) places of the rows of (n, width) vectors, around the origin; identical rows in one place.

    The kNN graph drawn by pulls along its edges and pushes from points drawn at random, from the two directions of
    greatest spread: neighbourhoods are kept, distances between far groups say little. Same seed, same rows: same map.
    Time O(n) after the graph; memory that of the graph, some 400 bytes a row. Raises DataError.

    Source: Tang, Liu, Zhang & Mei 2016, doi:10.1145/2872427.2883041; McInnes, Healy & Melville 2018, arXiv:1802.03426.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise DataError(f"a map needs a table of finite numbers, not {vectors.shape} with NaN or infinity")
    if not len(vectors):
        return np.empty((0, 2), np.float32)
    with work() as pool:
        bounds, order = kinds(pool, vectors, np.arange(len(vectors)))
        points = vectors[order[bounds[:-1]]]
        places = _first(points, seed)
    ties = graph(points, NEIGHBOURS, "near", seed)
    chances = ties.weights / max(float(ties.weights.max(initial=0)), np.finfo(float).tiny)
    settle(ties.bounds, ties.others, chances, places, ROUNDS, PUSHES, seed)
    places -= places.mean(axis=0)
    out = np.empty((len(vectors), 2), np.float32)
    out[order] = np.repeat(places, np.diff(bounds), axis=0)
    return out


def _first(points: Dense, seed: int) -> NDArray[np.float64]:
    """(n, 2) along the two directions of greatest spread, and a little beside: points on one line have to part."""
    rng = np.random.default_rng(seed)
    some = points if len(points) <= SAMPLE else points[np.sort(rng.choice(len(points), SAMPLE, replace=False))]
    middle = some.mean(axis=0, dtype=np.float64)
    spread = (some - middle).T @ (some - middle)
    directions = np.linalg.eigh(spread)[1][:, :-3:-1]
    directions = directions * np.where(directions.sum(axis=0) < 0, -1, 1)
    places = np.zeros((len(points), 2))
    places[:, : directions.shape[1]] = (points - middle.astype(np.float32)) @ directions.astype(np.float32)
    extent = float(np.abs(places).max())
    if extent > 0:
        places *= EXTENT / extent
    return places + rng.normal(scale=1e-2, size=places.shape)
