"""Topics of titles and descriptions: how quickly are they found, and how near to the shop's categories, beside
scikit-learn's own?

Products of mwpd2020 in English and other languages, name and description as counts of words. Every method makes as many
topics as there are categories of the first level, from three seeds, with its default settings; scikit-learn's learns
online with ten passes (LDA), or reads TF-IDF (NMF).
"""

import json
import statistics
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.decomposition import NMF as TheirNMF
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import adjusted_mutual_info_score

from benchmarks.harness import Row, command, needs
from wares.cluster.factor import Factor
from wares.cluster.lda import LDA
from wares.cluster.nmf import NMF
from wares.data.catalog import Catalog
from wares.encode.bag import Bag

SEEDS = 3
SHOWN = 8


def run(data: Path) -> Iterator[Row]:
    """How quickly are topics found, and how near are they to the shop's categories?"""
    catalog, categories = products(data)
    _, truth = np.unique(categories, return_inverse=True)
    start = time.process_time()
    bag = Bag().fit(catalog)
    counts = bag.counts(catalog)
    took = time.process_time() - start
    work = f"{counts.shape[0]:,} products, {counts.shape[1]:,} words, {counts.nnz:,} counts"
    yield Row(work=f"counting words: {work}", metric="seconds of processor", ours=took)
    k = int(truth.max()) + 1
    LDA(n_clusters=2, passes=1).fit(counts[:100])  # compiles
    NMF(n_clusters=2).fit(counts[:100])
    weighed = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    for name, ours, theirs in (
        ("lda", lambda seed: LDA(n_clusters=k, seed=seed).fit(counts), lambda seed: _their_lda(counts, k, seed)),
        ("nmf", lambda seed: NMF(n_clusters=k, seed=seed).fit(counts), lambda seed: _their_nmf(weighed, k, seed)),
        ("factor", lambda seed: Factor().fit(counts), None),
    ):
        times: dict[str, list[float]] = {"ours": [], "scikit-learn": []}
        scores: dict[str, list[float]] = {"ours": [], "scikit-learn": []}
        for seed in range(SEEDS if theirs else 1):
            for who, fit in (("ours", ours), ("scikit-learn", theirs)):
                if fit is None:
                    continue
                start = time.process_time()
                labels, model = _labels(fit(seed))
                times[who].append(time.process_time() - start)
                scores[who].append(float(adjusted_mutual_info_score(truth, labels)))
                if who == "ours" and seed == 0:
                    _show(name, model, bag, labels)
            print(f"  {name} seed {seed}: {times} {scores}", flush=True)
        if theirs:
            quality = {who: statistics.mean(each) for who, each in scores.items()}
            yield Row.timed(f"{name}: {work}", times, metric="seconds of processor, median", quality=quality)
        else:
            quality = {"AMI": scores["ours"][0], "clusters": int(labels.max()) + 1}
            yield Row(work=f"{name}: {work}", metric="seconds of processor", ours=times["ours"][0], quality=quality)


def products(data: Path) -> tuple[Catalog, list[str]]:
    """Names and descriptions, and the first level of GS1's classes."""
    rows = []
    with zipfile.ZipFile(needs(data, "mwpd2020/task2_train_val_with_labels.zip")) as archive:
        for member in sorted(archive.namelist()):
            rows += [json.loads(line) for line in archive.read(member).decode("utf-8").splitlines()]
    frame = pl.DataFrame(
        {
            "id": [str(row) for row in range(len(rows))],
            "title": [row["Name"] or "" for row in rows],
            "description": [row["Description"] or "" for row in rows],
        }
    )
    return Catalog(frame), [row["lvl1"] for row in rows]


def _their_lda(counts: Any, k: int, seed: int) -> Any:
    model = LatentDirichletAllocation(k, learning_method="online", batch_size=1024, max_iter=10, random_state=seed)
    return model.fit_transform(counts)


def _their_nmf(weighed: Any, k: int, seed: int) -> Any:
    return TheirNMF(k, random_state=seed, init="nndsvda", max_iter=200).fit_transform(weighed)


def _labels(found: Any) -> tuple[Any, Any]:
    return (found.argmax(axis=1), None) if isinstance(found, np.ndarray) else (found.labels_, found)


def _show(name: str, model: Any, bag: Bag, labels: Any) -> None:
    """The topics as a table for the documentation."""
    sizes = np.bincount(labels)
    for topic, words in enumerate(model.describe(bag.shown_, SHOWN)):
        print(f"| {name} | {sizes[topic]:,} | {', '.join(words)} |", flush=True)


if __name__ == "__main__":
    command(run)
