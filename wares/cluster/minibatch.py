"""k-means in one batch of rows after the other, for catalogs beyond memory."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.arrays import Links
from wares.cluster.centred import Centred
from wares.cluster.descent import Descent
from wares.cluster.parts import Parts
from wares.errors import SettingError
from wares.kernels.kmeans import Work, group, work
from wares.runner import Local, Runner

LEAST = 20_000
"""Rows of the sample at least: where there are no more, the sample is everything and the answer that of `kmeans`."""


@dataclass(kw_only=True, eq=False)
class MiniBatch(Centred):
    """Centres that follow the rows as they are read, in parts, from a file.

    Choose it when the vectors do not fit into memory twice, a `np.memmap` of them as X; otherwise `kmeans` is as fast
    and reaches a lower inertia. First centres come from k-means on a sample; in each pass they become running means of
    the rows that are nearest, batch by batch; a centre that hardly any row chose is moved among rows far from all. The
    last pass is over all centres and exact. Time O(n x n_clusters x width) a pass. Memory: the sample twice and one
    part of 64 MB, whatever n is (256 wide, 1,000 clusters: 0.4 GB), and some 40 bytes a row.

    Ask for more clusters than there are distinct rows and there is one for each distinct row of the sample; NaN and
    infinity are errors, told when their part is read.

    Settings
    --------
    n_clusters : clusters to make.
    sample : rows of the sample for each cluster, drawn at random places of the file (never fewer than 20,000 in all).
    batch_size : rows between two moves of the centres.
    epochs : passes over all rows.
    reassign : a centre with less than this share of the mean weight, after a pass, is dead.
    seed : same seed, same rows, same machine: same bits, on any number of threads.
    radius : distance from the own centre beyond which a row is borderline; 0 takes the one that holds `inside`.
    inside : share of the fitted rows within the radius, where `radius` is 0.

    Learned
    -------
    cluster_centers_ : (n_clusters_, width) float32.
    labels_ : (n,) int64, each cluster having at least one row.
    inertia_ : sum of squared distances to the centres.
    n_reassigned_ : dead centres moved.
    radius_ : distance beyond which a row is borderline. borderline_ : (n,) which of the rows fitted are.

    Source: Sculley 2010, doi:10.1145/1772690.1772862.
    """

    n_clusters: int = setting(8, low=1)
    sample: int = setting(100, low=2)
    batch_size: int = setting(8192, low=1)
    epochs: int = setting(2, low=0)
    reassign: float = setting(0.01, low=0, high=1)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width), an array or a mapped one, which is read in parts.

        Raises SettingError for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError("MiniBatch cannot honour must-link and cannot-link pairs")
        parts = self._parts(X, reset=True)
        rng = np.random.default_rng(self.seed)
        n, n_sample = len(parts), max(LEAST, self.sample * self.n_clusters)
        rows = np.arange(n) if n <= n_sample else np.sort(rng.choice(n, n_sample, replace=False))
        self.n_reassigned_ = 0
        with work() as pool:
            first = parts.take(rows)
            run = Descent(pool, first, np.ones(len(first), np.float32), n_clusters=self.n_clusters, seed=self.seed)
            run.run()
            centers, mass = run.centers, np.bincount(run.labels, minlength=len(run.centers)).astype(np.float64)
            del first
            run.vectors = run.vectors[:0]
            for _ in range(self.epochs if len(rows) < n else 0):
                centers = self._pass(pool, parts, centers, mass, rng)
                mass[:] = 0  # each pass averages anew: what the first rows of the last one chose is out of date
        self._learn(parts, centers)
        return self

    def _pass(
        self,
        pool: Work,
        parts: Parts,
        centers: NDArray[np.float32],
        mass: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Running means over all rows; dead centres go to rows far from all."""
        seen = np.zeros(len(centers))
        far = Drawn(2 * len(centers), parts.width, rng)
        for _, part in parts:
            for start in range(0, len(part), self.batch_size):
                batch = part[start : start + self.batch_size]
                squared = pool.squares(batch)
                labels, scores = pool.nearest(batch, squared, centers)
                ones = np.ones(len(batch), np.float32)
                means, extra = pool.means(batch, ones, group(labels, len(centers)), centers, False)
                mass, seen = mass + extra, seen + extra
                share = np.divide(extra, mass, out=np.zeros(len(mass)), where=mass > 0)
                centers = (centers + share[:, None] * (means - centers)).astype(np.float32)
                far.offer(batch, np.maximum(squared + 2 * scores, 0))
        return self._revived(pool, centers, seen, far.rows)

    def _revived(
        self, pool: Work, centers: NDArray[np.float32], seen: NDArray[np.float64], far: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The centres, with the dead ones at the means of groups of far rows."""
        dead = np.flatnonzero(seen < self.reassign * seen.mean())
        if not len(dead) or not len(far):
            return centers
        run = Descent(pool, far, np.ones(len(far), np.float32), n_clusters=len(dead), seed=self.seed)
        run.run()
        dead, centers = dead[: len(run.centers)], centers.copy()
        centers[dead] = run.centers
        self.n_reassigned_ += len(dead)
        return centers

    def _learn(self, parts: Parts, centers: NDArray[np.float32]) -> None:
        self.cluster_centers_ = centers
        labels, gaps = self._nearest(parts)
        kept, labels = np.unique(labels, return_inverse=True)
        self.cluster_centers_ = centers[kept]
        self._settle(labels, gaps)


class Drawn:
    """Rows of a stream, drawn by weight without a second look at it: those with the largest u^(1/weight) stay.

    Source: Efraimidis & Spirakis 2006, doi:10.1016/j.ipl.2005.11.003.
    """

    def __init__(self, most: int, width: int, rng: np.random.Generator) -> None:
        self.most, self.rng = most, rng
        self.rows, self.keys = np.empty((0, width), np.float32), np.empty(0)

    def offer(self, rows: NDArray[np.float32], weights: NDArray[Any]) -> None:
        """More rows of the stream."""
        keys = np.log(1 - self.rng.random(len(rows))) / np.maximum(weights.astype(np.float64), 1e-300)
        least = self.keys.min() if len(self.keys) == self.most else -np.inf
        some = np.flatnonzero((keys > least) & (weights > 0))
        self.rows, self.keys = np.concatenate([self.rows, rows[some]]), np.concatenate([self.keys, keys[some]])
        kept = np.sort(np.argsort(-self.keys, kind="stable")[: self.most])
        self.rows, self.keys = self.rows[kept], self.keys[kept]
