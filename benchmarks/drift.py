"""When drift is told: how many products of a planted department it takes, and what more of the same mix does.

Vectors of the default encoder, without the categories; k-means of 60 clusters. A planted department is a category of
the first level, 500 products or more, that was held out of the clustering; 500 of its products come in by chance, alone
or every other one. The same mix is 5,000 products drawn from all and held out. Twenty seeds each.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.clusters import _flipkart
from benchmarks.harness import Row, command
from benchmarks.names import _demo
from wares.cluster.kmeans import KMeans
from wares.data.catalog import Catalog
from wares.tasks.drifting import Drift, limit_of, means
from wares.tasks.fusing import Fused

SEEDS, COMING, DEPARTMENT, HELD, CLUSTERS = 20, 5_000, 500, 500, 60


def run(data: Path) -> Iterator[Row]:
    """After how many products does a planted department fire, and does more of the same mix?"""
    for title, read in (("flipkart, titles alone", _titles), ("demo shop, titles and brands", _shop)):
        catalog, level = read(data)
        vectors = np.asarray(Fused().fit(catalog).encode(catalog))
        yield _same(title, vectors)
        yield from _planted(title, vectors, level)


def _same(title: str, vectors: NDArray[np.float32]) -> Row:
    """5,000 more of the same mix, seed by seed."""
    shares, highest, fired = [], [], 0
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(vectors))
        drift = _clustered(vectors[order[COMING:]])()
        score = 0.0
        for start in range(0, COMING, 50):
            drift.observe(vectors[order[start : start + 50]])
            score = max(score, drift.score)
        shares.append(drift.far / drift.n)
        highest.append(score)
        fired += drift.due
    return Row(
        work=f"{COMING:,} products of the same mix, {SEEDS} seeds: {title}",
        metric="false alarms",
        ours=float(fired),
        quality={"far share": _spread(shares), "highest score (alarm at 18)": float(max(highest))},
        runs={"far share": shares, "highest score": highest},
        settings={"k": CLUSTERS, "products": len(vectors), "coming": COMING},
    )


def _planted(title: str, vectors: NDArray[np.float32], level: NDArray[np.str_]) -> Iterator[Row]:
    """A department that was not there, alone and as every other product of what comes in."""
    names, counts = np.unique(level[level != ""], return_counts=True)
    large = names[counts >= DEPARTMENT].tolist()

    @cache
    def without(name: str) -> tuple[Callable[[], Drift], NDArray[np.int64]]:
        others = np.random.default_rng(len(name)).permutation(np.flatnonzero(level != name))
        return _clustered(vectors[others[HELD:]]), others[:HELD]

    alone, mixed, which = [], [], []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        name = large[seed % len(large)]
        fresh, usual = without(name)
        odd = rng.permutation(np.flatnonzero(level == name))[:DEPARTMENT]
        alone.append(_fires(fresh(), vectors[odd]))
        both = np.stack([odd, rng.permutation(usual)[: len(odd)]], axis=1).ravel()
        mixed.append(_fires(fresh(), vectors[both]))
        which.append(name)
    for how, after in (("alone", alone), ("every other product", mixed)):
        told = [each for each in after if each is not None]
        yield Row(
            work=f"a planted department, {how}, {SEEDS} seeds, {len(set(which))} departments: {title}",
            metric="products until it fires, median",
            ours=float(np.median(told)) if told else None,
            quality={"fired": len(told), "latest": max(told, default=0), "within 500": sum(n <= 500 for n in told)},
            runs={"products": [float(each or 0) for each in after]},
            settings={
                "k": CLUSTERS,
                "departments": which,
                "not fired": [n for n, at in zip(which, after, strict=True) if not at],
            },
        )


def _clustered(vectors: NDArray[np.float32]) -> Callable[[], Drift]:
    """Drift against a clustering of these products, to be begun as often as wanted."""
    labels = np.asarray(KMeans(n_clusters=CLUSTERS).fit(vectors).labels_)
    centers = means(vectors, labels)
    limit = limit_of(vectors, labels, centers)
    return lambda: Drift(centers, limit)


def _fires(drift: Drift, coming: NDArray[np.float32]) -> int | None:
    """After how many products it is due; None where it is not."""
    for number in range(len(coming)):
        drift.observe(coming[number : number + 1])
        if drift.due:
            return number + 1
    return None


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


# -- the sets --------------------------------------------------------------------------------------------------------


def _titles(data: Path) -> tuple[Catalog, NDArray[np.str_]]:
    _, titles, kinds = _flipkart(data)
    ids = [str(row) for row in range(len(titles))]
    return Catalog(pl.DataFrame({"id": ids, "title": titles})), np.array(kinds)


def _shop(data: Path) -> tuple[Catalog, NDArray[np.str_]]:
    frame = _demo(data)
    level = frame["category"].fill_null("").str.split(" > ").list.first()
    return Catalog(frame.select("id", "title", "brand")), np.array(level.to_list())


if __name__ == "__main__":
    command(run)
