"""What does each part of a product's vector add: words, attributes, behaviour?"""

import csv
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score as ami
from sklearn.metrics import silhouette_score

from benchmarks.harness import Row, command, needs
from wares.algorithm import Context, Encoder
from wares.arrays import Dense, Labels, unit
from wares.cluster.kmeans import KMeans
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.encode.attributes import Attributes
from wares.encode.behaviour import Behaviour
from wares.encode.hashing import Hashing
from wares.encode.sentence import Sentence

SEEDS = 3
SAMPLE = 14_000
"""Products of the demo shop that are clustered, half to choose a weight on and half to report."""

SPLIT = "2017-11-01"
"""Behaviour is learned from before it and judged after it."""

PAIRS = 400_000
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)


def run(data: Path) -> Iterator[Row]:
    """What does each part of a product's vector add?"""
    yield from _demo()
    yield from _fashion(data)


def joined(parts: Mapping[str, Dense], weights: Mapping[str, float]) -> Dense:
    """What `fused` makes of rows already encoded."""
    sides = [parts[name] * np.float32(weight**0.5) for name, weight in weights.items() if weight]
    return np.asarray(unit(np.concatenate(sides, axis=1)), np.float32)


def _judged(vectors: Dense, truths: Mapping[str, Labels], pairs: NDArray[np.int64] | None) -> dict[str, list[float]]:
    """Every measure, for each seed: against each truth with as many clusters as it has, of which the first decides the
    clusters that the others are taken from. Products whose truth is not known are -1 and not counted."""
    found: dict[str, list[float]] = {}
    kept = []
    for place, (name, truth) in enumerate(truths.items()):
        known = truth >= 0
        k = len(np.unique(truth[known]))
        for seed in range(SEEDS):
            labels = KMeans(n_clusters=k, seed=seed, spherical=True).fit(vectors).labels_
            found.setdefault(f"AMI {name}", []).append(float(ami(truth[known], labels[known])))
            if place == 0:
                kept.append(labels)
                shape = silhouette_score(vectors, labels, metric="cosine", sample_size=1_500, random_state=seed)
                found.setdefault("silhouette", []).append(float(shape))
                if pairs is not None:
                    found.setdefault("lift", []).append(_lift(labels, pairs))
    found["stability"] = [float(ami(one, other)) for one, other in combinations(kept, 2)]
    return found


def _lift(labels: Labels, pairs: NDArray[np.int64]) -> float:
    """How many times more often two products of one basket share a cluster than two of different baskets."""
    by_chance = np.random.default_rng(1).permutation(pairs[:, 1])
    met = float((labels[pairs[:, 0]] == labels[pairs[:, 1]]).mean())
    return met / max(float((labels[pairs[:, 0]] == labels[by_chance]).mean()), 1e-9)


def _rows(work: str, views: Mapping[str, Dense], ours: str, truths: Any, pairs: Any, settings: Any) -> Iterator[Row]:
    found = {name: _judged(each, truths, pairs) for name, each in views.items()}
    for measure in found[ours]:
        runs = {name: each[measure] for name, each in found.items()}
        means = {name: statistics.mean(each) for name, each in runs.items()}
        spread = {name: f"{min(each):.3f}-{max(each):.3f}" for name, each in runs.items()}
        yield Row.compared(
            work,
            f"{measure}, mean of {SEEDS} seeds of k-means",
            means.pop(ours),
            means,
            better="more",
            quality={"spread": spread},
            runs=runs,
            settings=settings,
        )


# -- the demo shop -----------------------------------------------------------------------------------------------------


def _demo() -> Iterator[Row]:
    catalog, history = _demo_shop()
    assert history.times is not None
    before = history.times < np.datetime64(SPLIT, "ns").astype(np.int64)
    past, future = history.keep(before), history.keep(~before)
    blind = ("brand", "size")  # titles hold the words of the categories
    start = time.process_time()
    behaviour = Behaviour(columns=blind).fit(catalog, Context(history=past)).encode(catalog)
    seconds = time.process_time() - start
    yield Row(
        work=f"behaviour of {len(catalog):,} products from {past.n_events:,} purchases",
        metric="seconds of processor time, fit and encode",
        ours=seconds,
    )
    rng = np.random.default_rng(0)
    levels = {"level 2": _codes(catalog, 2), "level 1": _codes(catalog, 1)}
    rows = rng.permutation(rng.choice(np.flatnonzero(levels["level 2"] >= 0), SAMPLE, replace=False))
    small = Catalog(catalog.frame(["id", "brand", "size", "price"])[rows])
    text = {"sentence": Sentence(columns=blind), "hashing": Hashing(columns=blind, width=256)}
    parts = {name: _encoded(each, small) for name, each in text.items()}
    parts["text"] = joined(parts, {"sentence": 1, "hashing": 0.5})
    parts["attributes"] = _encoded(Attributes(numbers=("price",), names=blind), small)
    parts["behaviour"] = behaviour[rows]
    pairs = _pairs(future)
    halves = [np.arange(SAMPLE) < SAMPLE // 2, np.arange(SAMPLE) >= SAMPLE // 2]
    sides = [
        (
            {name: each[half] for name, each in parts.items()},
            {name: np.unique(each[rows[half]], return_inverse=True)[1] for name, each in levels.items()},
            _among(pairs, rows[half], len(catalog)),
        )
        for half in halves
    ]
    chosen, tried = _chosen(*sides[0])
    theirs, truths, met = sides[1]
    views = {name: theirs[name] for name in ("text", "attributes", "behaviour")}
    views["text + attributes"] = joined(theirs, {"text": 1, "attributes": 0.25})
    for weight in WEIGHTS[1:]:
        views[f"text + {weight:g} behaviour"] = joined(theirs, {"text": 1, "behaviour": weight})
    views["all three"] = joined(theirs, {"text": 1, "attributes": 0.25, "behaviour": chosen})
    bought = np.bincount(past.products, minlength=len(catalog))[rows[halves[1]]]
    settings = {
        "weight of behaviour chosen on the other half, by stability and lift": chosen,
        "on that half": tried,
        "products never bought before the split": float((bought == 0).mean()),
        "pairs": len(met),
    }
    work = f"demo shop, {SAMPLE // 2:,} products, words of brand and size only"
    yield from _rows(work, views, f"text + {chosen or WEIGHTS[1]:g} behaviour", truths, met, settings)
    # As a shop has it: all words, which those of the categories are among, so that only lift and stability say much.
    read = Catalog(catalog.frame(["id", "title", "brand", "category"])[rows[halves[1]]])
    whole = {
        "text": joined(
            {"sentence": _encoded(Sentence(), read), "hashing": _encoded(Hashing(width=256), read)},
            {"sentence": 1, "hashing": 0.5},
        ),
        "behaviour": Behaviour().fit(catalog, Context(history=past)).encode(read),
    }
    views = {"text": whole["text"]} | {
        f"text + {weight:g} behaviour": joined(whole, {"text": 1, "behaviour": weight}) for weight in (0.5, 1.0)
    }
    work = f"demo shop, {SAMPLE // 2:,} products, all words"
    yield from _rows(work, views, "text + 0.5 behaviour", {"level 2": truths["level 2"]}, met, {})


def _chosen(parts: Mapping[str, Dense], truths: Any, pairs: NDArray[np.int64]) -> tuple[float, dict[str, Any]]:
    """The weight of behaviour with the best mean rank by stability and lift, no label looked at; and all of them."""
    only = {"level 2": truths["level 2"]}  # tells how many clusters to make
    found = {weight: _judged(joined(parts, {"text": 1, "behaviour": weight}), only, pairs) for weight in WEIGHTS}
    means = {weight: {name: statistics.mean(runs) for name, runs in each.items()} for weight, each in found.items()}
    ranks = {
        weight: sum(sum(other[name] > each[name] for other in means.values()) for name in ("stability", "lift"))
        for weight, each in means.items()
    }
    return min(WEIGHTS, key=lambda weight: (ranks[weight], weight)), {str(key): each for key, each in means.items()}


def _demo_shop() -> tuple[Catalog, History]:
    """Products, one for each group of variants, and purchases in baskets."""
    from wares.demo import prepare

    with tempfile.TemporaryDirectory() as folder:
        products, events, _ = (pl.read_parquet(path) for path in prepare(Path(folder)))
    shown = products.unique("group", keep="first", maintain_order=True)
    places = products.join(shown.select("group", row=pl.int_range(pl.len(), dtype=pl.Int32)), on="group")
    log = (
        events.join(places.select("row", product="id"), on="product")
        .sort("shopper", "at", "basket", maintain_order=True)
        .with_columns(run=pl.col("basket").rle_id().cast(pl.Int32), number=pl.col("shopper").rle_id())
    )
    sizes = np.bincount(log["number"].to_numpy())
    return Catalog(shown), History(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        products=log["row"].to_numpy(),
        weights=np.ones(len(log), np.float32),
        n_products=len(shown),
        times=log["at"].dt.timestamp("ns").to_numpy(),
        baskets=log["run"].to_numpy(),
    )


def _pairs(history: History) -> NDArray[np.int64]:
    """(n, 2) products drawn from one basket; a basket counts by its events."""
    assert history.baskets is not None
    begins = np.flatnonzero(np.diff(history.baskets, prepend=-1) != 0)
    ends = np.append(begins[1:], history.n_events)
    basket = np.searchsorted(begins, np.arange(history.n_events), side="right") - 1
    rng = np.random.default_rng(0)
    at = rng.integers(history.n_events, size=PAIRS)
    other = begins[basket[at]] + (rng.random(PAIRS) * (ends - begins)[basket[at]]).astype(np.int64)
    found = np.stack([history.products[at], history.products[other]], axis=1).astype(np.int64)
    apart: NDArray[np.int64] = found[found[:, 0] != found[:, 1]]
    return apart


def _among(pairs: NDArray[np.int64], rows: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The pairs that lie among some products, by their places there."""
    place = np.full(n, -1)
    place[rows] = np.arange(len(rows))
    found = place[pairs]
    return found[(found >= 0).all(axis=1)]


def _codes(catalog: Catalog, level: int) -> Labels:
    """(n,) the category up to a level, -1 where it does not go so deep."""
    names = [(each or "").split(" > ") for each in catalog.frame(["category"])["category"].to_list()]
    known = np.array([len(each) >= level and each[0] != "" for each in names])
    codes = np.unique([" > ".join(each[:level]) for each in names], return_inverse=True)[1]
    found: Labels = np.where(known, codes, -1)
    return found


def _encoded(encoder: Encoder, catalog: Catalog) -> Dense:
    return np.asarray(encoder.fit(catalog).encode(catalog), np.float32)


# -- fashion -----------------------------------------------------------------------------------------------------------


def _fashion(data: Path) -> Iterator[Row]:
    path = needs(data, "fashion_product_images/products.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    said = re.compile(rf"\b({'|'.join(sorted(_types(rows), key=len, reverse=True))})\b", re.IGNORECASE)
    attributes = ("baseColour", "season", "usage", "gender")
    frame = pl.DataFrame(
        {
            "id": [row["id"] for row in rows],
            "title": [said.sub(" ", row["productDisplayName"]) for row in rows],
            **{name: [row[name] or None for row in rows] for name in attributes},
        }
    )
    catalog = Catalog(frame)
    parts = {
        "text": _encoded(Sentence(columns=("title",)), catalog),
        "attributes": _encoded(Attributes(numbers=(), names=attributes), catalog),
    }
    views = dict(parts)
    for weight in (0.1, 0.25, 0.5):
        views[f"text + {weight:g} attributes"] = joined(parts, {"text": 1, "attributes": weight})
    truths = {"articleType": np.unique([row["articleType"] for row in rows], return_inverse=True)[1]}
    work = f"fashion, {len(rows):,} products, titles without the words of types"
    yield from _rows(work, views, "text + 0.25 attributes", truths, None, {})


def _types(rows: Sequence[Mapping[str, str]]) -> set[str]:
    """The words of all types and categories, in singular and plural."""
    names = {row[name].lower() for row in rows for name in ("articleType", "subCategory", "masterCategory")}
    words = {word for name in names for word in re.findall(r"[a-z]{3,}", name)}
    return words | {word.removesuffix("s") for word in words} | {f"{word}s" for word in words}


if __name__ == "__main__":
    command(run)
