"""The hot loops of k-means, spread over threads: nearest centres and means of groups.

Work is cut into parts whose bounds do not depend on the number of threads, every part writes only its own rows, and
sums run in float64 in row order: the answer is the same on one thread and on many. The loops release the interpreter
lock and BLAS is held to one thread inside them, so that one pool of threads does all the work.

A nearest centre is exact: a float32 product finds the candidates, and those too close for float32 to tell are measured
again in float64. So a row's centre does not depend on the rows that stand beside it. Ties go to the lower centre.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wares.kernels import centers as loops
from wares.kernels.centers import BLOCK, frozen, group

__all__ = ["ALONE", "Work", "group", "halves", "work"]


@dataclass(frozen=True, eq=False)
class Work:
    """The loops above, spread over the threads of one pool."""

    pool: ThreadPoolExecutor | None

    def map(self, loop: Callable[[int, int], None], n: int, step: int) -> None:
        """Run `loop(start, stop)` over 0..n in parts of `step`."""
        starts = range(0, n, step)
        if self.pool is None or len(starts) <= 1:
            for start in starts:
                loop(start, min(n, start + step))
            return
        for done in [self.pool.submit(loop, start, min(n, start + step)) for start in starts]:
            done.result()

    def nearest(
        self, vectors: NDArray[np.float32], squared: NDArray[np.float32], centers: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """(n,) nearest centre of each row among all, and (n,) half squared distance less half of `squared`."""
        labels, scores = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
        vectors, squared, centers = frozen(vectors), frozen(squared), frozen(centers)
        half = frozen(halves(centers))

        def loop(start: int, stop: int) -> None:
            loops.assign_all(vectors, squared, centers, half, start, stop, labels, scores)

        self.map(loop, len(vectors), 8 * BLOCK)
        return labels, scores

    def nearest_among(
        self,
        vectors: NDArray[np.float32],
        squared: NDArray[np.float32],
        groups: tuple[NDArray[np.int64], NDArray[np.int64]],
        centers: NDArray[np.float32],
        near: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As `nearest`, but each row only among the centres `near[g]` (ascending) of its group g."""
        labels, scores = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
        bounds, order = groups
        tasks = _tasks(bounds)
        vectors, squared, centers = frozen(vectors), frozen(squared), frozen(centers)
        half = frozen(halves(centers))

        def loop(start: int, stop: int) -> None:
            loops.assign_near(vectors, squared, order, centers, half, near, tasks, start, stop, labels, scores)

        self.map(loop, len(tasks), max(1, len(tasks) // 64))
        return labels, scores

    def means(
        self,
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32],
        groups: tuple[NDArray[np.int64], NDArray[np.int64]],
        centers: NDArray[np.float32],
        spherical: bool,
        anchors: NDArray[np.float32] | None = None,
        pull: float = 0.0,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Weighted mean of each group (of unit length if spherical) and its weight; an empty one keeps its centre.

        In the means of the first groups, `anchors` (at most n_centers, width) count as `pull` rows each.
        """
        bounds, order = groups
        out, mass = centers.copy(), np.zeros(len(centers))
        places = frozen(centers[:0] if anchors is None else anchors)
        vectors, weights = frozen(vectors), frozen(weights)

        def loop(start: int, stop: int) -> None:
            loops.average(vectors, weights, order, bounds, places, pull, spherical, start, stop, out, mass)

        self.map(loop, len(centers), max(1, len(centers) // 64))
        return out, mass

    def squares(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) squared lengths, summed in float64."""
        out = np.empty(len(vectors), np.float32)
        vectors = frozen(vectors)
        self.map(lambda start, stop: loops.squares(vectors, start, stop, out), len(vectors), 8192)
        return out

    def take(self, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(len(rows), width) a copy of some rows."""
        out = np.empty((len(rows), vectors.shape[1]), np.float32)
        vectors, rows = frozen(vectors), frozen(rows)
        self.map(lambda start, stop: loops.take(vectors, rows, start, stop, out), len(rows), 8192)
        return out

    def spread(
        self, vectors: NDArray[np.float32], centers: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(n,) squared distance of each row to its centre, in float64."""
        out = np.empty(len(vectors))
        vectors, centers, labels = frozen(vectors), frozen(centers), frozen(labels)
        self.map(lambda start, stop: loops.spread(vectors, centers, labels, start, stop, out), len(vectors), 8192)
        return out


def halves(centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n_centers,) half the squared length of each."""
    squared: NDArray[np.float64] = np.einsum("ij,ij->i", centers, centers, dtype=np.float64)
    return (0.5 * squared).astype(np.float32)


def _tasks(bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_tasks, 3) group, first, last: the groups cut into blocks."""
    pieces = -(-np.diff(bounds) // BLOCK)
    groups = np.repeat(np.arange(len(pieces)), pieces)
    within = np.arange(len(groups)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = bounds[groups] + within * BLOCK
    return np.stack([groups, first, np.minimum(first + BLOCK, bounds[groups + 1])], axis=1)


@contextmanager
def work(threads: int | None = None) -> Iterator[Work]:
    """A pool for the loops; BLAS has one thread inside. `threads` is the machine's (NUMBA_NUM_THREADS) by default."""
    n = threads or int(vars(nb.config)["NUMBA_NUM_THREADS"])
    with threadpool_limits(1, "blas"):
        if n == 1:
            yield Work(None)
            return
        with ThreadPoolExecutor(n) as pool:
            yield Work(pool)


ALONE = Work(None)
"""The loops in the calling thread: for the few rows of a question, where a pool would cost more than the answer."""
