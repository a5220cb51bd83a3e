"""What the shoppers of each interest want, more than others; what they begin to want; and what that is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense, Labels
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.tasks.naming import COLUMNS, name_clusters

DAY = 86_400_000_000_000
"""Nanoseconds."""

SHOWN = 12
"""Products of each interest that are told."""

NAMED = 150
"""Products that tell an interest from the others most, from which its name is made."""

OFTEN = 0.03
"""Of its shoppers, how many must have taken a product for it to stand for an interest; two at least."""

GROWN = 1.2
"""How many times its former share a group of products must have to be rising."""


@dataclass
class _Counts:
    """By interest and product how many shoppers took it, and how many for the first time lately; by group, events."""

    taken: NDArray[np.float64]
    lately: NDArray[np.float64]
    groups: NDArray[np.float64]
    late_groups: NDArray[np.float64]
    shoppers: NDArray[np.int64]
    since: int = 0
    notes: dict[str, Any] = field(default_factory=dict)


def wants(
    shown: Catalog,
    history: History,
    interest: Labels,
    groups: Labels,
    *,
    n_interests: int,
    window: float = 30.0,
) -> list[dict[str, Any]]:
    """Of each interest, as plain values: name, keywords, size, share, wants, groups, will_want and rising.

    interest : (n_shoppers,) -1 for shoppers of whom nothing is known. groups : (n_products,) the clusters of products.
    wants : products taken by more of its shoppers than of all, what tells most first, each with the share of its
    shoppers and how many times that of all. groups : clusters of products likewise, by events. will_want : the same of
    products that were taken for the first time in the last `window` days: what its shoppers take up. rising : clusters
    whose share of its events has grown in that time, with how many times. Without times nothing is lately.
    """
    counts = _count(history, interest, groups, n_interests, window)
    told = _telling(counts.taken, counts.shoppers)
    fresh = _telling(counts.lately, counts.shoppers)
    names = _names(shown, told, counts)
    every = max(int(counts.shoppers.sum()), 1)
    out = []
    for number in range(n_interests):
        name, keywords = names[number]
        out.append(
            {
                "name": name,
                "keywords": keywords,
                "size": int(counts.shoppers[number]),
                "share": float(counts.shoppers[number] / every),
                "wants": _products(counts.taken, told, counts.shoppers, number),
                "will_want": _products(counts.lately, fresh, counts.shoppers, number),
                "groups": _groups(counts.groups, number),
                "rising": _rising(counts, number),
            }
        )
    return out


def _count(history: History, interest: Labels, groups: Labels, k: int, window: float) -> _Counts:
    n, n_groups = history.n_products, int(groups.max(initial=-1)) + 1
    counts = _Counts(
        np.zeros((k, n)),
        np.zeros((k, n)),
        np.zeros((k, n_groups)),
        np.zeros((k, n_groups)),
        np.bincount(interest[interest >= 0], minlength=k),
    )
    if history.times is not None and history.n_events:
        last = max(int(part.times.max()) for part in history.parts() if part.times is not None and part.n_events)
        counts.since = last - int(window * DAY)
    start = 0
    for part in history.parts():
        own = np.repeat(interest[start : start + len(part)], np.diff(part.indptr))
        start += len(part)
        there = (own >= 0) & (part.weights > 0)
        late = np.zeros(part.n_events, np.bool_) if part.times is None else part.times >= counts.since
        # Events of a shopper stand in the order of time: the first of a pair is when the product was taken up.
        keys = part.owners()[there] * n + part.products[there]
        pairs, first = np.unique(keys, return_index=True)
        of, product = own[there][first], pairs % n
        np.add.at(counts.taken, (of, product), 1)
        up = late[there][first]
        np.add.at(counts.lately, (of[up], product[up]), 1)
        group = groups[part.products]
        for table, chosen in ((counts.groups, there & ~late), (counts.late_groups, there & late)):
            some = chosen & (group >= 0)
            table += np.bincount(own[some] * n_groups + group[some], minlength=k * n_groups).reshape(k, n_groups)
    counts.groups += counts.late_groups
    return counts


def _telling(taken: NDArray[np.float64], shoppers: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k, n) how much a product tells an interest from all: takers times the logarithm of how many times as frequent.

    0 of what is not more frequent, or of few.
    """
    share = taken / np.maximum(shoppers, 1)[:, None]
    overall = taken.sum(axis=0) / max(int(shoppers.sum()), 1)
    times = np.log(np.maximum(share, 1e-12) / np.maximum(overall, 1e-12))
    enough = taken >= np.maximum(2, OFTEN * shoppers)[:, None]
    return np.where(enough & (times > 0), taken * times, 0.0)


def _products(
    taken: NDArray[np.float64], told: NDArray[np.float64], shoppers: NDArray[np.int64], number: int
) -> list[dict[str, Any]]:
    rows = np.lexsort((np.arange(told.shape[1]), -told[number]))[:SHOWN]
    share = taken[number] / max(int(shoppers[number]), 1)
    overall = taken.sum(axis=0) / max(int(shoppers.sum()), 1)
    return [
        {"row": int(row), "share": float(share[row]), "times": float(share[row] / overall[row])}
        for row in rows
        if told[number, row] > 0
    ]


def _groups(events: NDArray[np.float64], number: int, n: int = 6) -> list[dict[str, Any]]:
    """Groups of products that have more of the interest's events than of all events."""
    share = events[number] / max(float(events[number].sum()), 1.0)
    overall = events.sum(axis=0) / max(float(events.sum()), 1.0)
    times = share / np.maximum(overall, 1e-12)
    worth = np.where((times > 1) & (share > 0), share * np.log(np.maximum(times, 1)), 0)
    rows = np.lexsort((np.arange(len(worth)), -worth))[:n]
    return [
        {"group": int(row), "share": float(share[row]), "times": float(times[row])} for row in rows if worth[row] > 0
    ]


def _rising(counts: _Counts, number: int, n: int = 4) -> list[dict[str, Any]]:
    late, before = counts.late_groups[number], counts.groups[number] - counts.late_groups[number]
    if not late.sum() or not before.sum():
        return []
    now, then = late / late.sum(), (before + 1) / (before + 1).sum()
    times = now / then
    sure = (times >= GROWN) & (late >= 10) & (now - then > 2 * np.sqrt(now * (1 - now) / late.sum()))
    rows = np.flatnonzero(sure)
    rows = rows[np.argsort(-(now - then)[rows], kind="stable")][:n]
    return [{"group": int(row), "share": float(now[row]), "times": float(times[row])} for row in rows]


def _names(shown: Catalog, told: NDArray[np.float64], counts: _Counts) -> list[tuple[str, list[str]]]:
    """A name for each interest from the products that tell it, each product standing for the interest it tells most."""
    k = len(told)
    best = told.argmax(axis=0)
    labels: dict[int, int] = {}
    for number in range(k):
        own = np.flatnonzero((best == number) & (told[number] > 0))
        for row in own[np.argsort(-told[number, own], kind="stable")][:NAMED].tolist():
            labels[row] = number
    rows = sorted(labels)
    columns = ["id", *(each for each in COLUMNS if shown.has(each))]
    if not rows or "title" not in columns:
        return [(f"Interest {number + 1}", []) for number in range(k)]
    frame = shown.scan.select(pl.col(columns).gather(rows)).collect()
    found = name_clusters(Catalog(frame), np.array([labels[row] for row in rows], np.int64))
    names = {number: (each.name, each.keywords) for number, each in enumerate(found)}
    plain = {number: f"Interest {number + 1}" for number in range(k)}
    return [
        (plain[number], []) if number not in names or not names[number][1] else names[number] for number in range(k)
    ]


def apart(
    traits: Dense, labels: Sequence[tuple[str, str]], interest: Labels, k: int, n: int = 5
) -> list[list[dict[str, Any]]]:
    """Of each interest the values of shoppers' attributes that are more frequent in it than among all who tell.

    traits : (n_shoppers, width) ones and zeros, zero rows where nothing is known.
    """
    known = traits.any(axis=1) & (interest >= 0)
    if not known.any():
        return [[] for _ in range(k)]
    member = csr_array((np.ones(int(known.sum())), (interest[known], np.flatnonzero(known))), shape=(k, len(interest)))
    counts = np.asarray(member @ traits)
    overall = counts.sum(axis=0) / known.sum()
    out = []
    for number in range(k):
        size = int((interest[known] == number).sum())
        share = counts[number] / max(size, 1)
        # Twice the error that chance alone makes is passed over.
        sure = share - overall > 2 * np.sqrt(overall * (1 - overall) / max(size, 1))
        rows = np.flatnonzero(sure & (counts[number] >= 3))
        rows = rows[np.argsort(-(share - overall)[rows], kind="stable")][:n]
        out.append(
            [
                {
                    "column": labels[row][0],
                    "value": labels[row][1],
                    "share": float(share[row]),
                    "times": float(share[row] / overall[row]),
                }
                for row in rows.tolist()
            ]
        )
    return out


def steady(ids: Sequence[int], found: Sequence[Mapping[str, Any]], before: Mapping[int, str]) -> list[dict[str, Any]]:
    """The interests with their ids, called as before where the id was there before; no name twice."""
    taken = {before[id] for id in ids if id in before}
    out = []
    for id, each in zip(ids, found, strict=True):
        name = before.get(id) or (each["name"] if each["name"] not in taken else f"{each['name']} ({id})")
        taken.add(name)
        out.append({"id": id, **each, "name": name})
    return out
