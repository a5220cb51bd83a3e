"""How good are clusters: offers to products, what an election of methods chooses, and categories found from words."""

import csv
import gzip
import io
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score as ami

from benchmarks.harness import Row, command, needs
from wares.cluster.kmeans import KMeans
from wares.cluster.leiden import Leiden
from wares.cluster.multinomial import Multinomial
from wares.data.catalog import Catalog
from wares.encode.bag import Bag
from wares.encode.sentence import Sentence
from wares.tasks.electing import elect
from wares.tasks.fusing import Fused
from wares.tasks.grouping import grouping

FLOOR = 0.627
"""Pairwise F1 of a greedy average linkage of word TF-IDF with the same-vendor rule, mean of the six categories."""

CUTS = np.arange(0.05, 0.6, 0.03)
SEEDS = 5
ELECTIONS = 20
SAMPLE = 8000
"""Rows of flipkart and of fashion, so that all seeds end in minutes."""


def run(data: Path) -> Iterator[Row]:
    """How good are clusters?"""
    offers = _offers(data)
    yield from _products(offers)
    yield from _elected(offers)
    yield _categories(*_flipkart(data), "leiden, average joining")
    yield _categories(*_fashion(data), "multinomial")


# -- offers to products ------------------------------------------------------------------------------------------------


def _offers(data: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(needs(data, "pricerunner/offers.csv").read_text(encoding="utf-8"))))
    # The file stands in the order of the answers.
    return [rows[at] for at in np.random.default_rng(1).permutation(len(rows)).tolist()]


def _products(offers: list[dict[str, str]]) -> Iterator[Row]:
    """The cut is chosen on one category, in turn each, and measured on the other five; no label is seen otherwise."""
    scores: dict[str, NDArray[np.float64]] = {}
    for category in sorted({row["category_label"] for row in offers}):
        rows = [row for row in offers if row["category_label"] == category]
        truth = _codes([row["cluster_id"] for row in rows])
        found = grouping(_catalog([row["product_title"] for row in rows], [row["vendor_id"] for row in rows]))
        scores[category] = np.array([_agreement(found.cut(float(cut)), truth) for cut in CUTS])
    names = list(scores)
    for place, metric in enumerate(("pairwise F1", "B-cubed F1")):
        runs = {}
        for chosen in names:
            at = _middle(scores[chosen].sum(axis=1))
            runs[f"cut {CUTS[at]:.2f}, chosen on {chosen}"] = [
                float(scores[n][at, place]) for n in names if n != chosen
            ]
        means = [statistics.mean(each) for each in runs.values()]
        yield Row.compared(
            f"{len(offers):,} offers to products inside six categories, cut chosen on one, measured on five",
            f"{metric}, mean of the six choices",
            statistics.mean(means),
            {"greedy average linkage of TF-IDF": FLOOR} if place == 0 else {},
            better="more",
            quality={"least of the six": min(means), "greatest": max(means)},
            runs=runs,
        )


def _middle(scores: NDArray[np.float64]) -> int:
    """The middle of the cuts that are within .01 of the best (summed over two measures .02): the top is flat."""
    near = np.flatnonzero(scores >= scores.max() - 0.02)
    return int(near[len(near) // 2])


def _agreement(found: NDArray[np.int64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Pairwise F1 and B-cubed F1."""
    both = Counter(zip(found.tolist(), truth.tolist(), strict=True))
    left, right = Counter(found.tolist()), Counter(truth.tolist())

    def pairs(sizes: Any) -> int:
        return sum(size * (size - 1) // 2 for size in sizes)

    pairwise = 2 * pairs(both.values()) / max(pairs(left.values()) + pairs(right.values()), 1)
    precision = sum(size**2 / left[a] for (a, _), size in both.items()) / len(found)
    recall = sum(size**2 / right[b] for (_, b), size in both.items()) / len(found)
    return pairwise, 2 * precision * recall / (precision + recall)


# -- categories --------------------------------------------------------------------------------------------------------


def _elected(offers: list[dict[str, str]]) -> Iterator[Row]:
    """Method and number of clusters elected without labels, then fitted to all; beside k-means told the number."""
    catalog = _catalog([row["product_title"] for row in offers])
    truth = _codes([row["category_label"] for row in offers])
    # As a shop's default build has them.
    views = {**_views(catalog), "vectors": Fused().fit(catalog).encode(catalog)}
    ours, plain, chosen = [], [], []
    for seed in range(ELECTIONS):
        candidates = _candidates(seed)
        del candidates["leiden, average joining"]  # a setting, which no election tries
        found = elect(candidates, views, seed=seed).chosen
        model = candidates[found.method](found.k)
        ours.append(float(ami(truth, model.fit(views[model.READS]).labels_)))
        plain.append(float(ami(truth, candidates["kmeans"](6).fit(views["vectors"]).labels_)))
        chosen.append(f"{found.method} {found.k}")
        print(f"  seed {seed}: {chosen[-1]}, AMI {ours[-1]:.3f}; k-means {plain[-1]:.3f}", flush=True)
    yield Row.compared(
        f"{len(offers):,} offers to six categories, method and number elected, {ELECTIONS} seeds",
        "AMI, mean",
        statistics.mean(ours),
        {"k-means told K = 6, the same vectors": statistics.mean(plain)},
        better="more",
        quality={"least": min(ours), "greatest": max(ours)},
        runs={"ours": ours, "k-means": plain},
        settings={"elected": dict(Counter(chosen)), "candidates": list(candidates), "budget": "120 s"},
    )


def _categories(name: str, titles: list[str], kinds: list[str], named: str) -> Row:
    """All methods, told the number of classes; `named` is the one that the documentation names for such titles."""
    rows = np.sort(np.random.default_rng(0).choice(len(titles), min(SAMPLE, len(titles)), replace=False)).tolist()
    catalog, truth = _catalog([titles[row] for row in rows]), _codes([kinds[row] for row in rows])
    views, k = _views(catalog), int(truth.max()) + 1
    runs: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        for method, make in _candidates(seed).items():
            model = make(k)
            runs.setdefault(method, []).append(float(ami(truth, model.fit(views[model.READS]).labels_)))
    means = {method: statistics.mean(each) for method, each in runs.items()}
    return Row.compared(
        f"{len(rows):,} titles of {name} to {k} classes, {SEEDS} seeds, none left without a cluster",
        f"AMI of {named}, mean",
        means.pop(named),
        means,
        better="more",
        runs=runs,
    )


def _candidates(seed: int) -> dict[str, Any]:
    return {
        "kmeans": lambda k: KMeans(n_clusters=k, seed=seed, spherical=True),
        "multinomial": lambda k: Multinomial(n_clusters=k, seed=seed),
        "leiden": lambda k: Leiden(n_clusters=k, seed=seed),
        "leiden, average joining": lambda k: Leiden(n_clusters=k, joining="average", resolution=10, seed=seed),
    }


def _views(catalog: Catalog) -> dict[str, Any]:
    return {
        "vectors": Sentence(columns=("title",)).fit(catalog).encode(catalog),
        "words": Bag(columns=("title",)).fit(catalog).counts(catalog),
    }


def _flipkart(data: Path) -> tuple[str, list[str], list[str]]:
    path = needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv")
    rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8", errors="replace")))
    found = [(row[1], row[2].strip('[]" ').partition(">>")[0].strip()) for row in rows if len(row) > 2]
    sizes = Counter(kind for _, kind in found)
    kept = [each for each in found if sizes[each[1]] >= 20]
    return "flipkart (level 1, from names alone)", [title for title, _ in kept], [kind for _, kind in kept]


def _fashion(data: Path) -> tuple[str, list[str], list[str]]:
    path = needs(data, "fashion_product_images/all_44446_products_no_images.csv.gz")
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace"))))
    largest = {kind for kind, _ in Counter(row["articleType"] for row in rows).most_common(39)}
    kept = [row for row in rows if row["articleType"] in largest]
    texts = [" ".join(row[key] or "" for key in ("productDisplayName", "baseColour", "usage")) for row in kept]
    return "fashion (articleType, from title, colour and usage)", texts, [row["articleType"] for row in kept]


def _catalog(titles: list[str], sellers: list[str] | None = None) -> Catalog:
    frame = pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles})
    return Catalog(frame if sellers is None else frame.with_columns(pl.Series("seller", sellers)))


def _codes(names: list[str]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


if __name__ == "__main__":
    command(run)
