"""What an encoder promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import ReadsText
from wares.arrays import Vectors
from wares.checks import shop
from wares.checks.common import Case, expect
from wares.data.catalog import Catalog

_CLOSE = 1e-3
"""Rows of a quantised model differ that much with the rows beside them."""


def _dense(vectors: Vectors) -> NDArray[np.float32]:
    return np.asarray(vectors.toarray() if isinstance(vectors, csr_array) else vectors)


def _taken(rows: Any) -> Catalog:
    return Catalog(shop.catalog().scan.collect()[rows])


def unit_rows(case: Case) -> None:
    """One float32 row a product, finite, of length one or zero."""
    vectors = case.fitted.encode(shop.catalog())
    expect(vectors.shape[0] == 12 and len(vectors.shape) == 2, f"12 products gave vectors of shape {vectors.shape}")
    expect(vectors.dtype == np.float32, f"vectors are {vectors.dtype}, not float32")
    table = _dense(vectors)
    expect(np.isfinite(table).all(), "vectors hold NaN or infinity")
    lengths = np.linalg.norm(table, axis=1)
    expect(((np.abs(lengths - 1) < 1e-3) | (lengths == 0)).all(), f"lengths are {lengths}, not one or zero")
    expect((lengths > 0).all(), "a product with every column filled has a zero row")


def shoes_are_near_shoes(case: Case) -> None:
    """A shoe is nearer to the shoes than to the mugs, and a mug to the mugs."""
    table = _dense(case.fitted.encode(shop.catalog()))
    kind = shop.kinds()
    near = table @ table.T
    np.fill_diagonal(near, np.nan)
    same = np.array([np.nanmean(near[row, kind == kind[row]]) for row in range(12)])
    cross = np.array([near[row, kind != kind[row]].mean() for row in range(12)])
    expect((same > cross).sum() >= 11, f"only {(same > cross).sum()} of 12 products are nearer to their own kind")


def batches_do_not_matter(case: Case) -> None:
    """A product's vector is the same whatever stands beside it, in any order."""
    whole = _dense(case.fitted.encode(shop.catalog()))
    parts = np.concatenate([_dense(case.fitted.encode(part)) for part in shop.catalog().parts(5)])
    expect(np.abs(whole - parts).max() < _CLOSE, "vectors of parts differ from those of the whole")
    turned = _dense(case.fitted.encode(_taken(list(range(11, -1, -1)))))[::-1]
    expect(np.abs(whole - turned).max() < _CLOSE, "vectors depend on the order of the products")


def ids_say_nothing(case: Case) -> None:
    """A product's name is not read: renamed, it keeps its vector."""
    frame = shop.catalog().scan.collect().with_columns(id=pl.lit("x") + pl.int_range(pl.len()).cast(pl.String))
    renamed, plain = case.fitted.encode(Catalog(frame)), case.fitted.encode(shop.catalog())
    expect(np.abs(_dense(plain) - _dense(renamed)).max() < _CLOSE, "ids change the vectors")


def nothing_known_is_no_crash(case: Case) -> None:
    """Products of which nothing is known, and no products at all, are encoded too; the width stays."""
    width = case.fitted.encode(shop.catalog()).shape[1]
    bare = case.fitted.encode(shop.bare_catalog())
    expect(bare.shape == (3, width), f"three bare products gave shape {bare.shape}, not (3, {width})")
    table = _dense(bare)
    lengths = np.linalg.norm(table, axis=1)
    expect(np.isfinite(table).all(), "a bare product has NaN or infinity")
    expect(((np.abs(lengths - 1) < 1e-3) | (lengths == 0)).all(), f"bare products have lengths {lengths}")
    none = case.fitted.encode(_taken([]))
    expect(none.shape == (0, width), f"no products gave shape {none.shape}, not (0, {width})")


def queries_find_products(case: Case) -> None:
    """An encoder that reads text puts a query where its products are."""
    encoder = case.fitted
    if not isinstance(encoder, ReadsText):
        return
    table = _dense(case.fitted.encode(shop.catalog()))
    asked = _dense(encoder.encode_text(["running shoes", "ceramic coffee mug", "", " "]))
    expect(asked.shape == (4, table.shape[1]), f"four texts gave shape {asked.shape}")
    expect(asked.dtype == np.float32 and np.isfinite(asked).all(), "texts must become finite float32 rows")
    lengths = np.linalg.norm(asked, axis=1)
    expect(((np.abs(lengths - 1) < 1e-3) | (lengths == 0)).all(), f"texts have lengths {lengths}")
    expect((asked[2] == asked[3]).all(), "no text and a space differ")
    best = (asked[:2] @ table.T).argmax(axis=1)
    expect(best[0] in shop.SHOES, f"the nearest to 'running shoes' is product {best[0]}, a mug")
    expect(best[1] in shop.MUGS, f"the nearest to 'ceramic coffee mug' is product {best[1]}, a shoe")


CHECKS: list[Callable[[Case], None]] = [
    unit_rows,
    shoes_are_near_shoes,
    batches_do_not_matter,
    ids_say_nothing,
    nothing_known_is_no_crash,
    queries_find_products,
]
