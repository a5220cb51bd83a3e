"""The products of a shop, one row each; frozen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.ids import Ids
from wares.data.mapped import text_sizes
from wares.data.schema import TEXT
from wares.errors import DataError, UnknownName

PIECE = 8_000_000
"""Bytes of text that are read at once; with what is made of them, some tens of megabytes."""

_ROWS = 32_768  # and so many rows at most: what is made of a short text takes room too


@dataclass(frozen=True, eq=False)
class Catalog:
    """Products in row order, read lazily from a memory-mapped Arrow file (or a frame in memory).

    A catalog is also a handle: `parts` cuts it by rows without reading, and a part of a file pickles as a path and a
    range.
    """

    source: Path | pl.DataFrame
    start: int = 0
    stop: int | None = None
    _ids: Ids | None = field(default=None, repr=False)

    @classmethod
    def of(cls, source: Any, columns: Mapping[str, str] | None = None) -> Self:
        """Products from a path, or a polars, pandas or Arrow table that is clean already.

        `columns` maps our names to those of the source, such as `{"title": "Description"}`. An `.arrow` file is mapped,
        other files go through `wares.data.read`. Raises DataError.
        """
        if isinstance(source, (str, Path)) and Path(source).suffix == ".arrow" and not columns:
            if not Path(source).is_file():
                raise DataError(f"there is no file {source}")
            return cls(Path(source))
        from wares.data.read import read_products  # reads files, knows Catalog: this breaks the circle

        return cls(read_products(source, columns).collect())

    @cached_property
    def scan(self) -> pl.LazyFrame:
        """All columns of these rows, lazily."""
        frame = pl.scan_ipc(self.source) if isinstance(self.source, Path) else self.source.lazy()
        return frame.slice(self.start, None if self.stop is None else self.stop - self.start)

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Column names and types."""
        return dict(self.scan.collect_schema())

    @property
    def columns(self) -> list[str]:
        """Column names, ours first as they stand in the file."""
        return list(self.schema)

    @cached_property
    def ids(self) -> Ids:
        """The names of these rows."""
        return self._ids if self._ids is not None else Ids(self.frame(["id"])["id"])

    @cached_property
    def _length(self) -> int:
        if self.stop is not None:
            return self.stop - self.start
        return int(self.scan.select(pl.len()).collect().item())

    def __len__(self) -> int:
        return self._length

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self.schema

    def frame(self, columns: Sequence[str], rows: slice = slice(None)) -> pl.DataFrame:
        """Some columns of some rows (a slice of step 1). Raises UnknownName for a column that is not there."""
        for name in columns:
            if name not in self.schema:
                raise UnknownName.among("column", name, self.columns)
        start, stop, _ = rows.indices(len(self)) if rows != slice(None) else (0, None, 1)
        return self.scan.select(columns).slice(start, None if stop is None else stop - start).collect()

    def text(self, columns: Sequence[str] = TEXT, longest: int | None = None) -> list[str]:
        """(n,) the text of each product: the given columns that exist, joined by a space; missing ones are left out.

        longest : characters of a text that are read at most.
        """
        present = [name for name in columns if self.has(name)]
        if not present:
            return [""] * len(self)
        each = [pl.col(name).cast(pl.String) for name in present]
        if longest is not None:
            each = [text.str.slice(0, longest) for text in each]
        joined = pl.concat_str(each, separator=" ", ignore_nulls=True).fill_null("")
        if longest is not None:
            joined = joined.str.slice(0, longest)
        return self.scan.select(joined.alias("text")).collect()["text"].to_list()

    def texts(self, columns: Sequence[str] = TEXT, longest: int | None = None) -> Iterator[list[str]]:
        """The same text, in order, in lists that take a bounded amount of memory each."""
        for piece in self.pieces(columns, longest=longest):
            yield piece.text(columns, longest)

    def pieces(
        self, columns: Sequence[str] | None = None, size: int = PIECE, longest: int | None = None
    ) -> Iterator["Catalog"]:
        """Handles of consecutive rows, in order, with at most `size` bytes of text in these columns (all) each.

        A row of more is a piece of its own. longest : bytes that are counted of a row at most.
        """
        sizes = self._text_sizes(self.columns if columns is None else columns)
        ends = np.cumsum(sizes if longest is None else np.minimum(sizes, longest))
        start = 0
        while start < len(ends):
            before = ends[start - 1] if start else 0
            stop = max(start + 1, min(int(np.searchsorted(ends, before + size, side="right")), start + _ROWS))
            yield Catalog(self.source, self.start + start, self.start + stop)
            start = stop

    def _text_sizes(self, columns: Sequence[str]) -> NDArray[np.int64]:
        """(n,) bytes of text of each row in those of the columns that are text."""
        texts = [name for name in columns if self.schema.get(name) == pl.String]
        if isinstance(self.source, Path):
            return text_sizes(self.source, texts, self.start, self.start + len(self))
        sizes = np.zeros(len(self), np.int64)
        for name in texts:
            sizes += self.frame([name])[name].str.len_bytes().fill_null(0).to_numpy()
        return sizes

    def parts(self, rows: int = 10_000) -> Iterator["Catalog"]:
        """Handles of consecutive rows, in order."""
        for start in range(0, len(self), rows):
            stop = min(start + rows, len(self))
            yield Catalog(self.source, self.start + start, self.start + stop)

    def __getstate__(self) -> dict[str, Any]:
        # What is cached stays behind, so that a handle to a file is a path and two numbers.
        return {"source": self.source, "start": self.start, "stop": self.stop, "_ids": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
