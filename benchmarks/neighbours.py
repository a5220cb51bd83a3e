"""The 20 nearest neighbours of each of 150,000 title vectors: how fast, and how many of them found, beside the known?

Every vector of the set of `benchmarks.kmeans` gets its 20 nearest others. Recall counts a neighbour that is no farther
than the true twentieth, over 2,000 rows compared with all others. The libraries run with the settings that bring each
just above the recall of the row, build and search together, on both cores. Compilation is left out for all.
"""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Row, command, interleave, optional
from benchmarks.titles import WIDTH, title_vectors, tune_faiss
from wares.kernels.neighbours import neighbours

K = 20
JUDGED = 2_000
RUNS = 3
NEARLY = 2e-6
"""By so little in float32 products two rows are equally near."""


def run(data: Path) -> Iterator[Row]:
    """How fast are the 20 nearest neighbours of 150,000 title vectors found, at what recall?"""
    vectors = title_vectors(data)
    tune_faiss()
    judge = Judge(vectors)
    for name, contenders in (
        ("at least .95", {"ours": _ours(0.95), **_descent(n_iters=4, max_candidates=10), **_graphs()}),
        ("at least .98", {"ours": _ours(0.98), **_descent()}),
    ):
        for find in contenders.values():
            if find:
                find(vectors[:9_000])  # compiles
        recall: dict[str, list[float]] = {each: [] for each, find in contenders.items() if find}

        def call(each: str, find: Callable[..., Any], recall: dict[str, list[float]] = recall) -> None:
            recall[each].append(judge(find(vectors)))

        calls = {each: find and (lambda each=each, find=find: call(each, find)) for each, find in contenders.items()}
        times = interleave(calls, runs=RUNS, warmup=0)
        quality = {each: float(np.mean(found)) for each, found in recall.items()}
        yield Row.timed(
            f"top-{K} of {len(vectors):,} titles x {WIDTH}, recall {name}",
            times,
            quality=quality,
            settings={"runs": RUNS, "judged": JUDGED, "quality": f"recall@{K}, ties counted"},
        )


class Judge:
    """Tells the share of true neighbours that were found."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors
        self.rows = np.sort(np.random.default_rng(5).choice(len(vectors), JUDGED, replace=False))
        self.least = np.empty(JUDGED, np.float32)
        for start in range(0, JUDGED, 250):
            rows = self.rows[start : start + 250]
            products = vectors[rows] @ vectors.T
            products[np.arange(len(rows)), rows] = -np.inf
            self.least[start : start + 250] = np.partition(products, -K, axis=1)[:, -K]

    def __call__(self, found: NDArray[Any]) -> float:
        right = 0
        for row, least in zip(self.rows, self.least, strict=True):
            near = np.unique(found[row])
            near = near[(near >= 0) & (near != row)]
            right += min(K, int((self.vectors[near] @ self.vectors[row] >= least - NEARLY).sum()))
        return right / (K * JUDGED)


def _ours(recall: float) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    return lambda vectors: neighbours(vectors, K, recall=recall)[0]


def _descent(**settings: int) -> dict[str, Any]:
    """pynndescent; it counts a row among its own neighbours."""
    package = optional("pynndescent")

    def find(vectors: NDArray[np.float32]) -> NDArray[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = package.NNDescent(vectors, n_neighbors=K + 1, metric="euclidean", random_state=0, **settings)
            return model.neighbor_graph[0]

    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    return {f"pynndescent {said}".strip(): package and find}


def _graphs() -> dict[str, Any]:
    """Indexes by navigable graphs: each is built, then asked for every row."""
    hnswlib, faiss, usearch = optional("hnswlib"), optional("faiss"), optional("usearch.index")

    def by_hnswlib(vectors: NDArray[np.float32]) -> NDArray[Any]:
        index = hnswlib.Index("l2", WIDTH)
        index.init_index(len(vectors), M=16, ef_construction=60)
        index.add_items(vectors)
        index.set_ef(48)
        return index.knn_query(vectors, K + 1)[0].astype(np.int64)

    def by_faiss(vectors: NDArray[np.float32]) -> NDArray[Any]:
        index = faiss.IndexHNSWFlat(WIDTH, 16)
        index.hnsw.efConstruction = 60
        index.add(vectors)
        index.hnsw.efSearch = 48
        return index.search(vectors, K + 1)[1]

    def by_usearch(vectors: NDArray[np.float32]) -> NDArray[Any]:
        index = usearch.Index(
            ndim=WIDTH, metric="cos", dtype="bf16", connectivity=16, expansion_add=60, expansion_search=40
        )
        index.add(np.arange(len(vectors)), vectors)
        return index.search(vectors, K + 1).keys.astype(np.int64)

    return {
        "hnswlib M=16": hnswlib and by_hnswlib,
        "faiss HNSW M=16": faiss and by_faiss,
        "usearch bf16 M=16": usearch and by_usearch,
    }


if __name__ == "__main__":
    command(run)
