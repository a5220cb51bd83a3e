"""Deep clustering beside k-means: do networks find the shop's categories better on sentence vectors?

Four catalogs, the titles of 10,000 products of each through the sentence encoder, 256 wide; categories are only what is
judged by. Every method makes as many clusters as there are categories, from five seeds, with its default settings; a
score is the adjusted mutual information with the categories.
"""

import csv
import gzip
import hashlib
import io
import json
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score

from benchmarks.harness import Row, command, needs
from wares.algorithm import Clusterer
from wares.registry import make

SEEDS = 5
SAMPLE = 10_000
WIDTH = 256
DEEP = ("autoencoder", "vae", "dec")

Table = tuple[list[str], list[str]]
"""Titles and the category of each."""


def run(data: Path) -> Iterator[Row]:
    """How well do deep clusterers find categories on sentence vectors, beside k-means at equal K?"""
    for name, read in SETS.items():
        titles, categories = _kept(*read(data))
        vectors = vectors_of(name, titles)
        rows = np.random.default_rng(0).permutation(len(vectors))[:SAMPLE]
        _, truth = np.unique(np.array(categories)[rows], return_inverse=True)
        vectors = vectors[rows]
        yield from _compare(name, vectors, truth)


def _compare(name: str, vectors: NDArray[np.float32], truth: NDArray[np.int64]) -> Iterator[Row]:
    k = int(truth.max()) + 1
    runs: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        for method in ("kmeans", *DEEP):
            start = time.process_time()
            labels = make(Clusterer, method, n_clusters=k, seed=seed).fit(vectors).labels_
            seconds.setdefault(method, []).append(time.process_time() - start)
            runs.setdefault(method, []).append(float(adjusted_mutual_info_score(truth, labels)))
            print(f"  {name} seed {seed} {method}: {runs[method][-1]:.3f}, {seconds[method][-1]:.0f} s", flush=True)
    base = statistics.mean(runs["kmeans"])
    for method in DEEP:
        yield Row.compared(
            f"{method}: {name}, {len(vectors):,} titles, K={k}",
            "AMI with the categories, mean",
            statistics.mean(runs[method]),
            {"kmeans": base},
            better="more",
            runs={"ours": runs[method], "kmeans": runs["kmeans"]},
            quality={
                "deviation": statistics.stdev(runs[method]),
                "deviation of kmeans": statistics.stdev(runs["kmeans"]),
                "seconds of processor": statistics.mean(seconds[method]),
            },
            settings={"width": WIDTH, "n_clusters": k, "seeds": SEEDS},
        )


# -- the sets --------------------------------------------------------------------------------------------------------


def _kept(titles: list[str], categories: list[str]) -> Table:
    """Without products of categories that have fewer than 20: too few to be found, and mostly mistakes."""
    names, counts = np.unique(np.array(categories), return_counts=True)
    enough = set(names[counts >= 20].tolist())
    rows = [row for row, each in enumerate(categories) if each in enough and titles[row].strip()]
    return [titles[row] for row in rows], [categories[row] for row in rows]


def pricerunner(data: Path) -> Table:
    """Offers and their 6 categories."""
    rows = list(csv.DictReader(io.StringIO(needs(data, "pricerunner/offers.csv").read_text(encoding="utf-8"))))
    return [row["product_title"] for row in rows], [row["category_label"] for row in rows]


def flipkart(data: Path) -> Table:
    """Names and the first level of the path; the last, which is the product's own name, is never read."""
    path = needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv")
    rows = [row for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))) if len(row) > 2]
    paths = [row[2].strip('[]"').split(" >> ") for row in rows]
    kept = [number for number, each in enumerate(paths) if len(each) > 1]
    return [rows[number][1] for number in kept], [paths[number][0] for number in kept]


def fashion(data: Path) -> Table:
    """Names and article types."""
    path = needs(data, "fashion_product_images/all_44446_products_no_images.csv.gz")
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8"))))
    return [row["productDisplayName"] or "" for row in rows], [row["articleType"] for row in rows]


def mwpd2020(data: Path) -> Table:
    """Names and the first level of GS1's classes; of several languages."""
    titles, categories = [], []
    with zipfile.ZipFile(needs(data, "mwpd2020/task2_train_val_with_labels.zip")) as archive:
        for member in sorted(archive.namelist()):
            for line in archive.read(member).decode("utf-8").splitlines():
                product = json.loads(line)
                titles.append(product["Name"] or "")
                categories.append(product["lvl1"])
    return titles, categories


SETS: dict[str, Callable[[Path], Table]] = {
    "pricerunner": pricerunner,
    "flipkart level 1": flipkart,
    "fashion article type": fashion,
    "mwpd2020 level 1": mwpd2020,
}


def vectors_of(name: str, titles: list[str]) -> NDArray[np.float32]:
    """(n, 256) float32 unit rows; kept in the folder for temporary files, for the titles they were made of."""
    digest = hashlib.sha256("\n".join(titles).encode()).hexdigest()[:12]
    kept = Path(tempfile.gettempdir()) / f"wares-{name.split()[0]}-{digest}.npy"
    if not kept.exists():
        import polars as pl

        from wares.data.catalog import Catalog
        from wares.encode.sentence import Sentence

        catalog = Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles}))
        made = Sentence(columns=("title",), width=WIDTH).fit(catalog).encode(catalog)
        np.save(kept.with_suffix(".new.npy"), made)
        kept.with_suffix(".new.npy").replace(kept)
    return np.load(kept)


if __name__ == "__main__":
    command(run)
