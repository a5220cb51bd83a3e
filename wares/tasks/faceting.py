"""How the values of a result set are spread."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wares.data.schema import SEPARATOR
from wares.kernels import counting


class Tree(NamedTuple):
    """The prefixes of the paths of a column, in tree order: the values below each are a range.

    paths, nodes : the path of each node, and the node of each path. above : by level, (n_values,) int32 the node of
    that level which holds each value; -1 where its path is shorter. lows, highs : (n_nodes,) of the ranges.
    """

    paths: list[str]
    nodes: dict[str, int]
    above: list[NDArray[np.int32]]
    lows: NDArray[np.int64]
    highs: NDArray[np.int64]

    @classmethod
    def grow(cls, values: Sequence[str], deep: bool) -> "Tree":
        """The tree of sorted paths; of plain values where not deep, a tree of one level."""
        nodes: dict[str, list[int]] = {}
        for code, value in enumerate(values):
            levels = value.split(SEPARATOR) if deep else [value]
            for depth in range(1, len(levels) + 1):
                nodes.setdefault(SEPARATOR.join(levels[:depth]), [depth, code, code])[2] = code + 1
        table = np.array(list(nodes.values()), np.int64).reshape(-1, 3)
        above = [np.full(len(values), -1, np.int32) for _ in range(int(table[:, 0].max(initial=0)))]
        for node, (depth, low, high) in enumerate(table.tolist()):
            above[depth - 1][low:high] = node
        return cls(list(nodes), {path: node for node, path in enumerate(nodes)}, above, table[:, 1], table[:, 2])

    def shared(self, a: int, b: int) -> str:
        """The part of their paths that two values have in common, empty where there is none."""
        found = ""
        for nodes in self.above:
            node = int(nodes[a])
            if node < 0 or node != nodes[b]:
                break
            found = self.paths[node]
        return found


class Facets(NamedTuple):
    """What `Filters` learned, as plain arrays and lists that are quick to count by.

    columns : by column, kind and slot. codes, values, trees : by slot of a coded column. numbers : (n_numbers, n).
    edges, ends : (n_numbers, ranges - 1) bounds between ranges and how many are used. most : values told of each.
    """

    columns: Mapping[str, tuple[str, int]]
    codes: list[NDArray[np.int32]]
    values: list[list[str]]
    trees: list[Tree]
    numbers: NDArray[np.float64]
    edges: NDArray[np.float64]
    ends: NDArray[np.int64]
    most: int

    def spread(self, rows: NDArray[np.integer], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """By column, the exact spread of the given rows, as `Filters.facets` tells it."""
        rows32: NDArray[np.int32] = np.ascontiguousarray(rows, np.int32)
        ranged = {name: self.columns[name][1] for name in names if self.columns[name][0] in ("flag", "number", "time")}
        counts = np.zeros((len(ranged), self.edges.shape[1] + 1), np.int64)
        lows, highs = np.full(len(ranged), math.inf), np.full(len(ranged), -math.inf)
        if ranged:
            slots = np.fromiter(ranged.values(), np.int64, len(ranged))
            counting.spread(self.numbers, slots, self.edges, self.ends, rows32, counts, lows, highs)
        found = dict(zip(ranged, zip(lows.tolist(), highs.tolist(), counts.tolist(), strict=True), strict=True))
        out: dict[str, dict[str, Any]] = {}
        for name in names:
            kind, slot = self.columns[name]
            if name in found:
                out[name] = self._ranges(kind, slot, *found[name], len(rows))
            else:
                shown, missing = self._coded(kind, slot, rows32)
                out[name] = {"kind": kind, "values": shown, "missing": missing}
        return out

    def _coded(self, kind: str, slot: int, rows: NDArray[np.int32]) -> tuple[list[dict[str, Any]], int]:
        values, room = self.values[slot], np.empty(min(len(rows), len(self.values[slot])), np.int32)
        counts = np.zeros(len(values), np.int32)
        n, missing = counting.tally(self.codes[slot], rows, counts, room)
        if kind == "path":
            return self._paths(self.trees[slot], counts, room[:n]), missing
        codes, amounts = self._most(counts, room[:n])
        shown: Sequence[Any] = codes if kind == "label" else [values[code] for code in codes]
        return [{"value": value, "count": count} for value, count in zip(shown, amounts, strict=True)], missing

    def _paths(self, tree: Tree, counts: NDArray[np.int32], codes: NDArray[np.int32]) -> list[dict[str, Any]]:
        """Counts of the paths of each level; what a value is counted for, all that is above it is."""
        out = []
        sums, room = np.zeros(len(tree.paths), np.int32), np.empty(len(codes), np.int32)
        for level, above in enumerate(tree.above, start=1):
            n = counting.climb(counts, codes, above, sums, room)
            for node, count in zip(*self._most(sums, room[:n]), strict=True):
                out.append({"value": tree.paths[node], "level": level, "count": count})
        return out

    def _most(self, counts: NDArray[np.int32], codes: NDArray[np.int32]) -> tuple[list[int], list[int]]:
        """The most frequent of some codes and their counts, ties to the lower code."""
        best, amounts = np.empty((2, self.most), np.int32)
        n = counting.most(counts, codes, best, amounts)
        return best[:n].tolist(), amounts[:n].tolist()

    def _ranges(self, kind: str, slot: int, low: float, high: float, counts: list[int], n: int) -> dict[str, Any]:
        known = sum(counts)
        if kind == "flag":
            return {"kind": kind, "values": _flags(counts, low, high), "missing": n - known}
        bounds = [None, *self.edges[slot, : self.ends[slot]].tolist(), None]
        tell = _moment if kind == "time" else float
        shown = [
            {"from": None if a is None else tell(a), "to": None if b is None else tell(b), "count": count}
            for a, b, count in zip(bounds, bounds[1:], counts, strict=False)
            if count
        ]
        ends = {"low": tell(low) if known else None, "high": tell(high) if known else None}
        return {"kind": kind, **ends, "values": shown, "missing": n - known}


def _flags(counts: list[int], low: float, high: float) -> list[dict[str, Any]]:
    # A column of both has the bound 1 between them; one of only one value has no bound.
    known = sum(counts)
    true = sum(counts[1:]) if low != high else known * int(high == 1)
    shown = [{"value": True, "count": true}, {"value": False, "count": known - true}]
    return sorted((each for each in shown if each["count"]), key=lambda each: -each["count"])


def _moment(microseconds: float) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat()
