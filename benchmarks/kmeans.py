"""k-means on real title vectors with 1,000 centres: how fast, and how low an inertia, beside the known libraries?

150,000 titles of the data sets, in several languages, through the sentence encoder, 256 wide. Every run starts
from other seeds. Compilation is left out for all. faiss brings its own BLAS, which on recent processors picks an old
kernel by itself: it is told to use the one that the others use. A million vectors are those resampled, each with
Gaussian noise of length .35 added, and scaled to length one again.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.cluster import MiniBatchKMeans

from benchmarks.harness import Row, command, optional
from benchmarks.titles import WIDTH, million_vectors, title_vectors, tune_faiss
from wares.cluster.kmeans import KMeans
from wares.kernels import lloyd

K = 1_000


def run(data: Path) -> Iterator[Row]:
    """How fast is k-means with 1,000 centres on 150,000 title vectors and on a million, and how low its inertia?"""
    vectors = title_vectors(data)
    tune_faiss()
    faiss = optional("faiss")
    ours = {"ours": lambda seed: KMeans(n_clusters=K, seed=seed).fit(vectors).cluster_centers_}
    quick = {
        "faiss niter=20": faiss and (lambda seed: _faiss(faiss, vectors, seed)),
        "scikit-learn MiniBatchKMeans": lambda seed: _theirs(
            MiniBatchKMeans(
                K, n_init=1, random_state=seed, batch_size=8192, max_no_improvement=None, max_iter=10, tol=0.0
            ),
            vectors,
        ),
    }
    slow = {"scikit-learn KMeans(n_init=1)": lambda seed: _theirs(TheirKMeans(K, n_init=1, random_state=seed), vectors)}
    KMeans(n_clusters=200).fit(vectors[:20_000])  # compiles
    for contenders, seeds in (({**ours, **quick}, 3), ({**ours, **slow}, 1)):
        yield from _race("titles", vectors, contenders, seeds)
    if faiss:
        many = np.load(million_vectors(data), mmap_mode="r")[:]
        contenders = {
            "ours": lambda seed: KMeans(n_clusters=K, seed=seed).fit(many).cluster_centers_,
            "faiss niter=20": lambda seed: _faiss(faiss, many, seed),
        }
        yield from _race("vectors", many, contenders, 2)


def _race(what: str, vectors: NDArray[np.float32], contenders: dict[str, Any], seeds: int) -> Iterator[Row]:
    """Time and inertia, taken in turn from `seeds` starts."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    inertias: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(seeds):
        for name, fit in contenders.items():
            if fit is None:
                continue
            start, cpu = time.perf_counter(), time.process_time()
            centers = fit(seed)
            times[name].append(time.perf_counter() - start)
            cpu = time.process_time() - cpu
            inertias[name].append(_inertia(vectors, centers))
            said = f"{times[name][-1]:.2f} s ({cpu:.2f} of the processor), inertia {inertias[name][-1]:,.0f}"
            print(f"  seed {seed} {name}: {said}", flush=True)
    quality = {name: statistics.median(each) for name, each in inertias.items() if each}
    settings = {"vectors": len(vectors), "width": WIDTH, "n_clusters": K, "seeds": seeds, "quality": "inertia"}
    work = f"k-means, {len(vectors):,} {what} x {WIDTH}, K={K:,}"
    yield Row.timed(work, times, quality=quality, settings=settings)
    theirs = {name: value for name, value in quality.items() if name != "ours"}
    yield Row.compared(
        work, "inertia, less is better", quality["ours"], theirs, better="less", runs=inertias, settings=settings
    )


def _theirs(model: Any, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return model.fit(vectors).cluster_centers_


def _faiss(faiss: Any, vectors: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    model = faiss.Kmeans(WIDTH, K, niter=20, seed=seed + 1, max_points_per_centroid=len(vectors))
    model.train(vectors)
    return model.centroids


def _inertia(vectors: NDArray[np.float32], centers: NDArray[np.float32]) -> float:
    """The same exact measure for all: float64 distances of every row to its nearest centre."""
    total = 0.0
    for start in range(0, len(vectors), 16_384):
        total += float(lloyd.distances(vectors[start : start + 16_384], centers).min(axis=1).sum())
    return total


if __name__ == "__main__":
    command(run)
