"""Do clusters keep their ids when products are added, and are planted changes told and none invented?

Vectors are those that a build makes of titles (demo shop: of every column), products drawn with a seed. *Rebuild*: 95 %
of the products are clustered, then all of them, as a build does (`wares.tasks.holding`, `following`). *Department*: the
products of one category are what is new, at most 5 %. *Split and merge*: in a clustering held as it is, one cluster
is halved by 2-means and two that lie nearest are made one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.harness import MissingData, Row, command, needs
from wares.cluster.kmeans import KMeans
from wares.data.catalog import Catalog
from wares.tasks import choosing
from wares.tasks.following import follow
from wares.tasks.fusing import default_encoder
from wares.tasks.holding import hold

SEEDS = 5
SHARE = 0.05


def run(data: Path) -> Iterator[Row]:
    """Do clusters keep their ids when products are added, and are planted changes told and none invented?"""
    for name, read in (("flipkart", _flipkart), ("demo shop", _demo)):
        try:
            catalog, groups = read(data)
        except MissingData as missing:
            yield Row(work=name, metric="share", ours=str(missing))
            continue
        encoder, _ = default_encoder()
        vectors = np.asarray(encoder.fit(catalog).encode(catalog))
        k = choosing.choose(lambda k: KMeans(n_clusters=k), vectors, seed=0).k
        yield _rebuilt(name, vectors, k)
        yield _departments(name, vectors, groups, k)
        yield _planted(name, vectors, k)


def _flipkart(data: Path) -> tuple[Catalog, NDArray[Any]]:
    path = needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv")
    frame = pl.read_csv(path, has_header=False, infer_schema_length=0, new_columns=["id", "title", "tree"])
    top = frame["tree"].str.strip_chars('[]" ').str.split(">>").list.first().str.strip_chars()
    return Catalog(frame.select("id", "title")), top.to_numpy()


def _demo(data: Path) -> tuple[Catalog, NDArray[Any]]:
    import tempfile

    from wares.data.clean import clean_products
    from wares.data.shelf import Shelf
    from wares.demo import prepare

    with tempfile.TemporaryDirectory() as folder:
        products, _, _ = prepare(Path(folder))
        clean_products([products], Path(folder))
        shelf = Shelf.make(Catalog.of(Path(folder) / "products.arrow"), Path(folder))
        frame = shelf.shown.scan.select("id", "title", "brand", "category").collect()
    return Catalog(frame), frame["category"].str.split(" > ").list.first().to_numpy()


def _fit(vectors: NDArray[np.float32], k: int, seed: int) -> KMeans:
    return KMeans(n_clusters=k, seed=seed).fit(vectors)


def _again(vectors: NDArray[np.float32], old: NDArray[np.int64], new: NDArray[np.int64], k: int, seed: int) -> Any:
    """The last clustering, a fresh one, what is held and how it follows, of old rows and then new ones."""
    last = _fit(vectors[old], k, seed)
    rows = np.concatenate([old, new])
    before = np.concatenate([last.labels_, np.full(len(new), -1)])
    fresh = _fit(vectors[rows], k, seed + 100)
    held = hold(fresh, vectors[rows], before, np.asarray(last.cluster_centers_))
    same_k = fresh if held.model.n_clusters_ == k else _fit(vectors[rows], held.model.n_clusters_, seed + 100)
    found = follow(before, np.asarray(held.model.labels_), list(range(k)), k)
    alone = follow(before, np.asarray(fresh.labels_), list(range(k)), k)
    return held, found, held.model.inertia_ / same_k.inertia_, alone


def _rebuilt(name: str, vectors: NDArray[np.float32], k: int) -> Row:
    kept, worse, invented, alone = [], [], [], []
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(vectors))
        cut = round(len(order) * SHARE)
        _, found, ratio, fresh = _again(vectors, np.sort(order[cut:]), np.sort(order[:cut]), k, seed)
        kept.append(found.kept)
        worse.append(ratio - 1)
        invented.append(len(found.changes))
        alone.append(fresh.kept)
    return Row(
        work=f"{name}: {len(vectors):,} products of which 5 % are new, {k} clusters",
        metric="share that keeps its cluster's id, mean",
        ours=float(np.mean(kept)),
        peers={"a fresh clustering, matched": float(np.mean(alone))},
        ratio={"a fresh clustering, matched": float(np.mean(kept) / np.mean(alone))},
        quality={
            "least": min(kept),
            "inertia over a fresh clustering's, most": max(worse),
            "changes invented, in all": sum(invented),
            "reached": min(kept) >= 0.95 and max(worse) <= 0.0100001,
        },
        runs={"kept": kept, "inertia over fresh": worse, "fresh kept": alone},
        settings={"seeds": SEEDS, "k": k},
    )


def _departments(name: str, vectors: NDArray[np.float32], groups: NDArray[Any], k: int) -> Row:
    names, counts = np.unique(groups.astype(str), return_counts=True)
    least = max(100, round(0.2 * len(vectors) / k * 1.5))
    picked = [each for each, n in zip(names.tolist(), counts.tolist(), strict=True) if least <= n <= 0.2 * len(vectors)]
    told, invented, kept, missed = 0, 0, [], []
    for seed, each in enumerate(picked):
        rows = np.flatnonzero(groups.astype(str) == each)
        old = np.flatnonzero(groups.astype(str) != each)
        new = np.sort(np.random.default_rng(seed).permutation(rows)[: round(SHARE * len(vectors))])
        _, found, _, _ = _again(vectors, old, new, k, seed)
        births = [one for one in found.changes if one.kind == "birth"]
        told += bool(births)
        if not births:
            missed.append(each)
        invented += len(found.changes) - len(births)
        kept.append(found.kept)
    return Row(
        work=f"{name}: a new department, {len(picked)} of them one at a time",
        metric="share told as born",
        ours=told / max(len(picked), 1),
        quality={"other changes told": invented, "kept their id, least": min(kept, default=1.0), "missed": missed},
        settings={"departments": picked, "least products": least},
    )


def _planted(name: str, vectors: NDArray[np.float32], k: int) -> Row:
    told, invented, rounds = 0, 0, 20
    model = _fit(vectors, k, 0)
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        before, now = np.asarray(model.labels_), np.array(model.labels_)
        sizes = np.bincount(before)
        whole, one = rng.choice(np.flatnonzero(sizes >= np.median(sizes)), 2, replace=False).tolist()
        inside = np.flatnonzero(before == whole)
        now[inside[_fit(vectors[inside], 2, seed).labels_ == 1]] = k
        gaps = ((np.asarray(model.cluster_centers_) - model.cluster_centers_[one]) ** 2).sum(axis=1)
        gaps[[one, whole]] = np.inf
        other = int(gaps.argmin())
        now[now == other] = one
        now = np.unique(now, return_inverse=True)[1]
        found = follow(before, now, list(range(k)), k)
        kinds = [(each.kind, set(each.before)) for each in found.changes]
        expected = [("split", {whole}), ("merge", {one, other})]
        told += sum(each in kinds for each in expected)
        invented += sum(each not in expected for each in kinds)
    return Row(
        work=f"{name}: a cluster split and two merged, {rounds} times",
        metric="share of changes told",
        ours=told / (2 * rounds),
        quality={"invented": invented},
        settings={"k": k},
    )


if __name__ == "__main__":
    command(run)
