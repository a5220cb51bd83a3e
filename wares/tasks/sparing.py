"""Some products that stand for all, where all are too many to look at their words at once."""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.tasks.naming import COLUMNS, ClusterName, name_clusters

MOST = 100_000
"""Products whose words are read to name clusters; of more, as many of each cluster as it has of all."""

LEAST = 100
"""Products of a cluster that are read in any case, where it has as many."""

_LETTERS = 1_000  # of a title, brand or category


def named(catalog: Catalog, labels: Labels, X: Vectors) -> list[ClusterName]:
    """`name_clusters`, from some of the products where there are many: at most 100,000, and a hundred a cluster."""
    rows = some(labels)
    columns = [name for name in COLUMNS if catalog.has(name)]
    parts = []
    start = 0
    for piece in catalog.pieces(columns):
        low, high = np.searchsorted(rows, (start, start + len(piece)))
        cut = [pl.col(name).str.slice(0, _LETTERS) for name in columns]
        parts.append(piece.scan.select(pl.col("id"), *cut).collect()[rows[low:high] - start])
        start += len(piece)
    if not parts:
        return name_clusters(catalog, labels, X)
    few = X if len(rows) == len(labels) else X[rows]
    found = name_clusters(Catalog(pl.concat(parts)), labels[rows], few)
    return [replace(each, typical=rows[each.typical].tolist()) for each in found]


def some(labels: Labels) -> NDArray[np.int64]:
    """Rows, ascending: all, or every so-manieth of each cluster."""
    n = len(labels)
    if n <= MOST:
        return np.arange(n)
    order = np.argsort(labels, kind="stable")
    sizes = np.diff(np.append(np.flatnonzero(np.diff(labels[order], prepend=-2)), n))
    wanted = np.minimum(sizes, np.maximum(np.round(sizes * (MOST / n)).astype(np.int64), LEAST))
    place = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # Evenly through the cluster: a row is taken where the number due goes up.
    due, size = np.repeat(wanted, sizes), np.repeat(sizes, sizes)
    taken = (place + 1) * due // size > place * due // size
    return np.sort(order[taken])
