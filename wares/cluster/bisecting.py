"""k-means from the top down: the most spread cluster is split in two until there are enough."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.arrays import Dense, Links, Rows
from wares.cluster.centred import Centred
from wares.cluster.parts import Parts
from wares.errors import SettingError
from wares.kernels.kmeans import Work, group, work
from wares.kernels.splitting import split
from wares.runner import Local, Runner


@dataclass(kw_only=True, eq=False)
class Bisecting(Centred):
    """A hierarchy from the whole catalog down to its clusters, by k-means with two centres at a time.

    Choose it for departments, shelves and what lies between in one run, and for vectors that do not fit into memory: X
    can be a `np.memmap` of them. Each split is made on a sample of the cluster and then carried through all its rows,
    which are read in parts. Rounds over all centres follow, so that the clusters are as good as those of flat k-means
    begun there, and a row belongs to the nearest centre; the tree above the clusters stays as it was split. Time O(n x
    width x log n_clusters) for the tree, O(n x n_clusters x width) a round. Memory: two parts of 64 MB, whatever n is,
    and 40 bytes a row.

    Ask for more clusters than there are distinct rows and there is one for each distinct row; NaN and infinity are
    errors, told when their part is read.

    Settings
    --------
    n_clusters : clusters to make.
    sample : most rows that the two centres of a split are found on.
    rounds : rounds of averaging and assigning over all centres after the splits; 0 leaves the centres as split.
    seed : same seed, same rows, same machine: same bits, on any number of threads.
    radius : distance from the own centre beyond which a row is borderline; 0 takes the one that holds `inside`.
    inside : share of the fitted rows within the radius, where `radius` is 0.

    Learned
    -------
    cluster_centers_ : (n_clusters_, width) float32.
    labels_ : (n,) int64, each cluster having at least one row.
    tree_ : (n_clusters_ - 1, 4) float64, the splits read from the last to the first as merges, in scipy's linkage
        format with the clusters as leaves: two nodes, the root of the sum of squares of the cluster that was split, and
        the number of clusters below.
    inertia_ : sum of squared distances to the centres.
    radius_ : distance beyond which a row is borderline. borderline_ : (n,) which of the rows fitted are.

    Source: Steinbach, Karypis & Kumar 2000, "A comparison of document clustering techniques".
    """

    n_clusters: int = setting(8, low=1)
    sample: int = setting(4096, low=2)
    rounds: int = setting(2, low=0)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width), an array or a mapped one, which is read in parts.

        Raises SettingError for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError("Bisecting cannot honour must-link and cannot-link pairs")
        parts = self._parts(X, reset=True)
        with work() as pool:
            tearing = Tearing(pool, parts, self.sample, np.random.default_rng(self.seed))
            tearing.tear(self.n_clusters)
            centers = np.stack(tearing.centers).astype(np.float32)[tearing.leaves]
            for _ in range(self.rounds):
                centers = _averaged(pool, parts, centers)
        self.cluster_centers_ = centers
        labels, gaps = self._nearest(parts)
        kept, labels = np.unique(labels, return_inverse=True)
        self.cluster_centers_ = centers[kept]
        self.tree_ = tearing.tree(np.array(tearing.leaves)[kept].tolist())
        self._settle(labels, gaps)
        return self


class Tearing:
    """Clusters being split, numbered as they come: the whole is 0, the halves of a cluster follow each other."""

    def __init__(self, pool: Work, parts: Parts, sample: int, rng: np.random.Generator) -> None:
        self.pool, self.parts, self.sample, self.rng = pool, parts, sample, rng
        everything = np.arange(len(parts))
        center, spread = self._measured(everything)
        self.rows, self.centers, self.spread = [everything], [center], [spread]
        self.splits: list[tuple[int, int, int]] = []
        self.leaves = [0]

    def tear(self, n_clusters: int) -> None:
        """Split the most spread cluster until there are enough, or none has rows that differ."""
        whole: set[int] = set()
        while len(self.leaves) < n_clusters:
            open_ = [each for each in self.leaves if each not in whole]
            if not open_:
                return
            torn = max(open_, key=lambda each: (self.spread[each], -each))
            inside = self._halves(self.rows[torn])
            if inside is None:
                whole.add(torn)
                continue
            first = len(self.rows)
            for half in (False, True):
                rows = self.rows[torn][inside == half]
                center, spread = self._measured(rows)
                self.rows.append(rows)
                self.centers.append(center)
                self.spread.append(min(spread, self.spread[torn]))
            self.rows[torn] = self.rows[torn][:0]
            self.splits.append((torn, first, first + 1))
            self.leaves.remove(torn)
            self.leaves += [first, first + 1]

    def tree(self, leaves: list[int]) -> NDArray[np.float64]:
        """The splits above some of the leaves, as merges in scipy's linkage format."""
        number = {leaf: place for place, leaf in enumerate(leaves)}
        counts = dict.fromkeys(range(len(leaves)), 1)
        merges: list[tuple[float, float, float, float]] = []
        for torn, one, other in reversed(self.splits):
            there = sorted(number[each] for each in (one, other) if each in number)
            if len(there) == 2:
                new = len(leaves) + len(merges)
                counts[new] = counts[there[0]] + counts[there[1]]
                merges.append((there[0], there[1], float(np.sqrt(self.spread[torn])), counts[new]))
                number[torn] = new
            elif there:
                number[torn] = there[0]
        return np.array(merges, np.float64).reshape(-1, 4)

    def _halves(self, rows: Rows) -> NDArray[np.bool_] | None:
        """(len(rows),) in which half each row of a cluster is; None where the rows are all alike."""
        some = rows if len(rows) <= self.sample else np.sort(self.rng.choice(rows, self.sample, replace=False))
        block = self.parts.take(some)
        centers, made = split(
            self.pool,
            block,
            np.ones(len(block), np.float32),
            (np.array([0, len(block)]), np.arange(len(block))),
            np.array([0]),
            np.array([2]),
            rounds=5,
            trials=3,
            spherical=False,
            rng=self.rng,
        )
        if made[0] < 2:
            far = self._farthest(rows, centers[0])
            if far is None:
                return None
            centers = np.stack([centers[0], far])
        out = np.empty(len(rows), np.bool_)
        for start, block in self._blocks(rows):
            labels, _ = self.pool.nearest(block, self.pool.squares(block), centers)
            out[start : start + len(block)] = labels == 1
        return out if out.any() and not out.all() else None

    def _farthest(self, rows: Rows, center: Dense) -> Dense | None:
        """The row that is farthest from a centre; None where all are there."""
        found, least = None, 0.0
        for _, block in self._blocks(rows):
            gaps = self.pool.spread(block, center[None], np.zeros(len(block), np.int64))
            if gaps.max() > least:
                found, least = block[int(gaps.argmax())].copy(), float(gaps.max())
        return found

    def _measured(self, rows: Rows) -> tuple[NDArray[np.float64], float]:
        """The mean of some rows, and the sum of their squared distances to it."""
        total = np.zeros(self.parts.width)
        block: Any = None
        for _, block in self._blocks(rows):
            n, ones = len(block), np.ones(len(block), np.float32)
            means, _ = self.pool.means(block, ones, (np.array([0, n]), np.arange(n)), np.zeros_like(block[:1]), False)
            total += n * means[0].astype(np.float64)
        mean = total / len(rows)
        blocks = [(0, block)] if len(rows) <= self.parts.step else self._blocks(rows)
        where = mean.astype(np.float32)[None]
        return mean, sum(
            float(self.pool.spread(each, where, np.zeros(len(each), np.int64)).sum()) for _, each in blocks
        )

    def _blocks(self, rows: Rows) -> Any:
        for start in range(0, len(rows), self.parts.step):
            yield start, self.parts.take(rows[start : start + self.parts.step])


def _averaged(pool: Work, parts: Parts, centers: Dense) -> Dense:
    """The means of the rows nearest to each centre; one without rows stays."""
    sums, mass = np.zeros(centers.shape), np.zeros(len(centers))
    for _, block in parts:
        labels, _ = pool.nearest(block, pool.squares(block), centers)
        ones = np.ones(len(block), np.float32)
        means, extra = pool.means(block, ones, group(labels, len(centers)), centers, False)
        sums, mass = sums + means * extra[:, None], mass + extra
    out = centers.copy()
    out[mass > 0] = sums[mass > 0] / mass[mass > 0, None]
    return out
