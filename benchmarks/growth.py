"""What does learning cost as a shop grows, in time and in memory, up to 10 million events of 100,000 products?

Needs no data set: the events are drawn, products by Zipf's law and the lengths of histories log-normal, and every model
learns in a process of its own. WARES_GROWTH=markov,als measures these alone, WARES_GROWTH_EVENTS=1000000 up to so many.
"""

import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.harness import Row, command, in_process
from wares.algorithm import Recommender
from wares.data.history import History
from wares.recommend.profile import DAY
from wares.registry import make

MODELS: Mapping[str, Mapping[str, Any]] = {
    "popular": {},
    "markov": {},
    "itemknn": {},
    "associations": {},
    "sessionknn": {},
    "userknn": {},
    "rp3beta": {},
    "slim": {},
    "sparse_ease": {},
    "als": {"iterations": 3},
    "svd": {},
    "mf": {"epochs": 2, "rating_epochs": 2},
    "bpr": {"epochs": 2},
    "logistic": {"epochs": 2},
}
"""The models by their names in the registry, with settings that differ from the default ones."""

SIZES = ((100_000, 10_000), (1_000_000, 30_000), (10_000_000, 100_000))
"""Events and products."""

LIMIT_GB = 6.0


def drawn(n_events: int, n_products: int, seed: int = 11) -> History:
    """About so many events: ten a shopper in the mean, at most 500, of products whose popularity follows Zipf's law."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(np.log(10) - 0.5, 1.0, n_events // 9), 1, 500).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    chances = np.cumsum(1 / np.arange(1, n_products + 1) ** 0.9)
    places = rng.permutation(n_products).astype(np.int32)
    products = places[np.searchsorted(chances, rng.random(indptr[-1]) * chances[-1]).clip(0, n_products - 1)]
    # Shoppers differ: most events of one are near a point of the catalog of its own.
    home = np.repeat(rng.integers(0, n_products, len(lengths)), lengths)
    near = rng.random(indptr[-1]) < 0.7
    products[near] = places[(home[near] + rng.geometric(0.01, near.sum())) % n_products]
    starts = rng.integers(0, 700, len(lengths)) * DAY
    times = np.repeat(starts, lengths) + (np.arange(indptr[-1]) - np.repeat(indptr[:-1], lengths)) * (DAY // 2)
    return History(indptr, products, np.ones(len(products), np.float32), n_products, times=times)


def learn(name: str, folder: str) -> dict[str, float]:
    """Learn once from the history in a folder; CPU seconds, without those of compiling."""
    history = History.open(Path(folder))
    small = history.take(slice(0, 50))
    make(Recommender, name, **MODELS[name]).fit(small)
    before = resource.getrusage(resource.RUSAGE_SELF)
    make(Recommender, name, **MODELS[name]).fit(history)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def run(data: Path) -> Iterator[Row]:
    """What does learning cost as a shop grows, in time and in memory?"""
    names = os.environ.get("WARES_GROWTH", ",".join(MODELS)).split(",")
    most = int(os.environ.get("WARES_GROWTH_EVENTS", SIZES[-1][0]))
    with TemporaryDirectory(prefix="wares-growth-") as folder:
        for n_events, n_products in (size for size in SIZES if size[0] <= most):
            history = drawn(n_events, n_products)
            path = Path(folder) / str(n_events)
            history.save(path)
            for name in names:
                done = in_process("benchmarks.growth:learn", name, str(path))
                gb = done.peak_mb / 1024
                yield Row(
                    work=f"{name}: {history.n_events:,} events of {n_products:,} products",
                    metric="peak resident memory of learning, GB",
                    ours=gb,
                    quality={
                        "CPU seconds": done.result["cpu"],
                        "seconds, with compiling": done.seconds,
                        f"within {LIMIT_GB:.0f} GB": gb <= LIMIT_GB,
                    },
                    settings={"products": n_products, "shoppers": len(history), **MODELS[name]}
                    | {"line": name, "x": history.n_events}
                    | {"seconds": done.result["cpu"], "megabytes": done.peak_mb},  # what the plot is drawn from
                )


if __name__ == "__main__":
    command(run)
