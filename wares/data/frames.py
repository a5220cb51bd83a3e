"""Typed tables as blocks: Parquet, Arrow, workbooks and tables in memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from wares.data.blocks import Block, distinct
from wares.errors import DataError

ROWS = 200_000
"""Rows of one block; blocks of text are cut by bytes."""


class Parquet:
    """A Parquet file, row group by row group."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self.name = path.name
        self._path = path
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path} begins like Parquet but cannot be read: {error}") from error
        self.columns = list(self._file.schema_arrow.names)
        self.facts: dict[str, Any] = {"format": "parquet"}

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[Block]:
        total, row = max(self._file.metadata.num_rows, 1), 1
        for batch in self._file.iter_batches(ROWS, columns=None if only is None else list(only)):
            yield _typed(batch, row, min((row + len(batch) - 1) / total, 1.0))
            row += len(batch)


class ArrowFile:
    """An Arrow (Feather) file or stream, batch by batch."""

    def __init__(self, path: Path) -> None:
        self.name, self._path = path.name, path
        self.facts: dict[str, Any] = {"format": "arrow"}
        try:
            self.columns = list(self._open().schema.names)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path} begins like Arrow but cannot be read: {error}") from error

    def _open(self) -> Any:
        with self._path.open("rb") as file:
            is_file = file.read(6) == b"ARROW1"
        return pa.ipc.open_file(self._path) if is_file else pa.ipc.open_stream(self._path)

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[Block]:
        reader = self._open()
        total = getattr(reader, "num_record_batches", 0)
        batches = (reader.get_batch(i) for i in range(total)) if total else iter(reader)
        row = 1
        for i, batch in enumerate(batches):
            for start in range(0, len(batch), ROWS):
                part = batch.slice(start, ROWS)
                yield _typed(part, row, (i + 1) / total if total else 0.5)
                row += len(part)


def _typed(batch: Any, row: int, done: float) -> Block:
    frame = pl.DataFrame(pl.from_arrow(batch))
    return Block(frame, np.arange(row, row + len(frame), dtype=np.int64), done)


class Frame:
    """A table in memory. first : the line of its first row."""

    def __init__(self, frame: pl.DataFrame, name: str = "table", format: str = "table", first: int = 1) -> None:
        self._frame, self.name, self._first = frame, name, first
        self.columns = frame.columns
        self.facts: dict[str, Any] = {"format": format}

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[Block]:
        total = max(len(self._frame), 1)
        for start in range(0, len(self._frame), ROWS):
            part = self._frame.slice(start, ROWS)
            lines = np.arange(start, start + len(part), dtype=np.int64) + self._first
            yield Block(part, lines, (start + len(part)) / total)


def as_frame(source: Any) -> pl.DataFrame:
    """A polars frame of a table in memory. Raises DataError for what is none."""
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, pl.DataFrame):
        return source
    if type(source).__module__.split(".")[0] == "pandas":
        return _from_pandas(source)
    if isinstance(source, pa.Table | pa.RecordBatch) or hasattr(source, "__arrow_c_stream__"):
        return pl.DataFrame(source)
    if isinstance(source, dict) or (isinstance(source, list) and all(isinstance(row, dict) for row in source)):
        return pl.DataFrame(source, infer_schema_length=None, strict=False)
    raise DataError(f"a {type(source).__name__} is not a table; give a path or a polars, pandas or Arrow table")


def _from_pandas(source: Any) -> pl.DataFrame:
    columns = []
    for place, name in enumerate(distinct(map(str, source.columns))):
        values = source.iloc[:, place]
        try:
            found: Any = pl.from_pandas(values)  # typed as a frame by some releases: of a column it is a series
            columns.append(found.alias(name))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):  # numbers and text in one column
            texts = [None if value is None or value != value else _object(value) for value in values]
            columns.append(pl.Series(name, texts, dtype=pl.String))
    return pl.DataFrame(columns)


def _object(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def workbook(path: Path, sheet: str | int, header: bool) -> pl.DataFrame:
    """A sheet of a workbook, every cell as text. Raises DataError."""
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        if isinstance(sheet, str) and sheet not in book.sheet_names:
            raise DataError(f"{path.name} has no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
        table = book.load_sheet(sheet, header_row=0 if header else None, dtypes="string")
    except fastexcel.FastExcelError as error:
        raise DataError(f"{path} cannot be read as a workbook: {error}") from error
    frame = table.to_polars()
    names = frame.columns if header else [str(i + 1) for i in range(frame.width)]
    return frame.rename(dict(zip(frame.columns, distinct(names), strict=True)))
