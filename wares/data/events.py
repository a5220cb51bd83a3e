"""What shoppers did, one row an event; frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl

from wares.data.history import History
from wares.data.ids import Ids
from wares.errors import DataError

SCHEMA: dict[str, pl.DataType] = {
    "shopper": pl.String(),
    "product": pl.String(),
    "kind": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
    "query": pl.String(),
    "session": pl.String(),
    "basket": pl.String(),
    "id": pl.String(),
}
"""The columns every part of the house knows; all but shopper, product, kind and at may be missing."""

WEIGHTS: dict[str, float] = {"view": 1.0, "cart": 3.0, "favourite": 3.0, "purchase": 5.0, "return": -5.0}
"""What one event of each kind counts unless the shop says otherwise."""


@dataclass(frozen=True, eq=False)
class Events:
    """Events in any order, read lazily from a memory-mapped Arrow file (or a frame in memory)."""

    source: Path | pl.DataFrame

    @classmethod
    def of(cls, source: Any, columns: Mapping[str, str] | None = None) -> Self:
        """Events from a path, or a polars, pandas or Arrow table. Raises DataError. See `Catalog.of`."""
        if isinstance(source, (str, Path)) and Path(source).suffix == ".arrow" and not columns:
            if not Path(source).is_file():
                raise DataError(f"there is no file {source}")
            return cls(Path(source))
        from wares.data.read import read_events  # reads files, knows Events: this breaks the circle

        return cls(read_events(source, columns).collect())

    @cached_property
    def scan(self) -> pl.LazyFrame:
        """All columns, lazily."""
        return pl.scan_ipc(self.source) if isinstance(self.source, Path) else self.source.lazy()

    @cached_property
    def columns(self) -> list[str]:
        """Column names."""
        return self.scan.collect_schema().names()

    def __len__(self) -> int:
        return int(self.scan.select(pl.len()).collect().item())

    @cached_property
    def shoppers(self) -> Ids:
        """Every shopper, in the order of their names: the rows of `history(by="shopper")`."""
        return self._owners("shopper")

    @cached_property
    def sessions(self) -> Ids:
        """Every session, in the order of their names: the rows of `history(by="session")`."""
        return self._owners("session")

    def _owners(self, column: str) -> Ids:
        names = self.scan.select(pl.col(column).drop_nulls().unique().sort()).collect()[column]
        return Ids(names, column)

    def history(
        self, products: Ids, weights: Mapping[str, float] = WEIGHTS, *, by: Literal["shopper", "session"] = "shopper"
    ) -> History:
        """One row for each of `shoppers` (or `sessions`), in time order; ties in time go by event id, then by position.

        Events of products that are not in `products`, or of kinds without a weight, are left out.
        """
        owners = self.shoppers if by == "shopper" else self.sessions
        wanted = [by, "product", "kind", "at", *(c for c in ("value", "basket", "id") if c in self.columns)]
        frame = self.scan.select(wanted).filter(pl.col("kind").is_in(list(weights))).collect()
        rows = products.rows(frame["product"], missing=-1)
        frame = frame.with_columns(row=rows).filter(pl.col("row") >= 0, pl.col(by).is_not_null())
        owner = owners.rows(frame[by])
        at = frame["at"].dt.timestamp("ns").to_numpy()
        ties = [frame["id"].rank("dense").to_numpy()] if "id" in frame.columns else []
        order = np.lexsort([*ties, at, owner])
        frame, owner = frame[order], owner[order]
        kinds = list(weights)
        kind = frame["kind"].replace_strict(kinds, list(range(len(kinds))), return_dtype=pl.Int8).to_numpy()
        basket = None
        if "basket" in frame.columns:
            names = frame["basket"]
            new = (names.ne_missing(names.shift(1)) | pl.Series(owner != np.roll(owner, 1))).to_numpy().copy()
            new[:1] = True
            run = np.cumsum(new)
            starts = np.searchsorted(owner, owner)
            basket = (run - run[starts]).astype(np.int32) if len(run) else run.astype(np.int32)
        return History(
            indptr=np.searchsorted(owner, np.arange(len(owners) + 1)).astype(np.int64),
            products=frame["row"].to_numpy().astype(np.int32),
            weights=np.array([weights[k] for k in kinds], np.float32)[kind],
            n_products=len(products),
            times=at[order],
            values=frame["value"].cast(pl.Float32).to_numpy() if "value" in frame.columns else None,
            kinds=kind,
            baskets=basket,
        )
