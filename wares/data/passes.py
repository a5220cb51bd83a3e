"""Going over the sources again and again, block by block, and telling how far it is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.data.outputs import Quarantine, Scratch
from wares.data.read import open_source
from wares.data.reading import Reading
from wares.data.stream import Block, Table
from wares.errors import DataError

Progress = Callable[[float], None]


class Passes:
    """Passes over sources. shares : of the whole work each pass is, adding up to 1."""

    def __init__(self, hows: Sequence[Reading], progress: Progress | None, shares: Sequence[float]) -> None:
        self._hows, self._progress, self._shares = hows, progress, [*shares]
        self._pass = -1

    def blocks(self, only: Callable[[Reading], Sequence[str]] | None = None) -> Iterator[tuple[Reading, Block]]:
        """The next pass over all rows, in order."""
        self._pass += 1
        for i, how in enumerate(self._hows):
            for block in how.table.blocks(only(how) if only else None):
                yield how, block
                self._tell((i + block.done) / len(self._hows))

    def parts(self, frames: Iterator[pl.DataFrame], total: int) -> Iterator[tuple[int, pl.DataFrame]]:
        """The next pass over rows already written: (number of the first row, rows)."""
        self._pass += 1
        row = 0
        for frame in frames:
            yield row, frame
            row += len(frame)
            self._tell(row / total)

    def _tell(self, done: float) -> None:
        if self._progress is not None:
            self._progress(min(sum(self._shares[: self._pass]) + self._shares[self._pass] * done, 1.0))

    def finish(self) -> None:
        """Tell that all is done."""
        if self._progress is not None:
            self._progress(1.0)


class Marked:
    """Sorted row numbers, handed out as masks while the rows go by."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows, self._next = rows, 0

    def of(self, n: int) -> pl.Series:
        """(n,) which of the next n rows are marked."""
        low, high = np.searchsorted(self._rows, (self._next, self._next + n))
        mask = np.zeros(n, np.bool_)
        mask[self._rows[low:high] - self._next] = True
        self._next += n
        return pl.Series(mask)


class Places:
    """File and line of each row written, kept on disk."""

    def __init__(self, lines: Scratch) -> None:
        self._lines = lines
        self._files: list[str] = []
        self._starts: list[int] = []

    def add(self, file: str, lines: NDArray[np.int64]) -> None:
        """More rows of one file."""
        if not self._files or self._files[-1] != file:
            self._files.append(file)
            self._starts.append(self._lines.n)
        self._lines.append(lines)

    def of(self, rows: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
        """File and line of some rows, ascending and near each other."""
        if not len(rows):
            return [], rows
        files = np.searchsorted(self._starts, rows, side="right") - 1
        lines = self._lines.part(int(rows[0]), int(rows[-1]) + 1)[rows - rows[0]]
        return [self._files[i] for i in files.tolist()], lines


def scratches(stack: ExitStack, folder: Path) -> Callable[[str, Any], Scratch]:
    """A maker of scratch files that go when the stack does."""

    def make(name: str, dtype: Any) -> Scratch:
        scratch = Scratch(folder / f".{name}.scratch", dtype)
        stack.callback(scratch.close)
        return scratch

    return make


def several(sources: Any) -> list[Any]:
    """One source or several, as several."""
    rows = isinstance(sources, list) and bool(sources) and all(isinstance(row, dict) for row in sources)
    found = [*sources] if isinstance(sources, (list, tuple)) and not rows else [sources]
    if not found:
        raise DataError("no file was given")
    return found


def opened(
    sources: Any, columns: Mapping[str, str] | None, options: Mapping[str, Any]
) -> list[tuple[Table, dict[str, str] | None, bool | None]]:
    """Each source's table, what is said about its columns, and whether days come first.

    Where there are several, a column that one of them lacks and another has is asked of the other only.
    """
    given = {name: value for name, value in options.items() if name != "day_first"}
    tables = [open_source(source, columns, **given) for source in several(sources)]
    there = {name for table in tables for name in table.columns}
    return [
        (
            table,
            {ours: theirs for ours, theirs in columns.items() if theirs in table.columns or theirs not in there}
            if columns
            else None,
            options.get("day_first"),
        )
        for table in tables
    ]


Reason = str | tuple[str, pl.Series]
"""Why a row breaks a rule: a sentence, or one with {} and the values to put there."""
Rule = tuple[str, pl.Series, Reason]
"""Its name, the rows that break it, and why."""


def reasons(reason: Reason, rows: pl.Series) -> pl.Series | str:
    """The sentences of the rows marked."""
    if isinstance(reason, str):
        return reason
    values = pl.DataFrame({"value": reason[1].filter(rows).cast(pl.String).fill_null("?")})
    return values.select(pl.format(reason[0], "value").alias("reason"))["reason"]


def apply(rules: Sequence[Rule], how: Reading, block: Block, aside: Quarantine) -> pl.Series:
    """(n,) the rows that break no rule; the others go to quarantine under the first rule they break."""
    good = pl.Series(np.ones(len(block.frame), np.bool_))
    for rule, breaks, reason in rules:
        first = good & breaks.fill_null(False)
        if first.any():
            why = reasons(reason, first)
            aside.rows(how.table.name, block.frame.filter(first), block.lines[first.to_numpy()], rule, why)
            good = good & ~first
    return good


def header_again(how: Reading, block: Block) -> pl.Series:
    """(n,) rows that only name the columns, as files that were joined from several have."""
    found = pl.Series(np.zeros(len(block.frame), np.bool_))
    ours = [theirs[0] for theirs in how.mapped.values() if theirs[0] in block.frame.columns]
    texts = [name for name in ours if block.frame[name].dtype == pl.String]
    if len(texts) < len(ours) or not texts:
        return found
    found = (block.frame[texts[0]] == texts[0]).fill_null(False)
    for name in texts[1:] if found.any() else ():
        found &= (block.frame[name] == name).fill_null(False)
    return found


def nothing_left(what: str, hows: Sequence[Reading], rows: int, aside: Quarantine) -> DataError:
    """The error where no row is left."""
    if not rows:
        table = hows[0].table
        return DataError(f"{table.name} has a header ({', '.join(table.columns[:10])}) and no row below it")
    file, line, reason = aside.example
    counts = ", ".join(f"{rule} {n:,}" for rule, n in aside.rejected.most_common(5))
    return DataError(f"none of the {rows:,} {what} can be used ({counts}); first {file}, line {line}: {reason}")


def notes(hows: Sequence[Reading]) -> list[str]:
    """What a person should look at."""
    out = []
    for how in hows:
        name = how.table.name
        if n := how.table.facts.get("undecodable"):
            out.append(f"{name}: {n:,} characters are not {how.table.facts['encoding']} and were replaced by \ufffd")
        out += [
            f"{name}: {ours} read with the {order.said()}"
            for ours, order in how.orders.items()
            if order.seen and how.day_first is None and (not order.day_first + order.month_first or order.mixed())
        ]
    return out
