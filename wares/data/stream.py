"""Any table as blocks of rows in bounded memory, each row with its place in the file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from wares.data import formats
from wares.errors import DataError
from wares.kernels import fields

ROWS = 200_000
"""Rows of one block of a typed table; blocks of text are cut by bytes."""

_LONGEST = 16 << 20  # bytes of one record: more is a quote that was never closed
_WIDEST = 10_000
_SNIFFED = 256 << 10  # bytes looked at for the delimiter


@dataclass(frozen=True)
class Bad:
    """A row that could not be read: its line, the rule it broke, why, and the row as JSON text."""

    line: int
    rule: str
    reason: str
    raw: str


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows as they stand in the source; lines : (n,) the line (or row of a table) each begins on, from 1."""

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    done: float
    bad: list[Bad] = field(default_factory=list)


class Table(Protocol):
    """A source that can be read again and again, block by block."""

    name: str
    columns: list[str]
    facts: dict[str, Any]

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[Block]:
        """The rows, in order; `only` some columns where that is cheaper."""
        ...


def open_table(
    source: Any,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    sheet: str | int = 0,
) -> Table:
    """The table in a path or a frame (polars, pandas, Arrow, a list of dicts, or what has an Arrow C stream).

    encoding, delimiter : instead of what the file itself tells. header : False where the first row is data; the columns
    are then named "1", "2", …. sheet : of a workbook. Raises DataError.
    """
    if not isinstance(source, (str, Path)):
        return Frame(as_frame(source))
    kind = formats.look(Path(source), encoding)
    if kind.format == "parquet":
        return Parquet(kind.path)
    if kind.format == "arrow":
        return ArrowFile(kind.path)
    if kind.format == "sheet":
        return Frame(_workbook(kind.path, sheet, header), kind.path.name, "xlsx", 2 if header else 1)
    if kind.format in ("lines", "json"):
        return Json(kind)
    return Delimited(kind, delimiter, header)


class Delimited:
    """CSV, TSV and their like, from the first byte to the last in blocks of about 8 MB."""

    def __init__(self, kind: formats.Kind, delimiter: str | None, header: bool) -> None:
        self._kind, self._header = kind, header
        self.name = kind.path.name
        head = b""
        for chunk, _, _ in formats.text(kind):
            head += chunk
            if len(head) > _SNIFFED:
                break
        self.delimiter = delimiter or formats.delimiter(head[:_SNIFFED], kind.path, whole=len(head) <= _SNIFFED)
        if len(self.delimiter.encode()) != 1:
            raise DataError(f"a delimiter is one character, not {self.delimiter!r}")
        self.columns = self._names(head)
        self.facts: dict[str, Any] = {
            "format": "csv",
            "encoding": kind.encoding,
            "delimiter": self.delimiter,
            "header": header,
            **({"compression": kind.compression} if kind.compression else {}),
        }

    def _names(self, head: bytes) -> list[str]:
        first = next(iter(_records(head, self.delimiter, final=True)), None)
        if first is None:
            raise DataError(f"{self.name} is empty: no line with text in it")
        if not self._header:
            return [str(i + 1) for i in range(len(first))]
        return _distinct(first)

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[Block]:
        width, line, carry = len(self.columns), 1, b""
        skip = self._header
        undecodable = 0
        for chunk, done, undecodable in formats.text(self._kind):  # noqa: B007 the last one is reported
            final = not chunk
            data = carry + chunk if carry else chunk
            if not data:
                break
            buffer = np.frombuffer(data, np.uint8)
            starts, stops, forms, records, used, line = fields.split(
                buffer, ord(self.delimiter), width, line, final, _LONGEST
            )
            carry = data[used:]
            if skip and len(records):
                if records[0, 3] == fields.GOOD:
                    starts, stops, forms = starts[width:], stops[width:], forms[width:]
                records, skip = records[1:], False
            if len(records):
                yield self._block(buffer, starts, stops, forms, records, done, only)
        if undecodable:
            self.facts["undecodable"] = undecodable

    def _block(
        self, buffer: Any, starts: Any, stops: Any, forms: Any, records: Any, done: float, only: Sequence[str] | None
    ) -> Block:
        width = len(self.columns)
        columns = []
        for place, name in enumerate(self.columns):
            if only is not None and name not in only:
                continue
            offsets, data = fields.column(buffer, starts, stops, forms, place, width)
            text = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
            columns.append(pl.from_arrow(text).alias(name))  # type: ignore[union-attr]
        good = records[:, 3] == fields.GOOD
        bad = [self._bad(buffer, *row) for row in records[~good].tolist()]
        return Block(pl.DataFrame(columns), records[good, 2].copy(), done, bad)

    def _bad(self, buffer: Any, start: int, stop: int, line: int, status: int, found: int) -> Bad:
        raw = buffer[start:stop].tobytes().decode("utf-8", "replace")
        if status == fields.BROKEN:
            return Bad(line, "broken_quotes", "a quote is opened and not closed where it should be", _text(raw))
        rule = "too_few_fields" if status == fields.FEW else "too_many_fields"
        return Bad(line, rule, f"{found} fields where the header has {len(self.columns)}", _text(raw))


def _records(data: bytes, delimiter: str, *, final: bool) -> Iterator[list[str]]:
    buffer = np.frombuffer(data, np.uint8)
    starts, stops, forms, records, _, _ = fields.split(buffer, ord(delimiter), 0, 1, final, _LONGEST)
    place = 0
    for *_, status, n in records.tolist():
        if status != fields.GOOD:
            continue
        row = []
        for f in range(place, place + min(n, _WIDEST)):
            _, text = fields.column(buffer, starts[f : f + 1], stops[f : f + 1], forms[f : f + 1], 0, 1)
            row.append(text.tobytes().decode("utf-8", "replace"))
        place += n
        yield row


def _distinct(names: Iterable[str]) -> list[str]:
    out: list[str] = []
    for i, name in enumerate(names):
        base = name.strip() or f"column {i + 1}"
        name, n = base, 1
        while name in out:
            n += 1
            name = f"{base} {n}"
        out.append(name)
    return out


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class Json:
    """Objects one a line, one after the other, or in one array (perhaps inside one object)."""

    def __init__(self, kind: formats.Kind) -> None:
        self._kind, self.name = kind, kind.path.name
        self.facts: dict[str, Any] = {
            "format": "jsonl" if kind.format == "lines" else "json",
            "encoding": kind.encoding,
        }
        seen: dict[str, None] = {}
        for _, value, _ in islice(self._values(), 20_000):
            if isinstance(value, dict):
                seen.update(dict.fromkeys(value))
        self.columns = list(seen)
        if not seen:
            raise DataError(f'{self.name} holds no JSON object; one product or event a line is {{"id": "1", ...}}')

    def _values(self) -> Iterator[tuple[int, Any, float]]:
        return _lines(self._kind) if self._kind.format == "lines" else _array(self._kind)

    def blocks(self, only: Sequence[str] | None = None) -> Iterator[Block]:
        values, done = self._values(), 0.0
        while batch := list(islice(values, 20_000)):
            rows, lines, bad = [], [], []
            for line, value, done in batch:  # noqa: B007 the last one is told
                if isinstance(value, dict):
                    rows.append(value)
                    lines.append(line)
                else:
                    bad.append(_not_object(line, value))
            names = [name for name in self.columns if only is None or name in only]
            columns = {name: [_plain(row.get(name)) for row in rows] for name in names}
            frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
            yield Block(frame, np.array(lines, np.int64), done, bad)


@dataclass(frozen=True)
class _Unreadable:
    text: str
    why: str


def _not_object(line: int, value: Any) -> Bad:
    if isinstance(value, _Unreadable):
        return Bad(line, "broken_json", value.why, _text(value.text))
    return Bad(line, "broken_json", "not an object with named fields", _text(value))


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " > ".join(value)
    return _text(value)


# Numbers stay text, so that 1e5 or 00.10 comes through exactly as written.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def _lines(kind: formats.Kind) -> Iterator[tuple[int, Any, float]]:
    carry, number = b"", 0
    for chunk, done, _ in formats.text(kind):
        parts = (carry + chunk).split(b"\n")
        carry = parts.pop() if chunk else b""
        for part in parts:
            number += 1
            line = part.decode("utf-8", "replace").strip()
            if line:
                try:
                    yield number, _DECODER.decode(line), done
                except (json.JSONDecodeError, RecursionError) as error:
                    yield number, _Unreadable(line, str(error)), done


def _array(kind: formats.Kind) -> Iterator[tuple[int, Any, float]]:
    """Objects of one array, or of several values one after the other, with the buffer never much larger than one."""
    buffer, line, depth = "", 1, 0
    for chunk, done, _ in formats.text(kind):
        buffer += chunk.decode("utf-8", "ignore")
        place = 0
        while True:
            while place < len(buffer) and buffer[place] in " \t\r\n,[]":
                line += buffer[place] == "\n"
                place += 1
            if place >= len(buffer):
                break
            try:
                value, stop = _DECODER.raw_decode(buffer, place)
            except (json.JSONDecodeError, RecursionError) as error:
                if chunk and len(buffer) - place < 4 * _LONGEST:
                    break  # perhaps the object ends in the next chunk
                raise DataError(f"{kind.path.name} is not sound JSON near line {line}: {error}") from error
            if depth == 0 and isinstance(value, dict) and len(value) < 20:
                inner = next((v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)), None)
                if inner is not None and sum(isinstance(v, list) for v in value.values()) == 1 and len(inner) > 1:
                    yield from ((line, one, done) for one in inner)
                    line += buffer.count("\n", place, stop)
                    place = stop
                    continue
            depth += 1
            yield line, value, done
            line += buffer.count("\n", place, stop)
            place = stop
        buffer = buffer[place:]


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
    for place, name in enumerate(_distinct(map(str, source.columns))):
        values = source.iloc[:, place]
        try:
            columns.append(pl.from_pandas(values).alias(name))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):  # numbers and text in one column
            texts = [None if value is None or value != value else _object(value) for value in values]
            columns.append(pl.Series(name, texts, dtype=pl.String))
    return pl.DataFrame(columns)


def _object(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


T = TypeVar("T")


def _workbook(path: Path, sheet: str | int, header: bool) -> pl.DataFrame:
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
    return frame.rename(dict(zip(frame.columns, _distinct(names), strict=True)))
