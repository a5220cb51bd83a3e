"""The rounds of k-means: means, nearest centres, gradient steps, and one merging and splitting of clusters."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.kernels.kmeans import Work, group, halves
from wares.kernels.splitting import split


@dataclass
class Rounds:
    """Rows side by side by cluster, their labels, and one round after the other; `loss` is what goes down."""

    work: Work
    vectors: NDArray[np.float32]
    squared: NDArray[np.float32]
    weights: NDArray[np.float32]
    spherical: bool
    near: int
    anchors: NDArray[np.float32]
    """(at most n_centers, width) what holds the first centres; none of them is (0, width)."""
    anchor: float
    centers: NDArray[np.float32]
    labels: NDArray[np.int64] = field(init=False)
    gaps: NDArray[np.float32] = field(init=False)
    loss: float = field(default=np.inf, init=False)

    def settle(self, labels: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Take labels; the loss is the inertia and the pull of the anchors."""
        self.labels = labels
        self.gaps = np.maximum(self.squared + 2 * scores, 0) * self.weights
        self.loss = float(self.gaps.sum(dtype=np.float64))
        moved = (self.centers[: len(self.anchors)] - self.anchors).astype(np.float64)
        self.loss += self.anchor * float((moved**2).sum())

    def means(self) -> NDArray[np.float32]:
        """The means of the clusters, held by the anchors."""
        groups = self._groups
        return self.work.means(
            self.vectors, self.weights, groups, self.centers, self.spherical, self.anchors, self.anchor
        )[0]

    def step(self) -> None:
        """One round of averaging and assigning."""
        self.centers = self.means()
        self.assign(self.centers)

    def slide(self, rate: float, batch_size: int, rng: np.random.Generator) -> None:
        """One pass of gradient steps, a batch of rows drawn at random for each, and an assignment.

        The gradient of a centre is divided by the weight of its cluster (the curvature of the loss there), so that one
        rate suits clusters of any size.
        """
        mass = np.bincount(self.labels, self.weights, len(self.centers))
        total, pulled = mass.sum(), np.zeros(len(mass))
        held = len(self.anchors)
        pulled[:held] = self.anchor
        curve = np.maximum(mass + pulled, 1e-300)
        centers, order = self.centers, rng.permutation(len(self.vectors))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch, weights = self.work.take(self.vectors, rows), self.weights[rows]
            labels, _ = self.work.nearest(batch, self.squared[rows], centers)
            means, seen = self.work.means(batch, weights, group(labels, len(centers)), centers, False)
            step = np.minimum(rate * seen / curve, 1)
            moved = centers + step[:, None] * (means - centers)
            back = rate * weights.sum(dtype=np.float64) / total * pulled[:held] / curve[:held]
            moved[:held] += back[:, None] * (self.anchors - centers[:held])
            centers = moved.astype(np.float32)
            if self.spherical:
                lengths = np.sqrt(2 * halves(centers))[:, None]
                centers = np.divide(centers, lengths, out=np.zeros_like(centers), where=lengths > 0)
        places, self.centers = self.centers, centers
        self.assign(places)

    def assign(self, places: NDArray[np.float32]) -> None:
        """Each row to the nearest centre among all, or among those near its old centre, whose place is given."""
        if self.near == 0 or len(self.centers) <= 2 * self.near:
            self.settle(*self.work.nearest(self.vectors, self.squared, self.centers))
            return
        near = _near(places, self.centers, self.near)
        self.settle(*self.work.nearest_among(self.vectors, self.squared, self._groups, self.centers, near))

    def merge_and_split(self, size: int, rng: np.random.Generator) -> None:
        """Give the centres of the clusters least missed to the clusters most spread, and assign."""
        mass = np.bincount(self.labels, self.weights, len(self.centers))
        spread = np.bincount(self.labels, self.gaps, len(self.centers))
        lost = _least_missed(self.centers, mass, size)
        spread[lost] = 0
        torn = np.sort(np.argsort(-spread, kind="stable")[: len(lost)])
        halved, made = split(
            self.work,
            self.vectors,
            self.weights,
            self._groups,
            torn,
            np.full(len(torn), 2),
            rounds=4,
            trials=2,
            spherical=self.spherical,
            rng=rng,
        )
        places, self.centers = self.centers, self.centers.copy()
        for number, (into, again) in enumerate(zip(torn, lost, strict=True)):
            if made[number] == 2:
                self.centers[into], self.centers[again] = halved[2 * number], halved[2 * number + 1]
        self.assign(places)

    @property
    def _groups(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        bounds, order = group(self.labels, len(self.centers))
        return bounds, order


def _near(places: NDArray[np.float32], centers: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """(n_places, n) the centres nearest to each place, ascending."""
    gaps = halves(centers) - places @ centers.T
    return np.sort(np.argpartition(gaps, n - 1, axis=1)[:, :n], axis=1).astype(np.int64)


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
