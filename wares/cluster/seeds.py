"""The first centres of k-means."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wares.kernels.kmeans import Work, group
from wares.kernels.splitting import ROUNDING, split

Seeding = Literal["k-means++", "k-means||", "random"]

DIRECT = 64
"""Most centres drawn from all rows at once; beyond, they are drawn inside coarse cells."""

COARSE = 20_000
"""Rows that the coarse cells are made from."""

FLATTEN = 0.83
"""A coarse cell gets centres by its spread to this power: below 1 because a dense cell is worth fewer a unit."""

PASSES, EACH = 5, 2
"""k-means|| looks at all rows PASSES times and draws about EACH x k candidates at a time."""


@dataclass
class Seeds:
    """Draws first centres from some rows of a table; `weights` (n,) and `squared` lengths are of the whole table."""

    work: Work
    vectors: NDArray[np.float32]
    squared: NDArray[np.float32]
    weights: NDArray[np.float32]
    rows: NDArray[np.int64]
    spherical: bool
    rng: np.random.Generator

    def draw(self, k: int, seeding: Seeding) -> NDArray[np.float32]:
        """At most k centres; fewer where the rows looked at are alike."""
        if seeding == "random":
            chosen = self.rng.choice(self.rows, min(k, len(self.rows)), replace=False)
            return np.unique(self.vectors[chosen], axis=0)
        if seeding == "k-means||":
            return self._of_candidates(k)
        return self._plus_plus(k)

    def more(self, k: int, centers: NDArray[np.float32]) -> NDArray[np.float32]:
        """At least one and at most k rows away from the centres, far from each other; none where no row is away."""
        labels, _ = self.work.nearest(self.vectors, self.squared, centers)
        gaps = self.work.spread(self.vectors, centers, labels)[self.rows]
        if self.spherical:
            gaps[gaps <= ROUNDING * self.squared[self.rows]] = 0
        gaps *= self.weights[self.rows]
        away = np.flatnonzero(gaps)
        if not len(away):
            return centers[:0]
        if len(away) > 128 * k + 4096:
            chances = gaps[away] / gaps[away].sum()
            away = np.sort(self.rng.choice(away, 128 * k + 4096, replace=False, p=chances, shuffle=False))
        rows = self.rows[away]
        return self.split(rows, np.zeros(len(rows), np.int64), np.array([min(k, len(rows))]), rounds=0)

    def split(
        self, rows: NDArray[np.int64], labels: NDArray[np.int64], sizes: NDArray[np.int64], rounds: int
    ) -> NDArray[np.float32]:
        """Centres of small k-means inside each group of some rows."""
        chosen = np.flatnonzero(sizes)
        bounds, order = group(labels, len(sizes))
        found, made = split(
            self.work,
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

    def _plus_plus(self, k: int) -> NDArray[np.float32]:
        if k <= DIRECT:
            rows = self._sample(max(4096, 128 * k))
            return self.split(rows, np.zeros(len(rows), np.int64), np.array([k]), rounds=0)
        rows = self._sample(COARSE)
        cells = self.split(rows, np.zeros(len(rows), np.int64), np.array([round(k**0.5)]), rounds=6)
        rows = self._sample(max(COARSE, 50 * k))
        labels, scores = self.work.nearest(self.work.take(self.vectors, rows), self.squared[rows], cells)
        spread = np.maximum(self.squared[rows] + 2 * scores, 0) * self.weights[rows]
        within = np.bincount(labels, spread, len(cells))
        sizes = _shared(k, within**FLATTEN, np.bincount(labels, minlength=len(cells)))
        return self.split(rows, labels, sizes, rounds=5)

    def _sample(self, n: int) -> NDArray[np.int64]:
        """At most n of the rows, in their order."""
        if len(self.rows) <= n:
            return self.rows
        return self.rows[np.sort(self.rng.choice(len(self.rows), n, replace=False))]

    def _of_candidates(self, k: int) -> NDArray[np.float32]:
        """k-means||: candidates from a few passes over all rows, weighed by the rows they stand for, then k of them."""
        mass = self.weights[self.rows].astype(np.float64)
        chosen = self.rng.choice(self.rows, 1, p=mass / mass.sum())
        owner, least = np.zeros(len(self.rows), np.int64), np.full(len(self.rows), np.inf)
        fresh = chosen
        for turn in range(PASSES + 1):
            labels, scores = self.work.nearest(self.vectors, self.squared, self.vectors[fresh])
            gaps = np.maximum(self.squared + 2 * scores, 0)[self.rows]
            nearer = gaps < least
            owner[nearer] = labels[self.rows][nearer] + len(chosen) - len(fresh)
            least[nearer] = gaps[nearer]
            cost = least * mass
            if turn == PASSES or not cost.any():
                break
            fresh = self.rows[self.rng.random(len(cost)) < EACH * k * cost / cost.sum()]
            fresh = fresh if len(fresh) else self.rows[[int(cost.argmax())]]
            chosen = np.concatenate([chosen, fresh])
        candidates = self.work.take(self.vectors, chosen)
        weights = np.bincount(owner, mass, len(chosen)).astype(np.float32)
        inner = Seeds(
            work=self.work,
            vectors=candidates,
            squared=self.squared[chosen],
            weights=weights,
            rows=np.flatnonzero(weights > 0),
            spherical=self.spherical,
            rng=self.rng,
        )
        return inner._plus_plus(min(k, len(inner.rows)))


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
