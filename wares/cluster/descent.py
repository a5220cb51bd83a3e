"""One run of k-means on its way down: seeds, rounds, merging and splitting, the exact last pass."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wares.kernels.kmeans import Work, group, halves

DIRECT = 64
"""Most centres drawn from all rows at once; beyond, they are drawn inside coarse cells."""

COARSE = 20_000
"""Rows that the coarse cells are made from."""

SHARE = 0.04
"""Of the clusters, how many are merged and split at a time."""

FLATTEN = 0.83
"""A coarse cell gets centres by its spread to this power: below 1 because a dense cell is worth fewer a unit."""


@dataclass
class Descent:
    """Centres, labels and inertia of `vectors`, getting better.

    Settings are those of KMeans; `labels` are in the order of the rows given once `run` has ended.
    """

    work: Work
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    n_clusters: int
    seeding: Literal["k-means++", "random"]
    spherical: bool
    max_rounds: int
    tol: float
    split_merge: int
    near: int
    seed: int
    rounds: int = field(default=0, init=False)
    inertia: float = field(default=np.inf, init=False)
    centers: NDArray[np.float32] = field(init=False)
    labels: NDArray[np.int64] = field(init=False)
    scores: NDArray[np.float32] = field(init=False)
    gaps: NDArray[np.float32] = field(init=False)

    def run(self) -> None:
        """From nothing to the end."""
        self.rng = np.random.default_rng(self.seed)
        self.squared = _squared(self.vectors)
        self.centers = self._seeds(min(self.n_clusters, len(self.vectors)))
        self._fill()
        self._assign_all()
        if self._whole:
            self._descend()
        else:
            self._descend_sorted()
        self._leave_none_empty()

    @property
    def _whole(self) -> bool:
        """Whether every round looks at all centres."""
        return self.near == 0 or len(self.centers) <= 2 * self.near

    def _descend_sorted(self) -> None:
        # Rows of a cluster side by side in memory: a round then reads the vectors once, in order.
        order = self._groups[1]
        given = self.vectors, self.squared, self.weights
        self.vectors, self.squared, self.weights = (np.take(each, order, axis=0) for each in given)
        self.labels, self.scores = self.labels[order], self.scores[order]
        self._descend()
        self.centers, _ = self._means()
        self.vectors, self.squared, self.weights = given
        self._assign_all()

    def _descend(self) -> None:
        self._round_off()
        size = max(1, int(len(self.centers) * SHARE))
        for _ in range(self.split_merge if len(self.centers) > 2 else 0):
            before = self.centers, self.labels, self.scores, self.inertia
            self._merge_and_split(size)
            self._round_off()
            if self.inertia >= before[-1]:
                self.centers, self.labels, self.scores, self.inertia = before
                size //= 2
                if size == 0:
                    break

    # -- rounds ----------------------------------------------------------------------------------------------------

    @property
    def _groups(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        bounds, order = group(self.labels, len(self.centers))
        return bounds, order

    def _means(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        return self.work.means(self.vectors, self.weights, self._groups, self.centers, self.spherical)

    def _round_off(self) -> None:
        """Average and assign until a round gains less than `tol`."""
        for _ in range(self.max_rounds):
            before = self.inertia
            self.centers, _ = self._means()
            self._assign(self.centers)
            self.rounds += 1
            if before - self.inertia <= self.tol * self.inertia:
                break

    def _assign(self, places: NDArray[np.float32]) -> None:
        """Each row to the nearest centre among all, or among those near its old centre, whose place is given."""
        if self._whole:
            self._assign_all()
            return
        near = _near(places, self.centers, self.near)
        found = self.work.nearest_among(self.vectors, self.squared, self._groups, self.centers, near)
        self.labels, self.scores = found
        self._weigh()

    def _assign_all(self) -> None:
        self.labels, self.scores = self.work.nearest(self.vectors, self.squared, self.centers)
        self._weigh()

    def _weigh(self) -> None:
        self.gaps = np.maximum(self.squared + 2 * self.scores, 0) * self.weights
        self.inertia = float(self.gaps.sum(dtype=np.float64))

    # -- seeds -----------------------------------------------------------------------------------------------------

    def _sample(self, n: int) -> NDArray[np.int64]:
        """At most n rows of positive weight, in order."""
        rows = np.flatnonzero(self.weights > 0)
        return rows if len(rows) <= n else np.sort(self.rng.choice(rows, n, replace=False))

    def _seeds(self, k: int) -> NDArray[np.float32]:
        """At most k first centres; fewer where rows are alike."""
        if self.seeding == "random":
            rows = self._sample(len(self.vectors))
            drawn = self.vectors[self.rng.choice(rows, min(k, len(rows)), replace=False)]
            return np.unique(drawn, axis=0)
        if k <= DIRECT:
            rows = self._sample(max(4096, 128 * k))
            return self._split(rows, np.zeros(len(rows), np.int64), np.array([k]), rounds=0)
        rows = self._sample(COARSE)
        coarse = round(k**0.5)
        cells = self._split(rows, np.zeros(len(rows), np.int64), np.array([coarse]), rounds=6)
        rows = self._sample(max(COARSE, 50 * k))
        labels, scores = self.work.nearest(self.vectors[rows], self.squared[rows], cells)
        spread = np.maximum(self.squared[rows] + 2 * scores, 0) * self.weights[rows]
        within = np.bincount(labels, spread, len(cells))
        sizes = _shared(k, within**FLATTEN, np.bincount(labels, minlength=len(cells)))
        return self._split(rows, labels, sizes, rounds=5)

    def _split(
        self, rows: NDArray[np.int64], labels: NDArray[np.int64], sizes: NDArray[np.int64], rounds: int
    ) -> NDArray[np.float32]:
        """Centres of small k-means inside each group of some rows."""
        chosen = np.flatnonzero(sizes)
        bounds, order = group(labels, len(sizes))
        found, made = self.work.split(
            self.vectors,
            self.weights,
            (bounds, rows[order]),
            chosen,
            sizes[chosen],
            rounds=rounds,
            trials=2 + int(np.log(sizes.max())),
            spherical=self.spherical,
            rng=self.rng,
        )
        return found[_made(sizes[chosen], made)]

    def _fill(self) -> None:
        """More centres, where the rows drawn from held too few that differ."""
        while len(self.centers) < min(self.n_clusters, len(self.vectors)):
            labels, _ = self.work.nearest(self.vectors, self.squared, self.centers)
            gaps = self.work.spread(self.vectors, self.centers, labels) * self.weights
            away = np.flatnonzero(gaps)
            if not len(away):
                return
            wanted = np.array([min(self.n_clusters - len(self.centers), len(away))])
            more = self._split(away, np.zeros(len(away), np.int64), wanted, rounds=0)
            self.centers = np.concatenate([self.centers, more])

    # -- merging and splitting -------------------------------------------------------------------------------------

    def _merge_and_split(self, size: int) -> None:
        """Give the centres of the clusters least missed to the clusters most spread, and assign."""
        mass = np.bincount(self.labels, self.weights, len(self.centers))
        spread = np.bincount(self.labels, self.gaps, len(self.centers))
        lost = _least_missed(self.centers, mass, size)
        spread[lost] = 0
        torn = np.argsort(-spread, kind="stable")[: len(lost)]
        sizes = np.zeros(len(self.centers), np.int64)
        sizes[torn] = 2
        torn = np.sort(torn)
        bounds, order = self._groups
        halved, made = self.work.split(
            self.vectors,
            self.weights,
            (bounds, order),
            torn,
            sizes[torn],
            rounds=4,
            trials=2,
            spherical=self.spherical,
            rng=self.rng,
        )
        places, self.centers = self.centers, self.centers.copy()
        for number, (into, again) in enumerate(zip(torn, lost, strict=True)):
            if made[number] == 2:
                self.centers[into], self.centers[again] = halved[2 * number], halved[2 * number + 1]
        self._assign(places)

    # -- the end ---------------------------------------------------------------------------------------------------

    def _leave_none_empty(self) -> None:
        """Centres without rows go to the rows farthest from theirs; where no row is away, they are dropped."""
        for _ in range(10):
            empty = np.flatnonzero(np.bincount(self.labels, minlength=len(self.centers)) == 0)
            if not len(empty):
                return
            gaps = self.work.spread(self.vectors, self.centers, self.labels) * self.weights
            farthest = np.argsort(-gaps, kind="stable")[: len(empty)]
            farthest = farthest[gaps[farthest] > 0]
            if not len(farthest):
                break
            self.centers = self.centers.copy()
            self.centers[empty[: len(farthest)]] = self.vectors[farthest]
            self._assign_all()
        kept, labels = np.unique(self.labels, return_inverse=True)
        self.centers, self.labels = self.centers[kept], labels.astype(np.int64)


def _squared(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    out: NDArray[np.float64] = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return out.astype(np.float32)


def _near(places: NDArray[np.float32], centers: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """(n_places, n) the centres nearest to each place, ascending."""
    gaps = halves(centers) - places @ centers.T
    return np.sort(np.argpartition(gaps, n - 1, axis=1)[:, :n], axis=1).astype(np.int64)


def _shared(k: int, claim: NDArray[Any], most: NDArray[np.int64]) -> NDArray[np.int64]:
    """k places shared out by claim, at least one and at most `most` each (as far as k goes)."""
    claim = np.maximum(claim, 1e-300)
    sizes: NDArray[np.int64] = np.minimum(np.maximum(1, np.floor(claim / claim.sum() * k)).astype(np.int64), most)
    while sizes.sum() < min(k, most.sum()):
        sizes[np.argmax(np.where(sizes < most, claim / np.maximum(sizes, 1), -1))] += 1
    while sizes.sum() > k:
        sizes[np.argmin(np.where(sizes > 1, claim / np.maximum(sizes, 1), np.inf))] -= 1
    return sizes


def _made(sizes: NDArray[np.int64], made: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the places of each group, laid end to end, were filled."""
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return within < np.repeat(made, sizes)


def _least_missed(centers: NDArray[np.float32], mass: NDArray[Any], size: int) -> NDArray[np.int64]:
    """At most `size` centres whose rows lose least by going to the nearest other centre (Ward's cost)."""
    half = halves(centers)
    gaps = half[:, None] + half - centers @ centers.T
    np.fill_diagonal(gaps, np.inf)
    heir = gaps.argmin(axis=1)
    rows = np.arange(len(centers))
    cost = mass * mass[heir] / np.maximum(mass + mass[heir], 1e-300) * gaps[rows, heir]
    lost: list[int] = []
    taken: set[int] = set()
    for each in np.argsort(cost, kind="stable"):
        if int(each) in taken or int(heir[each]) in lost:
            continue  # its heir is going, or it inherits
        lost.append(int(each))
        taken.add(int(heir[each]))
        if len(lost) == size:
            break
    return np.sort(np.array(lost, np.int64))
