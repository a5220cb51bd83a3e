"""Which products a filter leaves, and how the values of a result are spread."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Self, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Algorithm, setting
from wares.arrays import Labels, Mask
from wares.data.catalog import Catalog
from wares.data.schema import SEPARATOR
from wares.errors import SettingError, UnknownName, did_you_mean
from wares.tasks.faceting import Facets, Tree

Where: TypeAlias = Mapping[str, Any]
"""Filters by column, all of which hold: `{"price": {"lt": 50}, "brand": ["Acme", "Bolt"], "category": "A > B"}`."""

_COMPARE = {"lt": np.less, "lte": np.less_equal, "gt": np.greater, "gte": np.greater_equal}
_NEVER_COUNTED = ("id", "title", "description", "image", "group")
_LONG = ("id", "title", "description", "image")
_LETTERS = 16_000_000  # of all values of a column: with more it is hashed and not counted


@dataclass(kw_only=True, eq=False)
class Filters(Algorithm):
    """The columns of a catalog as arrays that are quick to compare and to count.

    Every column can be filtered by. A text of few distinct values is a code for each product, one of many (titles,
    ids) a 64-bit hash; numbers and times are floats; a category is a path, and a filter by "A > B" keeps everything
    below it. Memory 4 to 8 bytes for each column and product, mapped from the file.

    Settings
    --------
    values : most values (or paths of one level) that a facet tells, the most frequent first. ranges : most ranges of
    a numeric facet. distinct : a text column with more distinct values is hashed and not counted.

    Learned
    -------
    columns_ : by column, [kind, slot]: kind is text, path, label (of clusters), flag, number, time or long.
    codes_ : (n_texts, n_products) int32, -1 = missing. values_, starts_ : all values, and where each slot's begin.
    numbers_ : (n_numbers, n_products) float64, NaN = missing; times in microseconds since 1970 UTC.
    edges_, ends_ : (n_numbers, ranges - 1) bounds between ranges and how many of them are used.
    hashes_ : (n_longs, n_products) uint64, 0 = missing.
    """

    values: int = setting(20, low=1)
    ranges: int = setting(8, low=2, high=100)
    distinct: int = setting(20_000, low=1)

    # -- making ----------------------------------------------------------------------------------------------------

    def fit(self, catalog: Catalog, clusters: Labels | None = None) -> Self:
        """Take in every column of the catalog, and the clusters as the column "cluster"."""
        self._check()
        self.n_products_ = len(catalog)
        self.columns_: dict[str, list[Any]] = {}
        codes: list[NDArray[np.int32]] = []
        values: list[list[str]] = []
        numbers: list[NDArray[np.float64]] = []
        hashes: list[NDArray[np.uint64]] = []
        for name, dtype in catalog.schema.items():
            if dtype == pl.String:
                found = None if name in _LONG else self._codes(catalog, name)
                if found is None:
                    self.columns_[name] = ["long", len(hashes)]
                    hashes.append(self._hashes(catalog, name))
                else:
                    self.columns_[name] = ["path" if name == "category" else "text", len(codes)]
                    codes.append(found[0])
                    values.append(found[1])
            elif dtype.is_numeric() or dtype == pl.Boolean:
                self.columns_[name] = ["flag" if dtype == pl.Boolean else "number", len(numbers)]
                numbers.append(_own(catalog.frame([name])[name].cast(pl.Float64).fill_null(math.nan)))
            elif dtype in (pl.Datetime, pl.Date):
                self.columns_[name] = ["time", len(numbers)]
                moments = catalog.frame([name])[name].cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64)
                numbers.append(_own(moments.fill_null(math.nan)))
                del moments  # it keeps the file mapped, too
        if clusters is not None:
            self.columns_["cluster"] = ["label", len(codes)]
            codes.append(np.asarray(clusters, np.int32))
            values.append([str(number) for number in range(int(np.max(clusters, initial=-1)) + 1)])
        self.codes_ = _table(codes, self.n_products_, np.int32)
        self.numbers_ = _table(numbers, self.n_products_, np.float64)
        self.hashes_ = _table(hashes, self.n_products_, np.uint64)
        self.values_ = np.array([each for slot in values for each in slot], object)
        self.starts_ = np.concatenate([[0], np.cumsum([len(slot) for slot in values])]).astype(np.int64)
        self.edges_, self.ends_ = self._edges()
        self.__dict__.pop("_made", None)
        return self

    def _codes(self, catalog: Catalog, name: str) -> tuple[NDArray[np.int32], list[str]] | None:
        """Code of each product and the values in order; None where there are too many."""
        column = pl.col(name)
        if name == "category":  # " >" and ">" without spaces are the same path
            column = column.str.split(">").list.eval(pl.element().str.strip_chars()).list.join(SEPARATOR)
        found: set[str] = set()
        for piece in catalog.pieces([name]):
            found.update(piece.scan.select(column.drop_nulls().unique()).collect()[name].to_list())
            if len(found) > self.distinct or sum(map(len, found)) > _LETTERS:
                return None
        # Tree order keeps everything below a path together; for plain text it is alphabetical order.
        values = sorted(found, key=lambda value: value.split(SEPARATOR))
        coded = column.replace_strict(values, list(range(len(values))), default=-1, return_dtype=pl.Int32).fill_null(-1)
        parts = [_own(piece.scan.select(coded).collect()[name]) for piece in catalog.pieces([name])]
        return np.concatenate([np.empty(0, np.int32), *parts]), values

    def _hashes(self, catalog: Catalog, name: str) -> NDArray[np.uint64]:
        parts = [
            np.fromiter(map(_hash, part.frame([name])[name].to_list()), np.uint64, len(part))
            for part in catalog.pieces([name])
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.uint64)

    def _edges(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Bounds of ranges that hold about equally many products, at round numbers where that can be."""
        edges = np.full((len(self.numbers_), self.ranges - 1), math.inf)
        ends = np.zeros(len(self.numbers_), np.int64)
        for slot, column in enumerate(self.numbers_):
            known = column[np.isfinite(column)]
            if not len(known):
                continue
            distinct = np.unique(known)
            if len(distinct) <= self.ranges:
                bounds = distinct[1:]
            else:
                cuts = np.quantile(known, np.linspace(0, 1, self.ranges + 1)[1:-1])
                bounds = np.unique([_round(cut) for cut in cuts])
                bounds = bounds[(bounds > distinct[0]) & (bounds <= distinct[-1])]
            edges[slot, : len(bounds)], ends[slot] = bounds, len(bounds)
        return edges, ends

    # -- filtering -------------------------------------------------------------------------------------------------

    def mask(self, where: Where | None, rows: NDArray[np.integer] | None = None) -> Mask | None:
        """(n_products,) True where every filter holds, or (len(rows),) of those; None where nothing is filtered.

        Raises UnknownName for a column that is not there, SettingError for an operator or value that does not fit.
        """
        self._ready()
        if where is None:
            return None
        if not isinstance(where, Mapping):
            raise SettingError(
                f"filters must be columns and what they must be, such as {{'price': {{'lt': 50}}}}, not {where!r}"
            )
        out: Mask | None = None
        for column, wanted in where.items():
            one = self._one(column, wanted, rows)
            out = one if out is None else out & one
        return out

    def _one(self, column: str, wanted: Any, rows: NDArray[np.integer] | None) -> Mask:
        if column not in self.columns_:
            known = list(self.columns_)
            error = UnknownName.among("column", str(column), known)
            raise error if did_you_mean(str(column), known) else UnknownName(f"{error}; there are {', '.join(known)}")
        kind, slot = self.columns_[column]
        if kind in ("number", "time"):
            return self._compare(column, kind, _at(self.numbers_, slot, rows), wanted)
        if isinstance(wanted, Mapping):
            raise SettingError(
                f"filter {column!r}: {', '.join(map(repr, wanted))} is for numbers and times; give a value or a list"
            )
        choices = _choices(wanted)
        if kind == "flag":
            if not all(choice is None or isinstance(choice, bool) for choice in choices):
                raise SettingError(f"filter {column!r} is true or false, not {wanted!r}")
            return _among(_at(self.numbers_, slot, rows), choices)
        if kind == "label":
            if not all(
                choice is None or (isinstance(choice, int) and not isinstance(choice, bool)) for choice in choices
            ):
                raise SettingError(f"filter {column!r} is a whole number or a list of them, not {wanted!r}")
            codes = _at(self.codes_, slot, rows)
            return _is_in(codes, [-1 if choice is None else choice for choice in choices if choice != -1])
        if not all(choice is None or isinstance(choice, str) for choice in choices):
            raise SettingError(f"filter {column!r} is a text or a list of texts, not {wanted!r}")
        if kind == "long":
            return _is_in(_at(self.hashes_, slot, rows), np.array([_hash(each) for each in choices], np.uint64))
        return self._coded(kind, slot, choices, rows)

    def _compare(self, column: str, kind: str, numbers: NDArray[np.float64], wanted: Any) -> Mask:
        if not isinstance(wanted, Mapping):
            return _among(numbers, [None if each is None else _number(column, kind, each) for each in _choices(wanted)])
        out: Mask | None = None
        for operator, bound in wanted.items():
            if operator not in _COMPARE:
                raise SettingError(f"filter {column!r} knows {', '.join(_COMPARE)}, not {operator!r}")
            # A missing number is NaN, which is neither below nor above anything.
            one = _COMPARE[operator](numbers, _number(column, kind, bound))
            out = one if out is None else out & one
        return np.ones(len(numbers), np.bool_) if out is None else out

    def _coded(self, kind: str, slot: int, choices: Collection[str | None], rows: NDArray[np.integer] | None) -> Mask:
        start, stop = int(self.starts_[slot]), int(self.starts_[slot + 1])
        wanted = np.zeros(stop - start + 1, np.bool_)  # the last place is code -1
        tree = self._facets.trees[slot]
        for each in choices:
            if each is None:
                wanted[-1] = True
                continue
            node = tree.nodes.get(SEPARATOR.join(_levels(each)) if kind == "path" else each)
            if node is not None:
                wanted[tree.lows[node] : tree.highs[node]] = True
        out: Mask = wanted[_at(self.codes_, slot, rows)]
        return out

    @property
    def _facets(self) -> Facets:
        made: Facets | None = self.__dict__.get("_made")
        if made is None:
            ends = self.starts_.tolist()
            values = [self.values_[start:stop].tolist() for start, stop in pairwise(ends)]
            made = self._made = Facets(
                {name: (kind, slot) for name, (kind, slot) in self.columns_.items()},
                [_plain(codes) for codes in self.codes_],
                values,
                [Tree.grow(each, ["path", slot] in self.columns_.values()) for slot, each in enumerate(values)],
                _plain(self.numbers_),
                _plain(self.edges_),
                _plain(self.ends_),
                self.values,
            )
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_made"}

    # -- counting --------------------------------------------------------------------------------------------------

    @property
    def countable(self) -> list[str]:
        """Columns that can be a facet."""
        return [name for name, (kind, _) in self.columns_.items() if kind != "long" and name not in _NEVER_COUNTED]

    def facets(self, rows: NDArray[np.integer], columns: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
        """By column, the exact spread of the given rows; all countable columns unless told.

        text, label, flag: `{"kind", "values": [{"value", "count"}], "missing"}`, most frequent first; path: the same
        for the paths of each level, with "level" from 1; number and time: `{"kind", "low", "high", "values":
        [{"from", "to", "count"}], "missing"}`, from included, to not, None = open; times as ISO text.
        """
        known = self.countable
        for name in columns or ():
            if name not in known:
                raise UnknownName.among("facet", name, known)
        return self._facets.spread(rows, known if columns is None else columns)

    def value(self, column: str, row: int) -> str | None:
        """The text of one product in a column that is coded, None where it has none or there is no such column."""
        code, slot = self._code(column, row)
        return None if code < 0 else self._facets.values[slot][code]

    def same(self, column: str, a: int, b: int) -> str | None:
        """The text that two products share in a column that is coded."""
        code, slot = self._code(column, a)
        return self._facets.values[slot][code] if 0 <= code == self._code(column, b)[0] else None

    def shared_path(self, a: int, b: int) -> str:
        """The part of the category path that two products have in common, empty where there is none."""
        one, slot = self._code("category", a)
        other, _ = self._code("category", b)
        return self._facets.trees[slot].shared(one, other) if one >= 0 and other >= 0 else ""

    def _code(self, column: str, row: int) -> tuple[int, int]:
        """Code and slot of one product in a column of text or paths; -1 where it has none."""
        kind, slot = self.columns_.get(column, ("", 0))
        return (int(self._facets.codes[slot][row]) if kind in ("text", "path") else -1), slot


def _own(column: pl.Series) -> NDArray[Any]:
    """The numbers of a column as an array of its own: a view would keep the whole file mapped."""
    return np.array(column.to_numpy())


def _at(table: NDArray[Any], slot: int, rows: NDArray[np.integer] | None) -> NDArray[Any]:
    """One column, or some rows of it; a plain array, because a memory map is slow to compare."""
    column = np.asarray(table[slot])
    return column if rows is None else column[rows]


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: arrays just learned and arrays mapped from a file compile to one kernel."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def _table(columns: list[Any], n: int, dtype: Any) -> NDArray[Any]:
    return np.stack(columns).astype(dtype) if columns else np.empty((0, n), dtype)


def _hash(text: str | None) -> int:
    if text is None:
        return 0
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") or 1


def _round(value: float) -> float:
    """The value at two significant digits."""
    return float(f"{value:.2g}")


def _choices(wanted: Any) -> list[Any]:
    return list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]


def _is_in(column: NDArray[Any], choices: Any) -> Mask:
    wanted = np.asarray(choices, column.dtype)
    # np.isin sorts; for a few choices comparing is ten times as fast.
    if len(wanted) > 8:
        return np.isin(column, wanted)
    out = np.zeros(len(column), np.bool_)
    for each in wanted:
        out |= column == each
    return out


def _among(numbers: NDArray[np.float64], choices: Sequence[float | None]) -> Mask:
    out = _is_in(numbers, [float(each) for each in choices if each is not None])
    return out | np.isnan(numbers) if None in choices else out


def _number(column: str, kind: str, value: Any) -> float:
    """A bound as it is kept. Raises SettingError where it is not one."""
    if kind == "time":
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
        if not isinstance(moment, datetime):
            raise SettingError(
                f"filter {column!r} needs a time such as '2026-01-31' or '2026-01-31T12:00:00', not {value!r}"
            )
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
        return float((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)) or math.isnan(value):
        raise SettingError(f"filter {column!r} needs a number, such as {{'lt': 50}}, not {value!r}")
    return float(value)


def _levels(path: str) -> list[str]:
    return [level.strip() for level in path.split(">")]
