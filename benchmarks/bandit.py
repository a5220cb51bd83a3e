"""What does it cost to find out which of many new products are worth showing?"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Row, command
from wares.algorithm import Context
from wares.arrays import unit
from wares.data.history import History
from wares.recommend.bandit import LinUCB, Thompson

PRODUCTS, ROUNDS, SEEDS = 100, 4_000, 5
EXPLORED = 0.1

Policy = Callable[[int], int]


def run(data: Path) -> Iterator[Row]:
    """How many clicks are lost before the best new products are known? Simulated, nothing of the data set is read."""
    names = ("thompson", "linucb", "epsilon-greedy", "greedy", "at random")
    lost = {name: [_lost(name, seed) for seed in range(SEEDS)] for name in names}
    means = {name: float(np.mean(each)) for name, each in lost.items()}
    for ours in ("thompson", "linucb"):
        yield Row.compared(
            f"{ours}: {PRODUCTS} new products, {ROUNDS:,} shows of one each",
            "clicks lost against always showing the best (regret)",
            means[ours],
            {name: mean for name, mean in means.items() if name not in ("thompson", "linucb")},
            better="less",
            quality={
                "seeds": lost[ours],
                "clicks of the best": float(np.mean([_rates(s)[0].max() for s in range(SEEDS)]) * ROUNDS),
            },
        )


def _rates(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """How often each product is taken when shown, 3 % in the mean, and its vector, which tells part of that."""
    rng = np.random.default_rng([seed, 1])
    vectors = unit(rng.standard_normal((PRODUCTS, 8)).astype(np.float32))
    appeal = vectors[:, 0] * 2 + 0.5 * rng.standard_normal(PRODUCTS)
    return 1 / (1 + np.exp(3.8 - appeal)), vectors


def _lost(name: str, seed: int) -> float:
    """What is lost by a policy in all rounds: the rates of the best less those of what was shown."""
    rates, vectors = _rates(seed)
    rng = np.random.default_rng([seed, 2])
    nobody = History.of([[]], PRODUCTS)
    clicks, shows = np.zeros(PRODUCTS), np.zeros(PRODUCTS)
    thompson = Thompson(seed=seed).partial_fit(_shown(np.empty(0, np.int32), np.empty(0, np.float32)))
    line = LinUCB().fit(nobody, Context(vectors=vectors))
    everything = np.arange(PRODUCTS)

    def greedy(_: int) -> int:
        return int(((clicks + 0.6) / (shows + 20)).argmax())

    policies: dict[str, Policy] = {
        "thompson": lambda now: int(thompson.score(nobody, everything, context=Context(at=np.array([now]))).argmax()),
        "linucb": lambda now: int(line.score(nobody, everything).argmax()),
        "epsilon-greedy": lambda now: int(rng.integers(PRODUCTS)) if rng.random() < EXPLORED else greedy(now),
        "greedy": greedy,
        "at random": lambda now: int(rng.integers(PRODUCTS)),
    }
    lost = 0.0
    for now in range(ROUNDS):
        row = policies[name](now)
        taken = float(rng.random() < rates[row])
        lost += float(rates.max() - rates[row])
        clicks[row] += taken
        shows[row] += 1
        shown = _shown(np.array([row], np.int32), np.array([taken], np.float32))
        if name == "thompson":
            thompson.partial_fit(shown)
        elif name == "linucb":
            line.partial_fit(shown)
    return lost


def _shown(products: NDArray[np.int32], values: NDArray[np.float32]) -> History:
    indptr = np.array([0, len(products)], np.int64)
    return History(indptr, products, np.ones(len(products), np.float32), PRODUCTS, values=values)


if __name__ == "__main__":
    command(run)
