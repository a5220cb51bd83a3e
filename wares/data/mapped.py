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

    def __len__(self) -> int:
        return int(self._starts[-1])

    def column(self, name: str, rows: Sequence[int] | NDArray[np.integer]) -> list[Any]:
        """The values of one column in the given rows."""
        place = self.columns.index(name)
        picked = np.asarray(rows, np.int64)
        batch = np.searchsorted(self._starts, picked, side="right") - 1
        offset = picked - self._starts[batch]
        return [self._batches[b].column(place)[o].as_py() for b, o in zip(batch.tolist(), offset.tolist(), strict=True)]

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
