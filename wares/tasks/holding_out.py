"""Rows held out in turn: what a labeller says of products it was not shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Labeller
from wares.arrays import Dense, Labels, Rows
from wares.data.catalog import Catalog
from wares.errors import DataError

Names = Sequence[str | None]
"""(n,) the class of each product, None where it is not known."""


def picked(catalog: Catalog, rows: Rows) -> Catalog:
    """Some products, in the order of the rows."""
    return Catalog(catalog.scan.collect()[np.asarray(rows, np.int64)])


def same_names(catalog: Catalog) -> Labels:
    """(n,) a number for each distinct title, without case and blanks; a product without a title stands alone."""
    if not catalog.has("title"):
        return np.arange(len(catalog))
    titles = catalog.frame(["title"]).with_row_index("row")
    bare = pl.col("title").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    key = pl.when(bare == "").then(None).otherwise(bare).fill_null(pl.format("\n{}", "row"))
    _, codes = np.unique(titles.select(key.alias("key"))["key"].to_numpy(), return_inverse=True)
    return np.asarray(codes, np.int64)


def folds_of(y: Names, groups: Labels, folds: int, seed: int = 0, *, shy: bool = False) -> Labels:
    """(n,) the fold of each product, 0..folds-1: classes spread evenly, groups never parted; -1 where y is None.

    shy : give -1 also to classes that are one group only, which nobody could know when it is held out.
    """
    known = np.array([each is not None for each in y])
    found = np.full(len(known), -1, np.int64)
    rows = np.flatnonzero(known)
    if not len(rows):
        return found
    _, codes = np.unique(np.array([each for each in y if each is not None]), return_inverse=True)
    _, first, group = np.unique(groups[rows], return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(first))
    order = order[np.argsort(codes[first[order]], kind="stable")]
    fold = np.empty(len(first), np.int64)
    fold[order] = np.arange(len(order)) % folds
    found[rows] = fold[group]
    if shy:
        pairs = np.unique(np.stack([codes, group], axis=1), axis=0)
        found[rows[np.bincount(pairs[:, 0])[codes] < 2]] = -1
    return found


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What was said of products that were not shown. classes : in order, by target. tables : (n, n_classes)
    probabilities by target, 0 for classes that the fold had none of. folds : (n,) the fold of each product, -1 where
    nothing was said."""

    classes: Mapping[str, NDArray[Any]]
    tables: Mapping[str, Dense]
    folds: Labels

    @property
    def rows(self) -> Rows:
        """Those of which something was said."""
        return np.flatnonzero(self.folds >= 0)


def held_out(
    labeller: Labeller,
    catalog: Catalog,
    y: Mapping[str, Names],
    folds: Labels,
    *,
    shown: Callable[[Catalog, dict[str, list[str | None]]], tuple[Catalog, dict[str, list[str | None]]]] | None = None,
    tell: Callable[[float], None] | None = None,
) -> HeldOut:
    """Fit a copy of the labeller without each fold, and ask it of that fold.

    shown : what is done to the products of a fit before it (more copies of rare ones). Raises DataError where only one
    fold has products.
    """
    numbers = np.unique(folds[folds >= 0])
    if len(numbers) < 2:
        n = int((folds >= 0).sum())
        raise DataError(f"{n} labelled products, all of one group (or name), cannot be held out in turn")
    classes = {target: np.array(sorted({each for each in names if each is not None})) for target, names in y.items()}
    tables = {target: np.zeros((len(folds), len(each)), np.float32) for target, each in classes.items()}
    labelled = np.array([any(names[row] is not None for names in y.values()) for row in range(len(folds))])
    for done, fold in enumerate(numbers.tolist()):
        train, test = np.flatnonzero(labelled & (folds != fold)), np.flatnonzero(folds == fold)
        some = picked(catalog, train), {target: [names[row] for row in train.tolist()] for target, names in y.items()}
        fitted = clone(labeller).fit(*(shown(*some) if shown else some))
        said = fitted.predict_proba(picked(catalog, test))
        for target, table in said.items():
            columns = np.searchsorted(classes[target], np.asarray(fitted.classes_[target]))
            tables[target][np.ix_(test, columns)] = table
        if tell is not None:
            tell((done + 1) / len(numbers))
    return HeldOut(classes, tables, folds)
