"""A shop small enough to judge by eye, and not symmetric: eight shoppers, six shoes, six mugs.

Shoes and mugs stand mixed, so that an answer in row order is a wrong one. Five shoppers buy shoes, three buy mugs; one
shoe-buyer has bought one mug. Nobody has bought the last mug. Products 0 and 3 are the most bought, by four each.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Context
from wares.arrays import Dense, unit
from wares.checks.photos import photos
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.schema import PRODUCTS as SCHEMA

SHOES = (0, 1, 3, 4, 6, 9)
MUGS = (2, 5, 7, 8, 10, 11)
TAKEN = ((0, 1, 3), (1, 3, 4, 0), (0, 3, 6), (3, 1, 9), (0, 4, 6, 2), (2, 5, 7), (5, 7, 8, 2), (7, 10, 5, 7))
"""Products of each shopper, oldest first; the last one bought mug 7 twice."""

_TITLES = (
    "Red running shoes for women",
    "Blue running shoes for men",
    "White ceramic coffee mug 300 ml",
    "Black leather shoes for men",
    "Trail running shoes waterproof",
    "Blue ceramic coffee mug 400 ml",
    "White tennis shoes for women",
    "Travel coffee mug steel 500 ml",
    "Ceramic tea mug with lid 350 ml",
    "Kids running shoes with lights",
    "Enamel coffee mug for camping 400 ml",
    "Black ceramic coffee mug 300 ml",
)
_BRANDS = (
    *("Strider", "Strider", "Potter", "Oxford", "Strider", "Potter"),
    *("Oxford", "Steelo", "Potter", "Strider", "Steelo", "Potter"),
)
_PRICES = (79.0, 85.5, 8.9, 120.0, 99.0, 9.5, 65.0, 19.9, 12.0, 45.0, 11.0, 8.5)
_DAY = np.int64(86_400_000_000_000)


def catalog() -> Catalog:
    """The twelve products, with every column a shop may have filled."""
    shoe = [row in SHOES for row in range(12)]
    return Catalog(
        pl.DataFrame(
            {
                "id": [f"{'shoe' if each else 'mug'}-{row}" for row, each in enumerate(shoe)],
                "title": list(_TITLES),
                "description": [f"{title}, by {brand}." for title, brand in zip(_TITLES, _BRANDS, strict=True)],
                "brand": list(_BRANDS),
                "category": ["Fashion > Shoes" if each else "Kitchen > Mugs" for each in shoe],
                "price": list(_PRICES),
                "image": list(photos(tuple(shoe))),
                "rating": [4.5, 4.1, 3.9, 4.8, 4.4, 4.0, 3.7, 4.6, 4.2, 3.5, 4.3, 4.1],
                "created": [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=row) for row in range(12)],
            },
            schema_overrides={name: SCHEMA[name] for name in ("price", "rating", "created")},
        )
    )


def other_catalog() -> Catalog:
    """Seven products of the twelve in another order, under other names: what a refit learns from."""
    frame = catalog().scan.collect()[[11, 2, 9, 0, 5, 4, 7]]
    return Catalog(frame.with_columns(id=pl.lit("other-") + pl.col("id")))


def bare_catalog() -> Catalog:
    """Three products of which nothing is known but the name."""
    columns = {name: [None] * 3 for name in SCHEMA if name not in ("id", "stock", "seller", "group")}
    return Catalog(pl.DataFrame({"id": ["a", "b", "c"], **columns}, schema_overrides=dict(SCHEMA)))


def history() -> History:
    """What the eight shoppers bought, a day apart; every event counts 1 but two."""
    lengths = [len(row) for row in TAKEN]
    weights = np.ones(sum(lengths), np.float32)
    weights[[3, 10]] = 2.0
    start = np.datetime64("2024-03-01", "ns").astype(np.int64)
    times = np.concatenate([start + (5 * row + np.arange(n)) * _DAY for row, n in enumerate(lengths)])
    return History(
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        products=np.array([each for row in TAKEN for each in row], np.int32),
        weights=weights,
        n_products=12,
        times=times,
        values=weights.copy(),
        kinds=np.zeros(sum(lengths), np.int8),
        baskets=np.concatenate([np.arange(n) for n in lengths]).astype(np.int32),
    )


def other_history() -> History:
    """Other shoppers of the same products."""
    return history().take(np.array([7, 2, 5, 1, 6]))


def vectors() -> Dense:
    """(12, 6) unit rows: shoes lie near the first axis, mugs near the second, no two rows are alike."""
    rng = np.random.default_rng(3)
    table = 0.15 * rng.standard_normal((12, 6))
    table[list(SHOES), 0] += 1
    table[list(MUGS), 1] += 1
    return np.ascontiguousarray(unit(table.astype(np.float32)))


def kinds() -> NDArray[np.int64]:
    """(12,) 0 for a shoe, 1 for a mug."""
    return np.array([0 if row in SHOES else 1 for row in range(12)], np.int64)


def context() -> Context:
    """Vectors, clusters and days of arrival of the twelve, the last being the newest."""
    created = np.datetime64("2024-01-01", "ns").astype(np.int64) + np.arange(12) * _DAY
    return Context(vectors=vectors(), clusters=kinds(), created=created)


def blobs() -> tuple[Dense, NDArray[np.int64]]:
    """(60, 5) rows in three groups of 30, 20 and 10, far apart, in mixed order; and the group of each."""
    rng = np.random.default_rng(5)
    group = rng.permutation(np.repeat([0, 1, 2], [30, 20, 10]))
    centers = np.array([[6, 0, 0, 1, 0], [0, 6, 0, 0, 1], [0, 0, 6, 1, 1]], np.float32)
    rows = centers[group] + 0.3 * rng.standard_normal((60, 5))
    return np.ascontiguousarray(rows, np.float32), group.astype(np.int64)
