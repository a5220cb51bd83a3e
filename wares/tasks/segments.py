"""Where shoppers stand: how long ago, how often and how much they bought, and what such shoppers are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wares.data.history import History

DAY = 86_400_000_000_000
"""Nanoseconds."""

SEGMENTS = {
    "champions": "came lately, come often and spend much",
    "loyal": "come often",
    "promising": "came lately, not often yet",
    "new": "came lately for the first time",
    "regular": "in the middle of the shop's shoppers",
    "at risk": "came often, but not lately",
    "cannot lose": "were among the best, and have not come for long",
    "hibernating": "came seldom, and not lately",
    "lost": "came seldom, and not for long",
}
"""Segments by name, with what they mean."""


@dataclass(frozen=True)
class Visits:
    """The visits of one shopper: a visit is a basket, or a day where baskets are not known.

    starts : (n_visits + 1,) where the events of each begin. days : (n_visits,) of each, since 1970. gaps : days between
    different days with a visit.
    """

    starts: NDArray[np.int64]
    days: NDArray[np.int64]

    @classmethod
    def of(cls, history: History) -> Self:
        """Of a one-shopper history; without times and baskets every event is a visit."""
        n = history.n_events
        if history.baskets is not None:
            new = np.diff(history.baskets, prepend=-1) != 0
        elif history.times is not None:
            new = np.diff(history.times // DAY, prepend=-1) != 0
        else:
            new = np.ones(n, np.bool_)
        starts = np.flatnonzero(new)
        days = np.zeros(len(starts), np.int64) if history.times is None else history.times[starts] // DAY
        return cls(np.append(starts, n), days)

    @property
    def gaps(self) -> NDArray[np.int64]:
        """(m,) days between one day with a visit and the next."""
        return np.asarray(np.diff(np.unique(self.days)), np.int64)


@dataclass(frozen=True)
class Standing:
    """Recency, frequency and monetary value of many shoppers, and the fifths that they fall into.

    values : (n_shoppers, 3) days since the last purchase, visits, and money (pieces where no price is known). edges :
    by column the four values between fifths.
    """

    values: NDArray[np.float32]
    edges: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, history: History, prices: NDArray[np.float64] | None, end: int, buys: NDArray[np.float64]) -> Self:
        """Of all shoppers. prices : of products. end : the moment, ns. buys : by kind 1 purchase, -1 return, 0 else."""
        values = np.zeros((len(history), 3), np.float32)
        start = 0
        for part in history.parts():
            values[start : start + len(part)] = rfm(part, prices, end, buys)
            start += len(part)
        there = values[:, 1] > 0
        quantiles = [np.quantile(column, (0.2, 0.4, 0.6, 0.8)) for column in values[there].T] if there.any() else []
        return cls(values, tuple(tuple(map(float, each)) for each in quantiles) or ((), (), ()))

    def scores(self, values: NDArray[np.floating]) -> tuple[int, int, int]:
        """1 (worst) to 5 in each of the three; 3 where all shoppers are alike."""
        recent = _fifth(-float(values[0]), [-each for each in reversed(self.edges[0])])
        return recent, _fifth(float(values[1]), self.edges[1]), _fifth(float(values[2]), self.edges[2])

    def segments(self) -> dict[str, int]:
        """How many shoppers are in each segment."""
        counts = dict.fromkeys(SEGMENTS, 0)
        for row in self.values[self.values[:, 1] > 0]:
            counts[segment(*self.scores(row), int(row[1]))] += 1
        return counts


def rfm(
    history: History, prices: NDArray[np.float64] | None, end: int, buys: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(n_shoppers, 3) days since the last purchase, visits with one, and the money spent; zeros without any.

    Where no kind is a purchase every event counts as one.
    """
    owners = history.owners()
    sign = np.ones(history.n_events) if history.kinds is None or not buys.any() else buys[history.kinds]
    bought = sign > 0
    out = np.zeros((len(history), 3), np.float32)
    if history.times is not None:
        last = np.zeros(len(history), np.int64)
        np.maximum.at(last, owners[bought], history.times[bought])
        out[:, 0] = np.where(last > 0, np.maximum(end - last, 0) / DAY, 0)
    visit = _visit(history)[bought]
    of = owners[bought]
    new = np.ones(len(of), np.bool_)
    new[1:] = (of[1:] != of[:-1]) | (visit[1:] != visit[:-1])
    out[:, 1] = np.bincount(of[new], minlength=len(history))
    pieces = np.ones(history.n_events)
    if history.values is not None:
        values = np.asarray(history.values, np.float64)
        pieces = np.where(np.isfinite(values) & (values > 0), values, 1.0)
    each = pieces * sign * (1.0 if prices is None else prices[history.products])
    out[:, 2] = np.maximum(np.bincount(owners, weights=each, minlength=len(history)), 0)
    return out


def _visit(history: History) -> NDArray[np.int64]:
    if history.baskets is not None:
        return history.baskets.astype(np.int64)
    if history.times is not None:
        return history.times // DAY
    return np.arange(history.n_events)


def _fifth(value: float, edges: Sequence[float]) -> int:
    if not len(edges) or edges[0] == edges[-1]:
        return 3 if not len(edges) or value == edges[0] else 5 if value > edges[0] else 1
    return 1 + int(np.searchsorted(edges, value, side="left"))


def segment(recency: int, frequency: int, money: int, visits: int) -> str:
    """The name of a segment, from the fifths (1 worst to 5) and how many visits there were."""
    if recency >= 4:
        if visits <= 1:
            return "new"
        if frequency >= 4:
            return "champions" if money >= 4 else "loyal"
        return "regular" if frequency == 3 else "promising"
    if recency == 3:
        return "loyal" if frequency >= 4 else "regular"
    if recency == 1 and frequency >= 4 and money >= 4:
        return "cannot lose"
    if frequency >= 3:
        return "at risk"
    return "lost" if recency == 1 else "hibernating"


def told(recency: float, cadence: float | None) -> tuple[str, str]:
    """Where in their own rhythm a shopper stands, and what that means: active, due, overdue or lapsed.

    recency : days since the last visit. cadence : the median of days between visits, None where there was one day only.
    """
    if cadence is None:
        return "once", "came on one day only: there is no rhythm yet"
    turns = recency / max(cadence, 1.0)
    if turns <= 1:
        return "active", "within the usual time between visits"
    if turns <= 2:
        return "due", "a visit is due"
    if turns <= 4:
        return "overdue", f"{turns:.1f} times the usual time between visits has passed"
    return "lapsed", f"{turns:.0f} times the usual time between visits has passed"


def counted(value: dict[str, int]) -> list[dict[str, Any]]:
    """Segments with what they mean and how many shoppers, the most first."""
    found = [{"name": name, "shoppers": n, "means": SEGMENTS[name]} for name, n in value.items() if n]
    return sorted(found, key=lambda each: -int(each["shoppers"]))
