"""Rows of an Arrow file by number, without reading the rest: what a server holds of a catalog."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray


class Mapped:
    """A memory-mapped Arrow file; processes that open the same one share its memory.

    A row costs some microseconds, wherever it stands.
    """

    def __init__(self, path: Path) -> None:
        self._file = pa.ipc.open_file(pa.memory_map(str(path)))
        self._batches = [self._file.get_batch(i) for i in range(self._file.num_record_batches)]
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])
        self.columns: list[str] = self._file.schema.names
        self._opened: dict[str, list[pa.Array]] = {}

    def __len__(self) -> int:
        return int(self._starts[-1])

    def column(self, name: str, rows: Sequence[int] | NDArray[np.integer]) -> list[Any]:
        """The values of one column in the given rows."""
        columns = self._columns(name)
        picked = np.asarray(rows, np.int64)
        if len(columns) == 1:
            only = columns[0]
            return [only[row].as_py() for row in picked.tolist()]
        batch = np.searchsorted(self._starts, picked, side="right") - 1
        offset = picked - self._starts[batch]
        return [columns[b][o].as_py() for b, o in zip(batch.tolist(), offset.tolist(), strict=True)]

    def _columns(self, name: str) -> list[pa.Array]:
        """One column, batch by batch; kept, because making an array of it takes longer than a row of it."""
        if name not in self._opened:
            place = self.columns.index(name)
            self._opened[name] = [batch.column(place) for batch in self._batches]
        return self._opened[name]

    def take(self, name: str, rows: NDArray[np.int64]) -> pl.Series:
        """The values of one column in many rows, which take memory of their own."""
        place = self.columns.index(name)
        batch = np.searchsorted(self._starts, rows, side="right") - 1
        order = np.argsort(batch, kind="stable")
        numbers, firsts = np.unique(batch[order], return_index=True)
        parts = []
        for number, low, high in zip(numbers.tolist(), firsts, np.append(firsts[1:], len(order)), strict=False):
            column = pl.Series(name, pl.from_arrow(self._batches[number].column(place)))
            parts.append(column.gather(rows[order[low:high]] - self._starts[number]))
        if not parts:
            return pl.Series(name, pl.from_arrow(pa.array([], self._file.schema.field(place).type)))
        return pl.concat(parts).gather(np.argsort(order, kind="stable"))

    def rows(self, rows: Sequence[int] | NDArray[np.integer]) -> list[dict[str, Any]]:
        """All columns of the given rows."""
        values = [self.column(name, rows) for name in self.columns]
        return [dict(zip(self.columns, each, strict=True)) for each in zip(*values, strict=True)]


def read_batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """The batches of an Arrow file, some columns or all, read one at a time and not mapped."""
    with pa.OSFile(str(path)) as source:
        fields = pa.ipc.open_file(source).schema.names
        wanted = fields if columns is None else list(columns)
        options = pa.ipc.IpcReadOptions(included_fields=sorted(fields.index(name) for name in wanted))
        reader = pa.ipc.open_file(source, options=options)
        for number in range(reader.num_record_batches):
            yield pl.DataFrame(pl.from_arrow(reader.get_batch(number))).select(wanted)


def text_sizes(path: Path, columns: Sequence[str], start: int, stop: int) -> NDArray[np.int64]:
    """(stop - start,) bytes that the rows of an Arrow file have in some columns of text, without reading the text."""
    sizes = np.zeros(stop - start, np.int64)
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        places = [reader.schema.names.index(name) for name in columns]
        begin = 0
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            low, high = max(start, begin), min(stop, begin + batch.num_rows)
            if low < high:
                for place in places:
                    sizes[low - start : high - start] += _lengths(batch.column(place)[low - begin : high - begin])
            begin += batch.num_rows
    return sizes


def _lengths(texts: pa.Array) -> NDArray[np.int64]:
    """(n,) bytes of each text; what is null may count what it hides."""
    _, layout, *_ = texts.buffers()
    first, stop = texts.offset, texts.offset + len(texts)
    if pa.types.is_large_string(texts.type) or pa.types.is_string(texts.type):
        kind = np.int64 if pa.types.is_large_string(texts.type) else np.int32
        return np.diff(np.frombuffer(layout, kind)[first : stop + 1]).astype(np.int64)
    if pa.types.is_string_view(texts.type):  # 16 bytes each, the first four its length
        return np.frombuffer(layout, np.int32).reshape(-1, 4)[first:stop, 0].astype(np.int64)
    return np.fromiter((len(str(each).encode()) for each in texts), np.int64, len(texts))  # a dictionary of texts
