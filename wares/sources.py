"""What a build was asked for, put into `shop.toml`: sources, columns, kinds and settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from wares.config import FILE, Config
from wares.data.passes import opened
from wares.data.read import open_source
from wares.data.reading import of_events, of_products
from wares.data.reviews import check_reviews
from wares.data.schema import EVENTS, PRODUCTS
from wares.errors import DataError, SettingError, UnknownName

_SHOPPERS = ("shopper",)


@dataclass(frozen=True)
class Asked:
    """What a caller gave; tables or paths, one or several. What is None stays as `shop.toml` has it."""

    products: Any = None
    events: Any = None
    shoppers: Any = None
    columns: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    merge_duplicates: bool | None = None
    allow_unmatched: bool | None = None
    reviews: Any = None

    def config(self, folder: Path, *, keep_tables: bool = True) -> Config:
        """The settings to build with: those of the folder with what was asked. Nothing is written but given tables.

        Raises SettingError, StoreError or DataError.
        """
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder} is a file, not a folder; a shop needs a folder of its own")
        config = Config.read(folder) if (folder / FILE).exists() else Config.default(folder)
        paths = {
            name: _paths(folder, name, getattr(self, name), keep_tables)
            for name in ("products", "events", "shoppers", "reviews")
        }
        shoppers, reviews = (_one(name, paths[name]) for name in ("shoppers", "reviews"))
        config = config.with_sources(paths["products"], paths["events"], shoppers, reviews)
        for key, value in self._values():
            config = config.with_value(key, value)
        if not config.products.sources:
            raise SettingError(f"{folder} has no product file yet: wares build {folder} --products FILE")
        config.check()
        return config

    def _values(self) -> list[tuple[str, str]]:
        found = [(_column_key(ours), theirs) for ours, theirs in self.columns.items()]
        found += [(f"events.kinds.{theirs}", ours) for theirs, ours in self.kinds.items()]
        found += [(key, _text(value)) for key, value in self.settings.items()]
        if self.merge_duplicates is not None:
            found.append(("products.merge_duplicates", _text(self.merge_duplicates)))
        if self.allow_unmatched is not None:
            found.append(("events.allow_unmatched", _text(self.allow_unmatched)))
        return found


def check_sources(config: Config) -> None:
    """Look at the head of every source. Raises DataError for what is not there or lacks a column."""
    for table in opened(config.products.sources, config.products.columns, {}):
        of_products(*table)
    if config.events.sources:
        for table in opened(config.events.sources, config.events.columns, {}):
            of_events(*table)
    if config.shoppers.source is not None:
        open_source(config.shoppers.source)
    if config.reviews.source is not None:
        check_reviews(config.reviews.source, config.reviews.columns or None)


def _one(name: str, paths: list[Path] | None) -> Path | None:
    if paths is not None and len(paths) != 1:
        raise SettingError(f"{name} are read from one file, not {len(paths)}")
    return paths[0] if paths else None


def _column_key(ours: str) -> str:
    """Where a column map belongs: `title` is a product's, `shopper` an event's; a prefix says it for the others."""
    table, _, name = ours.rpartition(".")
    if table:
        return f"{table}.columns.{name}"
    if ours in PRODUCTS:
        return f"products.columns.{ours}"
    if ours in EVENTS:
        return f"events.columns.{ours}"
    raise UnknownName.among("column of ours", ours, sorted({*PRODUCTS, *EVENTS}))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _paths(folder: Path, name: str, given: Any, keep_tables: bool) -> list[Path] | None:
    if given is None:
        return None
    if isinstance(given, (str, Path)):
        given = [given]
    if isinstance(given, Sequence) and all(isinstance(each, (str, Path)) for each in given):
        return [Path(each) for each in given]
    path = folder / "data" / f"{name}.parquet"
    if keep_tables:
        path.parent.mkdir(parents=True, exist_ok=True)
        _frame(name, given).write_parquet(path)
    return [path]


def _frame(name: str, table: Any) -> pl.DataFrame:
    """A polars frame of any table. Raises DataError."""
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, pl.DataFrame):
        return table
    if type(table).__module__.partition(".")[0] == "pandas":
        return pl.DataFrame(pl.from_pandas(table))
    try:
        return pl.DataFrame(table)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{name}: a {type(table).__name__} is neither a path nor a polars, pandas or Arrow table"
        ) from error
