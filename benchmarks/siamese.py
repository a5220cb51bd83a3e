"""Offers of the same product near each other: the siamese encoder on categories it has not learned from.

Protocol: PriceRunner; learned from the products of three categories, tested on the other three, then the other way
round. Fitted on all offers, as a shop would, but told of the learned categories alone which are the same. An offer is
asked for the others of its product among all offers of its three categories: recall@10 is the share of them, of ten at
most, among its ten nearest by cosine; the mean over offers that have another. Encoders that learn nothing from pairs
are fitted on the offers they are tested on.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.harness import Row, command, needs
from wares.algorithm import Encoder
from wares.arrays import Dense, Labels
from wares.data.catalog import Catalog
from wares.encode.hashing import Hashing
from wares.encode.sentence import Sentence
from wares.encode.siamese import Siamese
from wares.tasks.fusing import Fused

AT = 10


def recall(vectors: Dense, same: Labels) -> float:
    """The mean share of the others of a product among the ten nearest."""
    sizes = np.bincount(same)[same] - 1
    found = []
    for start in range(0, len(vectors), 1024):
        like = vectors[start : start + 1024] @ vectors.T
        rows = np.arange(start, start + len(like))
        like[np.arange(len(like)), rows] = -np.inf
        near = np.argpartition(-like, AT, axis=1)[:, :AT]
        hits = (same[near] == same[rows][:, None]).sum(axis=1)
        found.append(hits / np.maximum(np.minimum(sizes[rows], AT), 1))
    return float(np.concatenate(found)[sizes > 0].mean())


def encoders() -> dict[str, Encoder]:
    return {
        "sentence": Sentence(columns=("title",)),
        "hashing": Hashing(columns=("title",)),
        "fused": Fused(
            parts=[Sentence(columns=("title",)), Hashing(columns=("title",), width=256)], weights=[1.0, 0.5]
        ),
        "siamese": Siamese(columns=("title",)),
        "siamese, squared error": Siamese(columns=("title",), loss="squared"),
        "siamese, euclidean": Siamese(columns=("title",), measure="euclidean"),
    }


def run(data: Path) -> Iterator[Row]:
    """What are known pairs worth for products never seen?"""
    offers = pl.read_csv(needs(data, "pricerunner/offers.csv")).select(
        pl.col("product_id").cast(str).alias("id"),
        pl.col("product_title").alias("title"),
        pl.col("cluster_id").alias("product"),
        pl.col("category_label").alias("shelf"),
    )
    shelves = sorted(set(offers["shelf"]))
    halves = shelves[::2], shelves[1::2]
    for name, encoder in encoders().items():
        each: list[float] = []
        seconds: list[Any] = []
        for learned, tested in (halves, halves[::-1]):
            test = offers.filter(pl.col("shelf").is_in(tested))
            before = time.process_time()
            if isinstance(encoder, Siamese):
                known = offers["shelf"].is_in(learned).to_numpy()
                encoder.fit(Catalog(offers), same=np.where(known, _numbers(offers), -1))
            else:
                encoder.fit(Catalog(test))
            seconds.append(time.process_time() - before)
            each.append(recall(np.asarray(encoder.encode(Catalog(test)), np.float32), _numbers(test)))
        yield Row(
            work=f"{name}: {len(offers):,} offers, the other of two halves",
            metric=f"recall@{AT} of the same product, mean",
            ours=float(np.mean(each)),
            runs={"ours": each},
            quality={"CPU seconds to fit": seconds, "tested on": [", ".join(half) for half in halves[::-1]]},
        )


def _numbers(frame: pl.DataFrame) -> Labels:
    return np.unique(frame["product"].to_numpy(), return_inverse=True)[1].astype(np.int64)


if __name__ == "__main__":
    command(run)
