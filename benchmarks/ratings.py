"""How well does `mf` tell ratings, of shoppers folded in and of those of the training?

MovieLens-100k, 25 % of each shopper's ratings held out at random, for five seeds. The regularisation is chosen for each
seed anew, on a quarter held out of its training part; the test part is asked once.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.behaviours import movielens
from benchmarks.harness import OURS, Row, command
from benchmarks.movielens import by_seed, cut, settings_of
from wares.data.history import History
from wares.recommend.mf import MF

RATERS: Sequence[MF] = [MF(epochs=1, negatives=1, rating_regularisation=each) for each in (0.07, 0.085, 0.1)]
"""The settings that the ratings are chosen with."""


def rmse(said: NDArray[np.float32], test: History) -> float:
    """Of the ratings of `test`, each row a shopper's of all films."""
    assert test.values is not None
    wrong = said[test.owners(), test.products].astype(np.float64) - test.values
    return float(np.sqrt((wrong**2).mean()))


def one_seed(data: Path, seed: int) -> tuple[float, float, dict[str, Any]]:
    """The RMSE of shoppers folded in and of those trained, and what was chosen."""
    whole = movielens(data, seed)
    train, valid = cut(whole.train, seed)
    films = np.arange(train.n_products)
    best = min(RATERS, key=lambda model: rmse(model.fit(train).rate(train, films), valid))
    model = best.fit(whole.train)
    folded = rmse(model.rate(whole.train, films), whole.test)
    return folded, rmse(model.as_trained(whole.train), whole.test), settings_of(best)


def run(data: Path) -> Iterator[Row]:
    """How well does `mf` tell ratings, of shoppers folded in and of those of the training?"""
    folded, as_trained, chosen = zip(*by_seed(partial(one_seed, data)), strict=True)
    yield Row.compared(
        "mf rates MovieLens-100k, 75/25 by shopper",
        "RMSE, mean of 5 seeds",
        float(np.mean(folded)),
        {"shoppers' vectors as trained": float(np.mean(as_trained)), "SVD, as published": 0.939},
        better="less",
        runs={OURS: folded, "shoppers' vectors as trained": as_trained},
        settings={"chosen on a quarter of the training part, by seed": chosen},
    )


if __name__ == "__main__":
    command(run)
