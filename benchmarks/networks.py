"""Networks that read products, beside the default labeller, on real data: accuracy, macro-F1 and processor time.

80/20 by seed, products of one name on one side; default settings throughout, nothing chosen on these sets. Titles of
the Flipkart sample to level-1 categories; Chinese reviews to good or bad; photos of clothing to the 39 kinds.
"""

import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.fashion import products
from benchmarks.harness import Row, command, needs
from benchmarks.labelled import titles
from benchmarks.reviews import reviews
from wares.algorithm import Labeller
from wares.classify.imagecnn import ImageCNN
from wares.classify.lstm import LSTM
from wares.classify.multitask import MultiTask
from wares.classify.textcnn import TextCNN
from wares.data.catalog import Catalog
from wares.tasks.grading import by_level
from wares.tasks.holding_out import folds_of, picked, same_names
from wares.tasks.views import Views

SEEDS = 2
TITLES, REVIEWS = 6_000, 8_000
"""Of so many, drawn by seed 0, the networks learn and are asked: more takes hours on two cores."""


def run(data: Path) -> Iterator[Row]:
    """Are networks worth their time?"""
    catalog, labels = titles(data)
    yield from _judged("Flipkart titles to departments", *_some(catalog, labels, TITLES), _readers())
    texts, praise = reviews(data)
    frame = pl.DataFrame({"id": [str(row) for row in range(len(texts))], "title": list(texts)})
    named = ["good" if good else "bad" for good in praise.tolist()]
    yield from _judged("Chinese reviews to good or bad", *_some(Catalog(frame), named, REVIEWS), _readers("letters"))
    frame, kinds, _ = products(data)
    folder = str(needs(data, "fashion_product_images/products.csv").parent)
    pictured = Catalog(frame.select("id", "title", "image"))
    ways = {"imagecnn, head": ImageCNN(folders=(folder,)), "imagecnn, own": ImageCNN(way="own", folders=(folder,))}
    yield from _judged("photos of clothing to 39 kinds", pictured, kinds.tolist(), ways)


def _readers(units: str = "words") -> dict[str, Labeller]:
    return {
        "views": Views(),
        "textcnn": TextCNN(units=units),
        "lstm": LSTM(),
        "gru": LSTM(cell="gru"),
        "multitask": MultiTask(),
    }


def _some(catalog: Catalog, labels: list[str], n: int) -> tuple[Catalog, list[str]]:
    rows = np.sort(np.random.default_rng(0).choice(len(labels), min(n, len(labels)), replace=False))
    return picked(catalog, rows), [labels[row] for row in rows.tolist()]


def _judged(work: str, catalog: Catalog, labels: list[str], ways: Mapping[str, Labeller]) -> Iterator[Row]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    accuracy: dict[str, list[float]] = {name: [] for name in ways}
    macro: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(SEEDS):
        folds = folds_of(labels, same_names(catalog), 5, seed)
        taught, asked = np.flatnonzero(folds > 0), np.flatnonzero(folds == 0)
        truth = [labels[row] for row in asked.tolist()]
        for name, way in ways.items():
            start = time.process_time()
            model = type(way)(**{**way.get_params(deep=False), **({"seed": seed} if hasattr(way, "seed") else {})})
            model.fit(picked(catalog, taught), {"label": [labels[row] for row in taught.tolist()]})
            table = model.predict_proba(picked(catalog, asked))["label"]
            seconds[name].append(time.process_time() - start)
            said = np.asarray(model.classes_["label"])[table.argmax(axis=1)].tolist()
            found = by_level(truth, said, 0).table()
            accuracy[name].append(found["accuracy"])
            macro[name].append(found["macro_f1"])
            print(f"  {work}, seed {seed}, {name}: {found['accuracy']:.4f}, {seconds[name][-1]:.0f} s", flush=True)
    first, *_ = ways
    for metric, runs, better in (
        ("accuracy, mean", accuracy, "more"),
        ("macro-F1, mean", macro, "more"),
        ("processor seconds, mean", seconds, "less"),
    ):
        means = {name: statistics.mean(each) for name, each in runs.items()}
        what = f"{work}, {len(labels):,} products, {SEEDS} seeds; ours: {first}"
        yield Row.compared(what, metric, means.pop(first), means, better=better, runs=runs)


if __name__ == "__main__":
    command(run)
