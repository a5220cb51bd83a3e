"""A taxonomy of any depth: where each kind of product stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from wares.data.schema import LEVELS, SEPARATOR
from wares.errors import DataError, UnknownName


@dataclass(frozen=True, eq=False)
class Tree:
    """The nodes of a taxonomy as rows, parents before their children; frozen.

    paths : of each node, levels joined by " > ". parent : (n,) its row, -1 at the top. level : (n,) 1 at the top.
    ids : the name a node has in its file, by path. facts : how the file was read.
    """

    paths: tuple[str, ...]
    parent: NDArray[np.int64]
    level: NDArray[np.int64]
    ids: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, source: Any, *, separator: str | None = None) -> Self:
        """A taxonomy out of a file, a table or a list of paths; `wares.data.trees` says of what form.

        separator : between the levels of a path, where the file does not tell. Raises DataError with file and line.
        """
        from wares.data.trees import read  # reads files, knows Tree: this breaks the circle

        found = read(source, separator)
        return cls(found.paths, found.parent, found.level, found.ids, found.facts)

    @classmethod
    def of(cls, paths: Iterable[str | None], ids: Mapping[str, str] | None = None, **facts: Any) -> Self:
        """The taxonomy that some paths (such as labels) span; repeated and missing ones are passed over."""
        rows: dict[str, int] = {}
        parent: list[int] = []
        level: list[int] = []
        for path in paths:
            steps = steps_of(path) if path is not None else []
            for depth in range(1, len(steps) + 1):
                at = SEPARATOR.join(steps[:depth])
                if at not in rows:
                    rows[at] = len(rows)
                    parent.append(rows[SEPARATOR.join(steps[: depth - 1])] if depth > 1 else -1)
                    level.append(depth)
        return cls(tuple(rows), np.array(parent, np.int64), np.array(level, np.int64), dict(ids or {}), facts)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, path: object) -> bool:
        return path in self._rows

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {path: row for row, path in enumerate(self.paths)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of each node the last step of its path."""
        return tuple(path.rpartition(SEPARATOR)[2] for path in self.paths)

    @cached_property
    def depth(self) -> int:
        """Levels of the deepest path."""
        return int(self.level.max(initial=0))

    @cached_property
    def leaves(self) -> NDArray[np.int64]:
        """Rows of the nodes with nothing below them."""
        inner = np.zeros(len(self), np.bool_)
        inner[self.parent[self.parent >= 0]] = True
        return np.flatnonzero(~inner)

    @cached_property
    def ancestors(self) -> NDArray[np.int64]:
        """(n, depth) the row of each node's ancestor at each level, itself at its own; -1 below."""
        out = np.full((len(self), self.depth), -1, np.int64)
        for row in range(len(self)):  # parents come first
            if self.parent[row] >= 0:
                out[row] = out[self.parent[row]]
            out[row, self.level[row] - 1] = row
        return out

    def children(self, row: int) -> NDArray[np.int64]:
        """Rows right below one; of -1 the top."""
        return np.flatnonzero(self.parent == row)

    def at(self, level: int) -> NDArray[np.int64]:
        """Rows of a level, from 1, the top."""
        return np.flatnonzero(self.level == level)

    def row(self, path: str) -> int:
        """The row of a path. Raises UnknownName with the nearest paths."""
        found = self.find(path)
        if found < 0:
            raise UnknownName(f"no category {path!r} in the taxonomy{self.hint(path)}")
        return found

    def find(self, said: str) -> int:
        """The row of what somebody may have written: a path, an id, or a name that only one node has; -1 if none.

        Letters may be upper or lower case, and `separator`s other than ours are read where the path is then known.
        """
        if (row := self._rows.get(said)) is not None:
            return row
        return self._loose.get(loose(said), -1)

    @cached_property
    def _loose(self) -> dict[str, int]:
        """Rows by path, id and unambiguous name, without case."""
        found: dict[str, int] = {}
        named: dict[str, list[int]] = {}
        for row, name in enumerate(self.names):
            named.setdefault(loose(name), []).append(row)
        found.update({name: rows[0] for name, rows in named.items() if len(rows) == 1})
        found.update({loose(name): self._rows[path] for path, name in self.ids.items()})
        found.update({loose(path): row for row, path in enumerate(self.paths)})
        return found

    def hint(self, said: str) -> str:
        """`"; did you mean …?"` with the nearest paths; of a known name that several have, all of these."""
        same = [self.paths[row] for row, name in enumerate(self.names) if loose(name) == loose(said)]
        if same:
            return f"; did you mean {' or '.join(map(repr, same[:3]))}?"
        found = [self.paths[row] for row in self.nearest(said)]
        return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""

    def nearest(self, said: str, n: int = 3) -> list[int]:
        """Rows of at most n paths that are spelled most alike, as a whole and in their last step."""
        said = loose(said)
        whole = process.cdist([said], [loose(path) for path in self.paths], scorer=fuzz.ratio)[0]
        last = process.cdist([said.rpartition(SEPARATOR)[2]], [loose(name) for name in self.names], scorer=fuzz.ratio)[
            0
        ]
        score = 0.4 * whole + 0.6 * last
        best = np.lexsort((np.arange(len(score)), -score))[:n]
        return [int(row) for row in best if score[row] >= 50]


def steps_of(path: str, separator: str = ">") -> list[str]:
    """The steps of a path, without blanks around them; empty ones are passed over."""
    return [step for each in path.split(separator) if (step := " ".join(each.split()))]


def loose(path: str) -> str:
    """A path by which two that mean the same are equal: no case, single blanks, our separator."""
    return SEPARATOR.join(steps_of(path.casefold()))


def separator_of(paths: Sequence[str]) -> str:
    """What stands between the levels of these paths: the first of `LEVELS` that does; "" for one level.

    All but `>` also stand in names, so nine of ten paths must hold it, or what is before it be a path itself.
    """
    for separator in LEVELS:
        having = [path for path in paths if separator in path]
        if not having:
            continue
        if separator in (">>", ">") or len(having) >= 0.9 * len(paths):
            return separator
        known = {path.strip() for path in paths}
        if sum(path.rpartition(separator)[0].strip() in known for path in having) >= 0.9 * len(having):
            return separator
    return ""


def refuse_twice(lines: Mapping[str, int], path: str, line: int, name: str) -> None:
    """Raises DataError where a path stands a second time."""
    if (before := lines.get(loose(path))) is not None:
        raise DataError(f"{name}, line {line}: {path!r} stands on line {before} already; a category stands once")


def file_name(source: Any) -> str:
    """What a source is called in messages."""
    return Path(source).name if isinstance(source, (str, Path)) else "the taxonomy"
