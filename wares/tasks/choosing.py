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

WINDOW = 1.5
"""How many times the elbow, or the other way round, a number of clusters may be to be near it."""

ROUGH = {"split_merge": 0}
"""Settings of a clusterer while the number of clusters is looked for; half of the time."""


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
    sample: int = 6000,
    grid: Sequence[int] | None = None,
    seed: int = 0,
) -> Choice:
    """The number of clusters for X (n, width): where the silhouette stands out, else its best near the inertia's elbow.

    `make(k)` gives an unfitted clusterer; it is fitted to a sample of rows at every k of `grid` (by default eight or so
    in equal ratios from 8, or 2 for a small catalog, to about the square root of n). Silhouettes are those of at most
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
    while grid is None and (more := _closer(curve)):
        curve += [_try(make, k, vectors, judged, distances) for k in more]
        curve.sort(key=lambda trial: trial["k"])
    return _decided(curve, len(rows))


def geometric(n: int) -> list[int]:
    """Numbers of clusters to try for n rows, about five to the tenfold."""
    low = 8 if n >= 400 else 2
    high = max(low + 1, min(round(1.2 * n**0.5), 400)) if n >= 400 else max(3, n // 4)
    steps = max(3, round(5 * np.log10(high / low)) + 1)
    return sorted({int(k) for k in np.round(np.geomspace(low, high, steps))})


def _closer(curve: Sequence[Trial]) -> list[int]:
    """Where the silhouette has a peak, the numbers half-way from it to those tried on either side; few in all."""
    top = peak(_silhouettes(curve))
    if top is None or len(curve) >= 20:
        return []
    low, k, high = (curve[at]["k"] for at in (top - 1, top, top + 1))
    return sorted({(low + k) // 2, (k + high + 1) // 2} - {low, k, high})


def _silhouettes(curve: Sequence[Trial]) -> list[float]:
    return [-1.0 if trial["silhouette"] is None else trial["silhouette"] for trial in curve]


def elbow(ks: Sequence[float], inertia: Sequence[float]) -> int:
    """Place of the point farthest below the straight line from the first to the last."""
    x, y = np.asarray(ks, float), np.asarray(inertia, float)
    if len(x) < 3 or y[0] <= y[-1]:
        return 0
    x = (x - x[0]) / (x[-1] - x[0])
    y = (y - y[-1]) / (y[0] - y[-1])
    return int(np.argmax(1 - x - y))


def peak(silhouettes: Sequence[float]) -> int | None:
    """Place of the best silhouette where it stands out: well above both ends of the curve; else None."""
    best = int(np.argmax(silhouettes))
    ends = max(silhouettes[0], silhouettes[-1])
    return best if 0 < best < len(silhouettes) - 1 and silhouettes[best] >= 1.1 * ends and ends > -1 else None


def _decided(curve: list[Trial], sample: int) -> Choice:
    ks = [trial["k"] for trial in curve]
    scores = _silhouettes(curve)
    top = peak(scores)
    if top is not None:
        return Choice(
            ks[top], curve, f"the silhouette is clearly best at {ks[top]} clusters ({scores[top]:.3f})", sample
        )
    bend = ks[elbow(ks, [trial["inertia"] for trial in curve])]
    near = [at for at, k in enumerate(ks) if bend / WINDOW <= k <= bend * WINDOW]
    best = max(near, key=lambda at: (scores[at], -ks[at]))
    return Choice(
        ks[best],
        curve,
        f"the inertia bends at {bend} clusters; near that the silhouette is best at {ks[best]} ({scores[best]:.3f})",
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
    model = _rough(make(k)).fit(vectors)
    labels: Labels = np.asarray(model.labels_)
    some = labels[judged]
    clusters = np.unique(some[some >= 0])
    silhouette = None
    if 2 <= len(clusters) < len(some):
        kept = some >= 0
        silhouette = float(silhouettes(distances[np.ix_(kept, kept)], some[kept]).mean())
    return Trial(k=k, inertia=_inertia(model, vectors), silhouette=silhouette, seconds=perf_counter() - start)


def _rough(model: Clusterer) -> Clusterer:
    """The same clusterer, content with less where it can be: what is lost is lost at every k alike."""
    known = model.get_params(deep=False)
    rough: Clusterer = model.set_params(**{name: value for name, value in ROUGH.items() if name in known})
    return rough


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
