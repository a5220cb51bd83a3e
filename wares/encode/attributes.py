"""Price, rating, brand and category as numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

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
    numbers : number columns; price is taken as its logarithm, and "sentiment" is there where reviews were read.
    names : text columns, one column for each frequent name; a path such as "A > B" counts at each of its levels.
    Columns that the catalog lacks, and numbers that are text, are left out.
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

    SHOWS: ClassVar[Literal["text", "image", "behaviour", "attributes"]] = "attributes"

    numbers: tuple[str, ...] = ("price", "rating", "sentiment")
    names: tuple[str, ...] = ("brand", "category")
    scale: Literal["standard", "minmax", "robust"] = "robust"
    select: Literal["variance", "mutual_info", "none"] = "variance"
    width: int = setting(256, low=1)
    least: int = setting(3, low=1)

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        self._check()
        self.numbers_ = [name for name in self.numbers if catalog.has(name) and not _is_text(catalog, name)]
        numbers = _numbers(catalog, self.numbers_)
        self.centre_, self.spread_ = _scaling(numbers, self.scale)
        counted: Counter[str] = Counter()
        for piece in self._pieces(catalog):
            counted.update(chain.from_iterable(self._names(piece)))
        frequent = sorted(name for name, count in counted.items() if count >= self.least)
        counts = np.array([counted[name] for name in frequent], np.int64)
        self.names_ = np.array(frequent, np.str_)
        self.weights_ = np.sqrt(np.log1p(len(catalog) / counts)).astype(np.float32)
        self.kept_ = self._kept(catalog, self._scaled(numbers), counts, same)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self.learned()
        numbers = self.kept_[self.kept_ < len(self.numbers_)]
        names = self.kept_[len(numbers) :] - len(self.numbers_)
        columns = {name: place for place, name in enumerate(self.names_[names].tolist(), len(numbers))}
        weights = np.concatenate([np.ones(len(numbers), np.float32), self.weights_[names]])
        out = np.zeros((len(catalog), len(self.kept_)), np.float32)
        out[:, : len(numbers)] = self._scaled(_numbers(catalog, self.numbers_))[:, numbers]
        row = 0
        for piece in self._pieces(catalog):
            for words in self._names(piece):
                places = [columns[word] for word in words if word in columns]
                out[row, places] = weights[places]
                row += 1
        return np.asarray(unit(out), np.float32)

    def _pieces(self, catalog: Catalog) -> Iterator[Catalog]:
        return catalog.pieces(self.names)

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

    def _scaled(self, numbers: NDArray[np.float64]) -> Dense:
        """(n, n_numbers) float32; a missing number is 0, which is the middle."""
        scaled: Dense = np.nan_to_num((numbers - self.centre_) / self.spread_).clip(-3, 3).astype(np.float32)
        return scaled

    def _kept(self, catalog: Catalog, numbers: Dense, counts: NDArray[np.int64], same: Labels | None) -> Labels:
        width = min(self.width, numbers.shape[1] + len(counts))
        if self.select == "none" or not len(numbers):
            return np.arange(width)
        worth = self._told(catalog, numbers, same) if self.select == "mutual_info" else None
        if worth is None:
            # A name is its weight for a share p of the products and 0 for the others.
            p = counts / len(numbers)
            worth = np.concatenate([numbers.var(axis=0), np.square(self.weights_, dtype=np.float64) * p * (1 - p)])
        return np.sort(np.argsort(-worth, kind="stable")[:width]).astype(np.int64)

    def _told(self, catalog: Catalog, numbers: Dense, same: Labels | None) -> NDArray[np.float64] | None:
        """What each column tells of the groups in `same`, or of the first levels of the category; None of none."""
        columns = {name: place for place, name in enumerate(self.names_.tolist())}
        rows, places, firsts = [np.empty(0, np.int64)], [np.empty(0, np.int64)], []
        start = 0
        for piece in self._pieces(catalog):
            found = self._names(piece)
            firsts += [next((word for word in words if word.startswith("category=")), "") for words in found]
            known = [[columns[word] for word in words if word in columns] for words in found]
            rows.append(np.repeat(np.arange(start, start + len(found)), [len(each) for each in known]))
            places.append(np.fromiter(chain.from_iterable(known), np.int64))
            start += len(found)
        groups = _numbered(firsts) if same is None else np.asarray(same)
        if not (groups >= 0).any():
            return None
        row, place = np.concatenate(rows), np.concatenate(places)
        row, place = row[groups[row] >= 0], place[groups[row] >= 0]
        _, classes = np.unique(groups[groups >= 0], return_inverse=True)
        sizes = np.bincount(classes)
        number = np.full(len(groups), -1)
        number[groups >= 0] = classes
        having = csr_array((np.ones(len(row), np.int64), (place, number[row])), shape=(len(columns), len(sizes)))
        told = [_information(column, classes) for column in numbers[groups >= 0].T]
        for name in range(len(columns)):
            has = np.zeros(len(sizes), np.int64)
            part = slice(having.indptr[name], having.indptr[name + 1])
            np.add.at(has, having.indices[part], having.data[part])
            told.append(_shared(np.stack([sizes - has, has]) / len(classes)))
        return np.array(told)


def levels(path: str) -> list[str]:
    """A path at each of its levels: "A > B" to "A" and "A > B"."""
    parts = path.split(SEPARATOR)
    return [SEPARATOR.join(parts[: end + 1]) for end in range(len(parts))]


def _is_text(catalog: Catalog, name: str) -> bool:
    return catalog.schema[name] == pl.String()


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


def _numbered(names: Sequence[str]) -> Labels:
    """(n,) a number for each name, -1 for none."""
    known = {"": -1}
    return np.array([known.setdefault(name, len(known) - 1) for name in names], np.int64)


def _information(column: Dense, classes: Labels) -> float:
    """What a number tells of the classes, in nats, by which tenth of the products it falls in."""
    distinct, values = np.unique(column, return_inverse=True)
    if len(distinct) > 10:
        edges = np.unique(np.quantile(column, np.linspace(0.1, 0.9, 9)))
        _, values = np.unique(np.searchsorted(edges, column), return_inverse=True)
    joint = np.zeros((values.max() + 1, classes.max() + 1))
    np.add.at(joint, (values, classes), 1 / len(column))
    return _shared(joint)


def _shared(joint: NDArray[np.float64]) -> float:
    """The mutual information of two variables, in nats."""
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    both = joint > 0
    return float((joint[both] * np.log(joint[both] / apart[both])).sum())
