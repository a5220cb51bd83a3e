"""Whether the clusters still suit what comes in: measured on each addition, and said when a new clustering is due."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Labels, Vectors
from wares.errors import DataError
from wares.tasks.agreement import dense

FAR = 0.2
"""Share of the products clustered that lie farther from their centre than `Drift.limit`."""

TOO_FAR = 0.35
"""The share of far products among new ones that is to be found out."""

ALARM = 18.0
"""The score at which a clustering is due. By Wald's bound a stream of the same mix reaches it with a chance of
exp(-18) from any point on: about once in 60 million products."""

_IF_FAR, _IF_NEAR = float(np.log(TOO_FAR / FAR)), float(np.log((1 - TOO_FAR) / (1 - FAR)))

MOVED = 20
"""Products that must have come to a cluster before the movement of its centre is told."""

BLOCK = 4096
"""Products looked at at once."""


def means(vectors: Vectors, labels: Labels) -> NDArray[np.float32]:
    """(n_clusters, width) mean of each cluster 0..labels.max()."""
    n_clusters = int(labels.max(initial=-1)) + 1
    out = np.zeros((n_clusters, vectors.shape[1]))
    for start in range(0, vectors.shape[0], BLOCK):
        block, some = dense(vectors[start : start + BLOCK]), labels[start : start + BLOCK]
        order = np.argsort(some, kind="stable")
        found, first = np.unique(some[order], return_index=True)
        sums = np.add.reduceat(block[order].astype(np.float64), first, axis=0)
        out[found[found >= 0]] += sums[found >= 0]
    sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
    return (out / np.maximum(sizes, 1)[:, None]).astype(np.float32)


def limit_of(vectors: Vectors, labels: Labels, centers: NDArray[np.float32]) -> float:
    """The squared distance to the nearest centre that a fifth of such products, were they new, would exceed.

    A product has pulled its own centre towards itself; as a new one it would lie (m / (m - 1))² times as far, m being
    the size of its cluster. That is taken into account.
    """
    rows = np.flatnonzero(labels >= 0)
    if not len(rows):
        raise DataError("no product is in a cluster: there is nothing to measure drift against")
    sizes = np.maximum(np.bincount(labels[rows], minlength=len(centers)), 2)
    grown = (sizes / (sizes - 1.0)) ** 2
    gaps = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        away = dense(vectors[some]) - centers[labels[some]]
        gaps[start : start + BLOCK] = np.einsum("ij,ij->i", away, away) * grown[labels[some]]
    return float(np.quantile(gaps, 1 - FAR))


@dataclass
class Drift:
    """What has come in since the clusters were made, against what they were made of.

    centers : (n_clusters, width) means of the clusters. limit : see `limit_of`. n, far : products seen, and those of
    them farther from every centre than the limit. score : a cumulative sum (Page 1954) of the evidence that far
    products are 35 % and not 20 % of what comes in; `due` once it has reached 18, and from then on.
    """

    centers: NDArray[np.float32]
    limit: float
    n: int = 0
    far: int = 0
    score: float = 0.0
    due: bool = False
    _came: NDArray[np.int64] = field(init=False, repr=False)
    _sums: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._came = np.zeros(len(self.centers), np.int64)
        self._sums = np.zeros(self.centers.shape)

    def observe(self, vectors: Vectors) -> tuple[Labels, NDArray[np.float64]]:
        """Take in new products (m, width) in their order; returns the nearest centre and the squared distance of each.

        Raises DataError for another width.
        """
        if vectors.shape[1] != self.centers.shape[1]:
            raise DataError(f"vectors of width {vectors.shape[1]}, but the clusters' are {self.centers.shape[1]}")
        labels, gaps = np.empty(vectors.shape[0], np.int64), np.empty(vectors.shape[0])
        squares = np.einsum("ij,ij->i", self.centers, self.centers)
        for start in range(0, len(labels), BLOCK):
            block = dense(vectors[start : start + BLOCK])
            near = (squares - 2 * (block @ self.centers.T)).argmin(axis=1)
            away = block.astype(np.float64) - self.centers[near]
            labels[start : start + BLOCK] = near
            gaps[start : start + BLOCK] = np.einsum("ij,ij->i", away, away)
            np.add.at(self._sums, near, away)
        self._came += np.bincount(labels, minlength=len(self._came))
        self._count(gaps > self.limit)
        return labels, gaps

    def _count(self, far: NDArray[np.bool_]) -> None:
        for each in far:
            self.score = max(0.0, self.score + (_IF_FAR if each else _IF_NEAR))
            self.due = self.due or self.score >= ALARM
        self.n, self.far = self.n + len(far), self.far + int(far.sum())

    def movement(self) -> NDArray[np.float64]:
        """(n_clusters,) how far the mean of what came to each centre lies from it; 0 where under 20 products came."""
        lengths = np.linalg.norm(self._sums, axis=1) / np.maximum(self._came, 1)
        out: NDArray[np.float64] = np.where(self._came >= MOVED, lengths, 0.0)
        return out

    def json(self) -> dict[str, Any]:
        """Plain values: what has come, the share that is far, what was to be expected, and whether it is time."""
        moved = self.movement()
        return {
            "products": self.n,
            "far_share": self.far / self.n if self.n else 0.0,
            "expected_far_share": FAR,
            "score": round(self.score, 3),
            "alarm": ALARM,
            "due": self.due,
            "most_moved": None if not moved.any() else {"cluster": int(moved.argmax()), "by": float(moved.max())},
        }
