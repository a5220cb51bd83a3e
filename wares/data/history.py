"""What each shopper did, in order, as rows of products."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.errors import StoreError

G = TypeVar("G", bound=np.generic)

PART = 4_000_000
"""Events of a part of a long history, where the memory for all of them at once would be too much."""


@dataclass(frozen=True, eq=False)
class History:
    """One row a shopper (or session), its events in time order; CSR layout.

    indptr : (n_shoppers + 1,) int64, where each shopper's events start.
    products : (n_events,) int32 product rows.
    weights : (n_events,) float32, what an event of its kind counts.
    n_products : width of `matrix`; may be larger than what a recommender was fitted on.
    times : (n_events,) int64 ns since 1970 UTC, ascending in each row, or None.
    values : (n_events,) float32 rating or quantity, or None.
    kinds : (n_events,) int8 number of the kind, or None.
    baskets : (n_events,) int32 run number of the basket inside the row, or None.
    """

    indptr: NDArray[np.int64]
    products: NDArray[np.int32]
    weights: NDArray[np.float32]
    n_products: int
    times: NDArray[np.int64] | None = None
    values: NDArray[np.float32] | None = None
    kinds: NDArray[np.int8] | None = None
    baskets: NDArray[np.int32] | None = None

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int] | NDArray[np.integer]],
        n_products: int,
        weights: Sequence[Sequence[float]] | None = None,
    ) -> Self:
        """Histories given as lists of product rows, oldest first; every weight is 1 unless given."""
        lengths = [len(row) for row in rows]
        flat = np.fromiter((p for row in rows for p in row), np.int32, sum(lengths))
        each = (
            np.ones(len(flat), np.float32)
            if weights is None
            else np.fromiter((w for row in weights for w in row), np.float32, len(flat))
        )
        return cls(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), flat, each, n_products)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @cached_property
    def notes(self) -> dict[Any, Any]:
        """What was worked out of these rows; kept here by whoever reads them, for the next that does."""
        return {}

    @property
    def n_shoppers(self) -> int:
        """Rows of the history."""
        return len(self)

    @property
    def n_events(self) -> int:
        """Events of all shoppers."""
        return len(self.products)

    def row(self, shopper: int) -> NDArray[np.int32]:
        """The products of one shopper, oldest first."""
        return self.products[self.indptr[shopper] : self.indptr[shopper + 1]]

    def owners(self) -> NDArray[np.int64]:
        """(n_events,) the shopper row of each event."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def matrix(self) -> csr_array:
        """(n_shoppers, n_products) float32, weights summed, sorted indices, no stored zeros."""
        out = csr_array(
            (self.weights.astype(np.float32), self.products.astype(np.int32), self.indptr),
            shape=(len(self), self.n_products),
            copy=True,  # summing duplicates writes into the arrays it was given, indptr among them
        )
        out.sum_duplicates()
        out.eliminate_zeros()
        return out

    def last(self, n: int) -> NDArray[np.int32]:
        """(n_shoppers, n) the last products, oldest first, padded with -1 in front."""
        out = np.full((len(self), n), -1, np.int32)
        ends = self.indptr[1:]
        for back in range(n):
            place = ends - 1 - back
            has = place >= self.indptr[:-1]
            out[has, n - 1 - back] = self.products[place[has]]
        return out

    def keep(self, events: NDArray[np.bool_]) -> Self:
        """The same shoppers with only the events marked True."""
        counts = np.concatenate([[0], np.cumsum(events)])
        return self._with(events, counts[self.indptr])

    def take(self, shoppers: NDArray[np.integer] | slice) -> Self:
        """Some shoppers, in the order given."""
        rows = np.arange(len(self))[shoppers]
        starts, lengths = self.indptr[rows], np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        events = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        return self._with(events, indptr)

    def parts(self) -> Iterator[Self]:
        """The shoppers in their order, some at a time: views of at most `PART` events, or of one shopper.

        What is done to each shopper alone takes the memory of a part this way, however long the history is.
        """
        start = 0
        while start < len(self):
            stop = int(np.searchsorted(self.indptr, self.indptr[start] + PART, side="right")) - 1
            stop = min(max(stop, start + 1), len(self))
            yield self._between(start, stop)
            start = stop

    def _between(self, start: int, stop: int) -> Self:
        """The shoppers from one row to another, without a copy of their events."""
        first, last = int(self.indptr[start]), int(self.indptr[stop])
        return self._with(slice(first, last), self.indptr[start : stop + 1] - first)

    def one(self, shopper: int) -> Self:
        """The history of one shopper alone, a view; `shopper` counts from 0."""
        return self._between(shopper, shopper + 1)

    def without(self, shopper: int, product: int) -> Self:
        """One shopper's history, alone, without any event of one product: what leaving it out asks."""
        own = self.one(shopper)
        return own.keep(own.products != product)

    def followed_by(self, later: "History") -> Self:
        """One shopper's history and then what the same shopper did later; columns that either lacks are left out."""
        both: dict[str, Any] = {"indptr": np.array([0, self.n_events + later.n_events], np.int64)}
        for each in fields(self):
            if each.name not in ("indptr", "n_products"):
                one, two = getattr(self, each.name), getattr(later, each.name)
                both[each.name] = None if one is None or two is None else np.concatenate([one, two])
        return replace(self, **both)

    def widened(self, n_products: int) -> Self:
        """The same history over more products."""
        return replace(self, n_products=n_products)

    def save(self, folder: Path) -> None:
        """Write one `.npy` for each column that there is."""
        folder.mkdir(parents=True, exist_ok=True)
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                np.save(folder / f"{each.name}.npy", value)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map what `save` wrote. Raises StoreError where it is not there."""
        found: dict[str, Any] = {}
        for each in fields(cls):
            path = folder / f"{each.name}.npy"
            if path.exists():
                found[each.name] = np.asarray(np.load(path, mmap_mode="r"))  # a plain view is cut faster
        if "indptr" not in found:
            raise StoreError(f"{folder} holds no history")
        found["n_products"] = int(found["n_products"])
        return cls(**found)

    def _with(self, events: NDArray[np.generic] | slice, indptr: NDArray[np.int64]) -> Self:
        def pick(column: NDArray[G] | None) -> NDArray[G] | None:
            return None if column is None else column[events]

        return replace(
            self,
            indptr=indptr.astype(np.int64),
            products=self.products[events],
            weights=self.weights[events],
            times=pick(self.times),
            values=pick(self.values),
            kinds=pick(self.kinds),
            baskets=pick(self.baskets),
        )
