"""Clusters in departments: a tree over the clusters, from all of them down to each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from wares.arrays import Labels, Vectors
from wares.tasks.sparing import Read

FEW = 6
"""Clusters up to which departments would say nothing more."""


@dataclass(frozen=True)
class Department:
    """Clusters that belong together. clusters : their numbers, the largest first."""

    name: str
    size: int
    keywords: Sequence[str]
    clusters: Sequence[int] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "size": self.size,
            "keywords": list(self.keywords),
            "clusters": list(self.clusters),
        }


def merges(centers: NDArray[np.float32]) -> NDArray[np.float64]:
    """(k - 1, 4) Ward's merges of the centres, in scipy's linkage format; empty for fewer than two."""
    if len(centers) < 2:
        return np.empty((0, 4))
    found: NDArray[np.float64] = linkage(centers.astype(np.float64), "ward")
    return found


def cut(tree: NDArray[np.float64]) -> Labels:
    """(k,) department of each cluster: cut where the next merge is the dearest against the one before.

    About the square root of k departments, two thirds of it to three halves; one for up to 6 clusters.
    """
    k = len(tree) + 1
    if k <= FEW:
        return np.zeros(k, np.int64)
    root = k**0.5
    counts = np.arange(max(2, round(root / 1.5)), min(round(1.5 * root), k - 1) + 1)
    # With c departments the last merge made is number k - c, the next one k - c + 1.
    rise = tree[k - counts, 2] / np.maximum(tree[k - counts - 1, 2], 1e-12)
    best = int(counts[int(np.argmax(rise))])
    return np.asarray(fcluster(tree, best, "maxclust"), np.int64) - 1


def departments(words: Read, labels: Labels, X: Vectors, tree: NDArray[np.float64]) -> list[Department]:
    """The departments of clusters 0..labels.max(), the largest first, named as clusters are: from `words`."""
    of = cut(tree)
    wide = np.where(labels >= 0, of[labels], -1)
    sizes = np.bincount(labels[labels >= 0], minlength=len(of))
    found = []
    for number, each in enumerate(words.named(wide, X)):
        members = sorted(np.flatnonzero(of == number).tolist(), key=lambda cluster: (-int(sizes[cluster]), cluster))
        found.append(Department(each.name, int(sizes[members].sum()), each.keywords, members))
    return sorted(found, key=lambda each: -each.size)
