"""Draws the pictures of docs/clusters: a dendrogram of product titles and the curve where DBSCAN finds its reach.

python -m benchmarks.cluster_pictures --data ../shared/data
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from scipy.cluster.hierarchy import dendrogram

from benchmarks.harness import needs
from wares.cluster.agglomerative import Agglomerative
from wares.cluster.dbscan import DBSCAN
from wares.data.catalog import Catalog
from wares.encode.sentence import Sentence

PRODUCTS, LEAVES = 4_000, 28
IMAGES = Path(__file__).parent.parent / "docs" / "img"


def draw(data: Path) -> None:
    """Write both pictures into docs/img."""
    with needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.reader(file) if len(line) == 3]
    picked = [lines[row] for row in np.random.default_rng(0).permutation(len(lines))[:PRODUCTS]]
    titles = [line[1] for line in picked]
    kinds = [line[2].strip('[]"').split(" >> ")[0].strip() for line in picked]
    catalog = Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles}))
    vectors = Sentence(columns=("title",), width=128).fit(catalog).encode(catalog)
    plt.rcParams.update({"svg.hashsalt": "wares", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    _dendrogram(Agglomerative().fit(vectors).tree_, kinds)
    _k_distances(DBSCAN(min_samples=5).fit(vectors))


def _dendrogram(tree: np.ndarray, kinds: list[str]) -> None:
    n = len(tree) + 1
    below: list[list[int]] = [[row] for row in range(n)]
    for a, b in tree[:, :2].astype(int).tolist():
        below.append(below[a] + below[b])

    def named(node: int) -> str:
        name, count = Counter(kinds[row] for row in below[node]).most_common(1)[0]
        return f"{name[:34]} {count}/{len(below[node])}"

    figure, axes = plt.subplots(figsize=(8, 6.5))
    dendrogram(
        tree, LEAVES, "lastp", orientation="left", leaf_label_func=named, ax=axes, color_threshold=0.55 * tree[-1, 2]
    )
    axes.set_xlabel("Ward's distance of a merge")
    axes.spines["left"].set_visible(False)
    _save(figure, "clusters-dendrogram.svg")


def _k_distances(model: DBSCAN) -> None:
    figure, axes = plt.subplots(figsize=(7, 3.6))
    curve = model.k_distances_
    axes.plot(np.linspace(0, 100, len(curve)), curve, color="#1f5fa8")
    for eps, _, clusters, share, score in model.grid_:
        best = eps == model.eps_
        color = "#c1440e" if best else "#999999"
        axes.axhline(eps, color=color, lw=1.4 if best else 0.7)
        said = f"{clusters:.0f} clusters, {share:.0%} of products, score {score:.2f}"
        axes.text(99, eps, f"eps {eps:.2f}: {said}", va="bottom", ha="right", fontsize=7, color=color)
    axes.set_xlabel("products, % (those with near neighbours first)")
    axes.set_ylabel("distance to the 4th nearest")
    _save(figure, "clusters-k-distance.svg")


def _save(figure: plt.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / name, metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    draw(parser.parse_args().data)
