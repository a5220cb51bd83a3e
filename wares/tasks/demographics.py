"""What a shop knows of its shoppers beside their events, as numbers: one column a value, numbers in bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import polars as pl

from wares.arrays import Dense
from wares.errors import SettingError, UnknownName

VALUES = 30
"""Values of a column that are told apart, the most frequent ones; a column of more is left out where few share them."""

BANDS = 5
"""Bands of about equally many shoppers that a column of numbers is cut into."""

COMMON = 0.5
"""Of the shoppers who have a value, how many must have one of those told apart: names and addresses say nothing."""


@dataclass(frozen=True)
class Trait:
    """One column. values : what it may be, most frequent first. edges : of bands, for numbers; else empty."""

    name: str
    values: tuple[str, ...]
    edges: tuple[float, ...] = ()

    def place(self, value: Any) -> int | None:
        """The number of a value; None for one that is missing or not told apart."""
        if value is None or (isinstance(value, float) and value != value):
            return None
        if self.edges:
            try:
                return int(np.searchsorted(self.edges, float(value), side="right"))
            except (TypeError, ValueError):
                text = str(value)
                return self.values.index(text) if text in self.values else None
        text = _text(value)
        return self.values.index(text) if text in self.values else None


@dataclass(frozen=True)
class Traits:
    """The columns that say something of shoppers."""

    columns: tuple[Trait, ...]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """What the columns of a table of shoppers may say; `shopper` is their id."""
        found = [_trait(frame[name]) for name in frame.columns if name != "shopper"]
        return cls(tuple(each for each in found if each is not None))

    @classmethod
    def read(cls, value: Sequence[Mapping[str, Any]]) -> Self:
        """What `json` gave."""
        return cls(tuple(Trait(each["name"], tuple(each["values"]), tuple(each["edges"])) for each in value))

    def json(self) -> list[dict[str, Any]]:
        """Plain values."""
        return [{"name": each.name, "values": list(each.values), "edges": list(each.edges)} for each in self.columns]

    @property
    def width(self) -> int:
        """Columns of `encode`."""
        return sum(len(each.values) for each in self.columns)

    @property
    def labels(self) -> list[tuple[str, str]]:
        """(column, value) of each column of `encode`."""
        return [(each.name, value) for each in self.columns for value in each.values]

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Dense:
        """(n, width) float32, 1 where a shopper has a value; zero rows where nothing is known."""
        out = np.zeros((len(rows), self.width), np.float32)
        start = 0
        for each in self.columns:
            for row, known in enumerate(rows):
                place = each.place(known.get(each.name))
                if place is not None:
                    out[row, start + place] = 1
            start += len(each.values)
        return out

    def checked(self, given: Mapping[str, Any]) -> Dense:
        """(1, width) of what somebody says. Raises UnknownName for a column, SettingError for a value, not known."""
        names = {each.name: each for each in self.columns}
        for name, value in given.items():
            if name not in names:
                raise UnknownName.among("attribute of shoppers", name, list(names))
            if names[name].place(value) is None:
                allowed = ", ".join(names[name].values)
                raise SettingError(f"attribute {name} = {value!r}: known are {allowed}")
        return self.encode([given])


def _trait(column: pl.Series) -> Trait | None:
    known = column.drop_nulls()
    if column.dtype.is_float():
        known = known.filter(known.is_finite())
    if known.n_unique() < 2:
        return None
    if column.dtype.is_numeric() and known.n_unique() > BANDS + 1:
        edges = sorted(set(np.quantile(known.to_numpy(), np.arange(1, BANDS) / BANDS).tolist()))
        ends = [f"under {edges[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(edges))]
        return Trait(column.name, (*ends, f"{edges[-1]:g} and more"), tuple(edges))
    texts = pl.Series(column.name, [_text(value) for value in known.to_list()])
    counts = texts.value_counts().sort(["count", column.name], descending=[True, False]).head(VALUES)
    if counts["count"].sum() < COMMON * len(known):
        return None
    return Trait(column.name, tuple(counts[column.name].to_list()))


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
