"""How the columns of one source become ours: surveyed once over the whole source, then applied block by block."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from wares.data import columns, numbers, times
from wares.data.schema import EVENTS, LEVELS, PRODUCTS, SEPARATOR
from wares.data.stream import Block, Table

_NO_ID = r"^\s*(NULL|null|NaN|nan|None|<NA>|\\N)?\s*$"
_NO_TEXT = r"^(NULL|null|NaN|nan|None|<NA>|\\N|#?N/A|n/a|--?)?$"
_SEPARATORS = tuple(re.escape(sign) for sign in LEVELS)
_IN_NAMES = {re.escape(sign) for sign in ("/", ";", "\\")}
_LEADING_ZERO = r"^-?0\d"
_INTEGER = r"^-?\d{1,15}(\.0)?$"
_DECIMAL = r"^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"


def names(values: pl.Series) -> pl.Series:
    """Ids as text exactly as written; whole numbers of a float column without `.0`. Missing ones are null."""
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.round(0)) & (values.abs() < 2**63)
        digits = values.zip_with(
            whole.fill_null(False), pl.Series([None], dtype=values.dtype).new_from_index(0, len(values))
        )
        digits = digits.cast(pl.Int64, strict=False).cast(pl.String)
        other = values.set(values.is_nan(), None).cast(pl.String)
        return digits.zip_with(digits.is_not_null(), other)
    return _without(plain_text(values), _NO_ID)


def words(values: pl.Series) -> pl.Series:
    """Text without blanks around it; null where nothing is said."""
    return _without(plain_text(values).str.strip_chars(), _NO_TEXT)


def _without(values: pl.Series, pattern: str) -> pl.Series:
    empty = values.str.contains(pattern)
    return values.set(empty.fill_null(False), None) if empty.any() else values


def plain_text(values: pl.Series) -> pl.Series:
    """Any column as text."""
    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, (pl.List, pl.Array)):
        return values.cast(pl.List(pl.String), strict=False).list.join(SEPARATOR, ignore_nulls=True)
    if isinstance(values.dtype, pl.Struct):
        return values.struct.json_encode()
    if values.dtype == pl.Object:
        return pl.Series(values.name, [None if v is None else str(v) for v in values], dtype=pl.String)
    if values.dtype == pl.Null:
        return values.cast(pl.String)
    return values.cast(pl.String, strict=False)


def separator(values: pl.Series) -> str:
    """The pattern between the levels of category paths, or nothing where they have one level."""
    sample = words(values.head(50_000)).drop_nulls()
    if not len(sample):
        return ""
    for pattern in _SEPARATORS:
        # A slash or a semicolon is also found inside names: it must stand in nearly all.
        needed = 0.9 if pattern in _IN_NAMES else 0.3
        if sample.str.contains(pattern).mean() >= needed:  # type: ignore[operator]
            return pattern
    return ""


def path(values: pl.Series, pattern: str) -> pl.Series:
    """Category paths, their levels separated by " > "."""
    out = words(values).str.replace(r'^\[\s*"?(.*?)"?\s*\]$', "$1").str.strip_chars("\"' ")
    if pattern:
        out = out.str.replace_all(rf"(\s*{pattern}\s*)+", SEPARATOR)
    return words(out.str.strip_chars("> "))


@dataclass(eq=False)
class Reading:
    """What was found about one source, and how its blocks are read.

    mapped : our name -> the source's columns. comma : by number column, whether commas are decimal. orders : by time
    column, day or month first. separator : between category levels. extras : by other column, its type.
    kinds : how often each name of a kind occurs. left_out : columns that are not read. prefix : of ids made from
    line numbers.
    """

    table: Table
    mapped: columns.Mapped
    schema: Mapping[str, pl.DataType]
    day_first: bool | None = None
    marks: dict[str, list[int]] = field(default_factory=dict)
    orders: dict[str, times.Order] = field(default_factory=dict)
    separator: str | None = None
    extras: dict[str, pl.DataType] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    left_out: set[str] = field(default_factory=set)
    prefix: str = ""

    @property
    def others(self) -> dict[str, str]:
        """Columns that are none of ours: theirs -> the name they get."""
        taken = {theirs for group in self.mapped.values() for theirs in group}
        taken |= self.left_out
        return {name: self._free(name) for name in self.table.columns if name not in taken}

    def _free(self, name: str) -> str:
        name = columns.without_type(name)
        return name if name not in self.schema and not name.startswith("__") else f"source {name}"

    def look(self, block: pl.DataFrame) -> None:
        """Take in the evidence of one block."""
        for ours, theirs in self.mapped.items():
            if theirs[0] not in block.columns:
                continue
            values = block[theirs[0]]
            dtype = self.schema.get(ours)
            if dtype == pl.Float64():
                marks = self.marks.setdefault(ours, [0, 0])
                comma, point = numbers.evidence(values)
                marks[0] += comma
                marks[1] += point
            elif isinstance(dtype, pl.Datetime):
                self.orders.setdefault(ours, times.Order()).look(values)
            elif ours == "category" and len(theirs) == 1 and self.separator is None:
                self.separator = separator(values)
            elif ours == "kind":
                counts = names(values).drop_nulls().value_counts()
                self.kinds.update(dict(zip(counts[values.name].to_list(), counts["count"].to_list(), strict=True)))

    def look_at_others(self, block: pl.DataFrame) -> None:
        """Take in the evidence for the types of the columns that are none of ours."""
        for theirs in self.others:
            if theirs not in block.columns:
                continue
            values = block[theirs]
            found: pl.DataType = values.dtype
            if values.dtype == pl.String and self.extras.get(theirs) != pl.String():
                found = _text_type(values)
            elif isinstance(values.dtype, (pl.Categorical, pl.Enum, pl.Object, pl.Null)):
                found = pl.String() if values.dtype != pl.Null else pl.Null()
            self.extras[theirs] = wider(self.extras.get(theirs, pl.Null()), found)

    def number(self, ours: str, frame: pl.DataFrame) -> pl.Series:
        """One of our number columns out of a raw block."""
        comma, point = self.marks.get(ours, [0, 0])
        return numbers.read(frame[self.mapped[ours][0]], comma > point).alias(ours)

    def moment(self, ours: str, frame: pl.DataFrame, lines: pl.Series) -> pl.Series:
        """One of our time columns out of a raw block."""
        theirs = self.mapped[ours][0]
        if theirs == columns.POSITION + "row":
            # The rows' order as seconds from 2000 on: all that is known, and all that next-product methods ask.
            return _in_order(lines).alias(ours)
        order = self.orders.get(ours, times.Order())
        return times.read(frame[theirs], order.day() if self.day_first is None else self.day_first).alias(ours)

    def category(self, frame: pl.DataFrame) -> pl.Series:
        """Category paths out of a raw block."""
        theirs = self.mapped["category"]
        if len(theirs) == 1:
            pattern = self.separator if self.separator is not None else separator(frame[theirs[0]])
            return path(frame[theirs[0]], pattern).alias("category")
        levels = pl.DataFrame([words(frame[level]).alias(str(i)) for i, level in enumerate(theirs)])
        joined = pl.concat_str(pl.all(), separator=SEPARATOR, ignore_nulls=True)
        return words(levels.select(joined.alias("category"))["category"])

    def ids(self, block: Block) -> pl.Series:
        """(n,) ids of products; of the lines, where so mapped, behind the file's name when there are several."""
        theirs = self.mapped["id"][0]
        if theirs != columns.POSITION + "row":
            return names(block.frame[theirs])
        lines = pl.Series("id", block.lines).cast(pl.String)
        return self.prefix + lines if self.prefix else lines

    def read(self, block: Block) -> pl.DataFrame:
        """A block in our columns; what cannot be read as number or moment is null."""
        frame, out = block.frame, []
        lines = pl.Series("line", block.lines)
        for ours, theirs in self.mapped.items():
            dtype = self.schema.get(ours)
            if ours == "category":
                out.append(self.category(frame))
            elif dtype == pl.Float64():
                out.append(self.number(ours, frame))
            elif isinstance(dtype, pl.Datetime):
                out.append(self.moment(ours, frame, lines))
            elif theirs[0] == columns.POSITION + "row":
                out.append(self.ids(block).alias(ours))
            elif ours in ("id", "shopper", "product", "session", "basket", "group"):
                out.append(names(frame[theirs[0]]).alias(ours))
            else:
                out.append(words(frame[theirs[0]]).alias(ours))
        return pl.DataFrame(out) if out else pl.DataFrame()

    def read_others(self, frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> list[pl.Series]:
        """The columns that are none of ours, in the types the whole source allows."""
        out = []
        for theirs, name in self.others.items():
            values, dtype = frame[theirs], types[name]
            if dtype == pl.String():
                out.append(words(values).alias(name))
            elif values.dtype == pl.String:
                text = words(values).str.strip_suffix(".0") if dtype == pl.Int64() else words(values)
                out.append(text.cast(dtype, strict=False).alias(name))
            else:
                out.append(values.cast(dtype, strict=False).alias(name))
        return out

    def chosen(self) -> dict[str, Any]:
        """What was found, for the report."""
        out: dict[str, Any] = {"file": self.table.name, **self.table.facts}
        out["columns"] = {ours: SEPARATOR.join(theirs) for ours, theirs in self.mapped.items()}
        decimal = {ours: "comma" for ours, (comma, point) in self.marks.items() if comma > point}
        if decimal:
            out["decimal"] = decimal
        if self.separator:
            out["levels"] = self.separator
        dates = {ours: order.said() for ours, order in self.orders.items() if order.said()}
        if dates:
            out["dates"] = dates
        return out


def _in_order(lines: pl.Series) -> pl.Series:
    micros = (lines.cast(pl.Int64) + 946_684_800) * 1_000_000
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("at")


def _text_type(values: pl.Series) -> pl.DataType:
    said = words(values).drop_nulls()
    if not len(said):
        return pl.Null()
    # A leading zero is part of a name, such as a barcode.
    if said.str.contains(_LEADING_ZERO).any():
        return pl.String()
    if said.str.contains(_INTEGER).all():  # whole numbers, also as 2011.0
        return pl.Int64()
    return pl.Float64() if said.str.contains(_DECIMAL).all() else pl.String()


def wider(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """The type that holds both; text where nothing else does."""
    if one == other or other == pl.Null():
        return one
    if one == pl.Null():
        return other
    if one.is_numeric() and other.is_numeric():
        return pl.Float64() if one.is_float() or other.is_float() else pl.Int64()
    return pl.String()


def of_products(table: Table, given: Mapping[str, str] | None, day_first: bool | None = None) -> Reading:
    """How a table of products is read. Raises DataError where it has no id or title."""
    mapped = columns.recognise(table.columns, columns.PRODUCT, given, table.name)
    if "title" not in mapped and "description" in mapped:
        mapped["title"] = mapped.pop("description")
    columns.check(mapped, ("id", "title"), table.columns, table.name)
    return Reading(table, mapped, PRODUCTS, day_first)


def of_changes(table: Table, given: Mapping[str, str] | None) -> Reading:
    """How a table of new and changed products is read; it needs an id alone. Raises DataError."""
    mapped = columns.recognise(table.columns, columns.PRODUCT, given, table.name)
    columns.check(mapped, ("id",), table.columns, table.name)
    return Reading(table, mapped, PRODUCTS)


def of_events(table: Table, given: Mapping[str, str] | None, day_first: bool | None = None) -> Reading:
    """How a table of events is read. Raises DataError where it has no shopper, product or time."""
    mapped = columns.recognise(table.columns, columns.EVENT, given, table.name)
    if "shopper" not in mapped:
        for stand_in in ("session", "basket"):
            if stand_in in mapped:
                mapped["shopper"] = mapped[stand_in]
                break
    columns.check(mapped, ("shopper", "product", "at"), table.columns, table.name)
    return Reading(table, mapped, EVENTS, day_first)


def needed(reading: Reading, fields: Sequence[str]) -> list[str]:
    """The source's columns behind some of ours, in the source's order."""
    wanted = {theirs for ours in fields for theirs in reading.mapped.get(ours, ())}
    return [name for name in reading.table.columns if name in wanted]
