"""JSON objects as blocks of text: one a line, one after the other, or in an array."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from wares.data import formats
from wares.data.blocks import Bad, Block, as_json
from wares.data.delimited import LONGEST
from wares.errors import DataError


class Json:
    """Objects one a line, one after the other, in one array (perhaps inside one object), or by id inside one object."""

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
        return Bad(line, "broken_json", value.why, as_json(value.text))
    return Bad(line, "broken_json", "not an object with named fields", as_json(value))


def _plain(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " > ".join(value)
    return as_json(value)


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


def _inside(value: Any) -> list[Any]:
    """The objects of a whole file that is one value: in the only array of an object, or by their ids, or itself."""
    if not isinstance(value, dict):
        return [value]
    if len(value) > 1 and all(isinstance(each, dict) for each in value.values()):
        return [{"id": name, **each} for name, each in value.items()]
    lists = [each for each in value.values() if isinstance(each, list)]
    if len(value) < 20 and len(lists) == 1 and len(lists[0]) > 1 and isinstance(lists[0][0], dict):
        return list(lists[0])
    return [value]


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
                if chunk and len(buffer) - place < 4 * LONGEST:
                    break  # perhaps the object ends in the next chunk
                raise DataError(f"{kind.path.name} is not sound JSON near line {line}: {error}") from error
            for one in _inside(value) if depth == 0 else [value]:
                yield line, one, done
            depth += 1
            line += buffer.count("\n", place, stop)
            place = stop
        buffer = buffer[place:]
