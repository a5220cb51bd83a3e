"""The products as they are shown: the variants of one product once, under the first of their ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.catalog import Catalog
from wares.data.ids import Ids
from wares.data.mapped import Mapped
from wares.data.outputs import Output


@dataclass(frozen=True, eq=False)
class Shelf:
    """What stands on the shelf, and where each product of the shop stands.

    products : everything the shop has. shown : one row for each variant group (or lone product), in the order of the
    first of each. place : (n_products,) int64 the shown row of each product. variants : (n_shown,) int32 how many
    products a shown row stands for, itself included.
    """

    products: Catalog
    shown: Catalog
    place: NDArray[np.int64]
    variants: NDArray[np.int32]

    @classmethod
    def make(cls, products: Catalog, folder: Path) -> Self:
        """Put the variants (column `group`) together; writes `shelf.arrow`, `place.npy` and `variants.npy`."""
        if products.has("group"):
            _write_groups(products, folder)
        else:
            _copy(products, folder / "shelf.arrow")
            np.save(folder / "place.npy", np.arange(len(products)))
            np.save(folder / "variants.npy", np.ones(len(products), np.int32))
        return cls.open(products, folder)

    @classmethod
    def open(cls, products: Catalog, folder: Path) -> Self:
        """Map what `make` wrote."""
        shown = Catalog.of(folder / "shelf.arrow")
        # Plain views: a map's own class is slow to index.
        place, variants = (np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in ("place", "variants"))
        return cls(products, shown, place, variants)

    @property
    def ids(self) -> Ids:
        """The ids of all products, shown or not."""
        return self.products.ids

    def row(self, name: str) -> int:
        """The shown row of any product. Raises UnknownName."""
        return int(self.place[self.ids.row(name)])


def _copy(products: Catalog, path: Path) -> None:
    if isinstance(products.source, Path) and products.start == 0 and products.stop is None:
        try:
            path.hardlink_to(products.source)  # files of a build are never changed
            return
        except OSError:
            pass  # another disk, or one without links
    with Output(path) as out:
        out.write(products.frame(products.columns, slice(0, 0)))
        for piece in products.pieces():
            out.write(piece.scan.collect())


def _write_groups(products: Catalog, folder: Path) -> None:
    # A product without a group is a group of its own: the number cannot be a group's text.
    names = products.frame(["group"])["group"]
    alone = pl.int_range(len(names), eager=True).cast(pl.String)
    keys = pl.DataFrame({"group": names, "alone": alone.set(names.is_not_null(), None)})
    codes = keys.select(pl.struct("group", "alone").rank("dense").alias("code"))["code"].to_numpy().astype(np.int64) - 1
    _, first, inverse, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    place = np.argsort(order, kind="stable")[inverse]
    _write_shown(products, place.astype(np.int64), folder)
    np.save(folder / "place.npy", place.astype(np.int64))
    np.save(folder / "variants.npy", counts[order].astype(np.int32))


def _write_shown(products: Catalog, place: NDArray[np.int64], folder: Path) -> None:
    """Write the shown rows, piece by piece: what the first variant does not say, the next one may."""
    n_shown = int(place.max(initial=-1)) + 1
    said = {name: np.full(n_shown, -1, np.int64) for name in products.columns}
    start = 0
    for piece in products.pieces():
        mine = place[start : start + len(piece)]
        frame = piece.scan.select(pl.all().is_not_null()).collect()
        for name, first in said.items():
            rows = np.flatnonzero(frame[name].to_numpy())
            fresh = rows[first[mine[rows]] < 0][::-1]
            first[mine[fresh]] = fresh + start  # backwards, so that of two rows the earlier is written last
        start += len(piece)
    path = products.source
    source = Mapped(path) if isinstance(path, Path) and products.start == 0 else products
    with Output(folder / "shelf.arrow") as out:
        firsts = np.unique(place, return_index=True)[1]
        for cut in _cut(products, firsts):
            out.write(pl.DataFrame([_taken(source, name, said[name][cut]) for name in said]))


def _cut(products: Catalog, firsts: NDArray[np.int64]) -> Iterator[slice]:
    """Shown rows, in order, whose first variants stand in one piece."""
    start = end = 0
    for piece in products.pieces():
        end += len(piece)
        stop = int(np.searchsorted(firsts, end))
        if stop > start:
            yield slice(start, stop)
        start = stop


def _taken(source: Mapped | Catalog, name: str, rows: NDArray[np.int64]) -> pl.Series:
    known = rows >= 0
    if isinstance(source, Mapped):
        found = source.take(name, rows[known])
    else:
        found = source.frame([name])[name].gather(rows[known])
    if known.all():
        return found
    empty = pl.Series(name, [None], dtype=found.dtype).new_from_index(0, len(rows))
    return empty.scatter(np.flatnonzero(known), found)
