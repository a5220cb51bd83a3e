"""Linkage and density clusterers beside scikit-learn and scipy: processor time, memory, and whether they agree.

Title vectors of the data sets (256 wide, unit rows), the same rows for all, each call in a process of its own with its
peak memory; the calls of a row take turns. Processor time counts all threads; a warm-up of 300 rows, which compiles, is
not counted. Agreement is the adjusted Rand index with that peer.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from benchmarks.harness import Row, command, in_process
from benchmarks.titles import title_vectors
from wares.cluster.agglomerative import Agglomerative
from wares.cluster.dbscan import DBSCAN
from wares.cluster.hdbscan import HDBSCAN

RUNS = 1
K = 200


def run(data: Path) -> Iterator[Row]:
    """What do linkage and density clusters of titles take in processor time and memory, and are they the same?"""
    vectors = title_vectors(data)
    order = np.random.default_rng(0).permutation(len(vectors))
    with tempfile.TemporaryDirectory() as folder:
        for n in (10_000, 20_000, 50_000):
            np.save(Path(folder) / f"{n}.npy", vectors[order[:n]])
        for n, work, calls in WORK:
            yield from _race(Path(folder), n, work, calls)


def _race(folder: Path, n: int, work: str, calls: dict[str, str]) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    memory: dict[str, float] = {}
    labels: dict[str, NDArray[np.int64]] = {}
    for _ in range(RUNS):
        for name, call in calls.items():
            out = folder / "labels.npy"
            done = in_process("benchmarks.linkage:measure", call, str(folder / f"{n}.npy"), str(out))
            seconds[name].append(done.result)
            memory[name] = done.peak_mb
            labels[name] = np.load(out)
    quality: dict[str, Any] = {f"clusters, {name}": int(each.max()) + 1 for name, each in labels.items()}
    peers = [name for name in calls if name != "ours"]
    quality |= {f"agreement with {name}": adjusted_rand_score(labels[name], labels["ours"]) for name in peers}
    title = f"{work}, {n:,} titles"
    yield Row.timed(title, seconds, metric="processor seconds, median", quality=quality)
    yield Row.compared(title, "peak memory, MB", memory["ours"], {name: memory[name] for name in peers}, better="less")
    print(f"  {title}: ours {statistics.median(seconds['ours']):.1f} s", flush=True)


def measure(call: str, path: str, out: str) -> float:
    """Processor seconds of one call on the rows in a file; its labels go into `out`."""
    vectors = np.load(path)
    CALLS[call](vectors[:300])
    start = time.process_time()
    labels = CALLS[call](vectors)
    spent = time.process_time() - start
    np.save(out, labels)
    return spent


def _scipy(vectors: NDArray[np.float32], name: str) -> Any:
    from scipy.cluster.hierarchy import fcluster, linkage

    return fcluster(linkage(vectors, name), K, "maxclust") - 1


def _scikit_learn(vectors: NDArray[np.float32], name: str, **settings: Any) -> Any:
    from sklearn import cluster

    return getattr(cluster, name)(**settings).fit(vectors).labels_


def _near_ward(vectors: NDArray[np.float32]) -> Any:
    from sklearn.neighbors import kneighbors_graph

    graph = kneighbors_graph(vectors, 15)
    return _scikit_learn(vectors, "AgglomerativeClustering", n_clusters=K, connectivity=graph)


CALLS: dict[str, Callable[[NDArray[np.float32]], Any]] = {
    "ward": lambda v: Agglomerative(n_clusters=K).fit(v).labels_,
    "average": lambda v: Agglomerative(n_clusters=K, linkage="average").fit(v).labels_,
    "single": lambda v: Agglomerative(n_clusters=K, linkage="single").fit(v).labels_,
    "ward graph": lambda v: Agglomerative(n_clusters=K, exact=2).fit(v).labels_,
    "average graph": lambda v: Agglomerative(n_clusters=K, linkage="average", exact=2).fit(v).labels_,
    "dbscan": lambda v: DBSCAN(eps=0.6, min_samples=5, noise="keep").fit(v).labels_,
    "dbscan chosen": lambda v: DBSCAN(noise="keep").fit(v).labels_,
    "hdbscan": lambda v: HDBSCAN(noise="keep").fit(v).labels_,
    "scipy ward": lambda v: _scipy(v, "ward"),
    "scipy average": lambda v: _scipy(v, "average"),
    "scipy single": lambda v: _scipy(v, "single"),
    "sklearn ward graph": _near_ward,
    "sklearn dbscan": lambda v: _scikit_learn(v, "DBSCAN", eps=0.6, min_samples=5, algorithm="brute"),
    "sklearn hdbscan": lambda v: _scikit_learn(v, "HDBSCAN", copy=True, algorithm="brute"),
}

WORK: list[tuple[int, str, dict[str, str]]] = [
    (10_000, "ward, every pair", {"ours": "ward", "scipy": "scipy ward"}),
    (10_000, "average, every pair", {"ours": "average", "scipy": "scipy average"}),
    (10_000, "single", {"ours": "single", "scipy": "scipy single"}),
    (10_000, "ward, along a graph", {"ours": "ward graph", "scikit-learn": "sklearn ward graph"}),
    (10_000, "dbscan, eps .6", {"ours": "dbscan", "scikit-learn": "sklearn dbscan"}),
    (10_000, "hdbscan", {"ours": "hdbscan", "scikit-learn": "sklearn hdbscan"}),
    (20_000, "ward along a graph beside every pair", {"ours": "ward graph", "ours, every pair": "ward"}),
    (50_000, "ward, along a graph", {"ours": "ward graph"}),
    (50_000, "average, along a graph", {"ours": "average graph"}),
    (50_000, "dbscan, eps chosen", {"ours": "dbscan chosen"}),
    (50_000, "hdbscan", {"ours": "hdbscan"}),
]

if __name__ == "__main__":
    command(run)
