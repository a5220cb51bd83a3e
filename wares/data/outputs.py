"""What cleaning leaves behind: the clean rows, the quarantine and the report; all written as it goes."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wares.data.reading import plain_text
from wares.data.stream import Bad

_ROWS = 50_000  # quarantined rows written at a time
_CELL = 20_000_000  # characters of quarantined text held before they are written

QUARANTINE = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("rule", pa.string()),
        ("action", pa.string()),
        ("reason", pa.string()),
        ("raw", pa.large_string()),
    ]
)
"""action : "rejected", the row is not among the clean ones; "changed", it is, without the value the reason names."""


@dataclass(frozen=True)
class Report:
    """What reading and cleaning did; rows = kept + the sum of rejected.

    rejected, changed : by rule, how many rows. duplicates : groups of products alike in all but their id. unmatched :
    events whose product is not known. sources : what was found about each file. notes : what a person should look at.
    """

    of: str
    rows: int
    kept: int
    rejected: Mapping[str, int]
    changed: Mapping[str, int]
    sources: list[dict[str, Any]]
    seconds: float
    duplicates: Mapping[str, Any] = field(default_factory=dict)
    unmatched: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Plain values, ready for any JSON writer."""
        return asdict(self)


class Quarantine:
    """Rows set aside, written in parts; counts what it takes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pq.ParquetWriter(path, QUARANTINE, compression="zstd")
        self._rows: list[tuple[str, int, str, str, str, str]] = []
        self._size = 0
        self.rejected: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.example: tuple[str, int, str] = ("", 0, "")

    def unreadable(self, file: str, bad: list[Bad]) -> None:
        """Rows that could not be split into columns."""
        for row in bad:
            self._add(file, row.line, row.rule, "rejected", row.reason, row.raw)

    def rows(
        self,
        file: str | list[str],
        frame: pl.DataFrame,
        lines: NDArray[np.int64],
        rule: str,
        reasons: pl.Series | str,
        *,
        action: str = "rejected",
    ) -> None:
        """Whole rows of a frame, with one reason or one each."""
        if not len(frame):
            return
        why = [reasons] * len(frame) if isinstance(reasons, str) else reasons.to_list()
        files = [file] * len(frame) if isinstance(file, str) else file
        for name, line, reason, raw in zip(files, lines.tolist(), why, _json(frame), strict=True):
            self._add(name, line, rule, action, reason, raw)

    def _add(self, file: str, line: int, rule: str, action: str, reason: str, raw: str) -> None:
        counts = self.rejected if action == "rejected" else self.changed
        if not self.rejected and action == "rejected":
            self.example = (file, line, reason)
        counts[rule] += 1
        self._rows.append((file, line, rule, action, reason, raw))
        self._size += len(raw)
        if len(self._rows) >= _ROWS or self._size > _CELL:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            # By polars: pyarrow would import pandas to see whether a list is a column of it.
            rows = pl.DataFrame(self._rows, schema=QUARANTINE.names, orient="row", infer_schema_length=None)
            self._writer.write_table(rows.to_arrow().cast(QUARANTINE))
            self._rows, self._size = [], 0

    def close(self) -> None:
        """Write what is left."""
        if self._writer.is_open:
            self._flush()
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _json(frame: pl.DataFrame) -> list[str]:
    plain = [
        column if column.dtype.is_numeric() or column.dtype == pl.Boolean else plain_text(column).alias(column.name)
        for column in frame
    ]
    table = pl.DataFrame(plain)
    return table.select(pl.struct(pl.all()).struct.json_encode().alias("raw"))["raw"].to_list()


class Output:
    """An uncompressed Arrow file, written in parts, that memory-maps; a temporary one goes when left."""

    def __init__(self, path: Path, *, temporary: bool = False) -> None:
        self.path, self.rows = path, 0
        self._temporary = temporary
        self._writer: Any = None

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows; the first frame, even an empty one, says which columns there are."""
        table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._writer = pa.ipc.new_file(self.path, table.schema)
        for batch in table.to_batches():
            if len(batch):
                self._writer.write_batch(batch)
        self.rows += len(frame)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._temporary:
            self.path.unlink(missing_ok=True)


def batches(path: Path) -> Iterator[pl.DataFrame]:
    """The parts of an Arrow file written by `Output`, read one at a time."""
    with pa.OSFile(str(path)) as source:
        reader = pa.ipc.open_file(source)
        for i in range(reader.num_record_batches):
            yield pl.DataFrame(pl.from_arrow(reader.get_batch(i)))


class Scratch:
    """Numbers appended to a file, for what is one a row and too many for memory; gone when closed."""

    def __init__(self, path: Path, dtype: type[np.generic]) -> None:
        self._path, self.dtype, self.n = path, np.dtype(dtype), 0
        self._file = path.open("wb")

    def append(self, values: NDArray[Any]) -> None:
        """More numbers."""
        np.ascontiguousarray(values, self.dtype).tofile(self._file)
        self.n += len(values)

    def part(self, start: int, stop: int) -> NDArray[Any]:
        """Some of the numbers."""
        self._file.flush()
        return np.fromfile(self._path, self.dtype, max(stop - start, 0), offset=start * self.dtype.itemsize)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def workspace(folder: Path, *names: str) -> Iterator[dict[str, Path]]:
    """Paths to write to, moved to `folder/name` together at the end; deleted when anything goes wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: folder / f"{name}.part-{os.getpid()}" for name in names}
    try:
        yield parts
        for name, path in parts.items():
            if path.exists():
                os.replace(path, folder / name)
    finally:
        for path in parts.values():
            path.unlink(missing_ok=True)
