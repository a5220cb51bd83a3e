"""Rows on their way in: blocks of them, each row with its place, and those that could not be read."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray


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


def distinct(names: Iterable[str]) -> list[str]:
    """Names of columns, each once and none empty."""
    out: list[str] = []
    for i, name in enumerate(names):
        base = name.strip() or f"column {i + 1}"
        name, n = base, 1
        while name in out:
            n += 1
            name = f"{base} {n}"
        out.append(name)
    return out


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)
