"""The products as they are shown: the variants of one product once, under the first of their ids."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.catalog import Catalog
from wares.data.ids import Ids


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
            products.scan.sink_ipc(folder / "shelf.arrow", compression="uncompressed")
            np.save(folder / "place.npy", np.arange(len(products)))
            np.save(folder / "variants.npy", np.ones(len(products), np.int32))
        return cls.open(products, folder)

    @classmethod
    def open(cls, products: Catalog, folder: Path) -> Self:
        """Map what `make` wrote."""
        shown = Catalog.of(folder / "shelf.arrow")
        place = np.load(folder / "place.npy", mmap_mode="r")
        return cls(products, shown, place, np.load(folder / "variants.npy", mmap_mode="r"))

    @property
    def ids(self) -> Ids:
        """The ids of all products, shown or not."""
        return self.products.ids

    def row(self, name: str) -> int:
        """The shown row of any product. Raises UnknownName."""
        return int(self.place[self.ids.row(name)])


def _write_groups(products: Catalog, folder: Path) -> None:
    # A product without a group is a group of its own: the number cannot be a group's text.
    names = products.frame(["group"])["group"]
    alone = pl.int_range(len(names), eager=True).cast(pl.String)
    keys = pl.DataFrame({"group": names, "alone": alone.set(names.is_not_null(), None)})
    codes = keys.select(pl.struct("group", "alone").rank("dense").alias("code"))["code"].to_numpy().astype(np.int64) - 1
    _, first, inverse, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    place = np.argsort(order, kind="stable")[inverse]
    # What the first variant does not say, the next one may.
    shown = (
        products.scan.with_columns(_place=pl.Series(place))
        .group_by("_place", maintain_order=True)
        .agg(pl.all().drop_nulls().first())
        .drop("_place")
        .collect()
    )
    shown.write_ipc(folder / "shelf.arrow", compression="uncompressed")
    np.save(folder / "place.npy", place.astype(np.int64))
    np.save(folder / "variants.npy", counts[order].astype(np.int32))
