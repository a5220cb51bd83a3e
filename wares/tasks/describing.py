"""What a cluster is: its name and words, typical and borderline products, prices, brands and what it earns."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.tasks.agreement import dense
from wares.tasks.organising import profile
from wares.tasks.sparing import Read

SHOWN = 8
"""Typical and borderline products of each cluster."""

BLOCK = 4096
"""Products compared with all centres at once."""


def describe(
    catalog: Catalog,
    labels: Labels,
    vectors: Vectors,
    centers: NDArray[np.float32],
    words: Read,
    bought: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> list[dict[str, Any]]:
    """A description of each cluster 0..labels.max(), as plain values; products as rows.

    Keys: name, size, keywords, typical, borderline (nearest to another cluster), share (of the catalog), prices (10th,
    50th and 90th percentile), brands, categories, apart (column, value and how many times as frequent as elsewhere),
    sold and revenue (None without events). words : what names are made of. bought : what `bought` gives.
    """
    names, profiles = words.named(labels, vectors), profile(catalog, labels)
    close = borderline(vectors, labels, centers)
    out = []
    for cluster, (name, each) in enumerate(zip(names, profiles, strict=True)):
        members = labels == cluster
        sold, revenue = (None, None) if bought is None else (float(part[members].sum()) for part in bought)
        out.append(
            {
                "name": name.name,
                "keywords": name.keywords,
                "typical": name.typical,
                "borderline": close[cluster],
                **asdict(each),
                "sold": sold,
                "revenue": revenue,
            }
        )
    return out


def borderline(vectors: Vectors, labels: Labels, centers: NDArray[np.float32]) -> list[list[int]]:
    """For each cluster the rows that are nearest to lying in another: least distance to spare first, at most 8."""
    n = len(labels)
    spare = np.full(n, np.inf, np.float32)
    if len(centers) > 1:
        squares = np.einsum("ij,ij->i", centers, centers)
        for start in range(0, n, BLOCK):
            some = labels[start : start + BLOCK]
            gaps = squares - 2 * (dense(vectors[start : start + BLOCK]) @ centers.T)
            rows = np.flatnonzero(some >= 0)
            own = gaps[rows, some[rows]]
            gaps[rows, some[rows]] = np.inf
            spare[start + rows] = gaps[rows].min(axis=1) - own
    order = np.lexsort((spare, labels))
    bounds = np.searchsorted(labels[order], np.arange(len(centers) + 1))
    return [
        [int(row) for row in order[start:stop][:SHOWN] if np.isfinite(spare[row])] for start, stop in pairwise(bounds)
    ]


def bought(
    catalog: Catalog, history: History, kinds: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(n,) pieces sold of each product and (n,) what they brought at its price of today; None without events.

    Purchases count as many pieces as their value says, one where it says nothing; returns count against it. Without
    any purchase among the kinds every event counts as a piece. `kinds` are in the order of their numbers.
    """
    if not history.n_events:
        return None
    pieces = np.zeros(history.n_products)
    signs = np.array([{"purchase": 1.0, "return": -1.0}.get(kind, 0.0) for kind in kinds])
    for part in history.parts():
        each = np.ones(part.n_events) if part.kinds is None else signs[np.asarray(part.kinds)]
        if part.values is not None:
            values = np.asarray(part.values, np.float64)
            each = each * np.where(np.isfinite(values) & (values > 0), values, 1.0)
        pieces += np.bincount(part.products, weights=each, minlength=history.n_products)
    prices = np.zeros(len(catalog))
    if catalog.has("price"):
        prices = np.nan_to_num(catalog.frame(["price"])["price"].fill_null(0.0).to_numpy(), posinf=0.0, neginf=0.0)
    return pieces, pieces * prices
