"""One run of k-means on its way down: seeds, rounds, merging and splitting, the exact last pass."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wares.cluster.rounds import Rounds
from wares.cluster.seeds import Seeding, Seeds
from wares.kernels.distinct import distinct
from wares.kernels.kmeans import Work, group

SHARE = 0.04
"""Of the clusters, how many are merged and split at a time."""


@dataclass
class Descent:
    """Centres, labels and inertia of `vectors`, getting better.

    Settings are those of KMeans. Rows that are alike count as one of their summed weight, and everything that is drawn
    is drawn in an order of what the rows hold: so a weight of two is a row given twice, to the bit, wherever it stands.
    """

    work: Work
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    n_clusters: int
    seeding: Seeding = "k-means++"
    spherical: bool = False
    max_rounds: int = 100
    tol: float = 1e-3
    split_merge: int = 6
    near: int = 32
    seed: int = 0
    solver: Literal["rounds", "gradient"] = "rounds"
    learning_rate: float = 1.0
    batch_size: int = 4096
    anchors: NDArray[np.float32] | None = None
    anchor: float = 0.0
    rounds: int = field(default=0, init=False)
    centers: NDArray[np.float32] = field(init=False)
    labels: NDArray[np.int64] = field(init=False)
    """(n,) the centre of each of the rows given, once `run` has ended."""

    def run(self) -> None:
        """From nothing, or from the anchors, to the end."""
        self.rng = np.random.default_rng(self.seed)
        squared = self.work.squares(self.vectors)
        rows, mass = distinct(self.work, self.vectors, self.weights)
        weights = np.zeros(len(self.vectors), np.float32)
        weights[rows] = mass
        given = Seeds(self.work, self.vectors, squared, weights, rows, self.spherical, self.rng)
        self.centers = self._first(given)
        self._descend(self._sorted(given))
        self.labels, _ = self.work.nearest(self.vectors, squared, self.centers)
        self._leave_none_empty(given)

    def _first(self, given: Seeds) -> NDArray[np.float32]:
        """First centres: the anchors, then as many more as are missing."""
        k = min(self.n_clusters, len(given.rows))
        centers = given.draw(k, self.seeding) if self.anchors is None else self.anchors.copy()
        while len(centers) < k:
            more = given.more(k - len(centers), centers)
            if not len(more):
                break
            centers = np.concatenate([centers, more])
        return centers

    def _sorted(self, given: Seeds) -> Rounds:
        """The distinct rows, those of a cluster side by side in memory: a round then reads them once, in order."""
        labels, scores = self.work.nearest(self.vectors, given.squared, self.centers)
        _, order = group(labels[given.rows], len(self.centers))
        rows = given.rows[order]
        rounds = Rounds(
            work=self.work,
            vectors=self.work.take(self.vectors, rows),
            squared=given.squared[rows],
            weights=given.weights[rows],
            spherical=self.spherical,
            near=self.near,
            anchors=self.centers[:0] if self.anchors is None else self.anchors,
            anchor=self.anchor,
            centers=self.centers,
        )
        rounds.settle(labels[rows], scores[rows])
        return rounds

    def _descend(self, now: Rounds) -> None:
        self._round_off(now)
        size = max(1, int(len(self.centers) * SHARE))
        for _ in range(self.split_merge if len(self.centers) > 2 else 0):
            before = now.centers, now.labels, now.gaps, now.loss
            now.merge_and_split(size, self.rng)
            self._round_off(now)
            if now.loss >= before[-1]:
                now.centers, now.labels, now.gaps, now.loss = before
                size //= 2
                if size == 0:
                    break
        self.centers = now.means()

    def _round_off(self, now: Rounds) -> None:
        """Average and assign until a round changes the loss by less than `tol`; the noise of gradients can raise it."""
        for number in range(self.max_rounds):
            before = now.loss
            if self.solver == "gradient":
                now.slide(self.learning_rate / (1 + number), self.batch_size, self.rng)
            else:
                now.step()
            self.rounds += 1
            if abs(before - now.loss) <= self.tol * now.loss:
                break

    def _leave_none_empty(self, given: Seeds) -> None:
        """Centres without rows go to the rows farthest from theirs; where no row is away, they are dropped."""
        for _ in range(10):
            empty = np.flatnonzero(np.bincount(self.labels[given.rows], minlength=len(self.centers)) == 0)
            if not len(empty):
                return
            gaps = self.work.spread(self.vectors, self.centers, self.labels)[given.rows] * given.weights[given.rows]
            farthest = np.argsort(-gaps, kind="stable")[: len(empty)]
            farthest = farthest[gaps[farthest] > 0]
            if not len(farthest):
                break
            self.centers = self.centers.copy()
            self.centers[empty[: len(farthest)]] = self.vectors[given.rows[farthest]]
            self.labels, _ = self.work.nearest(self.vectors, given.squared, self.centers)
        self.centers = self.centers[np.unique(self.labels[given.rows])]
        self.labels, _ = self.work.nearest(self.vectors, given.squared, self.centers)
