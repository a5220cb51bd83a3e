"""What a ranker is told of candidates: of the product, of the shopper, and of the two together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.tasks.splitting import DAY

SPANS = (7, 14, 30, 60, 120)
"""Days before the moment in which buyers of a product are counted."""

FIRST = (14, 30, 90)
"""Days in which those are counted who took a product for the first time."""

LATELY = 30
"""Days of a shopper that are looked at apart."""

PRODUCT = (
    *(f"buyers in {days} days" for days in SPANS),
    "buyers",
    *(f"first buyers in {days} days" for days in FIRST),
    "days since the first event",
    "days since the last event",
    "share who took it again",
    "price",
)
SHOPPER = ("events", "events lately", "products", "events a product")
BOTH = ("cluster share", "cluster events lately", "price over the usual")


@dataclass(frozen=True, eq=False)
class Products:
    """What is known of each product at a moment.

    table : (n_products, len(PRODUCT)) float32, NaN where nothing is known. clusters : (n_products,) or None.
    """

    table: Dense
    clusters: NDArray[np.int64]

    @classmethod
    def of(cls, history: History, context: Context, at: int) -> Self:
        """Counted over the events of a history, all before `at`."""
        n = history.n_products
        times = np.full(len(history.products), at, np.int64) if history.times is None else history.times
        pairs = history.owners() * n + history.products
        order = np.lexsort((times, pairs))
        begins = np.flatnonzero(np.diff(pairs[order], prepend=-1))
        products, first = pairs[order][begins] % n, times[order][begins]
        last = times[order][np.append(begins[1:], len(order)) - 1] if len(order) else first
        again = np.diff(np.append(begins, len(order))) > 1

        def counted(kept: NDArray[np.bool_] | slice) -> NDArray[np.int64]:
            return np.bincount(products[kept], minlength=n)

        buyers = counted(slice(None))
        born, died = np.full(n, at), np.full(n, np.iinfo(np.int64).min)
        np.minimum.at(born, products, first)
        np.maximum.at(died, products, last)
        taken = buyers > 0
        columns = [
            *(counted(last >= at - days * DAY) for days in SPANS),
            buyers,
            *(counted(first >= at - days * DAY) for days in FIRST),
            np.where(taken, (at - born) / DAY, np.nan),
            np.where(taken, (at - np.where(taken, died, at)) / DAY, np.nan),
            np.where(taken, counted(again) / np.maximum(buyers, 1), np.nan),
            np.full(n, np.nan) if context.prices is None else _longer(context.prices, n, np.nan),
        ]
        clusters = np.full(n, -1) if context.clusters is None else _longer(context.clusters, n, -1)
        return cls(np.stack(columns, axis=1).astype(np.float32), clusters.astype(np.int64))


def traits(products: Products, history: History, rows: Rows, at: int) -> Dense:
    """(len(rows), len(PRODUCT) + len(SHOPPER) + len(BOTH)) of the candidates of a one-shopper history."""
    own = history.products[history.products < len(products.table)]
    times = None if history.times is None else history.times[history.products < len(products.table)]
    late = own if times is None else own[times >= at - LATELY * DAY]
    distinct = len(np.unique(own))
    of_shopper = np.array([len(own), len(late), distinct, len(own) / max(distinct, 1)], np.float32)
    kinds = int(products.clusters.max(initial=-1)) + 2
    mine = products.clusters[rows] + 1
    share = np.bincount(products.clusters[own] + 1, minlength=kinds) / max(len(own), 1)
    lately = np.bincount(products.clusters[late] + 1, minlength=kinds)
    prices = products.table[:, PRODUCT.index("price")]
    known = prices[own][~np.isnan(prices[own])]
    usual = np.float32(np.median(known)) if len(known) else np.float32(np.nan)
    both = [np.where(mine > 0, share[mine], np.nan), np.where(mine > 0, lately[mine], np.nan), prices[rows] - usual]
    of_products = products.table[rows]
    return np.concatenate(
        [of_products, np.broadcast_to(of_shopper, (len(rows), len(SHOPPER))), np.stack(both, axis=1)], axis=1
    ).astype(np.float32)


def names(parts: Sequence[str]) -> list[str]:
    """The features in order: what each part says, how they stand together, and the traits."""
    return [*(f"{part} score" for part in parts), "blend score", "blend place", *PRODUCT, *SHOPPER, *BOTH]


def _longer(values: NDArray[np.generic], n: int, fill: float) -> NDArray[np.generic]:
    out = np.full(n, fill, np.result_type(values.dtype, np.float64 if np.isnan(fill) else np.int64))
    out[: min(n, len(values))] = values[:n]
    return out
