"""How many clusters suit a catalog: the elbow of the inertia and the silhouette, on a grid over a sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Clusterer
from wares.arrays import Labels, Vectors
from wares.errors import SettingError
from wares.tasks.agreement import dense, gaps, sampled, silhouettes


class Trial(TypedDict):
    """One point of the curve: inertia and silhouette (None under two clusters) with k clusters on the sample."""

    k: int
    inertia: float
    silhouette: float | None
    seconds: float


@dataclass(frozen=True)
class Choice:
    """How many clusters, from what, and why in one sentence."""

    k: int
    curve: list[Trial]
    reason: str
    sample: int


def choose(
    make: Callable[[int], Clusterer],
    X: Vectors,
    *,
    sample: int = 8000,
    grid: Sequence[int] | None = None,
    seed: int = 0,
) -> Choice:
    """The number of clusters for X (n, width): the best silhouette within a factor of two of the inertia's elbow.

    `make(k)` gives an unfitted clusterer; it is fitted to a sample of rows at every k of `grid` (by default a dozen in
    equal ratios from 8, or 2 for a small catalog, to about the square root of n). Silhouettes are those of at most
    3,000 of the sample. The same rows and seed give the same choice.
    """
    rows = sampled(X, None, sample, seed)
    ks = sorted(set(geometric(X.shape[0]) if grid is None else grid))
    if not ks or ks[0] < 1:
        raise SettingError(f"grid {list(ks)}: numbers of clusters of at least 1 are needed")
    ks = [k for k in ks if k <= len(rows)]
    if len(rows) < 3 or len(ks) < 2:
        k = max(1, min(len(rows), ks[0] if ks else 1))
        return Choice(k, [], f"{len(rows)} products that anything is known of: nothing to choose", len(rows))
    vectors = X[rows]
    judged = sampled(vectors, None, 3000, seed)
    distances = gaps(dense(vectors[judged]))
    curve = [_try(make, k, vectors, judged, distances) for k in ks]
    return _decided(curve, len(rows))


def geometric(n: int) -> list[int]:
    """Numbers of clusters to try for n rows, about seven to the tenfold."""
    low = 8 if n >= 400 else 2
    high = max(low + 1, min(round(1.2 * n**0.5), 400)) if n >= 400 else max(3, n // 4)
    steps = max(3, round(7 * np.log10(high / low)) + 1)
    return sorted({int(k) for k in np.round(np.geomspace(low, high, steps))})


def elbow(ks: Sequence[float], inertia: Sequence[float]) -> int:
    """Place of the point farthest below the line from the first to the last, in log k."""
    x, y = np.log(np.asarray(ks, float)), np.asarray(inertia, float)
    if len(x) < 3 or y[0] <= y[-1]:
        return 0
    x = (x - x[0]) / (x[-1] - x[0])
    y = (y - y[-1]) / (y[0] - y[-1])
    return int(np.argmax(1 - x - y))


def _decided(curve: list[Trial], sample: int) -> Choice:
    ks = [trial["k"] for trial in curve]
    bend = ks[elbow(ks, [trial["inertia"] for trial in curve])]
    near = [trial for trial in curve if bend / 2 <= trial["k"] <= bend * 2 and trial["silhouette"] is not None]
    best = max(near, key=lambda trial: (trial["silhouette"] or 0, -trial["k"]), default=None)
    if best is None:
        return Choice(bend, curve, f"the inertia bends at {bend} clusters", sample)
    return Choice(
        best["k"],
        curve,
        f"the inertia bends at {bend} clusters; within a factor of two of that the silhouette is best at "
        f"{best['k']} ({best['silhouette']:.3f}), judged on {sample:,} products",
        sample,
    )


def _try(
    make: Callable[[int], Clusterer],
    k: int,
    vectors: Vectors,
    judged: NDArray[np.int64],
    distances: NDArray[np.float32],
) -> Trial:
    start = perf_counter()
    model = make(k).fit(vectors)
    labels: Labels = np.asarray(model.labels_)
    some = labels[judged]
    clusters = np.unique(some[some >= 0])
    silhouette = None
    if 2 <= len(clusters) < len(some):
        kept = some >= 0
        silhouette = float(silhouettes(distances[np.ix_(kept, kept)], some[kept]).mean())
    return Trial(k=k, inertia=_inertia(model, vectors), silhouette=silhouette, seconds=perf_counter() - start)


def _inertia(model: Clusterer, vectors: Vectors) -> float:
    """The clusterer's own, or the squared distances to the means of its clusters."""
    own = getattr(model, "inertia_", None)
    if own is not None:
        return float(own)
    labels = np.asarray(model.labels_)
    wide = dense(vectors).astype(np.float64)
    total = float((wide * wide).sum())
    for label in np.unique(labels[labels >= 0]):
        members = wide[labels == label]
        total -= float((members.sum(axis=0) ** 2).sum()) / len(members)
    return total
