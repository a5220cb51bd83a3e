"""A shop made from files or tables, and opened."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wares.building import build
from wares.engine import Observer
from wares.shop import Shop
from wares.sources import Asked, check_sources


def build_shop(
    folder: Path | str,
    products: Any = None,
    events: Any = None,
    shoppers: Any = None,
    *,
    columns: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    merge_duplicates: bool | None = None,
    allow_unmatched: bool | None = None,
    observer: Observer | None = None,
    reviews: Any = None,
) -> Shop:
    """Build a shop from tables or files and open it; without any, from those its `shop.toml` remembers.

    products, events, shoppers, reviews : a path or a list of paths, or a polars, pandas or Arrow table (which is kept
    in the shop's folder `data`). columns : our names to those of the files, such as `{"title": "Description"}`; write
    "events.value" where products and events share a name. kinds : event kinds of the file to ours. settings : such as
    `{"cluster.n_clusters": 40}`.
    """
    asked = Asked(
        products,
        events,
        shoppers,
        columns or {},
        kinds or {},
        settings or {},
        merge_duplicates,
        allow_unmatched,
        reviews,
    )
    config = asked.config(Path(folder))
    check_sources(config)
    build(config, Path(folder), observer)
    return Shop(folder)


def plan_shop(folder: Path | str, asked: Asked) -> None:
    """Check what `build_shop` would do, settings, files and their columns, and change nothing. Raises as it would."""
    check_sources(asked.config(Path(folder), keep_tables=False))
