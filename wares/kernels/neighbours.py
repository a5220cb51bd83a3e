"""The k nearest neighbours of every row: the graph that density, community and linkage methods work on.

Rows are sorted into cells around the means of a sample. Each row is compared with its own cell and the few cells
nearest to it, one matrix product for all rows of a block that look into a cell. What lies beyond is found along the
graph itself: neighbours of neighbours, in cells that were not looked into. Some rows are then compared with all others,
and as long as too few of their neighbours had been found, every row looks into more cells. Rows of the same content
are one row on the way.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wares.errors import SettingError
from wares.kernels import cells as loops
from wares.kernels.centers import frozen
from wares.kernels.distinct import kinds
from wares.kernels.kmeans import Work, group, halves, work

SMALL = 8_000
"""Up to so many distinct rows, every row is compared with every other."""

CELLS = 1.5
"""Cells for each square root of the number of rows."""

SAMPLE = 50
"""Rows for each cell that the means are made from."""

ROUNDS = 5
"""Rounds of k-means that make the cells."""

MOST = 64
"""Cells that a row looks into; where more are needed, they say nothing, and every row is compared with every other."""

JUDGED = 200
"""Rows compared with all others, to know how many neighbours have been found."""

SLACK = 0.01
"""How far the share found of these rows' neighbours may lie below the share asked for: it is one of a few rows."""

PART = 2_048
"""Rows of one task, whatever the number of threads."""


@dataclass(frozen=True)
class Effort:
    """How hard to look: into `probes` cells, then `rounds` of repair over the `reach` nearest of each row."""

    probes: int
    rounds: int
    reach: int


EFFORTS = {0.95: Effort(4, 2, 10), 0.98: Effort(6, 2, 20), 0.99: Effort(10, 2, 20)}
"""By the least share of the true neighbours they found on 150,000 title vectors of width 256, k = 20."""


def neighbours(
    vectors: NDArray[np.float32], k: int, *, recall: float = 0.95, seed: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(n, k) rows and Euclidean distances of the nearest others of each row, nearest first, ties to the lower row.

    -1 and infinity fill up where there are fewer. `recall` is the share of the true neighbours to be found: 1 compares
    every row with every other, as is done for up to 8,000 distinct rows anyhow; below, it is checked on 200 rows and
    held to within about .01. Same seed, same rows: same answer, on any number of threads. Memory beside the answer: one
    copy of the distinct vectors and some 18 k bytes a row. Raises SettingError.
    """
    if not 0 < recall <= 1:
        raise SettingError(f"neighbours(recall={recall!r}): must be above 0 and at most 1")
    vectors = frozen(np.asarray(vectors, np.float32))
    rows = np.full((len(vectors), k), -1, np.int32)
    distances = np.full((len(vectors), k), np.inf, np.float32)
    if len(vectors) < 2 or k < 1:
        return rows, distances
    with work() as pool:
        bounds, copies = kinds(pool, vectors, np.arange(len(vectors)))
        picked = copies[bounds[:-1]]
        search = _Search(pool, vectors, picked, np.diff(bounds), min(k, len(picked) - 1), seed)
        if len(picked) <= SMALL or recall == 1:
            search.start(n_cells=1, probes=1)
        else:
            search.reach(recall)
        order, found = search.order, search.rows
        del search
        pool.map(
            lambda a, b: loops.spell_out(vectors, picked, order, bounds, copies, found, a, b, rows, distances),
            len(picked),
            PART,
        )
    return rows, distances


@dataclass
class _Search:
    """The neighbours of distinct rows `vectors[picked]`, getting better.

    copies : how many rows are like each. order : the places in `picked` sorted by cell, in which everything stands once
    started. cells : (n, probes) the nearest of each row. own : the first of them. rest, half : what remains of each row
    less its cell's centre, and half its squared length. rows, scores : (n, k) the neighbours so far and less half their
    squared distances.
    """

    pool: Work
    vectors: NDArray[np.float32]
    picked: NDArray[np.int64]
    copies: NDArray[np.int64]
    k: int
    seed: int
    order: NDArray[np.int64] = field(init=False)
    rows: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        self.order = np.arange(len(self.picked))

    def start(self, *, n_cells: int, probes: int) -> None:
        """Sort the rows into cells, list the nearest of each row, and compare each with the rows of its own."""
        n, width = len(self.picked), self.vectors.shape[1]
        some = self.vectors[self.picked[:: max(1, n // 4096)]]
        self.middle = frozen(some.mean(axis=0, dtype=np.float64).astype(np.float32))
        self.centers = self._centers(n_cells)
        cells = self._nearest_cells(probes)
        self.bounds, order = group(cells[:, 0], len(self.centers))
        self.cells, self.order = cells[order], self.order[order]
        self.picked, self.copies = self.picked[order], self.copies[order]
        self.own = self.cells[:, 0].copy()
        self.rest, self.half = np.empty((n, width), np.float32), np.empty(n, np.float32)
        args = (self.vectors, self.picked, self.middle, self.centers, self.own)
        self.pool.map(lambda a, b: loops.take(*args, a, b, self.rest, self.half), n, PART)
        self._look_home()

    def reach(self, recall: float) -> None:
        """Look into more cells until enough is found."""
        effort = next((each for known, each in EFFORTS.items() if known >= recall), Effort(20, 2, 20))
        self.start(n_cells=int(CELLS * np.sqrt(len(self.picked))), probes=effort.probes)
        while True:
            self._look_around()
            new = np.ones(self.rows.shape, np.bool_)
            for _ in range(effort.rounds):
                new = self._repair(effort.reach, new)
            if self._share() >= recall - SLACK:
                return
            effort = Effort(2 * effort.probes, effort.rounds, 2 * effort.reach)
            if effort.probes > min(MOST, len(self.centers)):
                break
            self.cells = self._nearest_cells(effort.probes)
            self._look_home()
        self.start(n_cells=1, probes=1)

    def _look_home(self) -> None:
        """Begin the lists, with the rows of the same cell."""
        n = len(self.own)
        self.rows, self.scores = np.full((n, self.k), -1, np.int32), np.full((n, self.k), -np.inf, np.float32)
        if self.k:
            args = (self.rest, self.half, self.bounds, self.own)
            self.pool.map(lambda a, b: loops.look_home(*args, a, b, self.scores, self.rows), n, PART)

    def _look_around(self) -> None:
        """Go on with the rows of the other cells nearest to each."""
        args = (self.rest, self.half, self.centers, self.bounds, self.own, self.cells)
        self.pool.map(lambda a, b: loops.look_around(*args, a, b, self.scores, self.rows), len(self.own), PART)

    def _repair(self, reach: int, new: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Try the neighbours of neighbours, where one of the two edges is `new`; (n, k) which edges are new now."""
        before, changed = self.rows.copy(), np.empty(self.rows.shape, np.bool_)
        args = (self.rest, self.centers, self.own, self.cells, before, loops.turned(before, reach), new, reach)
        self.pool.map(lambda a, b: loops.repair(*args, a, b, self.scores, self.rows, changed), len(before), PART)
        return changed

    def _share(self) -> float:
        """The share found of the neighbours of some rows as they were given; those of the rows are all known then."""
        rng = np.random.default_rng(self.seed)
        drawn = rng.choice(len(self.rows), JUDGED, p=self.copies / self.copies.sum())
        chosen, times = np.unique(drawn, return_counts=True)
        had = self.rows[chosen]
        self.rows[chosen], self.scores[chosen] = -1, -np.inf
        args = (self.rest, self.half, self.centers, self.bounds, self.own, chosen)
        self.pool.map(lambda a, b: loops.look_everywhere(*args, a, b, self.scores, self.rows), len(chosen), 32)
        near = self.rows[chosen]
        found = (near[:, :, None] == had[:, None, :]).any(axis=2)
        # The k places of a row are taken by its own copies, then by those of each neighbour.
        ends = np.cumsum(np.column_stack([self.copies[chosen] - 1, self.copies[near]]), axis=1)
        taken = np.diff(np.minimum(ends, self.k), axis=1)
        missed = (taken * ~found).sum(axis=1) @ times
        return 1 - float(missed) / (self.k * JUDGED)

    def _nearest_cells(self, count: int) -> NDArray[np.int32]:
        """(n, count) the cells nearest to each row, its own first."""
        rows = self.picked
        cells, scores = np.zeros((len(rows), count), np.int32), np.full((len(rows), count), -np.inf, np.float32)
        if len(self.centers) > 1:
            half = halves(self.centers)
            self.pool.map(
                lambda a, b: loops.nearest_cells(
                    self.vectors, rows, self.middle, self.centers, half, a, b, scores, cells
                ),
                len(rows),
                PART,
            )
        return cells

    def _centers(self, n_cells: int) -> NDArray[np.float32]:
        """(n_cells, width) means of a sample, near ones side by side.

        They start from rows drawn at random, which makes cells of about the same size.
        """
        if n_cells == 1:
            return np.zeros((1, self.vectors.shape[1]), np.float32)
        rng = np.random.default_rng(self.seed)
        chosen = rng.choice(len(self.picked), min(len(self.picked), SAMPLE * n_cells), replace=False)
        sample = self.vectors[self.picked[chosen]] - self.middle
        squared, ones = 2 * halves(sample), np.ones(len(sample), np.float32)
        centers = sample[:n_cells].copy()
        for _ in range(ROUNDS):
            labels, _ = self.pool.nearest(sample, squared, centers)
            centers, _ = self.pool.means(sample, ones, group(labels, n_cells), centers, False)
        return np.ascontiguousarray(centers[_chain(centers)])


def _chain(centers: NDArray[np.float32]) -> NDArray[np.int64]:
    """An order of the centres: from the first always on to the nearest that is left."""
    half = halves(centers)
    gaps = half - centers @ centers.T
    out, left, at = np.empty(len(centers), np.int64), np.zeros(len(centers), np.float32), 0
    for i in range(len(centers)):
        out[i], left[at] = at, np.inf
        at = int((gaps[at] + left).argmin())
    return out


def exact(vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What `neighbours` gives with a recall of 1, in plain numpy: what the loops are held to."""
    n = len(vectors)
    rows, distances = np.full((n, k), -1, np.int32), np.full((n, k), np.inf, np.float32)
    kept = min(k, n - 1)
    for row in range(n if kept > 0 else 0):
        gaps = np.sqrt(((vectors - vectors[row]).astype(np.float64) ** 2).sum(axis=1)).astype(np.float32)
        gaps[row] = np.inf
        near = np.argsort(gaps, kind="stable")[:kept]
        rows[row, :kept], distances[row, :kept] = near, gaps[near]
    return rows, distances
