"""What a person can read of one shopper: interests over time, prices, brands, rhythm, what is due, and who is alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context
from wares.arrays import Dense, Labels
from wares.data.history import History
from wares.tasks.interests import Interests
from wares.tasks.segments import Visits

DAY = 86_400_000_000_000
"""Nanoseconds."""

PERIODS = 12
"""Periods at most that a history is told in."""

SHOWN = 8
"""Products, brands or shoppers of a list."""

AGAIN = 3
"""Days on which a product must have been taken for a rhythm of its own."""


@dataclass(frozen=True)
class Shares:
    """How much of what a shopper takes speaks of each interest.

    whole : (n_interests,) sums to 1. periods : (first day, last day, visits, shares) of each period with a visit, days
    since 1970. evidence : by interest the rows of the products of the shopper that speak of it most.
    """

    whole: NDArray[np.float64]
    periods: list[tuple[int, int, int, NDArray[np.float64]]]
    evidence: list[list[int]]


def shares(model: Interests, history: History, context: Context, *, n: int = 4) -> Shares:
    """Each visit is placed among the interests by itself; the shares are their mean, all visits counting alike."""
    visits = Visits.of(history)
    by_visit = History(
        visits.starts, history.products, history.weights, history.n_products, times=history.times, kinds=history.kinds
    )
    places = model.place(by_visit).astype(np.float64)
    whole = places.mean(axis=0) if len(places) else model.place(history, context)[0].astype(np.float64)
    return Shares(whole, _periods(visits, places), _evidence(model, history, n))


def _periods(visits: Visits, places: NDArray[np.float64]) -> list[tuple[int, int, int, NDArray[np.float64]]]:
    if not len(visits.days) or visits.days[0] == visits.days[-1]:
        return []
    first, last = int(visits.days[0]), int(visits.days[-1])
    edges = np.linspace(first, last + 1, min(PERIODS, last - first + 1, max(len(visits.days), 2)) + 1)
    number = np.clip(np.searchsorted(edges, visits.days, side="right") - 1, 0, len(edges) - 2)
    return [
        (
            int(np.ceil(edges[each])),
            int(np.ceil(edges[each + 1])) - 1,
            int((number == each).sum()),
            places[number == each].mean(axis=0),
        )
        for each in np.unique(number).tolist()
    ]


def _evidence(model: Interests, history: History, n: int) -> list[list[int]]:
    """Of the shopper's products those that are most of all the interest's, by times taken and how telling they are."""
    rows, times = np.unique(history.products[history.weights > 0], return_counts=True)
    rows, times = rows[rows < model.taste_.shape[1]], times[rows < model.taste_.shape[1]]
    if not len(rows):
        return [[] for _ in model.prior_]
    taste = model.taste_[:, rows].astype(np.float64)
    usual = model.prior_ @ taste
    rows, times, taste, usual = rows[usual > 0], times[usual > 0], taste[:, usual > 0], usual[usual > 0]
    lift = np.log(np.maximum(taste / usual, 1e-9))  # of what an interest never takes it tells nothing
    worth = lift * np.log1p(times)
    found = []
    for number in range(len(model.prior_)):
        order = np.lexsort((rows, -worth[number]))[:n]
        found.append([int(rows[at]) for at in order if worth[number, at] > 0])
    return found


def prices(history: History, price: NDArray[np.float64], places: NDArray[np.float32]) -> dict[str, Any] | None:
    """Prices of what was taken: 10th, 50th and 90th percentile, and the mean place of each among its like.

    price : of products, 0 for none. places : (n_products,) 0 (cheapest) to 1 among the products of its cluster, NaN
    for none. `level` is cheaper, middle or dearer: under 0.4, over 0.6.
    """
    own = price[history.products]
    known = (own > 0) & (history.weights > 0)
    if not known.any():
        return None
    low, middle, high = np.quantile(own[known], (0.1, 0.5, 0.9)).tolist()
    where = places[history.products[known]]
    where = where[np.isfinite(where)]
    place = float(where.mean()) if len(where) else None
    level = None if place is None else "cheaper" if place < 0.4 else "dearer" if place > 0.6 else "middle"
    return {"low": low, "middle": middle, "high": high, "place": place, "level": level}


def price_places(price: NDArray[np.float64], clusters: Labels) -> NDArray[np.float32]:
    """(n_products,) where a price stands among those of its cluster, 0 to 1, ties in the middle; NaN without one."""
    out = np.full(len(price), np.nan, np.float32)
    known = np.flatnonzero((price > 0) & (clusters >= 0))
    order = known[np.lexsort((price[known], clusters[known]))]
    group = clusters[order]
    bounds = np.append(np.flatnonzero(np.diff(group, prepend=-1)), len(order))
    for start, stop in pairwise(bounds.tolist()):
        own = price[order[start:stop]]
        below = np.searchsorted(own, own, side="left") + np.searchsorted(own, own, side="right")
        out[order[start:stop]] = below / (2 * len(own))
    return out


def brands(
    history: History, brand: Sequence[str | None], rows: NDArray[np.integer], clusters: Labels
) -> dict[str, Any] | None:
    """The brands taken most, with their shares; and loyalty: of the shelves taken from often, the share of the first.

    brand : of `rows`, the distinct products of the history. A shelf is a cluster that was taken from five times.
    """
    code = {name: number for number, name in enumerate(dict.fromkeys(each for each in brand if each))}
    number = np.array([code[each] if each else -1 for each in brand], np.int64)
    own = number[np.searchsorted(rows, history.products)]
    known = (own >= 0) & (history.weights > 0)
    if not known.any():
        return None
    counts = np.bincount(own[known], minlength=len(code))
    names = list(code)
    order = np.argsort(-counts, kind="stable")[:SHOWN]
    table = np.zeros((int(clusters.max(initial=-1)) + 2, len(code)))
    np.add.at(table, (clusters[history.products[known]], own[known]), 1)
    shelves = table[:-1][table[:-1].sum(axis=1) >= 5]
    loyalty = float(shelves.max(axis=1).sum() / shelves.sum()) if len(shelves) else None
    first: dict[int, list[int]] = {}
    for row, each in zip(rows.tolist(), number.tolist(), strict=True):
        first.setdefault(each, []).append(row)
    return {
        "loyalty": loyalty,
        "shelves": len(shelves),
        "brands": [
            {"brand": names[at], "share": float(counts[at] / counts.sum()), "rows": first[int(at)][:3]} for at in order
        ],
    }


def due(history: History, now: int, *, n: int = SHOWN) -> list[dict[str, Any]]:
    """Products that the shopper's own rhythm says come again: row, every (days), last and due (days since 1970), times.

    A product taken on three days or more has the median of the days between as its rhythm. It is due from seven tenths
    of that until three times it have passed; the one most certainly so first: many times taken, steady, just due.
    """
    if history.times is None:
        return []
    kept = history.weights > 0
    day = history.times[kept] // DAY
    pairs = np.unique(np.stack([history.products[kept].astype(np.int64), day], axis=1), axis=0)
    starts = np.flatnonzero(np.r_[True, pairs[1:, 0] != pairs[:-1, 0]]) if len(pairs) else np.empty(0, np.int64)
    found = []
    for start, stop in zip(starts, np.append(starts[1:], len(pairs)), strict=True):
        days = pairs[start:stop, 1]
        if len(days) < AGAIN:
            continue
        gaps = np.diff(days)
        every = float(np.median(gaps))
        elapsed = now // DAY - int(days[-1])
        if not 0.7 <= elapsed / max(every, 1.0) <= 3:
            continue
        steady = 1 / (1 + float(np.median(np.abs(gaps - every))) / max(every, 1.0))
        worth = np.log1p(len(days)) * steady / max(elapsed / max(every, 1.0), 1.0)
        found.append((-worth, int(pairs[start, 0]), every, int(days[-1]), len(days)))
    return [
        {"row": row, "every": every, "last": last, "due": last + round(every), "times": times}
        for _, row, every, last, times in sorted(found)[:n]
    ]


def alike(portraits: NDArray[np.floating], own: Dense, *, but: int = -1, k: int = SHOWN) -> list[tuple[int, float]]:
    """(row, cosine) of the shoppers most like one; `but` is left out. Reads every portrait, some at a time."""
    best: list[tuple[float, int]] = []
    for start in range(0, len(portraits), 65_536):
        scores = np.asarray(portraits[start : start + 65_536], np.float32) @ own
        if start <= but < start + len(scores):
            scores[but - start] = -np.inf
        top = np.argpartition(-scores, min(k, len(scores) - 1))[:k]
        best = sorted([*best, *((-float(scores[at]), start + int(at)) for at in top)])[:k]
    return [(row, -score) for score, row in best if -score > 0]
