"""Communities of the kNN graph of titles: how fast, and at what modularity, beside networkx and scikit-network?

All get the same weighted graph, 15 neighbours of each distinct title, and look for modularity at resolution 1; the time
is that of the communities alone. Modularity is measured for all by one function. Each runs from several seeds.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.harness import Row, command, optional
from benchmarks.titles import title_vectors
from wares.cluster.graph import Graph, graph
from wares.cluster.leiden import Leiden
from wares.cluster.louvain import Louvain
from wares.kernels import communities as loops

SEEDS = 3


def run(data: Path) -> Iterator[Row]:
    """How fast are Louvain and Leiden on the kNN graph of titles, and what modularity do they reach?"""
    vectors = np.unique(title_vectors(data), axis=0)
    network, fast = optional("networkx"), optional("sknetwork.clustering")
    few = np.random.default_rng(0).choice(len(vectors), min(len(vectors), 10_000), replace=False)
    for rows, also in ((vectors[np.sort(few)], network), (vectors, None)):
        ties = graph(rows, 15, "near", 0)
        table = csr_array((ties.weights, ties.others, ties.bounds), shape=(ties.n, ties.n))
        for ours, theirs in ((Louvain, "Louvain"), (Leiden, "Leiden")):
            peers = {f"scikit-network {theirs}": fast and _theirs(getattr(fast, theirs), table)}
            if also and ours is Louvain:
                peers["networkx louvain_communities"] = _networkx(also, table)
            contenders = {"ours": _ours(ours, ties), **peers}
            yield from _race(f"{theirs}, {ties.n:,} titles, {len(ties.others):,} edges", ties, contenders)


def _race(work: str, ties: Graph, contenders: dict[str, Callable[[int], NDArray[Any]] | None]) -> Iterator[Row]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(SEEDS):
        for name, find in contenders.items():
            if find is None:
                continue
            start = time.perf_counter()
            labels = find(seed)
            times[name].append(time.perf_counter() - start)
            labels = np.unique(labels, return_inverse=True)[1]
            values[name].append(float(loops.modularity(*ties, labels, int(labels.max()) + 1, 1.0)))
            print(f"  seed {seed} {name}: {times[name][-1]:.2f} s, modularity {values[name][-1]:.5f}", flush=True)
    means = {name: float(np.mean(each)) for name, each in values.items() if each}
    yield Row.timed(work, times, quality=means, settings={"seeds": SEEDS, "quality": "modularity, mean"})
    theirs = {name: value for name, value in means.items() if name != "ours"}
    yield Row.compared(work, "modularity, mean", means["ours"], theirs, better="more", runs=values)


def _ours(cls: Any, ties: Graph) -> Callable[[int], NDArray[Any]]:
    small = Graph(np.array([0, 1, 2]), np.array([1, 0], np.int32), np.ones(2))
    cls()._levels(small, 1.0)  # compiles
    return lambda seed: cls(seed=seed)._levels(ties, 1.0)[-1]


def _theirs(cls: Any, table: csr_array) -> Callable[[int], NDArray[Any]]:
    from scipy.sparse import csr_matrix

    given = csr_matrix(table)
    return lambda seed: cls(
        modularity="newman", tol_optimization=1e-6, tol_aggregation=1e-6, shuffle_nodes=True, random_state=seed
    ).fit_predict(given)


def _networkx(package: Any, table: csr_array) -> Callable[[int], NDArray[Any]]:
    given = package.from_scipy_sparse_array(table)

    def find(seed: int) -> NDArray[Any]:
        labels = np.empty(table.shape[0], np.int64)
        for label, rows in enumerate(package.community.louvain_communities(given, seed=seed)):
            labels[list(rows)] = label
        return labels

    return find


if __name__ == "__main__":
    command(run)
