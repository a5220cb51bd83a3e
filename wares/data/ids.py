"""The one place where names become row numbers, and back."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.errors import DataError, UnknownName, nearest

_PART = 1_000_000  # names made Python text at once
_NEAREST_AMONG = 200_000  # names looked through for a suggestion: a fifth of a second at most


class Ids:
    """Names in row order; frozen. A name is text exactly as written, never parsed as a number.

    Memory: the Arrow text plus 16 bytes a name once a name has been looked up, alone or in a column.

    Raises
    ------
    DataError : a name is missing or stands twice.
    """

    def __init__(self, names: Iterable[str] | pl.Series, kind: str = "product") -> None:
        series = names if isinstance(names, pl.Series) else pl.Series("id", list(names), dtype=pl.String)
        if series.dtype != pl.String:
            raise DataError(f"{kind} ids must be text, not {series.dtype}")
        if series.null_count():
            raise DataError(f"{series.null_count()} {kind} ids are missing")
        self._series = series.alias("id").rechunk()
        self.kind = kind
        twice = self._series.filter(self._series.is_duplicated()) if self._series.n_unique() < len(series) else None
        if twice is not None:
            raise DataError(f"{kind} id {twice[0]!r} stands more than once ({len(twice):,} such rows)")

    def __len__(self) -> int:
        return len(self._series)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find_one(name) >= 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ids) and self._series.equals(other._series)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ids({len(self):,} {self.kind}s)"

    @property
    def series(self) -> pl.Series:
        """The names as a polars text column."""
        return self._series

    def name(self, row: int) -> str:
        """The name of one row."""
        return str(self._series[int(row)])

    def names(self, rows: Sequence[int] | NDArray[np.integer] | slice = slice(None)) -> list[str]:
        """The names of some rows, in their order."""
        picked = self._series[rows] if isinstance(rows, slice) else self._series.gather(np.asarray(rows, np.int64))
        return picked.to_list()

    def row(self, name: str) -> int:
        """The row of one name. Raises UnknownName, with the nearest names."""
        found = self._find_one(name)
        if found < 0:
            raise self._unknown(name)
        return found

    def rows(self, names: Iterable[str] | pl.Series, *, missing: int | None = None) -> NDArray[np.int64]:
        """(n,) rows of the names. A name not known is `missing` where given, else raises UnknownName."""
        wanted: Any = names if isinstance(names, pl.Series) else list(names)
        found = self._find(wanted)
        if (found < 0).any():
            if missing is None:
                raise self._unknown(str(wanted[int(np.flatnonzero(found < 0)[0])]))
            found = np.where(found < 0, missing, found)
        return found

    def extended(self, names: Iterable[str]) -> "Ids":
        """These names and after them the new ones of `names`, in their order; old names keep their rows."""
        new = pl.Series("id", list(names), dtype=pl.String).unique(maintain_order=True)
        new = new.filter(pl.Series(self._find(new) < 0))
        return Ids(pl.concat([self._series, new]), self.kind)

    @cached_property
    def _hashed(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        hashes = self._series.hash(seed=0).to_numpy()
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    @cached_property
    def _one_by_one(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Python's hashes in order, and their rows: a single name is found in microseconds, a column of them is not."""
        parts = [
            np.fromiter(map(hash, self._series[start : start + _PART].to_list()), np.int64)
            for start in range(0, len(self), _PART)
        ]
        hashes = np.concatenate(parts) if parts else np.empty(0, np.int64)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def _find_one(self, name: str) -> int:
        hashes, order = self._one_by_one
        wanted = np.int64(hash(name))
        for place in range(int(hashes.searchsorted(wanted)), len(hashes)):
            if hashes[place] != wanted:
                break
            if self._series[int(order[place])] == name:
                return int(order[place])
        return -1

    def _find(self, names: Sequence[str] | pl.Series) -> NDArray[np.int64]:
        series = names if isinstance(names, pl.Series) else pl.Series("id", names, dtype=pl.String)
        if not len(series) or not len(self):
            return np.full(len(series), -1, np.int64)
        hashes, order = self._hashed
        wanted = series.hash(seed=0).to_numpy()
        place = np.searchsorted(hashes, wanted)
        found = np.full(len(series), -1, np.int64)
        todo = np.arange(len(series))
        while len(todo):  # a second round only where two names share one 64-bit hash
            inside = place[todo] < len(hashes)
            todo = todo[inside]
            todo = todo[hashes[place[todo]] == wanted[todo]]
            rows = order[place[todo]]
            same = (self._series.gather(rows) == series.gather(todo)).fill_null(False).to_numpy()
            found[todo[same]] = rows[same]
            todo = todo[~same]
            place[todo] += 1
        return found

    def _unknown(self, name: str) -> UnknownName:
        # A name that differs only by case, spaces, leading zeros or a trailing .0 is the likeliest, wherever it stands.
        bare = name.strip().lower().removesuffix(".0").lstrip("0")
        stripped = self._series.str.strip_chars().str.to_lowercase().str.strip_suffix(".0").str.strip_chars_start("0")
        close = self._series.filter(stripped == bare).head(3).to_list() if bare else []
        close = close or nearest(name, self._series.head(_NEAREST_AMONG).to_list())
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        return UnknownName(f"no {self.kind} {name!r}{hint}")
