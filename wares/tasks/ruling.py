"""What a shop's rules say of each product: what is not to be shown, and what is moved up or down."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.arrays import Mask
from wares.data.catalog import Catalog
from wares.data.shelf import Shelf
from wares.errors import SettingError, WaresError
from wares.tasks.arranging import Lift, Rules
from wares.tasks.filtering import Filters

DAY = 86_400_000_000_000
"""Nanoseconds."""


def rules_of(
    asked: Mapping[str, Any], shelf: Shelf, filters: Filters, created: NDArray[np.int64] | None, at: int
) -> Rules:
    """The rules of a shop over its shown products.

    asked : as `[recommend.rules]` has them. at : now, ns since 1970 UTC.

    Raises SettingError for a rule whose filter makes no sense or whose column is not there, saying which.
    """
    gone = _gone(shelf) if asked["stock"] else None
    lifts: list[Lift] = []
    if asked["fresh"]:
        if created is None:
            raise SettingError("recommend.rules.fresh: no product says when it came in; map a column to `created`")
        age = np.maximum(at - created, 0) / DAY
        share = np.where((created > 0) & (created < at + DAY), np.maximum(1 - age / asked["fresh_days"], 0), 0)
        lifts.append(Lift("new in the shop", (1 + asked["fresh"] * share).astype(np.float32)))
    if asked["margin"]:
        margin = _numbers(shelf.shown, "margin", "recommend.rules.margin")
        share = np.nan_to_num(np.maximum(margin, 0)) / max(float(np.nanmax(margin, initial=0)), 1e-30)
        lifts.append(Lift("moved up by the shop: its margin", (1 + asked["margin"] * share).astype(np.float32)))
    lifts += _moved(asked["boost"], filters, "boost", "moved up by the shop")
    lifts += _moved(asked["bury"], filters, "bury", "moved down by the shop")
    return Rules(gone, lifts)


def _gone(shelf: Shelf) -> Mask | None:
    """(n_shown,) True where every variant is known to be out of stock; None where nothing is known of stock."""
    if not shelf.products.has("stock"):
        return None
    left = shelf.products.frame(["stock"])["stock"].cast(pl.Float64).fill_null(1.0).fill_nan(1.0).to_numpy()
    most = np.full(len(shelf.shown), -np.inf)
    np.maximum.at(most, shelf.place, left)
    return np.asarray(most <= 0)


def _numbers(shown: Catalog, column: str, rule: str) -> NDArray[np.float64]:
    if not shown.has(column):
        raise SettingError(f"{rule}: the products have no column {column!r}")
    found = shown.frame([column])[column].cast(pl.Float64, strict=False).to_numpy()
    return np.asarray(found, np.float64)


def _moved(rules: Sequence[Mapping[str, Any]], filters: Filters, kind: str, words: str) -> list[Lift]:
    found = []
    for number, rule in enumerate(rules, 1):
        try:
            inside = filters.mask(rule["where"])
        except WaresError as error:
            raise SettingError(f"recommend.rules.{kind} {number}: {error}") from None
        if inside is None:
            continue
        by = float(rule.get("by", 2.0))
        factor = by if kind == "boost" else 1 / by
        said = rule.get("say") or f"{words}: {_said(rule['where'])}"
        found.append(Lift(said, np.where(inside, factor, 1.0).astype(np.float32)))
    return found


def _said(where: Mapping[str, Any]) -> str:
    """A filter in words, such as "brand Acme"."""
    words = []
    for column, value in where.items():
        if isinstance(value, Mapping):
            value = " and ".join(f"{_SIGNS.get(sign, sign)} {each}" for sign, each in value.items())
        elif isinstance(value, list):
            value = " or ".join(map(str, value))
        words.append(f"{column} {value}")
    return ", ".join(words)


_SIGNS = {"lt": "under", "lte": "at most", "gt": "over", "gte": "at least"}
