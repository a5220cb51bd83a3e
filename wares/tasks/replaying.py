"""A few labelled products of each class kept as they are, to be shown again when a model learns on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from wares.data.catalog import Catalog
from wares.tasks.holding_out import Names

LABEL = "\nlabel "
"""Begins the columns that hold labels, by target: no product file has a column of such a name."""


def remembered(catalog: Catalog, y: Mapping[str, Names], each: int, seed: int = 0) -> dict[str, Any]:
    """At most `each` products of each class, drawn at random: their texts and numbers, and their labels, by column."""
    frame = _with_labels(catalog, y)
    order = np.random.default_rng(seed).permutation(len(frame))
    last = LABEL + list(y)[-1]
    if each:
        drawn = frame[order].filter(pl.col(last).is_not_null())
        frame = drawn.filter(pl.int_range(pl.len()).over(last) < each).sort(last, maintain_order=True)
    else:
        frame = frame.clear()
    out: dict[str, Any] = {}
    for name, dtype in frame.schema.items():
        if dtype == pl.String:
            out[name] = np.array(frame[name].to_list(), dtype=object)
        elif dtype.is_numeric():
            out[name] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return out


def together(
    memory: Mapping[str, Any], catalog: Catalog, y: Mapping[str, Names]
) -> tuple[Catalog, dict[str, list[str | None]]]:
    """What is remembered and, below it, new products with their labels."""
    old = pl.DataFrame({name: _series(name, values) for name, values in memory.items()})
    both = pl.concat([old, _with_labels(catalog, y)], how="diagonal_relaxed")
    labels = {name.removeprefix(LABEL): both[name].to_list() for name in both.columns if name.startswith(LABEL)}
    frame = both.drop(name for name in both.columns if name.startswith(LABEL))
    if "id" in frame.columns:  # a product may be labelled again
        frame = frame.with_columns(id=pl.format("{}\n{}", pl.int_range(pl.len()), pl.col("id").fill_null("")))
    return Catalog(frame), labels


def _with_labels(catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> pl.DataFrame:
    labels = [pl.Series(LABEL + target, list(names), dtype=pl.String) for target, names in y.items()]
    return catalog.scan.collect().with_columns(labels)


def _series(name: str, values: Any) -> pl.Series:
    if values.dtype == object:
        return pl.Series(name, values.tolist(), dtype=pl.String)
    return pl.Series(name, np.asarray(values, np.float64)).fill_nan(None)
