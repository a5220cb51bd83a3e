"""Price, rating, brand and category as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, unit
from wares.data.catalog import Catalog
from wares.data.schema import SEPARATOR


@dataclass(kw_only=True, eq=False)
class Attributes(Encoder):
    """What a product is by its fields: numbers scaled, names one column each, the rarer names together.

    Choose it beside text: products of one price and brand come near each other. A missing value gives nothing, so a
    product without any is a zero row. Time and memory O(products x width).

    Settings
    --------
    numbers : number columns; price is taken as its logarithm. names : text columns, one column for each frequent name;
    a path such as "A > B" counts at each of its levels. Columns that the catalog lacks are left out.
    scale : of numbers. "standard": mean 0, deviation 1; "minmax": 0 to 1; "robust": median 0, quartiles 1 apart.
    select : which columns stay, "variance": those that differ most; "mutual_info": those that tell most of the
    groups in `same` (of the first level of the category where none are given); "none": all, up to `width`.
    width : columns kept at most.
    least : products that must bear a name for a column of its own.

    Learned
    -------
    centre_, spread_ : (n_numbers,) float64, of the scaling. names_ : the names with a column, as "column=name".
    weights_ : (n_columns,) float32, 1 / share of products, so that a rare name says more. kept_ : (width,) int64, the
    columns that stay.
    """

    numbers: tuple[str, ...] = ("price", "rating")
    names: tuple[str, ...] = ("brand", "category")
    scale: Literal["standard", "minmax", "robust"] = "robust"
    select: Literal["variance", "mutual_info", "none"] = "variance"
    width: int = setting(256, low=1)
    least: int = setting(3, low=1)

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        self._check()
        self.numbers_ = [name for name in self.numbers if catalog.has(name)]
        numbers = _numbers(catalog, self.numbers_)
        self.centre_, self.spread_ = _scaling(numbers, self.scale)
        found = self._names(catalog)
        words, counts = np.unique(np.array([word for words in found for word in words], np.str_), return_counts=True)
        frequent = counts >= self.least
        self.names_ = words[frequent]
        self.weights_ = np.sqrt(np.log1p(len(found) / counts[frequent])).astype(np.float32)
        table = self._table(numbers, found)
        self.kept_ = self._kept(table, _groups(found) if same is None else same)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self.learned()
        table = self._table(_numbers(catalog, self.numbers_), self._names(catalog))
        return np.asarray(unit(np.ascontiguousarray(table[:, self.kept_])), np.float32)

    def _names(self, catalog: Catalog) -> list[list[str]]:
        """For each product its names as "column=name", a path at each of its levels."""
        present = [name for name in self.names if catalog.has(name)]
        rows = catalog.frame(present).cast(pl.String).rows() if present else [()] * len(catalog)
        return [
            [
                f"{column}={level}"
                for column, value in zip(present, row, strict=True)
                if value
                for level in levels(value)
            ]
            for row in rows
        ]

    def _table(self, numbers: NDArray[np.float64], names: Sequence[Sequence[str]]) -> Dense:
        """(n, n_numbers + n_names) float32; a missing number is 0, which is the middle."""
        scaled = np.nan_to_num((numbers - self.centre_) / self.spread_).clip(-3, 3)
        columns = {name: place for place, name in enumerate(self.names_.tolist())}
        known = np.zeros((len(numbers), len(columns)), np.float32)
        for row, words in enumerate(names):
            places = [columns[word] for word in words if word in columns]
            known[row, places] = self.weights_[places]
        return np.concatenate([scaled.astype(np.float32), known], axis=1)

    def _kept(self, table: Dense, groups: Labels) -> NDArray[np.int64]:
        width = min(self.width, table.shape[1])
        known = groups >= 0
        if self.select == "none" or not len(table):
            return np.arange(width)
        if self.select == "mutual_info" and known.any():
            worth = np.array([_information(column, groups[known]) for column in table[known].T])
        else:
            worth = table.var(axis=0)
        return np.sort(np.argsort(-worth, kind="stable")[:width]).astype(np.int64)


def levels(path: str) -> list[str]:
    """A path at each of its levels: "A > B" to "A" and "A > B"."""
    parts = path.split(SEPARATOR)
    return [SEPARATOR.join(parts[: end + 1]) for end in range(len(parts))]


def _numbers(catalog: Catalog, columns: Sequence[str]) -> NDArray[np.float64]:
    """(n, n_columns), NaN where missing; prices as ln(1 + price)."""
    if not columns:
        return np.zeros((len(catalog), 0))
    missing = np.full(len(catalog), np.nan)
    frame = catalog.frame([name for name in columns if catalog.has(name)]).cast(pl.Float64)
    found = [frame[name].to_numpy().astype(np.float64) if catalog.has(name) else missing for name in columns]
    return np.stack(
        [np.log1p(np.maximum(each, 0)) if name == "price" else each for name, each in zip(columns, found, strict=True)],
        axis=1,
    )


def _scaling(numbers: NDArray[np.float64], scale: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What to take off each column and what to divide it by."""
    centre, spread = np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
    for place, column in enumerate(numbers.T):
        known = column[np.isfinite(column)]
        if not len(known):
            continue
        if scale == "standard":
            centre[place], spread[place] = known.mean(), known.std()
        elif scale == "minmax":
            centre[place], spread[place] = known.min(), np.ptp(known)
        else:
            low, centre[place], high = np.percentile(known, [25, 50, 75])
            spread[place] = high - low
    spread[spread == 0] = 1
    return centre, spread


def _groups(names: Sequence[Sequence[str]]) -> Labels:
    """(n,) the number of each product's first level of category, -1 without one."""
    first = [next((word for word in words if word.startswith("category=")), "") for words in names]
    _, groups = np.unique(np.array(first, np.str_), return_inverse=True)
    return np.where(np.array(first, np.str_) == "", -1, groups).astype(np.int64)


def _information(column: Dense, groups: Labels) -> float:
    """What a column tells of the groups, in nats; a number by which tenth of the products it falls in."""
    distinct, values = np.unique(column, return_inverse=True)
    if len(distinct) > 10:
        edges = np.unique(np.quantile(column, np.linspace(0.1, 0.9, 9)))
        _, values = np.unique(np.searchsorted(edges, column), return_inverse=True)
    _, classes = np.unique(groups, return_inverse=True)
    joint = np.zeros((values.max() + 1, classes.max() + 1))
    np.add.at(joint, (values, classes), 1 / len(column))
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    both = joint > 0
    return float((joint[both] * np.log(joint[both] / apart[both])).sum())
