"""CSV, TSV and their like as blocks of text."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from wares.data import formats
from wares.data.blocks import Bad, Block, as_json, distinct
from wares.errors import DataError
from wares.kernels import fields

LONGEST = 16 << 20
"""Bytes of one record: more is a quote that was never closed."""

_SNIFFED = 256 << 10  # bytes looked at for the delimiter


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
        return distinct(first)

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
                buffer, ord(self.delimiter), width, line, final, LONGEST
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
            return Bad(line, "broken_quotes", "a quote is opened and not closed where it should be", as_json(raw))
        rule = "too_few_fields" if status == fields.FEW else "too_many_fields"
        return Bad(line, rule, f"{found} fields where the header has {len(self.columns)}", as_json(raw))


def _records(data: bytes, delimiter: str, *, final: bool) -> Iterator[list[str]]:
    buffer = np.frombuffer(data, np.uint8)
    starts, stops, forms, records, _, _ = fields.split(buffer, ord(delimiter), 0, 1, final, LONGEST)
    place = 0
    for *_, status, n in records.tolist():
        if status != fields.GOOD:
            continue
        row = []
        for f in range(place, place + n):
            _, text = fields.column(buffer, starts[f : f + 1], stops[f : f + 1], forms[f : f + 1], 0, 1)
            row.append(text.tobytes().decode("utf-8", "replace"))
        place += n
        yield row
