"""How far DBSCAN should reach: the knee of the distances to the k-th row, then a small grid around it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense, Labels
from wares.kernels.density import along

AROUND = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.6)
"""Reaches tried, as parts of the knee."""

MOST = 5_000
"""Rows on which a try is judged."""


@dataclass(frozen=True)
class Try:
    """One reach and count tried: clusters it makes, share of rows in them, and how well they part, -1..1."""

    eps: float
    min_samples: int
    n_clusters: int
    share: float
    score: float


def knee(distances: NDArray[np.floating]) -> float:
    """The distance where the sorted curve turns up: farthest below the line from its median to its end.

    The lower half is left out: there the curve of a catalog leaps from copies, at no distance, to all the others.
    """
    curve = np.sort(distances[np.isfinite(distances) & (distances > 0)].astype(np.float64))
    curve = curve[len(curve) // 2 :]
    if len(curve) < 3 or curve[-1] == curve[0]:
        return float(curve[-1]) if len(curve) else 0.0
    line = np.linspace(curve[0], curve[-1], len(curve))
    return float(curve[(line - curve).argmax()])


def tries(
    rows: Dense,
    near: NDArray[np.int32],
    lengths: NDArray[np.float32],
    counts: Iterable[int],
    eps: float | None,
    seed: int,
) -> list[Try]:
    """What each reach and count comes to, along the lists of near rows: no pair outside of them is looked at."""
    picked = np.random.default_rng(seed).permutation(len(rows))[:MOST]
    found = []
    for count in counts:
        to_kth = lengths[:, count - 2] if count > 1 else np.zeros(len(rows), np.float32)
        bend = knee(to_kth)
        for reach in [eps] if eps is not None else [part * bend for part in AROUND]:
            core = to_kth <= reach
            labels = np.where(core, along(near, lengths, core, reach), -1)
            for t in range(near.shape[1]):  # those on the border, beside their nearest core row
                loose = np.flatnonzero((labels < 0) & (near[:, t] >= 0) & (lengths[:, t] <= reach))
                beside = near[loose, t]
                labels[loose] = np.where(core[beside], labels[beside], -1)
            held = labels >= 0
            _, labels[held] = np.unique(labels[held], return_inverse=True)
            n_clusters, share = int(labels.max()) + 1, float(held.mean())
            found.append(Try(float(reach), int(count), n_clusters, share, _parting(rows, labels, picked)))
    return found


def _parting(rows: Dense, labels: Labels, picked: NDArray[np.int64]) -> float:
    """Mean silhouette of the rows picked by distances to the centres, 0 for those in no cluster, -1 without two."""
    n_clusters = int(labels.max()) + 1
    if n_clusters < 2:
        return -1.0 + 1e-3 * float((labels >= 0).mean())
    centers = np.zeros((n_clusters, rows.shape[1]))
    held = np.flatnonzero(labels >= 0)
    order = held[np.argsort(labels[held], kind="stable")]
    starts = np.searchsorted(labels[order], np.arange(n_clusters))
    centers = np.add.reduceat(rows[order].astype(np.float64), starts) / np.bincount(labels[held])[:, None]
    picked = picked[labels[picked] >= 0]
    total = 0.0
    for start in range(0, len(picked), 512):
        block = picked[start : start + 512]
        gaps = (rows[block].astype(np.float64) ** 2).sum(axis=1)[:, None] - 2 * (rows[block] @ centers.T)
        gaps = np.sqrt(np.maximum(gaps + (centers**2).sum(axis=1), 0))
        own = gaps[np.arange(len(block)), labels[block]]
        gaps[np.arange(len(block)), labels[block]] = np.inf
        other = gaps.min(axis=1)
        most = np.maximum(own, other)
        total += float(np.divide(other - own, most, out=np.zeros(len(block)), where=most > 0).sum())
    return total / min(len(rows), MOST)
