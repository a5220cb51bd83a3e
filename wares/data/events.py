"""What shoppers did, one row an event; frozen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.history import History
from wares.data.ids import Ids
from wares.data.mapped import read_batches
from wares.data.schema import WEIGHTS
from wares.errors import DataError

_PART = 2_000_000  # rows turned into numbers at a time
_SORTED = 8_000_000  # events put in order at a time


@dataclass(frozen=True, eq=False)
class Events:
    """Events in any order, read lazily from a memory-mapped Arrow file (or a frame in memory)."""

    source: Path | pl.DataFrame

    @classmethod
    def of(cls, source: Any, columns: Mapping[str, str] | None = None) -> Self:
        """Events from a path, or a polars, pandas or Arrow table. Raises DataError. See `Catalog.of`."""
        if isinstance(source, (str, Path)) and Path(source).suffix == ".arrow" and not columns:
            if not Path(source).is_file():
                raise DataError(f"there is no file {source}")
            return cls(Path(source))
        from wares.data.read import read_events  # reads files, knows Events: this breaks the circle

        return cls(read_events(source, columns).collect())

    @cached_property
    def scan(self) -> pl.LazyFrame:
        """All columns, lazily."""
        return pl.scan_ipc(self.source) if isinstance(self.source, Path) else self.source.lazy()

    @cached_property
    def columns(self) -> list[str]:
        """Column names."""
        return self.scan.collect_schema().names()

    def __len__(self) -> int:
        return int(self.scan.select(pl.len()).collect().item())

    @cached_property
    def shoppers(self) -> Ids:
        """Every shopper, in the order of their names: the rows of `history(by="shopper")`."""
        return self._owners("shopper")

    @cached_property
    def sessions(self) -> Ids:
        """Every session, in the order of their names: the rows of `history(by="session")`."""
        return self._owners("session")

    def _owners(self, column: str) -> Ids:
        names = pl.Series(column, [], dtype=pl.String)
        for frame in self._parts([column]):
            names = pl.concat([names, frame[column].drop_nulls().unique()]).unique()
        return Ids(names.sort(), column)

    def _parts(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Some columns, a few million rows at a time: sixty million events are never text in memory at once."""
        if isinstance(self.source, pl.DataFrame):
            for start in range(0, max(len(self.source), 1), _PART):
                yield self.source.select(columns).slice(start, _PART)
            return
        waiting = [self.scan.select(columns).head(0).collect()]
        # Read, not mapped: a file of many gigabytes would take as much of the address space.
        for frame in read_batches(self.source, columns):
            waiting.append(frame)
            if sum(map(len, waiting)) >= _PART:
                yield pl.concat(waiting)
                waiting = []
        if waiting:
            yield pl.concat(waiting)

    def history(
        self, products: Ids, weights: Mapping[str, float] = WEIGHTS, *, by: Literal["shopper", "session"] = "shopper"
    ) -> History:
        """One row for each of `shoppers` (or `sessions`), in time order; ties in time go by event id, then by position.

        Events of products that are not in `products`, or of kinds without a weight, are left out. Takes about 45 bytes
        an event.
        """
        owners = self.shoppers if by == "shopper" else self.sessions
        wanted = [by, "product", "kind", "at", *(c for c in ("value", "basket") if c in self.columns)]
        kinds = list(weights)
        columns, kept = _together(_numbers(frame, by, owners, products, kinds) for frame in self._parts(wanted))
        owner, at = columns.pop("owner"), columns.pop("at")
        order, indptr = _in_order(owner, at, len(owners))
        if "id" in self.columns:
            self._settle_ties(order, owner, at, np.flatnonzero(kept))
        owner = owner[order]
        # One column after another, each given up for its ordered self: two of them are never there at once.
        kind = columns.pop("kind")[order]
        at = at[order]
        at *= 1_000
        return History(
            indptr=indptr,
            products=columns.pop("product")[order],
            weights=np.array([weights[k] for k in kinds], np.float32)[kind],
            n_products=len(products),
            times=at,
            values=columns.pop("value")[order] if "value" in columns else None,
            kinds=kind,
            baskets=_runs(columns.pop("basket")[order], owner) if "basket" in columns else None,
        )

    def _settle_ties(
        self, order: NDArray[np.int64], owner: NDArray[np.int32], at: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> None:
        """Put events of one owner at one time into the order of their ids; `rows` are their places in the file."""
        same = (np.diff(owner[order]) == 0) & (np.diff(at[order]) == 0)
        tied = np.zeros(len(order), np.bool_)
        tied[1:] |= same
        tied[:-1] |= same
        events = order[tied]
        if not len(events):
            return
        events.sort()
        places, found = rows[events], []
        start = 0
        for frame in self._parts(["id"]):
            low, high = np.searchsorted(places, (start, start + len(frame)))
            found.append(frame["id"].gather(places[low:high] - start))
            start += len(frame)
        rank = pl.concat(found).rank("dense").to_numpy()
        order[tied] = events[np.lexsort((rank, at[events], owner[events]))]


def _numbers(
    frame: pl.DataFrame, by: str, owners: Ids, products: Ids, kinds: Sequence[str]
) -> dict[str, NDArray[np.generic]]:
    """The events of one part as numbers, and which of its rows they are."""
    kind = frame["kind"].replace_strict(kinds, range(len(kinds)), default=None, return_dtype=pl.Int8)
    row = products.rows(frame["product"], missing=-1)
    kept = (kind.is_not_null() & frame[by].is_not_null()).to_numpy() & (row >= 0)
    frame = frame.filter(pl.Series(kept))
    out: dict[str, NDArray[np.generic]] = {
        "kept": kept,
        "owner": owners.rows(frame[by]).astype(np.int32),
        "product": row[kept].astype(np.int32),
        "kind": kind.filter(pl.Series(kept)).to_numpy(),
        "at": frame["at"].dt.timestamp("us").to_numpy(),
    }
    if "value" in frame.columns:
        out["value"] = frame["value"].cast(pl.Float32).to_numpy()
    if "basket" in frame.columns:
        out["basket"] = frame["basket"].hash(0).to_numpy()
    return out


def _together(
    parts: Iterator[dict[str, NDArray[np.generic]]],
) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
    """The columns of all parts, and which rows of the file they are."""
    found: dict[str, list[NDArray[Any]]] = {}
    for part in parts:
        for name, values in part.items():
            found.setdefault(name, []).append(values)
    kept = np.concatenate(found.pop("kept"))
    # Each list of parts is given up for its column before the next one is joined.
    return {name: np.concatenate(found.pop(name)) for name in list(found)}, kept


def _in_order(
    owner: NDArray[np.int32], at: NDArray[np.int64], n_owners: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n_events,) places by owner, then time, then place; (n_owners + 1,) where the events of each owner start.

    Sorted some owners at a time, which takes the memory of one number an event and little more.
    """
    indptr = np.zeros(n_owners + 1, np.int64)
    for start in range(0, len(owner), _PART):
        indptr[1:] += np.bincount(owner[start : start + _PART], minlength=n_owners)
    np.cumsum(indptr, out=indptr)
    order = np.empty(len(owner), np.int64)
    first = 0
    while first < n_owners:
        last = int(np.searchsorted(indptr, indptr[first] + _SORTED, side="right")) - 1
        last = min(max(last, first + 1), n_owners)
        mine = np.flatnonzero((owner >= first) & (owner < last))
        order[indptr[first] : indptr[last]] = mine[np.lexsort((at[mine], owner[mine]))]
        first = last
    return order, indptr


def _runs(baskets: NDArray[np.generic], owner: NDArray[np.int32]) -> NDArray[np.int32]:
    """(n,) how many times the basket has changed since the owner's first event."""
    new = np.ones(len(baskets), np.bool_)
    new[1:] = (baskets[1:] != baskets[:-1]) | (owner[1:] != owner[:-1])
    run = np.cumsum(new, dtype=np.int32)
    first = np.ones(len(owner), np.bool_)
    first[1:] = owner[1:] != owner[:-1]
    starts = np.maximum.accumulate(np.where(first, np.arange(len(owner)), 0)) if len(owner) else np.arange(0)
    return run - run[starts]
