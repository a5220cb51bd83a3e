"""The rules of cleaning that look at more than one row: prices far from their category's, and bots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.schema import SEPARATOR

TEST = (
    r"(?i)^\s*(test|testing|tester|dummy|测试)"
    r"([\s_-]*(product|item|order|user|account|customer|sku|商品|产品|用户|订单|账号))?[\s_-]*\d*\s*$"
)
"""Ids and titles of rows that someone made to try the system."""

_MAD = 1.4826  # a median deviation in units of a standard deviation
_SAMPLE = 4_000_000


@dataclass
class Prices:
    """The ordinary prices of each category, from at most four million prices spread evenly over the rows.

    A price is far off when its logarithm is more than `limit` robust standard deviations from its category's median;
    one deviation counts at least `least` (0.25: 28 %), so that a shelf of equal prices does not make every other one
    odd. Categories with fewer than `few` prices are judged with the level above, at last with all prices.
    """

    limit: float
    least: float = 0.25
    few: int = 20
    _parts: list[pl.DataFrame] = field(default_factory=list)
    _stride: int = 1
    _n: int = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take in the prices of some rows."""
        if "price" not in frame.columns or not self.limit:
            return
        category = pl.col("category") if "category" in frame.columns else pl.lit(None, pl.String)
        part = frame.select(category.alias("category"), pl.col("price").log().alias("log")).drop_nulls("log")
        self._parts.append(part.gather_every(self._stride))
        self._n += len(self._parts[-1])
        if self._n > _SAMPLE:
            self._parts = [pl.concat(self._parts).gather_every(2)]
            self._stride, self._n = self._stride * 2, len(self._parts[0])

    def bounds(self) -> pl.DataFrame:
        """By category path (null: every other product), the lowest and highest ordinary price."""
        if not self._parts:
            return pl.DataFrame(schema={"category": pl.String, "low": pl.Float64, "high": pl.Float64})
        logs = pl.concat(self._parts)
        known: dict[str, tuple[float, float]] = {}
        total = self._of(logs.with_columns(category=pl.lit("")))
        overall = (total["low"][0], total["high"][0]) if len(total) else (0.0, np.inf)
        depth = int(logs["category"].str.count_matches(SEPARATOR, literal=True).max() or 0) + 1  # type: ignore[arg-type]
        for level in range(1, depth + 1):
            paths = pl.col("category").str.split(SEPARATOR)
            deep = logs.filter(paths.list.len() >= level).with_columns(
                category=paths.list.head(level).list.join(SEPARATOR)
            )
            found = self._of(deep)
            known.update(zip(found["category"], zip(found["low"], found["high"], strict=True), strict=True))
        rows = [(name, *_nearest_above(name, known, overall)) for name in logs["category"].drop_nulls().unique()]
        schema = {"category": pl.String, "low": pl.Float64, "high": pl.Float64}
        return pl.DataFrame([*rows, (None, *overall)], schema=schema, orient="row")

    def _of(self, logs: pl.DataFrame) -> pl.DataFrame:
        middle = pl.col("log").median()
        spread = ((pl.col("log") - middle).abs().median() * _MAD).clip(self.least) * self.limit
        found = logs.group_by("category").agg(middle.alias("middle"), spread.alias("spread"), pl.len().alias("n"))
        found = found.filter(pl.col("n") >= self.few, pl.col("category").is_not_null())
        low, high = (pl.col("middle") - pl.col("spread")).exp(), (pl.col("middle") + pl.col("spread")).exp()
        return found.select("category", low=low, high=high)


def _nearest_above(
    name: str, known: Mapping[str, tuple[float, float]], overall: tuple[float, float]
) -> tuple[float, float]:
    levels = name.split(SEPARATOR)
    for n in range(len(levels), 0, -1):
        if (bounds := known.get(SEPARATOR.join(levels[:n]))) is not None:
            return bounds
    return overall


_DAY, _MINUTE = 86_400_000_000, 60_000_000
_BITS = 22
_SHOPPER_DAYS = 200_000  # of which the usual is learned


@dataclass
class Bots:
    """Shoppers faster than people: too many events on one day, or too many different moments in one minute.

    Too many on a day: `busiest` at least, and more than six robust standard deviations (on the logarithm) above what
    shoppers do on a day. Different moments, because a basket of ninety lines is one moment. Counts are kept in a table
    of a fixed size that never counts too little; the few it suspects are counted again, exactly.
    """

    busiest: int = 1_000
    moments: int = 40
    limit: float = 6.0
    _days: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1 << _BITS, np.uint32))
    _minutes: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(1 << _BITS, np.uint32))
    _sample: pl.DataFrame | None = None
    _keep: np.uint64 = np.uint64(1)  # noqa: RUF009 a number

    def add(self, frame: pl.DataFrame) -> None:
        """Take in some events."""
        who, at = frame["shopper"].hash(0).to_numpy(), frame["at"].cast(pl.Int64).to_numpy()
        day = at // _DAY
        np.add.at(self._days, _slots(who, day), 1)
        # The lines of a basket mostly stand together; what is counted too often here is counted again later.
        new = np.ones(len(who), np.bool_)
        new[1:] = (who[1:] != who[:-1]) | (at[1:] != at[:-1])
        np.add.at(self._minutes, _slots(who[new], at[new] // _MINUTE), 1)
        mine = who % self._keep == 0
        self._sample_days(pl.DataFrame({"who": who[mine], "day": day[mine]}).group_by("who", "day").len("n"))

    def _sample_days(self, days: pl.DataFrame) -> None:
        both = days if self._sample is None else pl.concat([self._sample, days])
        if len(both) > _SHOPPER_DAYS:
            both = both.group_by("who", "day").agg(pl.col("n").sum())
        while len(both) > _SHOPPER_DAYS:
            self._keep *= np.uint64(2)
            both = both.filter(pl.col("who") % int(self._keep) == 0)
        self._sample = both

    @cached_property
    def a_day(self) -> float:
        """More events than this on one day are too many; asked when all are taken in."""
        if self._sample is None or not len(self._sample):
            return float(self.busiest)
        counts = self._sample.group_by("who", "day").agg(pl.col("n").sum())
        logs = counts.group_by("who").agg(pl.col("n").max())["n"].log()
        middle = float(logs.median())  # type: ignore[arg-type]
        spread = max(_MAD * float((logs - middle).abs().median()), 0.5)  # type: ignore[arg-type]
        return max(float(self.busiest), float(np.exp(middle + self.limit * spread)))

    def suspects(self) -> bool:
        """Whether there can be any."""
        return bool(self._days.max() > self.a_day or self._minutes.max() > self.moments)

    def suspected(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The events of one part that may be a bot's: hash of the shopper, and time."""
        # Numbers only: a piece of a text column would keep the whole part in memory.
        who, at = frame["shopper"].hash(0).to_numpy(), frame["at"].cast(pl.Int64).to_numpy()
        many = self._days[_slots(who, at // _DAY)] > self.a_day
        fast = self._minutes[_slots(who, at // _MINUTE)] > self.moments
        return pl.DataFrame({"who": who[many | fast], "at": at[many | fast]})

    def found(self, suspected: pl.DataFrame) -> dict[int, str]:
        """By the hash of each shopper that is one, what shows it."""
        days = suspected.group_by("who", day=pl.col("at") // _DAY).len("n").filter(pl.col("n") > self.a_day)
        minutes = suspected.unique().group_by("who", minute=pl.col("at") // _MINUTE).len("n")
        out: dict[int, str] = {}
        for who, n in minutes.filter(pl.col("n") > self.moments).select("who", "n").sort("n").iter_rows():
            out[who] = f"acts at {n} different moments within one minute"
        for who, n in days.select("who", "n").sort("n").iter_rows():
            out[who] = f"has {n:,} events on one day; at most {self.a_day:,.0f} is usual"
        return out


def _slots(who: NDArray[np.uint64], part: NDArray[np.int64]) -> NDArray[np.int64]:
    mixed = who + part.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return np.asarray(mixed >> np.uint64(64 - _BITS), np.int64)
