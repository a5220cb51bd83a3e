"""k-means on real title vectors with 1,000 centres: how fast, and how low an inertia, beside the known libraries?

150,000 titles of the data sets, in several languages, through the sentence encoder, 256 wide. Every run starts
from other seeds. Compilation is left out for all. faiss brings its own BLAS, which on recent processors picks an old
kernel by itself: it is told to use the one that the others use.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans as TheirKMeans
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_info

from benchmarks.harness import Row, command, needs, optional
from wares.cluster.kmeans import KMeans
from wares.kernels import lloyd

SIZE = 150_000
K = 1_000
WIDTH = 256


def run(data: Path) -> Iterator[Row]:
    """How fast is k-means with 1,000 centres on 150,000 title vectors, and how low its inertia?"""
    vectors = title_vectors(data)
    _tune_faiss()
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
        yield from _race(vectors, contenders, seeds)


def _race(vectors: NDArray[np.float32], contenders: dict[str, Any], seeds: int) -> Iterator[Row]:
    """Time and inertia, taken in turn from `seeds` starts."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    inertias: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(seeds):
        for name, fit in contenders.items():
            if fit is None:
                continue
            start = time.perf_counter()
            centers = fit(seed)
            times[name].append(time.perf_counter() - start)
            inertias[name].append(_inertia(vectors, centers))
            print(f"  seed {seed} {name}: {times[name][-1]:.2f} s, inertia {inertias[name][-1]:,.0f}", flush=True)
    quality = {name: statistics.median(each) for name, each in inertias.items() if each}
    settings = {"vectors": len(vectors), "width": WIDTH, "n_clusters": K, "seeds": seeds, "quality": "inertia"}
    work = f"k-means, {len(vectors):,} titles x {WIDTH}, K={K:,}"
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


def _tune_faiss() -> None:
    os.environ.pop("OPENBLAS_L2_SIZE", None)
    kernels = [each.get("architecture") or "" for each in threadpool_info() if each["user_api"] == "blas"]
    if kernels:
        os.environ["OPENBLAS_CORETYPE"] = kernels[0] if kernels[0] in ("Haswell", "Zen", "SkylakeX") else "SkylakeX"


# -- the vectors -----------------------------------------------------------------------------------------------------


def title_vectors(data: Path) -> NDArray[np.float32]:
    """(150,000, 256) float32 unit rows; kept in the folder for temporary files, for the titles they were made of."""
    titles = _titles(data)
    if len(titles) > SIZE:
        rows = np.random.default_rng(0).choice(len(titles), SIZE, replace=False)
        titles = [titles[row] for row in np.sort(rows).tolist()]
    digest = hashlib.sha256("\n".join(titles).encode()).hexdigest()[:12]
    kept = Path(tempfile.gettempdir()) / f"wares-titles-{digest}.npy"
    if not kept.exists():
        import polars as pl

        from wares.data.catalog import Catalog
        from wares.encode.sentence import Sentence

        catalog = Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles}))
        made = Sentence(columns=("title",), width=WIDTH).fit(catalog).encode(catalog)
        np.save(kept.with_suffix(".new.npy"), made)
        kept.with_suffix(".new.npy").replace(kept)
    return np.load(kept)


def _titles(data: Path) -> list[str]:
    found: list[str] = []
    for name, column, encoding in (
        ("pricerunner/offers.csv", "product_title", "utf-8"),
        ("crowdflower/judgements.csv", "product_title", "utf-8"),
        ("fashion_product_images/all_44446_products_no_images.csv.gz", "productDisplayName", "utf-8"),
        ("zh_taobao_cosmetics/双十一淘宝美妆数据.gb18030.csv", "title", "gb18030"),
    ):
        found += [row.get(column) or "" for row in csv.DictReader(io.StringIO(_text(needs(data, name), encoding)))]
    retail = csv.DictReader(io.StringIO(_text(needs(data, "online_retail/transactions.csv.gz"), "utf-8")))
    found += dict.fromkeys(row.get("Description") or row.get("description") or "" for row in retail)
    flipkart = _text(needs(data, "flipkart_taxonomy/flipkart_com-ecommerce_sample.csv"), "utf-8")
    found += [row[1] for row in csv.reader(io.StringIO(flipkart)) if len(row) > 1]
    for path in sorted(needs(data, "zh_product_titles").glob("*.csv")):
        found += [row.get("title") or "" for row in csv.DictReader(io.StringIO(_text(path, "utf-8")))]
    with zipfile.ZipFile(needs(data, "mwpd2020/task2_train_val_with_labels.zip")) as archive:
        for member in sorted(archive.namelist()):
            if member.endswith(".json"):
                lines = archive.read(member).decode("utf-8").splitlines()
                found += [json.loads(line).get("Name") or "" for line in lines if line.strip()]
    return [title.strip() for title in found if title.strip()]


def _text(path: Path, encoding: str) -> str:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return raw.decode(encoding, errors="replace")


if __name__ == "__main__":
    command(run)
