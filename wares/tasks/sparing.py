"""Some products that stand for all, where all are too many to look at their words at once."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.tasks.naming import COLUMNS, ClusterName, name_clusters
from wares.tasks.wording import Wording

MOST = 100_000
"""Products whose words are read to name clusters; of more, as many of each cluster as it has of all."""

LEAST = 100
"""Products of a cluster that are read in any case, where it has as many."""

_LETTERS = 1_000  # of a title, brand or category


@dataclass(frozen=True, eq=False)
class Read:
    """Products whose words were read once, to name clusters and what is made of clusters. rows : theirs, ascending."""

    catalog: Catalog
    rows: NDArray[np.int64]
    wording: Wording

    def named(self, labels: Labels, X: Vectors) -> list[ClusterName]:
        """`name_clusters` of these products; labels and X of all of them."""
        few = X if len(self.rows) == len(labels) else X[self.rows]
        found = name_clusters(self.catalog, labels[self.rows], few, wording=self.wording)
        return [replace(each, typical=self.rows[each.typical].tolist()) for each in found]


def read(catalog: Catalog, labels: Labels) -> Read:
    """The words of the products, of some where there are many: at most 100,000, and a hundred a cluster of `labels`."""
    rows = some(labels)
    columns = [name for name in COLUMNS if catalog.has(name)]
    parts = []
    start = 0
    for piece in catalog.pieces(columns):
        low, high = np.searchsorted(rows, (start, start + len(piece)))
        cut = [pl.col(name).str.slice(0, _LETTERS) for name in columns]
        parts.append(piece.scan.select(pl.col("id"), *cut).collect()[rows[low:high] - start])
        start += len(piece)
    few = Catalog(pl.concat(parts)) if parts else catalog
    return Read(few, rows, Wording.of(few, COLUMNS))


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
