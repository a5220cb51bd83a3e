"""What a shop knows of its shoppers beside their events: one row a shopper, every other column an attribute."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from wares.data import reading
from wares.data.columns import EVENT, recognise
from wares.data.stream import open_table
from wares.errors import DataError


def read_shoppers(source: Any, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Column `shopper` (text exactly as written) and the attributes as they are.

    columns : {"shopper": theirs} where it is not recognised. Raises DataError where there is no such column, an id is
    missing or stands twice, or the file cannot be read.
    """
    table = open_table(source)
    found = recognise(table.columns, {"shopper": EVENT["shopper"]}, columns, table.name)
    if "shopper" not in found:
        raise DataError(
            f"{table.name} has no column of shopper ids among {', '.join(table.columns)}; name it under "
            "[shoppers.columns], or with --map shoppers.shopper=COLUMN"
        )
    theirs = found["shopper"][0]
    frames = [block.frame.select(table.columns) for block in table.blocks()]
    if not sum(map(len, frames)):
        raise DataError(f"{table.name} has no rows")
    frame = pl.concat(frames, how="vertical_relaxed")
    ids = reading.names(frame[theirs]).alias("shopper")
    if ids.null_count():
        raise DataError(f"{table.name}: {ids.null_count():,} rows have no shopper id (column {theirs!r})")
    if ids.n_unique() < len(ids):
        raise DataError(f"{table.name}: shopper {ids.filter(ids.is_duplicated())[0]!r} stands more than once")
    return pl.DataFrame([ids, *(frame[name] for name in table.columns if name != theirs)])
